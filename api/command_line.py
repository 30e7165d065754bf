"""The command line of serve.py: its options, its commands, and the text of --help.

The settings are described from their one table in settings.py; docs/operating.md shows the same descriptions.
"""

from __future__ import annotations

import argparse
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple, NoReturn

from api.settings import SETTINGS
from api.value_files import SUFFIX

_WIDTH: Final = 100

_INTRODUCTION: Final = """\
Serves a multi-user task list over REST. Without any setting it listens on http://127.0.0.1:8000, stores
tasks in an embedded PostgreSQL under ./data and lets users register. The API reference is at /docs.
It serves until SIGTERM or Ctrl-C.
"""

_EXAMPLES: Final = """\
Examples:
  python serve.py
      on this machine alone, without any setting
  DATABASE_URL=postgresql://tasks:…@db.example.com/tasks BETTER_AUTH_SECRET=… HOST=0.0.0.0 python serve.py
      with your own PostgreSQL, and tokens signed with the secret of your auth server
  DATABASE_URL=… JWKS_URL=https://app.example.com/api/auth/jwks USERS_TABLE=user python serve.py
      with Better Auth and its jwt() plugin, in its database
  METRICS_PORT=9464 WORKERS=4 LOG_FORMAT=json python serve.py
      with Prometheus metrics, four processes and a log in JSON
  python serve.py users delete ada@example.com
      delete a user with all tasks, after a question

Sizing, backups, upgrades and alerts: docs/operating.md.
"""


USER_ACTIONS: Final[Mapping[str, str]] = {
    "list": "a line a user: id, state, time of creation, e-mail, name",
    "disable": "let nobody log in to a local account, and renew no token",
    "enable": "undo that",
    "reset-password": "set a new random password, and print it",
    "export": "print everything that is stored of a user, as JSON",
    "delete": "delete a user with all tasks; asks first, unless told --yes",
}
"""What follows `python serve.py users`. All but `list` take an id or an e-mail."""


class UsageError(ValueError):
    """An unknown option or argument; the message is one line."""


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise UsageError(f"{' '.join(message.split())}; python serve.py --help lists the options")


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    """The options `check` and `help`, each True or False; the `command`, `users` or None, and its `action`.

    Raises UsageError.
    """
    options = _build_parser().parse_args(arguments)
    if options.command is not None and (options.check or options.help):
        raise UsageError("no option goes with a command; python serve.py --help lists the options")
    return options


def help_text() -> str:
    """The text of `--help`."""
    return _build_parser().format_help()


def _build_parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="python serve.py",
        usage="%(prog)s [--check | --help]\n       %(prog)s users ACTION [USER]",
        description=_INTRODUCTION,
        epilog="\n".join(
            (*_list_actions(), "", "Settings, each an environment variable or a line of .env:", *_list(), "", _EXAMPLES)
        ),
        formatter_class=lambda prog: argparse.RawDescriptionHelpFormatter(prog, width=_WIDTH),
        allow_abbrev=False,
        # serve.py prints the text: argparse ignores a closed pipe, and the interpreter then prints an error at exit.
        add_help=False,
    )
    options = parser.add_mutually_exclusive_group()
    options.add_argument(
        "--check",
        action="store_true",
        help="try the settings, the database, its schema, the secrets, JWKS_URL and Redis, print a line about each, "
        "and exit with status 0 if all are ok",
    )
    options.add_argument("--help", "-h", action="store_true", help="print this text")
    commands = parser.add_subparsers(dest="command", metavar="command", help=argparse.SUPPRESS)
    actions = commands.add_parser("users", add_help=False, allow_abbrev=False).add_subparsers(
        dest="action", required=True, metavar="action"
    )
    for name in USER_ACTIONS:
        action = actions.add_parser(name, add_help=False, allow_abbrev=False)
        if name != "list":
            action.add_argument("user")
        if name == "delete":
            action.add_argument("--yes", action="store_true")
    return parser


class SettingDescription(NamedTuple):
    """One setting, as text. `default` is empty if the setting has none."""

    name: str
    default: str
    meaning: str


def describe_settings() -> Iterator[SettingDescription]:
    """Describe every setting, in the order of `SETTINGS`."""
    for name, setting in SETTINGS.items():
        # The default of WORKERS depends on the machine. Its meaning says so.
        yield SettingDescription(name, "" if name == "WORKERS" else _show(setting.default), setting.help)


def _list_actions() -> Iterator[str]:
    yield "Commands; USER is an id or an e-mail:"
    for name, meaning in USER_ACTIONS.items():
        yield f"  users {name}{'' if name == 'list' else ' USER'}".ljust(30) + meaning


def _list() -> Iterator[str]:
    column = max(map(len, SETTINGS)) + 4
    for name, default, meaning in describe_settings():
        text = f"{meaning} [{default}]" if default else meaning
        lines = textwrap.wrap(text, _WIDTH - column)
        yield f"  {name}".ljust(column) + lines[0]
        yield from (" " * column + line for line in lines[1:])
    yield ""
    names = ", ".join(name for name, setting in SETTINGS.items() if setting.secret)
    yield from textwrap.wrap(f"{names} may also stand in a file, which the name with {SUFFIX} names.", _WIDTH)


def _show(default: Any) -> str:
    if default is None:
        return ""
    if isinstance(default, bool):
        return "on" if default else "off"
    if isinstance(default, tuple):
        return ",".join(map(str, default))
    if isinstance(default, float):
        return f"{default:g}"
    return str(default)
