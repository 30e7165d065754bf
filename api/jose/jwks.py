"""The keys of JWKS_URL: a cache that a thread refreshes, so that no request with a known key waits.

jwk.py parses a single key, jwks_download.py downloads a set. PyJWT's own client is not used: its cache expires while
the endpoint is down, and after each download it delays the next by 30 s.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Mapping
from urllib.parse import urlsplit

from api.jose.jwk import Key
from api.jose.jwks_download import DownloadError, download, parse_set
from api.jose.shared_set import SharedSet, StoredSet

# A removed key is dropped within 300 s: the process that downloaded last does so again after 280 s, another one
# PATIENCE later if that has brought nothing.
REFRESH_AFTER = 280.0  # seconds between downloads that no request has caused
PATIENCE = 10.0  # seconds that a download may take
GIVE_UP_AFTER = 12.0  # seconds after which a thread whose download has not ended by itself is replaced
MAX_WAIT = 1.5  # seconds that a request with an unknown key waits at most
MAX_WAIT_WHILE_DOWN = 0.3  # the same after a failed download: enough if the endpoint is back

# Unknown kids may cause three useless downloads at once, then one every 12 s, so a flood of them delays a real
# rotation by 12 s at most. A kid that a download has not found causes the next one after 30 s at the earliest.
_BURST = 3
_REFILL_INTERVAL = 12.0
_ABSENT_TTL = 30.0
_ABSENT_KEPT = 1024
_MIN_RETRY_INTERVAL = 1.0  # seconds after a failed download, doubled after each further one
_MAX_RETRY_INTERVAL = 30.0

logger = logging.getLogger("api.jose.jwks")


class KeySet:
    """The keys at `url`, by `kid`. Raises ValueError unless `url` is http(s) with a host.

    One daemon thread does all downloads. It starts with the first token that needs it, so after any fork. Processes
    that are forked later share what one of them has downloaded.
    """

    def __init__(self, url: str, *, refresh_after: float = REFRESH_AFTER) -> None:
        self.origin = _origin(url)
        self.had_keys = False
        """Whether there has ever been a key."""
        self._url = url
        self._refresh_after = refresh_after
        self._shared = SharedSet()
        self._seen = self._shared.digest
        self._keys: Mapping[str, Key] = {}
        self._downloaded_at: float | None = None
        self._failures = 0
        self._due = 0.0
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None
        self._next_start = 0.0
        self._closed = False
        self._running: _Download | None = None
        self._requested: _Download | None = None
        self._bucket = _TokenBucket()
        self._absent_until: dict[str, float] = {}

    @property
    def age(self) -> float | None:
        """Seconds since the last successful download. None before the first."""
        downloaded_at = self._downloaded_at
        return None if downloaded_at is None else time.monotonic() - downloaded_at

    def current(self) -> Mapping[str, Key]:
        """The keys of the last download, without a wait. It is another object only if a key has changed."""
        if self._shared.digest != self._seen:
            self._adopt()
        if self._needs_thread():
            self._start()
        return self._keys

    def fetch(self, kid: str) -> Key | None:
        """The key `kid`, downloaded if it is unknown and the limits allow. None after `MAX_WAIT` seconds at most."""
        deadline = time.monotonic() + MAX_WAIT
        self.current()
        with self._changed:
            if self._running is not None:
                self._wait(self._running, deadline)
            if kid not in self._keys:
                requested = self._request(kid)
                if requested is not None:
                    self._wait(requested, deadline)
                    self._settle(kid, requested)
            return self._keys.get(kid)

    def close(self) -> None:
        """Stop downloading. The keys stay."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def _wait(self, awaited: _Download, deadline: float) -> None:
        timeout = min(deadline, awaited.deadline) - time.monotonic()
        self._changed.wait_for(lambda: awaited.done or self._closed, timeout)

    def _request(self, kid: str) -> _Download | None:
        """The next download, which all requests share until it begins. None if the limits allow none."""
        if self._requested is None:
            now = time.monotonic()
            if now < self._absent_until.get(kid, 0.0) or not self._bucket.take(now):
                return None
            self._requested = self._new_download()
            self._requested.for_kid = kid
            self._changed.notify_all()
        return self._requested

    def _new_download(self) -> _Download:
        return _Download(time.monotonic() + (MAX_WAIT_WHILE_DOWN if self._failures else MAX_WAIT))

    def _settle(self, kid: str, requested: _Download) -> None:
        """Refund a download that found its kid, because an auth server may create several keys at one rotation."""
        if kid in self._keys:
            if requested.for_kid == kid:
                requested.for_kid = None
                self._bucket.refund()
        elif requested.done and not self._failures:
            self._remember_absent(kid)

    def _remember_absent(self, kid: str) -> None:
        if len(self._absent_until) >= _ABSENT_KEPT:
            self._absent_until.clear()
        self._absent_until[kid] = time.monotonic() + _ABSENT_TTL

    def _needs_thread(self) -> bool:
        thread, running = self._thread, self._running
        if thread is None or not thread.is_alive():
            return True
        return running is not None and running.began is not None and time.monotonic() > running.began + GIVE_UP_AFTER

    def _start(self) -> None:
        """Start the thread, or replace one that is stuck. No lock is held meanwhile: a start may fail or take long."""
        with self._changed:
            now = time.monotonic()
            if self._closed or now < self._next_start:
                return
            self._next_start = now + GIVE_UP_AFTER
        try:
            threading.Thread(target=self._run, name="jwks", daemon=True).start()
        except RuntimeError as ex:
            logger.warning("keys of %s not downloaded: %s", self.origin, ex)
            self._next_start = now + _MIN_RETRY_INTERVAL

    def _run(self) -> None:
        thread = threading.current_thread()
        with self._changed:
            self._thread = thread
            self._next_start = 0.0
            if self._running is not None:
                self._end(self._running, "it is stuck and was given up")
        while True:
            with self._changed:
                self._changed.wait_for(
                    lambda: self._requested is not None or self._closed, max(0.0, self._due - time.monotonic())
                )
                if self._closed:
                    return
                running = self._running = self._requested or self._new_download()
                running.began = time.monotonic()
                self._requested = None
            try:
                body = download(self._url, PATIENCE)
                keys, failure = parse_set(body), None
            except DownloadError as ex:
                body, keys, failure = b"", {}, str(ex)
            with self._changed:
                if self._closed or self._thread is not thread:
                    return
                if failure is None:
                    stored = StoredSet(time.monotonic(), body)
                    self._seen = self._shared.store(stored)
                    self._take(keys, stored.downloaded_at, self._refresh_after)
                self._end(running, failure)

    def _end(self, running: _Download, failure: str | None) -> None:
        if failure is not None:
            self._fail(failure)
        running.done = True
        self._running = None
        self._changed.notify_all()

    def _adopt(self) -> None:
        """Take what another process has downloaded, unless it is older than the keys here."""
        self._seen = self._shared.digest
        stored = self._shared.load()
        if stored is None:
            return
        keys = parse_set(stored.body)
        with self._changed:
            if self._downloaded_at is None or stored.downloaded_at > self._downloaded_at:
                self._take(keys, stored.downloaded_at, self._refresh_after + PATIENCE)
                self._changed.notify_all()

    def _fail(self, failure: str) -> None:
        if not self._failures:
            consequence = "the last ones stay in use" if self.had_keys else "there are none yet"
            logger.warning("keys of %s not downloaded, %s: %s", self.origin, consequence, failure)
        longest = _MAX_RETRY_INTERVAL if self.had_keys else _MIN_RETRY_INTERVAL
        self._due = time.monotonic() + min(longest, _MIN_RETRY_INTERVAL * 2 ** min(self._failures, 10))
        self._failures += 1

    def _take(self, keys: Mapping[str, Key], downloaded_at: float, refresh_after: float) -> None:
        if self._failures:
            logger.info("keys of %s downloaded again", self.origin)
        self._failures = 0
        self._downloaded_at = downloaded_at
        self._due = downloaded_at + refresh_after
        self.had_keys = self.had_keys or bool(keys)
        if keys != self._keys:
            self._keys = keys


