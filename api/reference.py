"""The document at /openapi.json and the interactive reference at /docs, which shows it. All from memory.

The reference is a page of this project: scripts without a library write the document as HTML in the browser.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Final

import falcon
import orjson

from api.assets import Asset
from api.page_bundle import bundle_page
from api.page_headers import reference_headers
from api.pages import MAX_PREFIXES, STATIC, Files, HtmlFile, assets_of, read_texts

FOLDER: Final = STATIC / "reference"

SHARED: Final = ("base.css",)
"""The page's styles that the reference uses too."""

_PAGE_LINK: Final = '<a href="/">Back to the tasks</a> '


class ApiDocument:
    """GET returns the OpenAPI document, which is built at start."""

    auth_required = False

    def __init__(self, document: Mapping[str, Any]) -> None:
        self._document = document
        self._headers = reference_headers()
        self._below = lru_cache(MAX_PREFIXES)(self._write_prefix)
        self._below("")

    def on_get(self, req: falcon.Request, resp: falcon.Response) -> None:
        self._below(req.root_path).send(req, resp, self._headers)

    on_head = on_get

    def _write_prefix(self, prefix: str) -> Asset:
        """The document of a service below a prefix that a proxy strips."""
        servers = [{**server, "url": prefix or server["url"]} for server in self._document["servers"]]
        return Asset(orjson.dumps({**self._document, "servers": servers}), falcon.MEDIA_JSON)


def reference_routes(*, web_page: bool = True) -> list[tuple[str, object]]:
    """(URI template, resource) pairs. With `web_page` the reference has a link back to the page."""
    headers = reference_headers()
    shared = {name: (STATIC / name).read_text(encoding="utf-8") for name in SHARED}
    bundle = bundle_page((FOLDER / "index.html").read_text(encoding="utf-8"), {**shared, **read_texts(FOLDER)})
    if _PAGE_LINK not in bundle.html:
        raise ValueError(f"reference/index.html lacks {_PAGE_LINK}")
    html = bundle.html if web_page else bundle.html.replace(_PAGE_LINK, "")
    # Its own icon, because /static/ is not served without the page.
    icon = {"icon.svg": Asset.read(STATIC / "icon.svg")}
    files = Files({**icon, **assets_of(bundle.files)}, headers)
    return [("/docs", HtmlFile(html.encode(), headers)), ("/docs/{name}", files)]
