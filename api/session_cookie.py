"""The HttpOnly cookie that carries a token, for frontends whose profile declares one."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from api.errors import ForeignOrigin

if TYPE_CHECKING:
    from falcon import Response

    from api.request_context import Request

_PAST: Final = datetime.fromtimestamp(0, timezone.utc)

_LOOPBACK: Final = re.compile(r"localhost|127(\.[0-9]{1,3}){3}|::1")
_DEFAULT_PAGES: Final = ("http://localhost:3000",)

SAFE_METHODS: Final = frozenset({"GET", "HEAD", "OPTIONS"})
"""RFC 9110, section 9.2.1: methods that change nothing."""


class SessionCookie:
    """One cookie. Browsers send it by themselves, so a change that it authenticates needs an allowed Origin."""

    def __init__(self, table: Mapping[str, str], is_allowed: Callable[[str], bool]) -> None:
        self.name = table["name"]
        self._same_site = table["same_site"].capitalize()
        self._path, self._domain = table["path"], table.get("domain")
        self._is_allowed = is_allowed

    def read(self, req: Request) -> str | None:
        """The token in the cookie, if the request has one. Raises ForeignOrigin for a change from another origin."""
        values = req.get_cookie_values(self.name)
        if not values:
            return None
        if req.method not in SAFE_METHODS and not self._is_allowed(req.get_header("Origin") or ""):
            raise ForeignOrigin
        return values[0]

    def check_origin(self, req: Request) -> None:
        """Raise ForeignOrigin for a log-in that a page of another origin sends: it would change who is logged in."""
        origin = req.get_header("Origin")
        if origin is not None and not self._is_allowed(origin):
            raise ForeignOrigin

    def set(self, req: Request, resp: Response, token: str, max_age: int) -> None:
        """Set the cookie for these seconds. It is Secure over HTTPS, and for another site always."""
        self._set(req, resp, token, max_age=max_age)

    def clear(self, req: Request, resp: Response) -> None:
        """Delete the cookie. Browsers want its attributes again, which Falcon's `unset_cookie` leaves out."""
        self._set(req, resp, "", expires=_PAST)

    def _set(self, req: Request, resp: Response, token: str, **life: Any) -> None:
        secure = self._same_site == "None" or req.forwarded_scheme == "https"
        resp.set_cookie(
            self.name,
            token,
            **life,
            secure=secure,
            http_only=True,
            same_site=self._same_site,
            path=self._path,
            domain=self._domain,
        )


def pages_on_another_host(table: Mapping[str, str] | None, host: str, origins: Sequence[str] | None) -> list[str]:
    """The origins of this machine that must not call the service by its HOST, because browsers drop the cookie there.

    Cookies ignore ports but not hosts: localhost and 127.0.0.1 are different sites, between which browsers send no
    cookie with SameSite=Lax. Behind another HOST than a loopback address the public name is not known here.
    """
    if table is None or table.get("same_site", "lax") == "none" or not _LOOPBACK.fullmatch(host):
        return []
    hosts = {origin: urlsplit(origin).hostname or "" for origin in (_DEFAULT_PAGES if origins is None else origins)}
    return [origin for origin, page in hosts.items() if page != host and _LOOPBACK.fullmatch(page)]
