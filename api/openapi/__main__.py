"""Prints the document of a service with default settings, which is docs/openapi.json."""

from __future__ import annotations

import json
import sys
from secrets import token_hex

from api.app import routes
from api.openapi import build_document
from api.postgres.database import Database
from api.rate_limits import connect_storage
from api.resolved_settings import resolve_settings
from api.settings import load_settings
from api.tokens import Tokens
from api.users_table import UsersTable


def main() -> None:
    """Build the route table, without a connection or a token, and print its document."""
    # The secret signs nothing.
    settings = load_settings({"BETTER_AUTH_SECRET": token_hex(32)})
    settings = resolve_settings(settings, UsersTable(exists=True, ours=True, uuid_ids=False))
    database = Database("postgresql://localhost/none", pool_size=1, statement_timeout=1)
    tokens = Tokens(settings.secrets, issuer=None, audience=None)
    storage = connect_storage(settings.rate_limit_storage)
    document = build_document(routes(settings, database, tokens, storage))
    json.dump(document, sys.stdout, indent=2, ensure_ascii=False)
    sys.stdout.write("\n")


if __name__ == "__main__":
    main()
