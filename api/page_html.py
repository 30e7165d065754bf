"""Writes the page's HTML: what the settings say, the bundled files, and the version of all of them."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from html import escape


@dataclass(frozen=True, slots=True, kw_only=True)
class PageOptions:
    """What the page must know of the settings."""

    local_accounts: bool
    """The page offers to register and log in."""
    api_root: str = ""
    """The path under which the page finds the canonical contract."""
    sign_in_url: str | None = None
    token_url: str | None = None


def write_page(html: str, files: Mapping[str, bytes], options: PageOptions) -> tuple[str, str]:
    """The HTML and its version, which changes with the HTML and with any of these files."""
    values = {
        "local-accounts": "true" if options.local_accounts else "false",
        "api-root": options.api_root,
        "sign-in-url": options.sign_in_url or "",
        "token-url": options.token_url or "",
    }
    for name, value in values.items():
        html = _set(html, name, value)
    digest = hashlib.sha256(html.encode())
    for name, body in sorted(files.items()):
        digest.update(f"{name} {hashlib.sha256(body).hexdigest()}\n".encode())
    version = digest.hexdigest()[:16]
    return _set(html, "version", version), version


def _set(html: str, name: str, value: str) -> str:
    empty = f'data-{name}=""'
    if empty not in html:
        raise ValueError(f"the HTML lacks the attribute {empty}")
    return html.replace(empty, f'data-{name}="{escape(value)}"', 1)
