"""Identity without a token, for demonstrations on one machine (ANONYMOUS_USER).

No secret protects this user. So each request is checked for where it comes from: a program on this machine, or a page
that may call. Other pages reach this machine too, through the browser of their visitor: by a form or an image, or under
a name of their own that they point at this machine (DNS rebinding).
"""

from __future__ import annotations

import re
from typing import Any, Final

from api.errors import MissingToken
from api.forwarded import parse_address
from api.origins import LOOPBACK_HOST, AllowedOrigins
from api.request_context import Request
from api.tokens import Identity

_LOOPBACK: Final = re.compile(rf"{LOOPBACK_HOST}(?::[0-9]{{1,5}})?", re.IGNORECASE)
_OWN_SITES: Final = ("same-origin", "same-site", "none")


class AnonymousUser:
    """The user of requests without a token. `origins` are those that may call."""

    def __init__(self, user_id: str, origins: AllowedOrigins) -> None:
        self._identity = Identity(user_id)
        self._origins = origins

    def identify(self, req: Request) -> Identity:
        """The user. Raises MissingToken, with the reason, for a request that needs a token nevertheless."""
        if not _is_local(req.env):
            raise MissingToken("foreign_address")
        # The name that the browser connected to. A page that rebinds its own name to this machine cannot change it.
        if not all(_LOOPBACK.fullmatch(host) for host in _hosts(req.env)):
            raise MissingToken("foreign_host")
        origin = req.get_header("Origin")
        if origin is None:
            # A form, an image or a link of another site. Programs send no such field.
            if req.get_header("Sec-Fetch-Site", default="none") not in _OWN_SITES:
                raise MissingToken("foreign_site")
        elif origin not in self._origins and origin != f"{req.scheme}://{req.netloc}":
            raise MissingToken("foreign_origin")
        return self._identity


def _is_local(environ: dict[str, Any]) -> bool:
    """Whether the peer, and every client that a proxy names, is this machine."""
    entries = [environ.get("REMOTE_ADDR", "")]
    if "HTTP_X_FORWARDED_FOR" in environ:
        entries += environ["HTTP_X_FORWARDED_FOR"].split(",")
    addresses = [parse_address(entry.strip()) for entry in entries]
    return "HTTP_FORWARDED" not in environ and all(each is not None and each.is_loopback for each in addresses)


def _hosts(environ: dict[str, Any]) -> list[str]:
    return [environ.get("HTTP_HOST", ""), environ.get("HTTP_X_FORWARDED_HOST", "localhost")]
