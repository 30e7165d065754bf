"""The key set of api/jose/jwks.py while its endpoint fails or is slow, and what processes share of it."""

from __future__ import annotations

import json
import os
import threading
import time
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import pytest

from api.jose import jwks as module
from api.jose.jwks import KeySet
from api.jose.jwks_download import download
from api.jose.shared_set import SharedSet, StoredSet
from tests.support.dripping import DRIPS, dripping
from tests.support.jwks_server import JwksServer, key_set, serving
from tests.support.signing import make_signer
from tests.support.waiting import WAIT_TIMEOUT, seconds_of, wait_until

HANGING = 20.0
"""Seconds of a response that no request waits for: half of that is far more than a request may wait."""

OLD, NEW = make_signer("EdDSA", "old"), make_signer("EdDSA", "new")


@pytest.fixture
def server() -> Iterator[JwksServer]:
    with serving(OLD) as running:
        yield running


class TestOutages:
    def test_known_keys_remain_in_use_while_the_endpoint_is_down(self, server: JwksServer) -> None:
        with key_set(server, refresh_after=0.02) as keys:
            wait_until(lambda: "old" in keys.current())
            server.stop()
            wait_until(lambda: keys._failures > 0)
            assert keys.age is not None
            assert set(keys.current()) == {"old"}
            assert keys.fetch("new") is None
            server.keys.append(NEW.jwk)
            server.start()
            wait_until(lambda: keys.fetch("new"))

    @pytest.mark.parametrize(
        "fault",
        [
            {"status": 500},
            {"status": 404},
            {"body": b""},
            {"body": b"<html>"},
            {"body": b"null"},
            {"body": b"[]"},
            {"body": b"{}"},
            {"body": b'{"keys": {}}'},
            {"body": b"[" * 100_000},
            {"body": b'{"keys": ["\xff"]}'},
            {"body": b'{"keys": [' + b" " * 600_000 + b"]}"},
            {"headers": {"Transfer-Encoding": "chunked"}},
            {"delay": 30.0},
            {"piece_delay": 0.1},
        ],
        ids=str,
    )
    def test_an_invalid_response_of_the_endpoint_changes_no_key(
        self, server: JwksServer, fault: dict[str, Any], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(module, "PATIENCE", 1.0)
        with key_set(server, refresh_after=0.02) as keys:
            wait_until(lambda: "old" in keys.current())
            for name, value in fault.items():
                setattr(server, name, value)
            wait_until(lambda: keys._failures > 0)
            assert set(keys.current()) == {"old"}

    def test_a_redirect_is_not_followed(self, server: JwksServer) -> None:
        with serving(NEW) as elsewhere, key_set(server, refresh_after=0.02) as keys:
            wait_until(lambda: "old" in keys.current())
            server.status, server.headers = 302, {"Location": elsewhere.url}
            wait_until(lambda: keys._failures > 0)
            assert elsewhere.requests == 0
            assert set(keys.current()) == {"old"}

    def test_a_hanging_endpoint_delays_an_unknown_kid_only_briefly_and_a_known_one_not_at_all(
        self, server: JwksServer, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        assert module.MAX_WAIT <= 1.5
        monkeypatch.setattr(module, "PATIENCE", HANGING)
        with key_set(server) as keys:
            wait_until(lambda: "old" in keys.current())
            server.delay = HANGING
            assert seconds_of(lambda: keys.fetch("first")) < HANGING / 2
            assert keys._running is not None
            assert seconds_of(keys.current) < HANGING / 2
            assert set(keys.current()) == {"old"}

    def test_once_a_download_has_failed_the_delay_is_shorter_still(
        self, server: JwksServer, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        assert module.MAX_WAIT_WHILE_DOWN <= 0.3
        monkeypatch.setattr(module, "PATIENCE", 0.5)
        with key_set(server) as keys:
            wait_until(lambda: "old" in keys.current())
            server.delay = HANGING
            keys.fetch("first")
            wait_until(lambda: keys._failures > 0)
            monkeypatch.setattr(module, "PATIENCE", HANGING)
            monkeypatch.setattr(module, "MAX_WAIT", HANGING)
            took = [seconds_of(partial(keys.fetch, f"unknown-{number}")) for number in range(20)]
            assert max(took) < HANGING / 2

    def test_a_set_that_takes_longer_than_a_request_waits_arrives_all_the_same(
        self, server: JwksServer, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(module, "MAX_WAIT", 0.1)
        with key_set(server) as keys:
            server.delay = 1.0
            keys.fetch("old")
            wait_until(lambda: "old" in keys.current())

    def test_retries_become_rarer_once_there_are_keys(self, server: JwksServer) -> None:
        with key_set(server) as keys:
            wait_until(keys.current)
            keys.close()
            check_delays_after_failures(keys, [1, 2, 4, 8, 16, 30, 30, 30])

    def test_retries_come_every_second_until_there_are_keys(self, server: JwksServer) -> None:
        with key_set(server) as keys:
            keys.close()
            check_delays_after_failures(keys, [1] * 8)


def check_delays_after_failures(keys: KeySet, delays: list[int]) -> None:
    for delay in delays:
        before = time.monotonic()
        keys._fail("down")
        assert before + delay <= keys._due <= time.monotonic() + delay


class TestAStuckDownload:
    """A download takes 10 s at most, is given up after 12 s, and is followed by the next within 15 s."""

    def test_the_limits_add_up(self) -> None:
        assert module.PATIENCE < module.GIVE_UP_AFTER
        assert module.GIVE_UP_AFTER + module._MIN_RETRY_INTERVAL < 15

    def test_that_drips_is_followed_by_the_next(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(module, "PATIENCE", 1.0)
        with dripping(*DRIPS["interim responses"]) as server:
            keys = KeySet(server.url)
            wait_until(lambda: not keys.current() and len(server.accepted) > 1, "the next download")
            keys.close()

    def test_that_never_ends_is_given_up_and_replaced(
        self, server: JwksServer, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
    ) -> None:
        """As a look-up of the host name that hangs, which no limit of a socket ends."""
        # Enough for the real download on a busy machine, which must not be given up too.
        monkeypatch.setattr(module, "GIVE_UP_AFTER", 3.0)
        released = threading.Event()
        stuck: list[threading.Thread] = []
        real = download

        def hang_once(url: str, timeout: float) -> bytes:
            if not stuck:
                stuck.append(threading.current_thread())
                released.wait()
                return b'{"keys": []}'
            return real(url, timeout)

        monkeypatch.setattr(module, "download", hang_once)
        with key_set(server) as keys:
            wait_until(lambda: "old" in keys.current(), "the keys")
            assert stuck[0].is_alive()
            assert stuck[0] is not keys._thread
            released.set()
            stuck[0].join(WAIT_TIMEOUT)
            assert "old" in keys.current()
        assert "it is stuck and was given up" in caplog.text

    def test_a_thread_that_cannot_be_started_is_tried_again(
        self, server: JwksServer, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        start = threading.Thread.start
        failures: list[threading.Thread] = []

        def fail_first(thread: threading.Thread) -> None:
            if thread.name == "jwks" and not failures:
                failures.append(thread)
                raise RuntimeError("can't start new thread")
            start(thread)

        monkeypatch.setattr(threading.Thread, "start", fail_first)
        with key_set(server) as keys:
            assert keys.fetch("unknown") is None
            wait_until(lambda: "old" in keys.current())


@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
@pytest.mark.usefixtures("patient_keys")
class TestSharing:
    def test_a_process_has_the_keys_that_another_has_downloaded(self, server: JwksServer) -> None:
        with key_set(server) as keys:
            assert in_child(lambda: wait_until(keys.current)) == 0
            server.stop()
            assert in_child(lambda: set(keys.current()) == {"old"}) == 0
            assert set(keys.current()) == {"old"}
            assert server.requests == 1

    def test_a_key_that_one_process_saw_removed_is_gone_in_all(self, server: JwksServer) -> None:
        with key_set(server) as keys:
            assert in_child(lambda: keys.fetch("old")) == 0
            keys._adopt()
            assert set(keys._keys) == {"old"}
            server.keys[:] = [NEW.jwk]
            assert in_child(lambda: keys.fetch("new")) == 0
            assert set(keys.current()) == {"new"}

    def test_an_older_download_replaces_no_newer_one(self, server: JwksServer) -> None:
        with key_set(server) as keys:
            wait_until(keys.current)
            keys._shared.store(StoredSet(0.0, b'{"keys": []}'))
            assert set(keys.current()) == {"old"}

    @pytest.mark.parametrize("position", [0, 31, 32, 40, 44, 50, 60])
    def test_what_is_not_complete_is_ignored_until_the_next_download(self, server: JwksServer, position: int) -> None:
        with key_set(server) as keys:
            wait_until(keys.current)
            keys._shared.store(StoredSet(time.monotonic(), b'{"keys": [{"kid": "x"}]}'))
            keys._shared._memory[position] ^= 255
            assert set(keys.current()) == {"old"}
            newest = json.dumps({"keys": [NEW.jwk]}).encode()
            keys._shared.store(StoredSet(time.monotonic(), newest))
            assert set(keys.current()) == {"new"}

    def test_a_set_of_the_largest_size_fits(self) -> None:
        shared, body = SharedSet(), os.urandom(512 * 1024)
        shared.store(StoredSet(1.5, body))
        assert shared.load() == StoredSet(1.5, body)


def in_child(check: Callable[[], object]) -> int:
    """0 if the check is true in a forked process. This process must not have started the key set's thread."""
    child = os.fork()
    if child == 0:
        status = 1
        try:
            status = 0 if check() else 1
        finally:
            os._exit(status)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
