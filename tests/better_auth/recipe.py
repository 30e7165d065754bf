"""The code blocks of docs/better-auth.md, in order, by language."""

from __future__ import annotations

import io
import re

from dotenv import dotenv_values

from tests.support.processes import PROJECT
from tests.support.signing import SECRET

_PLACEHOLDER = "at-least-32-bytes-from-openssl-rand-hex-32"
"""The document's secret of both servers. The service rejects it, as it rejects every secret of a document."""

_BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_BLOCKS = _BLOCK.findall((PROJECT / "docs" / "better-auth.md").read_text(encoding="utf-8"))

JS: list[str] = [code for language, code in _BLOCKS if language == "js"]
ROTATE, REMOVE_KEYS, MOVE_USERS = (code for language, code in _BLOCKS if language == "sql")
SERVICE, AUTH_SERVER, AUTH_SERVER_HS256, SERVICE_HS256, SERVICE_BOTH = (
    {name: str(value).replace(_PLACEHOLDER, SECRET) for name, value in dotenv_values(stream=io.StringIO(code)).items()}
    for language, code in _BLOCKS
    if language == "ini"
)
LANGUAGES = {language for language, _ in _BLOCKS}
