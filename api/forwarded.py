"""The client's address, behind proxies whose X-Forwarded-For is trusted (TRUSTED_PROXY).

It is a module of its own because a client can forge that header, except for what a trusted proxy has appended.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import Any, Final

_Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

_WITH_PORT: Final = re.compile(r"\[(?P<v6>[^]]*)\](?::\d+)?|(?P<v4>[0-9.]+):\d+")


def client_address(environ: Mapping[str, Any], networks: Sequence[Network]) -> str:
    """The address nearest to the server that is in none of `networks`.

    If the peer is not trusted, it is the peer's own, which is empty on a Unix socket. Otherwise X-Forwarded-For is read
    from its right end, where each trusted proxy has appended its caller's address; anything further left may be forged.
    At an entry that is not an address the search ends with the address of the proxy that wrote it.
    """
    peer: str = environ.get("REMOTE_ADDR", "")
    address = _parse(peer)
    nearest = peer if address is None else str(address)
    for entry in reversed(environ.get("HTTP_X_FORWARDED_FOR", "").split(",")):
        if address is None or not any(address in network for network in networks):
            break
        address = _parse(entry.strip())
        if address is not None:
            nearest = str(address)
    return nearest


def rate_limit_key(address: str) -> str:
    """The key of a caller: an IPv4 address, or the /64 network of an IPv6 address, which one subscriber has whole."""
    parsed = _parse(address)
    return str(IPv6Network((int(parsed), 64), strict=False)) if isinstance(parsed, IPv6Address) else address


@lru_cache(maxsize=1024)
def _parse(text: str) -> _Address | None:
    match = _WITH_PORT.fullmatch(text)
    try:
        address = ip_address((match["v6"] or match["v4"]) if match else text)
    except ValueError:
        return None
    # On a socket for both families an IPv4 peer looks like ::ffff:192.0.2.1.
    return address.ipv4_mapped or address if isinstance(address, IPv6Address) else address
