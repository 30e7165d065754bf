"""The account that runs the embedded server where the service runs as root, and what it may traverse."""

from __future__ import annotations

import contextlib
import logging
import os
import pwd
import stat
import subprocess
from pathlib import Path
from typing import Final

from api.postgres.programs import EmbeddedError

logger: Final = logging.getLogger(__name__)

ACCOUNT: Final = "embedded_postgres"
"""The account that runs the server if the service runs as root, because PostgreSQL refuses to."""


def find_account(directory: Path) -> tuple[int, int] | None:
    """The user and group to run the server as. None for those of this process, unless it is root."""
    if os.geteuid() != 0:
        return None
    with contextlib.suppress(FileNotFoundError):
        found = directory.stat()
        return found.st_uid, found.st_gid
    try:
        account = pwd.getpwnam(ACCOUNT)
    except KeyError:
        _add_account()
        account = pwd.getpwnam(ACCOUNT)
    return account.pw_uid, account.pw_gid


def name_of(user: int) -> str:
    """The name of a user for a message, also of one that has none."""
    try:
        return pwd.getpwuid(user).pw_name
    except KeyError:
        return f"user {user}"


def _add_account() -> None:
    logger.warning("adding the system account %s: PostgreSQL refuses to run as root", ACCOUNT)
    try:
        subprocess.run(["useradd", "--system", "--no-create-home", ACCOUNT], check=True, capture_output=True)  # noqa: S603, S607
    except (OSError, subprocess.CalledProcessError) as ex:
        raise EmbeddedError(
            f"PostgreSQL refuses to run as root, and the account {ACCOUNT} cannot be created: run as another user"
        ) from ex


def allow_traversal(path: Path, account: tuple[int, int]) -> None:
    """Let the server's account traverse the parent directories of `path`, but not list them."""
    for parent in path.parents:
        found = parent.stat()
        mode = stat.S_IMODE(found.st_mode)
        if not mode & _traversal_bit(found, account):
            logger.warning(
                "changing the mode of %s from %o to %o: PostgreSQL does not run as root, and its account must reach %s",
                *(parent, mode, mode | 0o001, path),
            )
            parent.chmod(mode | 0o001)


def _traversal_bit(directory: os.stat_result, account: tuple[int, int]) -> int:
    """The bit of the directory's mode that decides for this account."""
    user, group = account
    if directory.st_uid == user:
        return 0o100
    return 0o010 if directory.st_gid == group else 0o001
