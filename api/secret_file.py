"""The secret that is made once for the embedded database and kept beside it. No tokens."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

from api.settings import MIN_SECRET_BYTES


def keep_secret(path: Path) -> str:
    """The secret in the file, made on the first call; the file is its owner's alone. Raises OSError.

    Two processes at once agree on one: the file appears under its name whole, and only the first does.
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
            f"{path} holds no secret of {MIN_SECRET_BYTES} bytes or more: restore it, or delete it to have one made"
        )
    return secret
