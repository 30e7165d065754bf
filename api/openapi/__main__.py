"""Prints the document of a service with default settings, which is docs/openapi.json."""

from __future__ import annotations

import json
import sys
from secrets import token_hex

from api.app import mount_formats, routes
from api.ignored_input import IgnoredInput
from api.openapi import build_document
from api.postgres.database import Database
from api.rate_limits import connect_storage
from api.resolved_settings import resolve_settings
from api.settings import load_settings
from api.tokens import Tokens
from api.users_table import UsersTable


def main() -> None:
    """Build the route table, without a connection or a token, and print its document."""
    users_table = UsersTable(exists=True, ours=True, uuid_ids=False)
    # The secret signs nothing.
    settings = resolve_settings(load_settings({"BETTER_AUTH_SECRET": token_hex(32)}), users_table)
    database = Database("postgresql://localhost/none", pool_size=1, statement_timeout=1)
    tokens = Tokens(settings.secrets, issuer=None, audience=None)
    storage = connect_storage(settings.rate_limit_storage)
    mounts = mount_formats(settings, IgnoredInput())
    document = build_document(routes(settings, database, users_table, tokens=tokens, storage=storage, mounts=mounts))
    json.dump(document, sys.stdout, indent=2, ensure_ascii=False)
    sys.stdout.write("\n")


if __name__ == "__main__":
    main()
