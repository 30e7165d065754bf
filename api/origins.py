"""Web origins: bringing one to the form that browsers send, and which may call.

Browsers serialize an origin (WHATWG HTML, section 7.1.1) with scheme and host in lower case, the host in ASCII, and no
default port. Pages send it as `Origin`, and it is compared as text.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Final
from urllib.parse import urlsplit

import idna

_PARTS: Final = re.compile(
    r"(?P<scheme>https?)://(?P<host>\[[^\]]*\]|[^\[\]\\/?#@:]+)(?::(?P<port>[0-9]{1,5}))?/?", re.IGNORECASE
)
_LABEL: Final = "[a-z0-9_-]{1,63}"
_LABELS: Final = re.compile(rf"{_LABEL}(?:\.{_LABEL})*\.?")
_NUMBER: Final = re.compile(r"[0-9]+|0x[0-9a-f]*")
_LONGEST: Final = 300
"""Characters. A host has 253 at most; nothing longer is worth remembering."""

_DEFAULT_PORTS: Final = {"http": 80, "https": 443}
_ANY_LABEL: Final = "*."

_EXTRAS: Final = (("@", "user info"), ("?", "a query"), ("#", "a fragment"), ("\\", "a backslash"))

LOOPBACK_HOST: Final = rf"(?:(?:{_LABEL}\.)*localhost|127(?:\.[0-9]{{1,3}}){{3}}|\[::1\])"
"""Pattern of a host that names the machine itself (RFC 6761, section 6.3)."""

_LOOPBACK_ORIGINS: Final = re.compile(rf"https?://{LOOPBACK_HOST}(?::[0-9]{{1,5}})?")


def parse_origins(text: str) -> tuple[str, ...]:
    """The origins of a comma-separated list. Raises ValueError, see `parse_origin`."""
    origins: list[str] = []
    entries = [entry.strip() for entry in text.split(",") if entry.strip()]
    try:
        origins.extend(map(parse_origin, entries))
    except ValueError as ex:
        example = "https://app.example.com or https://*.example.app"
        number = len(origins) + 1
        raise ValueError(f"must be origins such as {example}, comma-separated; number {number} {ex}") from None
    return tuple(origins)


def parse_origin(text: str) -> str:
    """The origin as browsers send it; `https://*.example.app` keeps its `*`, which stands for one label.

    Raises ValueError, whose message says what is wrong and does not repeat the text: it may hold a password.
    """
    match = _PARTS.fullmatch(text)
    if match is None:
        raise ValueError(_describe_fault(text))
    scheme, host, port = match["scheme"].lower(), match["host"], match["port"]
    if port is not None and int(port) > 65_535:
        raise ValueError("has no valid port")
    host = _ANY_LABEL + _parse_parent(host[2:]) if host.startswith(_ANY_LABEL) else _parse_host(host)
    return f"{scheme}://{host}" + (f":{int(port)}" if port and int(port) != _DEFAULT_PORTS[scheme] else "")


def origin_of(url: str) -> str:
    """The origin of an http or https URL without a user. Raises ValueError like `parse_origin`."""
    parts = urlsplit(url)
    return parse_origin(f"{parts.scheme}://{parts.netloc}")


class AllowedOrigins:
    """The origins that may call: `origin in allowed`. The last ones asked for are remembered."""

    def __init__(self, pattern: re.Pattern[str]) -> None:
        self._is_allowed = lru_cache(maxsize=1024)(lambda origin: pattern.fullmatch(origin) is not None)

    def __contains__(self, origin: str) -> bool:
        return len(origin) <= _LONGEST and self._is_allowed(origin)


def allow_origins(origins: Iterable[str] | None, host: str) -> AllowedOrigins:
    """Allow these origins, each from `parse_origin`. None: the default of a service that listens on `host`."""
    if origins is None:
        if is_loopback_host(host):
            return AllowedOrigins(_LOOPBACK_ORIGINS)
        origins = ["http://localhost:3000"]
    each = "|".join(re.escape(origin).replace(re.escape(_ANY_LABEL), _LABEL + r"\.") for origin in origins)
    # Without an origin the pattern matches nothing, the empty text included.
    return AllowedOrigins(re.compile(each or r"(?!)"))


def is_loopback_host(host: str) -> bool:
    """Whether the host to listen on, an address or a name, is reachable from this machine alone."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost"


def _describe_fault(text: str) -> str:
    if text in ("*", "null"):
        return "names no origin"
    extra = next((name for character, name in _EXTRAS if character in text), None)
    if extra is not None:
        return f"has {extra}"
    return "has a path" if "/" in text.partition("://")[2] else "is no http or https origin"


def _parse_parent(host: str) -> str:
    """The host behind `*.`: a name of two labels or more, or `localhost`. Everybody can get a name below `*.com`."""
    parent = _parse_host(host)
    if parent.startswith("[") or _NUMBER.fullmatch(parent.rpartition(".")[2]):
        raise ValueError("has * before an address")
    if "." not in parent.rstrip(".") and parent != "localhost":
        raise ValueError("has * before a top-level domain")
    return parent


def _parse_host(host: str) -> str:
    """The host as browsers serialize it (WHATWG URL, section 3.5)."""
    try:
        if host.startswith("["):
            return f"[{_parse_ipv6(host[1:-1])}]"
        if not host.isascii():
            host = ".".join(map(_encode_label, idna.uts46_remap(host, std3_rules=False).split(".")))
        host = host.lower()
        # A name that ends in a number is an address for a browser.
        if _NUMBER.fullmatch(host.rstrip(".").rpartition(".")[2]):
            return str(IPv4Address(host))
    except (ValueError, idna.IDNAError):
        raise ValueError("has no valid host") from None
    if not _LABELS.fullmatch(host):
        raise ValueError("has no valid host")
    return host


def _parse_ipv6(text: str) -> IPv6Address:
    address = IPv6Address(text)
    if address.scope_id is not None:
        raise ValueError("a URL cannot name a zone")
    return address


def _encode_label(label: str) -> str:
    return label if label.isascii() else f"xn--{label.encode('punycode').decode('ascii')}"
