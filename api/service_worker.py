"""Writes the page's service worker, which opens the page while the service cannot be reached.

The worker itself is `api/static/worker/`. Its first line, written here, names the files of the page with their digests:
it changes with any of them, and a browser then installs the new worker.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import orjson

WORKER_FILE: Final = "service-worker.js"
"""Beside the page: a worker controls what is below its own path."""


def write_worker(folder: Path, version: str, files: Mapping[str, bytes]) -> bytes:
    """The script. It finds `version` in the HTML, whose digest it cannot know: below a prefix the HTML differs."""
    shell = {"version": version, "files": {f"static/{name}": _integrity(body) for name, body in sorted(files.items())}}
    source = (folder / "worker" / WORKER_FILE).read_text(encoding="utf-8")
    return f"const SHELL = {orjson.dumps(shell).decode()};\n\n{source}".encode()


def _integrity(body: bytes) -> str:
    """The digest in the form of Subresource Integrity."""
    return f"sha256-{base64.b64encode(hashlib.sha256(body).digest()).decode()}"
