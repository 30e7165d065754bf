"""The security header fields of the page and the reference."""

from __future__ import annotations

from typing import Final

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


def page_headers() -> dict[str, str]:
    """The header fields of each file of a page. It loads from and calls nothing but this service."""
    return {
        "Content-Security-Policy": "; ".join(f"{name} {value}" for name, value in _POLICY.items()),
        "Cross-Origin-Opener-Policy": "same-origin",
        "Cross-Origin-Resource-Policy": "same-origin",
        "Referrer-Policy": "no-referrer",
        **dict([NO_SNIFF]),
    }
