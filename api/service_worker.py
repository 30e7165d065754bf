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

from api.assets import Asset

WORKER_FILE: Final = "service-worker.js"
"""Beside the page: a worker controls what is below its own path."""

KEPT: Final = (".css", ".js", ".svg")
"""Suffixes of the files that the page needs offline. Icons for a home screen are kept by the system."""


def write_worker(folder: Path, html: bytes, files: Mapping[str, Asset]) -> bytes:
    """The script. The digest of the HTML is not in it, because HTML below a prefix differs; its version is."""
    version = html.partition(b'data-version="')[2].partition(b'"')[0].decode()
    digests = {f"static/{name}": _integrity(asset) for name, asset in files.items() if name.endswith(KEPT)}
    shell = orjson.dumps({"version": version, "files": digests}).decode()
    source = (folder / "worker" / WORKER_FILE).read_text(encoding="utf-8")
    return f"const SHELL = {shell};\n\n{source}".encode()


def _integrity(asset: Asset) -> str:
    """The digest in the form of Subresource Integrity."""
    return f"sha256-{base64.b64encode(hashlib.sha256(asset.plain.body).digest()).decode()}"
