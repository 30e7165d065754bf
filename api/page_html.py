"""Writes the page's HTML: what the settings say, the modules to preload, the version of all its files."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Final

from api.assets import Asset

_MODULES: Final = "  <!-- preloaded modules -->\n"
_IMPORT: Final = re.compile(
    r'^(?:import|export)\b[^;]*? from "\./([\w-]+\.js)";$|^import "\./([\w-]+\.js)";$', re.MULTILINE
)


@dataclass(frozen=True, slots=True, kw_only=True)
class PageOptions:
    """What the page must know of the settings."""

    local_accounts: bool
    """The page offers to register and log in."""
    api_root: str = ""
    """The path under which the page finds the canonical contract."""
    sign_in_url: str | None = None
    token_url: str | None = None


def write_page(folder: Path, files: Mapping[str, Asset], options: PageOptions) -> bytes:
    """The HTML. Its version changes with any file of the page, so its entity tag does too."""
    html = (folder / "index.html").read_text(encoding="utf-8")
    html = _replace(html, _MODULES, "".join(map(_preload_link, _modules_of(folder, "app.js"))))
    values = {
        "local-accounts": "true" if options.local_accounts else "false",
        "api-root": options.api_root,
        "sign-in-url": options.sign_in_url or "",
        "token-url": options.token_url or "",
    }
    for name, value in values.items():
        html = _replace(html, f'data-{name}=""', f'data-{name}="{escape(value)}"')
    digest = hashlib.sha256(html.encode())
    for name, asset in files.items():
        digest.update(f"{name} {asset.plain.etag}\n".encode())
    return _replace(html, 'data-version=""', f'data-version="{digest.hexdigest()[:16]}"').encode()


def _replace(html: str, old: str, new: str) -> str:
    if old not in html:
        raise ValueError(f"index.html lacks {old.strip()}")
    return html.replace(old, new, 1)


def _modules_of(folder: Path, entry_point: str) -> list[str]:
    """The modules that the entry point imports, directly or not. Without preloading each level costs a round trip."""
    found: set[str] = set()
    unread = [entry_point]
    while unread:
        imports = {a or b for a, b in _IMPORT.findall((folder / unread.pop()).read_text(encoding="utf-8"))}
        unread.extend(imports - found)
        found |= imports
    return sorted(found)


def _preload_link(name: str) -> str:
    return f'  <link rel="modulepreload" href="/static/{name}">\n'
