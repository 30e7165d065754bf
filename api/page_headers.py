"""The security header fields of the page and the reference."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from api.origins import origin_of
from api.private_headers import NO_SNIFF

_POLICY: Final[dict[str, str]] = {
    "default-src": "'none'",
    "script-src": "'self'",
    "style-src": "'self'",
    "img-src": "'self'",
    "connect-src": "'self'",
    "base-uri": "'none'",
    "form-action": "'none'",
    "frame-ancestors": "'none'",
    # Without a policy, no string can become markup or code in a browser that supports Trusted Types.
    "require-trusted-types-for": "'script'",
    "trusted-types": "'none'",
}

_PAGE: Final[dict[str, str]] = {
    "manifest-src": "'self'",
    "worker-src": "'self'",
    # The policy of install.js, which makes the URL of the service worker and no other.
    "trusted-types": "worker",
}


def reference_headers() -> dict[str, str]:
    """The header fields of each file of the reference. It loads from and calls nothing but this service."""
    return _headers(_POLICY)


def page_headers(token_url: str | None = None) -> dict[str, str]:
    """The header fields of each file of the page. Besides this service it may call the origin of `token_url`."""
    connect = {} if token_url is None else {"connect-src": f"'self' {origin_of(token_url)}"}
    return _headers({**_POLICY, **_PAGE, **connect})


def _headers(policy: Mapping[str, str]) -> dict[str, str]:
    return {
        "Content-Security-Policy": "; ".join(f"{name} {value}" for name, value in policy.items()),
        "Cross-Origin-Opener-Policy": "same-origin",
        "Cross-Origin-Resource-Policy": "same-origin",
        "Referrer-Policy": "no-referrer",
        **dict([NO_SNIFF]),
    }
