"""The keys behind JWKS_URL: kept, and refreshed without a request whose key is known ever waiting.

What a single key may be is jwk.py, how a set is downloaded jwks_download.py. PyJWT's own client is
not used: its cache expires while the endpoint is down, and after any fetch it holds back the next for 30 s.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Mapping
from urllib.parse import urlsplit

from api.jose.jwk import Key
from api.jose.jwks_download import DownloadError, download

REFRESH_AFTER = 300.0  # seconds between downloads when nothing else asks for one
MAX_WAIT = 1.5  # the longest a request with an unknown key waits, whatever the endpoint does
MAX_WAIT_WHILE_DOWN = 0.3  # the same after a failed download: enough for an endpoint that is back

# What unknown kids may cost: three downloads in vain at once, then one every 12 s, so a flood of them delays a
# real rotation by 12 s at most. One kid that a download did not bring asks again after 30 s, so it delays none.
_BURST = 3
_SECONDS_EACH = 12.0
_SAME_KID_AFTER = 30.0
_ABSENT_KEPT = 1024
_RETRY_FIRST = 1.0  # seconds after a failed download, doubled after each further one
_RETRY_LAST = 30.0

logger = logging.getLogger("api.jose.jwks")


class KeySet:
    """The keys at `url`, by `kid`. Raises ValueError unless `url` is http(s) with a host.

    One daemon thread does all downloading. It starts with the first token that needs it, after any fork.
    """

    def __init__(self, url: str, *, refresh_after: float = REFRESH_AFTER) -> None:
        self.origin = _origin(url)
        self._url = url
        self._refresh_after = refresh_after
        self._keys: Mapping[str, Key] = {}
        self._good_at: float | None = None
        self._failures = 0
        self._due = 0.0
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None
        self._closed = False
        self._running: _Download | None = None
        self._asked: _Download | None = None
        self._allowance = _Allowance()
        self._absent_until: dict[str, float] = {}

    @property
    def age(self) -> float | None:
        """Seconds since the last good download, None before the first."""
        good_at = self._good_at
        return None if good_at is None else time.monotonic() - good_at

    def current(self) -> Mapping[str, Key]:
        """The keys as last downloaded, at once. Another object exactly when some key has changed."""
        thread = self._thread
        if thread is None or not thread.is_alive():
            self._start()
        return self._keys

    def fetch(self, kid: str) -> Key | None:
        """The key `kid`, downloaded if need be and limits allow; None after `MAX_WAIT` seconds at most."""
        deadline = time.monotonic() + MAX_WAIT
        self.current()
        with self._changed:
            if self._running is not None:
                self._wait(self._running, deadline)
            if kid not in self._keys:
                asked = self._ask(kid)
                if asked is not None:
                    self._wait(asked, deadline)
                    self._account(kid, asked)
            return self._keys.get(kid)

    def close(self) -> None:
        """Download no more. The keys stay."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def _wait(self, awaited: _Download, deadline: float) -> None:
        timeout = min(deadline, awaited.deadline) - time.monotonic()
        self._changed.wait_for(lambda: awaited.done or self._closed, timeout)

    def _ask(self, kid: str) -> _Download | None:
        """A download that begins after now, shared by all who ask before it does; None if none is allowed."""
        if self._asked is None:
            now = time.monotonic()
            if now < self._absent_until.get(kid, 0.0) or not self._allowance.take(now):
                return None
            self._asked = self._new_download()
            self._asked.for_kid = kid
            self._changed.notify_all()
        return self._asked

    def _new_download(self) -> _Download:
        return _Download(time.monotonic() + (MAX_WAIT_WHILE_DOWN if self._failures else MAX_WAIT))

    def _account(self, kid: str, asked: _Download) -> None:
        """Charge for nothing but downloads in vain: an auth server may mint several keys at one rotation."""
        if kid in self._keys:
            if asked.for_kid == kid:
                asked.for_kid = None
                self._allowance.give_back()
        elif asked.done and not self._failures:
            self._remember_absent(kid)

    def _remember_absent(self, kid: str) -> None:
        if len(self._absent_until) >= _ABSENT_KEPT:
            self._absent_until.clear()
        self._absent_until[kid] = time.monotonic() + _SAME_KID_AFTER

    def _start(self) -> None:
        with self._changed:
            if not self._closed and (self._thread is None or not self._thread.is_alive()):
                self._thread = threading.Thread(target=self._run, name="jwks", daemon=True)
                self._thread.start()

    def _run(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(
                    lambda: self._asked is not None or self._closed, max(0.0, self._due - time.monotonic())
                )
                if self._closed:
                    return
                running = self._running = self._asked or self._new_download()
                self._asked = None
            try:
                keys, failure = download(self._url, MAX_WAIT), None
            except DownloadError as ex:
                keys, failure = {}, str(ex)
            with self._changed:
                self._finish(keys, failure)
                running.done = True
                self._running = None
                self._changed.notify_all()

    def _finish(self, keys: Mapping[str, Key], failure: str | None) -> None:
        now = time.monotonic()
        if failure is not None:
            if not self._failures:
                logger.warning("keys of %s not downloaded, going on with the last ones: %s", self.origin, failure)
            self._due = now + min(_RETRY_LAST, _RETRY_FIRST * 2 ** min(self._failures, 10))
            self._failures += 1
            return
        if self._failures:
            logger.info("keys of %s downloaded again", self.origin)
        self._failures = 0
        self._good_at = now
        self._due = now + self._refresh_after
        if keys != self._keys:
            self._keys = keys


class _Download:
    """One download, asked for or running: until when requests wait for it, and the kid it was charged to."""

    __slots__ = ("deadline", "done", "for_kid")

    def __init__(self, deadline: float) -> None:
        self.deadline = deadline
        self.done = False
        self.for_kid: str | None = None


class _Allowance:
    """A token bucket: `_BURST` at once, then one every `_SECONDS_EACH`."""

    def __init__(self) -> None:
        self._left = float(_BURST)
        self._at = time.monotonic()

    def take(self, now: float) -> bool:
        self._left = min(float(_BURST), self._left + (now - self._at) / _SECONDS_EACH)
        self._at = now
        if self._left < 1:
            return False
        self._left -= 1
        return True

    def give_back(self) -> None:
        self._left = min(float(_BURST), self._left + 1)


def _origin(url: str) -> str:
    """The origin of `url` as a browser writes it (RFC 6454 section 6): lower case, no default port."""
    parts = urlsplit(url)
    host = parts.hostname
    if parts.scheme not in ("http", "https") or not host:
        raise ValueError("not an http or https URL")
    if ":" in host:
        host = f"[{host}]"
    if parts.port in (None, {"http": 80, "https": 443}[parts.scheme]):
        return f"{parts.scheme}://{host}"
    return f"{parts.scheme}://{host}:{parts.port}"
