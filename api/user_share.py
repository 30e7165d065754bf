"""What one caller's requests may take of a worker at the same time, and the response to more.

The server keeps the count, before it calls the application (api/server/quotas.py): a request that waits for its turn
has no thread. Another server keeps none, and then there is no limit.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any, Final

from falcon import Response

from api.errors import DomainError, PayloadTooLarge, RateLimited
from api.forwarded import rate_limit_key
from api.heads import AwaitedBody, BodyAwaited
from api.postgres.errors import Overloaded
from api.reading import MAX_BODY_BYTES
from api.request_context import Request
from api.server.quotas import REFUSAL, Quota, Refusal
from api.tokens import Identity

WAITING: Final = 2
"""Requests of one user that may wait for their turn."""

WAITING_ACCOUNTS: Final = 64
"""Requests to register or log in that may wait, of all callers together."""

TIMEOUT: Final = 1.0
"""Seconds at most that a request waits for its turn."""

USER_MEMORY: Final = 4 * MAX_BODY_BYTES
"""Bytes of bodies and unsent responses that a worker holds for one user; for one address, if there is no token."""

_WITHOUT_BODY: Final = frozenset({"GET", "HEAD", "DELETE", "OPTIONS"})


class UserShare:
    """The quotas of callers. At most half of a worker's `concurrency` (at least one) run one user's requests.

    As many register or log in at once: hashing a password is slow on purpose.
    """

    def __init__(
        self,
        identify: Callable[[dict[str, Any]], Identity],
        address_of: Callable[[dict[str, Any]], str],
        *,
        concurrency: int,
        account_paths: Collection[str] = (),
    ) -> None:
        self._identify = identify
        self._address_of = address_of
        self._running = max(1, concurrency // 2)
        self._account_paths = frozenset(account_paths)

    def quota_of(self, environ: dict[str, Any]) -> Quota:
        """The quota that a request counts against. Raises nothing: a token that is not valid is refused later."""
        if environ["PATH_INFO"].rstrip("/") in self._account_paths:
            key = f"address:{rate_limit_key(self._address_of(environ))}"
            return Quota("accounts", self._running, WAITING_ACCOUNTS, TIMEOUT, key, USER_MEMORY)
        if "HTTP_AUTHORIZATION" in environ or "HTTP_COOKIE" in environ:
            try:
                key = f"user:{self._identify(environ).user_id}"
            except DomainError:
                pass
            else:
                return Quota(key, self._running, WAITING, TIMEOUT, key, USER_MEMORY)
        key = f"address:{rate_limit_key(self._address_of(environ))}"
        return Quota(key, memory_key=key, memory=USER_MEMORY)


class ConcurrencyLimiting:
    """Refuses a request that its quota does not allow.

    It is the last middleware, so it also ends the judging of a head whose method takes no body: the request is valid.
    """

    def process_resource(self, req: Request, resp: Response, resource: object, params: dict[str, Any]) -> None:
        refusal = req.env.get(REFUSAL)
        if refusal is not None:
            if refusal is Refusal.WORKER_MEMORY or (refusal is Refusal.BUSY and req.context.identity is None):
                raise Overloaded
            raise RateLimited(1)
        if req.method in _WITHOUT_BODY and isinstance(req.env["wsgi.input"], AwaitedBody):
            if (req.content_length or 0) > MAX_BODY_BYTES:
                raise PayloadTooLarge
            raise BodyAwaited
