"""The command line of serve.py: its options, and the text of --help.

The settings are described from their one table in settings.py; docs/operating.md shows the same descriptions.
"""

from __future__ import annotations

import argparse
import textwrap
from collections.abc import Iterator, Sequence
from typing import Any, Final, NamedTuple, NoReturn

from api.settings import SETTINGS

_WIDTH: Final = 100

_INTRODUCTION: Final = """\
Serves a multi-user task list over REST. Without any setting it listens on http://127.0.0.1:8000, keeps its
tasks in an embedded PostgreSQL under ./data and lets people register; /docs there is the API's reference.
It serves until SIGTERM or Ctrl-C.
"""

_EXAMPLES: Final = """\
Examples:
  python serve.py
      on this machine alone, nothing to set up
  DATABASE_URL=postgresql://tasks:…@db.example.com/tasks BETTER_AUTH_SECRET=… HOST=0.0.0.0 python serve.py
      on a PostgreSQL of your own, tokens signed with the secret that your auth server has too
  DATABASE_URL=… JWKS_URL=https://app.example.com/api/auth/jwks USERS_TABLE=user python serve.py
      beside Better Auth with its jwt() plugin, in its database
  METRICS_PORT=9464 WORKERS=4 LOG_FORMAT=json python serve.py
      with Prometheus metrics, four processes, and a log for machines

Sizing, backups, upgrades and alerts: docs/operating.md.
"""


class UsageError(ValueError):
    """An unknown option or argument; the message is one line."""


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise UsageError(f"{' '.join(message.split())}; python serve.py --help lists the options")


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    """The options `check` and `help`, each True or False. Raises UsageError."""
    return _build_parser().parse_args(arguments)


def help_text() -> str:
    """All of `--help`."""
    return _build_parser().format_help()


def _build_parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="python serve.py",
        description=_INTRODUCTION,
        epilog="\n".join(("Settings, each an environment variable or a line of .env:", *_list(), "", _EXAMPLES)),
        formatter_class=lambda prog: argparse.RawDescriptionHelpFormatter(prog, width=_WIDTH),
        allow_abbrev=False,
        # serve.py prints the text: argparse would ignore that its reader is gone, and complain at exit.
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
    return parser


class Described(NamedTuple):
    """A setting in words; `default` is empty if the setting has none."""

    name: str
    default: str
    meaning: str


def describe_settings() -> Iterator[Described]:
    """Every setting, in the order of its table."""
    for name, setting in SETTINGS.items():
        # The default of WORKERS is the machine's, and its meaning says so.
        yield Described(name, "" if name == "WORKERS" else _show(setting.default), setting.help)


def _list() -> Iterator[str]:
    column = max(map(len, SETTINGS)) + 4
    for name, default, meaning in describe_settings():
        text = f"{meaning} [{default}]" if default else meaning
        lines = textwrap.wrap(text, _WIDTH - column)
        yield f"  {name}".ljust(column) + lines[0]
        yield from (" " * column + line for line in lines[1:])


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
