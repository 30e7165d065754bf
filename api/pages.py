"""The web page: its HTML at `/`; its style, scripts and icons under `/static/`.

The files in `api/static/` are read at start, so a name from a URL never reaches the file system. The page calls the
public API like any other client. `/docs` is in reference.py.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Final

import falcon

from api.assets import CONTENT_TYPES, Asset
from api.page_headers import page_headers

STATIC: Final = Path(__file__).parent / "static"

MAX_PREFIXES: Final = 8
"""How many prefixes an HTML file is kept for. Only a trusted proxy can name one."""

_MODULES: Final = b"  <!-- preloaded modules -->\n"
_IMPORT: Final = re.compile(
    r'^(?:import|export)\b[^;]*? from "\./([\w-]+\.js)";$|^import "\./([\w-]+\.js)";$', re.MULTILINE
)
_ACCOUNTS_ON: Final = b'data-local-accounts="true"'
_API_ROOT: Final = b'data-api-root=""'
_ACCOUNTS_OFF: Final = b'data-local-accounts="false"'


class HtmlFile:
    """A resource of one HTML file, whose URLs are paths. Below a prefix that a proxy strips they begin with it."""

    auth_required = False

    def __init__(self, html: bytes, headers: Mapping[str, str]) -> None:
        self._html = html
        self._headers = headers
        self._below = lru_cache(MAX_PREFIXES)(self._write_prefix)
        self._below("")

    def on_get(self, req: falcon.Request, resp: falcon.Response) -> None:
        self._below(req.root_path).send(req, resp, self._headers)

    on_head = on_get

    def _write_prefix(self, prefix: str) -> Asset:
        return Asset(self._html.replace(b'="/', f'="{prefix}/'.encode()), CONTENT_TYPES[".html"])


class Files:
    """Style, scripts and icons, by name. Any other name is 404."""

    auth_required = False

    def __init__(self, assets: Mapping[str, Asset], headers: Mapping[str, str]) -> None:
        self._assets = assets
        self._headers = headers

    def on_get(self, req: falcon.Request, resp: falcon.Response, name: str) -> None:
        asset = self._assets.get(name)
        if asset is None:
            raise falcon.HTTPNotFound
        asset.send(req, resp, self._headers)

    on_head = on_get


def page_routes(*, local_accounts: bool, api_root: str = "") -> list[tuple[str, object]]:
    """(URI template, resource) pairs. With `local_accounts` the page offers to register and log in.

    The page finds the canonical contract under `api_root`.
    """
    headers = page_headers()
    html = (STATIC / "index.html").read_bytes()
    if _ACCOUNTS_ON not in html:
        raise ValueError(f"index.html lacks the attribute {_ACCOUNTS_ON.decode()}")
    html = html.replace(_MODULES, "".join(map(_preload_link, _modules_of("app.js"))).encode(), 1)
    html = html.replace(_API_ROOT, f'data-api-root="{api_root}"'.encode(), 1)
    if not local_accounts:
        html = html.replace(_ACCOUNTS_ON, _ACCOUNTS_OFF, 1)
    return [("/", HtmlFile(html, headers)), ("/static/{name}", Files(read_folder(STATIC), headers))]


def read_folder(folder: Path) -> dict[str, Asset]:
    """The files of a folder by name, without its HTML, which has its own path, and without its subfolders."""
    paths = (path for path in sorted(folder.iterdir()) if path.suffix in CONTENT_TYPES and path.suffix != ".html")
    return {path.name: Asset.read(path) for path in paths}


def _modules_of(entry_point: str) -> list[str]:
    """The modules that the entry point imports, directly or not. Without preloading each level costs a round trip."""
    found: set[str] = set()
    unread = [entry_point]
    while unread:
        imports = {a or b for a, b in _IMPORT.findall((STATIC / unread.pop()).read_text(encoding="utf-8"))}
        unread.extend(imports - found)
        found |= imports
    return sorted(found)


def _preload_link(name: str) -> str:
    return f'  <link rel="modulepreload" href="/static/{name}">\n'
