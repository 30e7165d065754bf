"""The secret of a service with the embedded database: generated once, and stored beside the database."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

from api.settings import MIN_SECRET_BYTES


def load_or_create_secret(path: Path) -> str:
    """Return the secret in the file. The first call creates the file, readable only by its owner. Raises OSError.

    Processes that start at once get the same secret: the file is linked to its name when complete, and only the first
    link succeeds.
    """
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        draft = path.with_name(f".{path.name}.{os.getpid()}")
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(secrets.token_hex(MIN_SECRET_BYTES))
        try:
            os.link(draft, path)
        except FileExistsError:
            pass
        finally:
            draft.unlink()
    secret = path.read_text(encoding="ascii").strip()
    if len(secret) < MIN_SECRET_BYTES:
        raise OSError(
            f"{path} holds no secret of {MIN_SECRET_BYTES} bytes or more: restore it, or delete it to get a new one"
        )
    return secret
