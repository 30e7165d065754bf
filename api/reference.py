"""The document at /openapi.json and the interactive reference at /docs, all from memory.

The reference is Swagger UI from the package offapi, so nothing on the page comes from another host. It shows
/openapi.json.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

import falcon
import orjson

from api.pages import CONTENT_TYPES, SECURITY_HEADERS, STATIC, Asset

FOLDER: Final = STATIC / "reference"
INDEX: Final = "index.html"

SWAGGER_UI: Final[Mapping[str, str]] = {
    "swagger-ui-bundle.js": "swagger_bundle.js",
    "swagger-ui.css": "swagger_style.css",
}
"""Names of files on the page, and in offapi."""

# Swagger UI creates markup from strings, so it cannot run with Trusted Types. Its icons are data URLs.
_POLICY: Final = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data:",
        "connect-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    )
)
REFERENCE_HEADERS: Final[Mapping[str, str]] = {**SECURITY_HEADERS, "Content-Security-Policy": _POLICY}


class ApiDocument:
    """GET returns the OpenAPI document, which is built at start."""

    auth_required = False

    def __init__(self, document: Mapping[str, Any]) -> None:
        self._document = document
        self._asset = Asset.of(orjson.dumps(document), falcon.MEDIA_JSON)

    def on_get(self, req: falcon.Request, resp: falcon.Response) -> None:
        asset = self._below(req.root_path) if req.root_path else self._asset
        asset.send(req, resp)

    def _below(self, prefix: str) -> Asset:
        """The document of a service below a prefix that a proxy strips."""
        servers = [{**server, "url": prefix} for server in self._document["servers"]]
        return Asset.of(orjson.dumps({**self._document, "servers": servers}), falcon.MEDIA_JSON)

    on_head = on_get


class Reference:
    """GET returns the reference page, or one of its files by name."""

    auth_required = False

    def __init__(self) -> None:
        self._assets = {
            name: Asset.of(path.read_bytes(), CONTENT_TYPES[path.suffix]) for name, path in _files().items()
        }

    def on_get(self, req: falcon.Request, resp: falcon.Response, name: str = INDEX) -> None:
        asset = self._assets.get(name)
        if asset is None:
            raise falcon.HTTPNotFound
        if name == INDEX:
            asset = asset.below(req.root_path)
        asset.send(req, resp)
        resp.set_headers(dict(REFERENCE_HEADERS))

    on_head = on_get


def reference_routes() -> list[tuple[str, object]]:
    """(URI template, resource) pairs."""
    reference = Reference()
    return [("/docs", reference), ("/docs/{name}", reference)]


def _files() -> dict[str, Path]:
    # The package is not imported, because it reads all its files into memory.
    spec = find_spec("offapi")
    assert spec is not None
    assert spec.origin is not None
    swagger_ui = {name: Path(spec.origin).with_name(file) for name, file in SWAGGER_UI.items()}
    own = [STATIC / "icon.svg", *(path for path in FOLDER.iterdir() if path.suffix in CONTENT_TYPES)]
    return {**swagger_ui, **{path.name: path for path in own}}