class _Download:
    """A requested or running download: until when requests wait for it, its begin, and the kid it was charged to."""

    __slots__ = ("began", "deadline", "done", "for_kid")

    def __init__(self, deadline: float) -> None:
        self.deadline = deadline
        self.began: float | None = None
        self.done = False
        self.for_kid: str | None = None


class _TokenBucket:
    """A token bucket: `_BURST` at once, then one every `_REFILL_INTERVAL`."""

    def __init__(self) -> None:
        self._left = float(_BURST)
        self._at = time.monotonic()

    def take(self, now: float) -> bool:
        """Take a token; whether there was one. `now` is in monotonic seconds."""
        self._left = min(float(_BURST), self._left + (now - self._at) / _REFILL_INTERVAL)
        self._at = now
        if self._left < 1:
            return False
        self._left -= 1
        return True

    def refund(self) -> None:
        """Put back a token that was taken for nothing."""
        self._left = min(float(_BURST), self._left + 1)


def _origin(url: str) -> str:
    """The origin of `url`, serialized as browsers do (RFC 6454 section 6): lower case, no default port."""
    parts = urlsplit(url)
    host = parts.hostname
    if parts.scheme not in ("http", "https") or not host:
        raise ValueError("not an http or https URL")
    if ":" in host:
        host = f"[{host}]"
    if parts.port in (None, {"http": 80, "https": 443}[parts.scheme]):
        return f"{parts.scheme}://{host}"
    return f"{parts.scheme}://{host}:{parts.port}"
