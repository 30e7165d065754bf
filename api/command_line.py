"""What may follow `python serve.py`, and what its `--help` says. Nothing is done here.

The settings are described from their one table in settings.py; docs/operating.md shows the same descriptions.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence
from enum import Enum
from typing import Any, Final, NamedTuple

from api.settings import SETTINGS

_WIDTH: Final = 100

_INTRODUCTION: Final = """\
usage: python serve.py [--check | --help]

Serves a multi-user task list over REST. Without any setting it listens on http://127.0.0.1:8000, keeps its
tasks in an embedded PostgreSQL under ./data and lets people register; /docs there is the API's reference.

  (no option)  serve until SIGTERM or Ctrl-C
  --check      try the settings, the database, its schema, the secrets, JWKS_URL and Redis, say in a line each
               what was found, and end with status 0 if all is well
  --help       this text
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


class Command(Enum):
    """What the caller wants."""

    SERVE = "serve"
    CHECK = "check"
    HELP = "help"


_OPTIONS: Final = {"--check": Command.CHECK, "--help": Command.HELP, "-h": Command.HELP}


class UsageError(ValueError):
    """An option that there is not; the message is one line."""


def parse(arguments: Sequence[str]) -> Command:
    """The command that the arguments after `serve.py` ask for. Raises UsageError."""
    for argument in arguments:
        if argument not in _OPTIONS:
            raise UsageError(f"there is no option {argument!r}; python serve.py --help tells which there are")
    if len(arguments) > 1:
        raise UsageError("one option at a time")
    return _OPTIONS[arguments[0]] if arguments else Command.SERVE


class Described(NamedTuple):
    """A setting in words; `default` is empty where there is none."""

    name: str
    default: str
    meaning: str


def describe_settings() -> Iterator[Described]:
    """Every setting, in the order of its table."""
    for name, setting in SETTINGS.items():
        # The default of WORKERS is the machine's, and its meaning says so.
        yield Described(name, "" if name == "WORKERS" else _show(setting.default), setting.help)


def help_text() -> str:
    """All of `--help`."""
    return "\n".join(
        (_INTRODUCTION, "Settings, each an environment variable or a line of .env:", *_list(), "", _EXAMPLES)
    )


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
