"""The command line of serve.py and of the installed command: the commands, the options, and the text of --help.

The settings are described from their one table in settings.py; docs/operating.md shows the same descriptions.
"""

from __future__ import annotations

import argparse
import textwrap
from collections.abc import Iterator, Sequence
from typing import Any, Final, NamedTuple, NoReturn

from api import __version__
from api.installation import COMMAND, MIGRATIONS
from api.settings import SETTINGS
from api.value_files import SUFFIX

_WIDTH: Final = 100

_INTRODUCTION: Final = """\
Serves a multi-user task list over REST. Without any setting it listens on http://127.0.0.1:8000, stores
tasks in an embedded PostgreSQL under DATA_DIR and lets users register. The API reference is at /docs.
It serves until SIGTERM or Ctrl-C.
"""

_EXAMPLES: Final = """\
Examples:
  {command}
      on this machine alone, without any setting
  DATABASE_URL=postgresql://tasks:…@db.example.com/tasks BETTER_AUTH_SECRET=… HOST=0.0.0.0 {command}
      with your own PostgreSQL, and tokens signed with the secret of your auth server
  DATABASE_URL=… JWKS_URL=https://app.example.com/api/auth/jwks USERS_TABLE=user {command}
      with Better Auth and its jwt() plugin, in its database
  METRICS_PORT=9464 WORKERS=4 LOG_FORMAT=json {command}
      with Prometheus metrics, four processes and a log in JSON
  {command} users delete ada@example.com
      delete a user with all tasks, after a question

Sizing, backups, upgrades and alerts: docs/operating.md.
"""


class Command(NamedTuple):
    """A command of one or two words. An operand in brackets is a flag."""

    words: str
    operands: str
    meaning: str

    @property
    def usage(self) -> str:
        """The command as it is typed."""
        return f"{self.words} {self.operands}".rstrip()


COMMANDS: Final = (
    Command("check", "", "try the settings, the database, its schema, the secrets, JWKS_URL and Redis"),
    Command("migrate", "", "run the pending migrations, as a start does"),
    Command("migrations", "[--directory]", "list the migrations; --directory: print where they are, for pw_migrate"),
    Command("rollback", "", "undo the last migration; refused while that would delete data"),
    Command("users list", "", "a line a user: id, state, time of creation, e-mail, name"),
    Command("users disable", "USER", "let nobody log in to a local account, and renew no token"),
    Command("users enable", "USER", "undo that"),
    Command("users reset-password", "USER", "set a new random password, and print it"),
    Command("users export", "USER", "print everything that is stored of a user, as JSON"),
    Command("users delete", "USER [--yes]", "delete a user with all tasks; asks first, unless told --yes"),
)
"""What may follow the program's name. Without a command it serves."""


class UsageError(ValueError):
    """An unknown option or argument; the message is one line."""


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        """Raise UsageError, where argparse would print the usage and exit."""
        raise UsageError(f"{' '.join(message.split())}; --help lists the commands and options")


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    """The options `version` and `help`; the first word of the `command` or None; its `action` and operands.

    Raises UsageError.
    """
    options = _build_parser().parse_args(arguments)
    if options.command is not None and (options.check or options.help or options.version):
        raise UsageError("no option goes with a command; --help lists the commands and options")
    if options.check:
        options.command = "check"
    return options


def text_of(options: argparse.Namespace) -> str | None:
    """What the options ask for, if that needs no settings: the help, the version, or where the migrations are."""
    if options.help:
        return help_text().rstrip("\n")
    if options.version:
        return __version__
    return str(MIGRATIONS) if options.command == "migrations" and options.directory else None


def help_text() -> str:
    """The text of `--help`."""
    return _build_parser().format_help()


def _build_parser() -> argparse.ArgumentParser:
    head = "Settings, each an environment variable or a line of .env:"
    parser = _Parser(
        prog=COMMAND,
        usage="%(prog)s [COMMAND | --help | --version]",
        description=_INTRODUCTION,
        epilog="\n".join((*_list_commands(), "", head, *_list_settings(), "", _EXAMPLES.format(command=COMMAND))),
        formatter_class=lambda prog: argparse.RawDescriptionHelpFormatter(prog, width=_WIDTH),
        allow_abbrev=False,
        # serve.py prints the text: argparse ignores a closed pipe, and the interpreter then prints an error at exit.
        add_help=False,
    )
    options = parser.add_mutually_exclusive_group()
    options.add_argument("--check", action="store_true", help="the command check")
    options.add_argument("--version", action="store_true", help="print the version")
    options.add_argument("--help", "-h", action="store_true", help="print this text")
    _add_commands(parser)
    return parser


def _add_commands(parser: argparse.ArgumentParser) -> None:
    commands = parser.add_subparsers(dest="command", metavar="command", help=argparse.SUPPRESS)
    groups: dict[str, Any] = {}
    for command in COMMANDS:
        word, _, action = command.words.partition(" ")
        if action and word not in groups:
            group = commands.add_parser(word, add_help=False, allow_abbrev=False)
            groups[word] = group.add_subparsers(dest="action", required=True, metavar="action")
        within = groups[word] if action else commands
        added = within.add_parser(action or word, add_help=False, allow_abbrev=False)
        for operand in command.operands.split():
            if operand.startswith("["):
                added.add_argument(operand.strip("[]"), action="store_true")
            else:
                added.add_argument(operand.lower())


class SettingDescription(NamedTuple):
    """One setting, as text. `default` is empty if the setting has none."""

    name: str
    default: str
    meaning: str


def describe_settings() -> Iterator[SettingDescription]:
    """Describe every setting, in the order of `SETTINGS`."""
    for name, setting in SETTINGS.items():
        # The default of WORKERS depends on the machine. Its meaning says so.
        yield SettingDescription(name, "" if name == "WORKERS" else _show(setting.unset_value()), setting.help)


def _list_commands() -> Iterator[str]:
    yield "Commands; without one it serves. USER is an id or an e-mail."
    column = max(len(command.usage) for command in COMMANDS) + 4
    for command in COMMANDS:
        yield f"  {command.usage}".ljust(column) + command.meaning


def _list_settings() -> Iterator[str]:
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
