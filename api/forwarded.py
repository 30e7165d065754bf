"""The client's address and the URLs that it sees, behind proxies whose header fields are trusted (TRUSTED_PROXY).

It is a module of its own because a client can forge these fields, except for what a trusted proxy has written.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from falcon import Request, Response

_Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

_WITH_PORT: Final = re.compile(r"\[(?P<v6>[^]]*)\](?::\d+)?|(?P<v4>[0-9.]+):\d+")

MAX_PREFIX: Final = 200
_PREFIX: Final = re.compile(r"((?:/(?!\.{1,2}(?:/|\Z))[A-Za-z0-9._~-]+)*)/?")
_HOST: Final = re.compile(r"(?:[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?")


def client_address(environ: Mapping[str, Any], networks: Sequence[Network]) -> str:
    """The address nearest to the server that is in none of `networks`.

    If the peer is not trusted, it is the peer's own, which is empty on a Unix socket. Otherwise X-Forwarded-For is read
    from its right end, where each trusted proxy has appended its caller's address; anything further left may be forged.
    At an entry that is not an address the search ends with the address of the proxy that wrote it.
    """
    peer: str = environ.get("REMOTE_ADDR", "")
    nearest = _canonical(peer)
    if not networks:
        return nearest
    address = parse_address(peer)
    for entry in reversed(environ.get("HTTP_X_FORWARDED_FOR", "").split(",")):
        if not _is_in(address, networks):
            break
        address = parse_address(entry.strip())
        if address is not None:
            nearest = str(address)
    return nearest


def rate_limit_key(address: str) -> str:
    """The key of a caller: an IPv4 address, or the /64 network of an IPv6 address, which one subscriber has whole."""
    parsed = parse_address(address)
    return str(IPv6Network((int(parsed), 64), strict=False)) if isinstance(parsed, IPv6Address) else address


def parse_prefix(text: str) -> str:
    """The path that a proxy strips from URLs, such as `/todo`, without a slash at its end.

    Raises ValueError unless it can stand in a header field, in HTML and at the beginning of a URL's path as it is.
    """
    match = _PREFIX.fullmatch(text)
    if match is None or len(text) > MAX_PREFIX:
        raise ValueError("must be a path such as /todo, of letters, digits and -._~")
    return match[1]


class ExternalUrl:
    """Middleware that writes into the WSGI environment what the client sees of the request's URL.

    Behind it `req.root_path` is the prefix that a proxy has stripped, and `req.prefix` the origin with that prefix:
    the beginning of every absolute URL. Falcon caches them, so this must run before anything reads them.

    The prefix is `root_path`, else X-Forwarded-Prefix; scheme and host are X-Forwarded-Proto and X-Forwarded-Host. A
    field counts if a trusted proxy has sent it once, with one well-formed value.
    """

    def __init__(self, networks: Sequence[Network], root_path: str) -> None:
        self._networks = networks
        self._root_path = root_path
        self._trusted = lru_cache(maxsize=256)(self._is_trusted)

    def process_request(self, req: Request, resp: Response) -> None:
        environ = req.env
        if self._root_path:
            environ["SCRIPT_NAME"] = self._root_path
        if not self._networks or not self._trusted(environ.get("REMOTE_ADDR", "")):
            return
        if not self._root_path and "HTTP_X_FORWARDED_PREFIX" in environ:
            with suppress(ValueError):
                environ["SCRIPT_NAME"] = parse_prefix(environ["HTTP_X_FORWARDED_PREFIX"])
        if environ.get("HTTP_X_FORWARDED_PROTO") in ("http", "https"):
            environ["wsgi.url_scheme"] = environ["HTTP_X_FORWARDED_PROTO"]
        if _HOST.fullmatch(environ.get("HTTP_X_FORWARDED_HOST", "")):
            environ["HTTP_HOST"] = environ["HTTP_X_FORWARDED_HOST"]

    def _is_trusted(self, peer: str) -> bool:
        return _is_in(parse_address(peer), self._networks)


def _is_in(address: _Address | None, networks: Sequence[Network]) -> bool:
    return address is not None and any(address in network for network in networks)


@lru_cache(maxsize=1024)
def _canonical(text: str) -> str:
    """The address as it is usually written. A text that is no address stays as it is."""
    address = parse_address(text)
    return text if address is None else str(address)


@lru_cache(maxsize=1024)
def parse_address(text: str) -> _Address | None:
    """The address, with or without a port; None if it is not one."""
    match = _WITH_PORT.fullmatch(text)
    try:
        address = ip_address((match["v6"] or match["v4"]) if match else text)
    except ValueError:
        return None
    # On a socket for both families an IPv4 peer looks like ::ffff:192.0.2.1.
    return address.ipv4_mapped or address if isinstance(address, IPv6Address) else address
