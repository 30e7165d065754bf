"""The commands `users …`, for an operator. The results go to standard output, the rest to standard error.

It works on the database of the settings, beside running instances; with the embedded PostgreSQL, also without one.
"""

from __future__ import annotations

import argparse
import json
import secrets
import sys
from collections.abc import Callable, Mapping
from typing import Final

from api import user_administration
from api.migrate import pending
from api.password_hasher import PasswordHasher
from api.postgres.database import PATIENT_CHECK_OUT, Database
from api.postgres.errors import DatabaseUnavailable
from api.prepared_database import find_database_url
from api.settings import Settings
from api.user_administration import UserRecord
from api.users_table import read_users_table

STATEMENT_TIMEOUT: Final = 60.0
"""Seconds. Nobody else waits for these statements."""


class CommandFailed(Exception):
    """The command did nothing, or not all. The message is one line that says what to do."""


def run_user_command(options: argparse.Namespace, settings: Settings) -> int:
    """Run the command that the options name, and return the exit status.

    Raises CommandFailed, SettingsError or EmbeddedError.
    """
    try:
        database = Database(
            find_database_url(settings),
            pool_size=1,
            statement_timeout=STATEMENT_TIMEOUT,
            check_out_timeout=PATIENT_CHECK_OUT,
        )
        try:
            _check_schema(database, settings)
            if options.action == "list":
                _list(database)
            else:
                _ACTIONS[options.action](database, _find(database, options.user), options, settings)
        finally:
            database.close()
    except DatabaseUnavailable as ex:
        raise CommandFailed(
            f"the database does not respond ({ex.kind}); check it and DATABASE_URL, and run the command again"
        ) from ex
    return 0


def _check_schema(database: Database, settings: Settings) -> None:
    if missing := pending(database):
        raise CommandFailed(f"the schema lacks {', '.join(missing)}; start this version of the service first")
    if not read_users_table(database, settings.users_table).ours:
        raise CommandFailed(f"the table {settings.users_table} is another program's; manage its users there")


def _find(database: Database, id_or_email: str) -> UserRecord:
    found = user_administration.find_users(database, id_or_email)
    if not found:
        raise CommandFailed(f"no user {_printable(id_or_email)}; `users list` shows all")
    if len(found) > 1:
        ids = ", ".join(_printable(each.user_id) for each in found)
        raise CommandFailed(f"{len(found)} users have this e-mail; name one by its id: {ids}")
    return found[0]


def _list(database: Database) -> None:
    for user in user_administration.list_users(database):
        state = "disabled" if user.disabled_at else "local" if user.is_local else "provisioned"
        print(*map(_printable, (user.user_id, state, user.created_at, user.email or "", user.name or "")), sep="\t")


def _disable(database: Database, user: UserRecord, options: argparse.Namespace, settings: Settings) -> None:
    _require_local(user)
    user_administration.disable(database, user.user_id)
    _say(
        "disabled: log-ins, renewals, and calls that find nothing are 401 from now on; a token that is out still "
        f"reaches the user's tasks until it expires, at most {settings.token_ttl} s from now (TOKEN_TTL)"
    )


def _enable(database: Database, user: UserRecord, options: argparse.Namespace, settings: Settings) -> None:
    _require_local(user)
    user_administration.enable(database, user.user_id)
    _say("enabled: the user has to log in; tokens from before are not renewed")


def _reset_password(database: Database, user: UserRecord, options: argparse.Namespace, settings: Settings) -> None:
    _require_local(user)
    password = secrets.token_urlsafe(15)
    hashed = PasswordHasher(settings.bcrypt_cost, threads=1).hash(password)
    user_administration.set_password(database, user.user_id, hashed)
    print(password)
    _say(
        "reset: this is the new password, shown only now; the old one is void, no token from before is renewed, and "
        f"the last one expires at most {settings.token_ttl} s from now (TOKEN_TTL)"
    )


def _export(database: Database, user: UserRecord, options: argparse.Namespace, settings: Settings) -> None:
    head = json.dumps(user_administration.export(database, user), ensure_ascii=False, indent=1)
    # Tasks are written as they are read: a user may have any number.
    sys.stdout.write(head.removesuffix("\n}") + ',\n "tasks": [')
    separator = "\n"
    for task in user_administration.export_tasks(database, user.user_id):
        sys.stdout.write(f"{separator}  {json.dumps(task, ensure_ascii=False)}")
        separator = ",\n"
    sys.stdout.write("\n ]\n}\n")


def _delete(database: Database, user: UserRecord, options: argparse.Namespace, settings: Settings) -> None:
    number = user_administration.count_tasks(database, user.user_id)
    what = f"{_printable(user.email or user.user_id)} (id {_printable(user.user_id)}) with {number} tasks"
    if not options.yes and not _confirms(f"Delete {what}, for good? [y/N] "):
        raise CommandFailed("nothing was deleted")
    user_administration.delete(database, user.user_id)
    if user.is_local:
        _say(f"deleted {what}; tokens that are out are void from now on")
    else:
        _say(f"deleted {what}; a token of the auth server makes the user anew: delete the user there too")


def _confirms(question: str) -> bool:
    print(question, end="", file=sys.stderr, flush=True)
    return sys.stdin.readline().strip().lower() in ("y", "yes")


def _require_local(user: UserRecord) -> None:
    if not user.is_local:
        raise CommandFailed("this user has no password here; disable the user at the auth server that knows it")


def _say(message: str) -> None:
    print(message, file=sys.stderr)


def _printable(text: str) -> str:
    """Text that moves no cursor and colours nothing."""
    return "".join(each if each.isprintable() else f"\\u{ord(each):04x}" for each in text)


_Action = Callable[[Database, UserRecord, argparse.Namespace, Settings], None]

_ACTIONS: Final[Mapping[str, _Action]] = {
    "disable": _disable,
    "enable": _enable,
    "reset-password": _reset_password,
    "export": _export,
    "delete": _delete,
}
