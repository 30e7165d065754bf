"""The secret of a service with the embedded database: generated once, and stored beside the database."""

from __future__ import annotations

import os
import secrets
import stat
from pathlib import Path
from typing import Final

from api.secret_strength import find_weakness
from api.setting_values import MIN_SECRET_BYTES

_MOST_BYTES: Final = 4096


def load_or_create_secret(path: Path) -> str:
    """Return the secret in the file. The first call creates the file, readable only by its owner. Raises OSError.

    Processes that start at once get the same secret: the file is linked to its name when complete, and only the first
    link succeeds.
    """
    if not os.path.lexists(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
        try:
            with os.fdopen(descriptor, "w", encoding="ascii") as file:
                file.write(secrets.token_hex(MIN_SECRET_BYTES))
                file.flush()
                os.fsync(descriptor)
            os.link(draft, path)
        except FileExistsError:
            pass
        finally:
            draft.unlink()
    return read_secret(path)


def read_secret(path: Path) -> str:
    """Return the secret in the file. Raises OSError if others could have read or written it, or if it is weak."""
    try:
        secret = _read_private(path).decode("ascii").strip()
    except UnicodeDecodeError:
        secret = ""
    if len(secret) < MIN_SECRET_BYTES:
        raise OSError(
            f"{path} holds no secret of {MIN_SECRET_BYTES} bytes or more: restore it, or delete it to get a new one"
        )
    if weakness := find_weakness(secret):
        raise OSError(f"{path}: the secret {weakness}, or delete the file to get a new one")
    return secret


def _read_private(path: Path) -> bytes:
    if path.is_symlink():
        raise OSError(f"{path} is a symbolic link: put the secret itself there")
    # Without O_NONBLOCK a pipe would be waited for.
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    try:
        state = os.fstat(descriptor)
        if not stat.S_ISREG(state.st_mode):
            raise OSError(f"{path} is not a file")
        if state.st_uid not in {os.geteuid(), 0}:
            raise OSError(f"{path} belongs to another user, who can read it: delete it to get a new one")
        if state.st_mode & 0o077:
            raise OSError(f"{path} is open to other users: chmod 600 {path}, or delete it if they may have read it")
        return os.read(descriptor, _MOST_BYTES)
    finally:
        os.close(descriptor)
