"""The value of a secret setting in a file: NAME_FILE names it, as container platforms mount secrets."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

SUFFIX: Final = "_FILE"

MAX_BYTES: Final = 65_536


def read_value(name: str, environ: Mapping[str, str]) -> str | None:
    """The text of the setting `name`, from its file if NAME_FILE is set; None if neither is set.

    White space around the content is not part of it. Raises ValueError, whose message goes after `name`.
    """
    text, path = environ.get(name), environ.get(name + SUFFIX, "").strip()
    if not path:
        return text
    if text is not None and text.strip():
        raise ValueError(f"and {name}{SUFFIX} are both set; unset one")
    try:
        with open(path, "rb") as file:
            content = file.read(MAX_BYTES + 1)
        value = content.decode().strip()
    except OSError as ex:
        raise ValueError(f"cannot be read from {path} ({name}{SUFFIX}): {ex.strerror}") from None
    except UnicodeDecodeError:
        raise ValueError(f"cannot be read from {path} ({name}{SUFFIX}): not text in UTF-8") from None
    if not value or len(content) > MAX_BYTES:
        raise ValueError(f"cannot be read from {path} ({name}{SUFFIX}): it is empty, or too large")
    return value
