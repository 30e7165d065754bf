"""The web page: its HTML at `/`, its service worker, and its style, scripts and icons under `/static/`.

The files in `api/static/` are read at start, so a name from a URL never reaches the file system. The page calls the
public API like any other client. `/docs` is in reference.py.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Final

import falcon

from api.assets import CONTENT_TYPES, Asset
from api.page_bundle import bundle_page, lazy_modules
from api.page_headers import page_headers
from api.page_html import PageOptions, write_page
from api.service_worker import WORKER_FILE, write_worker

STATIC: Final = Path(__file__).parent / "static"

ENTRY_POINT: Final = "app.js"

MAX_PREFIXES: Final = 8
"""How many prefixes an HTML file is kept for. Only a trusted proxy can name one."""


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


class File:
    """A resource of one file."""

    auth_required = False

    def __init__(self, asset: Asset, headers: Mapping[str, str]) -> None:
        self._asset = asset
        self._headers = headers

    def on_get(self, req: falcon.Request, resp: falcon.Response) -> None:
        self._asset.send(req, resp, self._headers)

    on_head = on_get


def page_routes(options: PageOptions) -> list[tuple[str, object]]:
    """(URI template, resource) pairs."""
    headers = page_headers(options.token_url)
    files = read_folder(STATIC)
    texts = read_texts(STATIC)
    bundle = bundle_page((STATIC / "index.html").read_text(encoding="utf-8"), texts)
    singly = {"icon.svg", *lazy_modules(ENTRY_POINT, texts)}
    needed = {**bundle.files, **{name: files[name].plain.body for name in singly}}
    html, version = write_page(bundle.html, needed, options)
    worker = Asset(write_worker(STATIC, version, needed), CONTENT_TYPES[".js"])
    return [
        ("/", HtmlFile(html.encode(), headers)),
        (f"/{WORKER_FILE}", File(worker, headers)),
        ("/static/{name}", Files({**files, **assets_of(bundle.files)}, headers)),
    ]


def read_folder(folder: Path) -> dict[str, Asset]:
    """The files of a folder by name, without its HTML, which has its own path, and without its subfolders."""
    paths = (path for path in sorted(folder.iterdir()) if path.suffix in CONTENT_TYPES and path.suffix != ".html")
    return {path.name: Asset.read(path) for path in paths}


def read_texts(folder: Path) -> dict[str, str]:
    """The scripts and styles of a folder by name."""
    return {path.name: path.read_text(encoding="utf-8") for path in folder.iterdir() if path.suffix in (".js", ".css")}


def assets_of(files: Mapping[str, bytes]) -> dict[str, Asset]:
    """Files that are not on disk."""
    return {name: Asset(body, CONTENT_TYPES[Path(name).suffix]) for name, body in files.items()}
