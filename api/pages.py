"""The web page: its HTML at `/`; its style, scripts and icons under `/static/`. All are served from memory.

The files in `api/static/` are read at start, so a name from a URL never reaches the file system. The page calls the
public API like any other client. `/docs` is in reference.py.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import falcon

from api.entity_tags import format_tag, matches_if_none_match
from api.private_headers import NO_SNIFF

STATIC: Final = Path(__file__).parent / "static"

CONTENT_TYPES: Final[Mapping[str, str]] = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}

SECURITY_HEADERS: Final[Mapping[str, str]] = {
    # Trusted Types without a policy: in a browser that supports them, no string can become markup or code.
    "Content-Security-Policy": "; ".join(
        (
            "default-src 'none'",
            "script-src 'self'",
            "style-src 'self'",
            "img-src 'self'",
            "connect-src 'self'",
            "base-uri 'none'",
            "form-action 'none'",
            "frame-ancestors 'none'",
            "require-trusted-types-for 'script'",
            "trusted-types 'none'",
        )
    ),
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    **dict([NO_SNIFF]),
}

_MODULES: Final = b"  <!-- preloaded modules -->\n"
_IMPORT: Final = re.compile(
    r'^(?:import|export)\b[^;]*? from "\./([\w-]+\.js)";$|^import "\./([\w-]+\.js)";$', re.MULTILINE
)
_ACCOUNTS_ON: Final = b'data-local-accounts="true"'
_API_ROOT: Final = b'data-api-root=""'
_ACCOUNTS_OFF: Final = b'data-local-accounts="false"'


@dataclass(frozen=True, slots=True)
class Asset:
    """One file to serve: its bytes, type and strong entity tag (without the quotes)."""

    body: bytes
    content_type: str
    etag: str

    @classmethod
    def of(cls, body: bytes, content_type: str) -> Asset:
        """Create the asset. Its tag is a digest of the body."""
        return cls(body, content_type, hashlib.sha256(body).hexdigest()[:32])

    def below(self, prefix: str) -> Asset:
        """The HTML file with its URLs, which are paths, below a prefix that a proxy strips."""
        if not prefix:
            return self
        return Asset.of(self.body.replace(b'="/', f'="{prefix}/'.encode()), self.content_type)

    def send(self, req: falcon.Request, resp: falcon.Response) -> None:
        """Respond with the file, or with 304 if the client has this version (RFC 9110, section 13.1.2)."""
        resp.set_headers(dict(SECURITY_HEADERS))
        resp.cache_control = ["no-cache"]
        resp.set_header("ETag", format_tag(self.etag))
        if matches_if_none_match(req.get_header("If-None-Match"), self.etag):
            resp.status = falcon.HTTP_304
            return
        resp.content_type = self.content_type
        resp.data = self.body


class PageFile:
    """A resource of one HTML file."""

    auth_required = False

    def __init__(self, asset: Asset) -> None:
        self._asset = asset

    def on_get(self, req: falcon.Request, resp: falcon.Response) -> None:
        self._asset.below(req.root_path).send(req, resp)

    on_head = on_get


class PageFiles:
    """The page's style, scripts and icons, by name. Any other name is 404."""

    auth_required = False

    def __init__(self, assets: Mapping[str, Asset]) -> None:
        self._assets = assets

    def on_get(self, req: falcon.Request, resp: falcon.Response, name: str) -> None:
        asset = self._assets.get(name)
        if asset is None:
            raise falcon.HTTPNotFound
        asset.send(req, resp)

    on_head = on_get


def page_routes(*, local_accounts: bool, api_root: str = "") -> list[tuple[str, object]]:
    """(URI template, resource) pairs. With `local_accounts` the page offers to register and log in.

    The page finds the canonical contract under `api_root`.
    """
    assets = {path.name: Asset.of(path.read_bytes(), CONTENT_TYPES[path.suffix]) for path in _files()}
    html = (STATIC / "index.html").read_bytes()
    if _ACCOUNTS_ON not in html:
        raise ValueError(f"index.html lacks the attribute {_ACCOUNTS_ON.decode()}")
    html = html.replace(_MODULES, "".join(map(_preload_link, _modules_of("app.js"))).encode(), 1)
    html = html.replace(_API_ROOT, f'data-api-root="{api_root}"'.encode(), 1)
    if not local_accounts:
        html = html.replace(_ACCOUNTS_ON, _ACCOUNTS_OFF, 1)
    return [("/", PageFile(Asset.of(html, CONTENT_TYPES[".html"]))), ("/static/{name}", PageFiles(assets))]


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


def _files() -> list[Path]:
    """The style, scripts and icons of the page. Its HTML has its own path; reference.py serves the subfolder."""
    return sorted(p for p in STATIC.iterdir() if p.suffix in CONTENT_TYPES and p.suffix != ".html" and p.is_file())
