"""The key set of api/jose/jwks.py: known keys never wait, and unknown ones cause few fetches."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator

import pytest

from api.jose import jwks as module
from api.jose.jwks import KeySet
from tests.support.jwks_server import JwksServer, key_set, serving
from tests.support.signing import make_signer
from tests.support.waiting import WAIT_TIMEOUT, seconds_of, wait_until

pytestmark = pytest.mark.usefixtures("patient_keys")

OLD, NEW = make_signer("EdDSA", "old"), make_signer("EdDSA", "new")


@pytest.fixture
def server() -> Iterator[JwksServer]:
    with serving(OLD) as running:
        yield running


class TestRotation:
    def test_a_new_kid_is_fetched_at_once(self, server: JwksServer) -> None:
        with key_set(server) as keys:
            assert keys.fetch("old") is not None
            server.keys.append(NEW.jwk)
            assert keys.fetch("new") is not None
            assert set(keys.current()) == {"old", "new"}

    def test_a_new_kid_is_fetched_at_once_after_an_unknown_one(self, server: JwksServer) -> None:
        with key_set(server) as keys:
            keys.current()
            for _ in range(50):
                assert keys.fetch("nobody's") is None
            server.keys.append(NEW.jwk)
            assert keys.fetch("new") is not None

    def test_many_new_kids_one_after_another_are_each_fetched_at_once(self, server: JwksServer) -> None:
        with key_set(server) as keys:
            wait_until(keys.current)
            for number in range(12):
                server.keys.append({**NEW.jwk, "kid": f"new-{number}"})
                assert keys.fetch(f"new-{number}") is not None

    def test_a_new_kid_in_many_requests_at_once_is_one_fetch(self, server: JwksServer) -> None:
        with key_set(server) as keys:
            wait_until(keys.current)
            server.keys.append(NEW.jwk)
            server.delay, before, found = 0.2, server.requests, []
            threads = [threading.Thread(target=lambda: found.append(keys.fetch("new"))) for _ in range(20)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            assert len(found) == 20
            assert None not in found
            assert server.requests == before + 1

    def test_a_removed_key_is_dropped_at_the_next_refresh(self, server: JwksServer) -> None:
        with key_set(server, refresh_after=0.05) as keys:
            wait_until(lambda: "old" in keys.current())
            server.keys[:] = [NEW.jwk]
            wait_until(lambda: set(keys.current()) == {"new"})

    def test_the_keys_are_the_same_object_until_one_changes(self, server: JwksServer) -> None:
        with key_set(server, refresh_after=0.02) as keys:
            wait_until(keys.current)
            first, before = keys.current(), server.requests
            wait_until(lambda: server.requests > before + 2)
            assert keys.current() is first
            server.keys[0] = {**NEW.jwk, "kid": "old"}
            wait_until(lambda: keys.current() is not first)


class TestUnknownKids:
    def test_cannot_cause_more_than_a_few_fetches(self, server: JwksServer, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(module, "_REFILL_INTERVAL", 3600)
        with key_set(server) as keys:
            wait_until(keys.current)
            for number in range(500):
                assert keys.fetch(f"unknown-{number}") is None
            assert server.requests <= 1 + 3

    def test_are_allowed_one_more_fetch_every_12_seconds(self, monkeypatch: pytest.MonkeyPatch) -> None:
        bucket = module._TokenBucket()
        start = bucket._at
        assert [bucket.take(start) for _ in range(5)] == [True, True, True, False, False]
        assert not bucket.take(start + 11.9)
        assert bucket.take(start + 12.1)
        assert not bucket.take(start + 12.2)
        assert [bucket.take(start + 3600) for _ in range(4)] == [True, True, True, False]

    def test_are_cached_in_bounded_number(self, server: JwksServer, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(module, "_BURST", 100)
        monkeypatch.setattr(module, "_ABSENT_KEPT", 10)
        with key_set(server) as keys:
            keys.current()
            for number in range(40):
                keys.fetch(f"unknown-{number}")
            assert len(keys._absent_until) <= 10


class TestTheLifeCycle:
    def test_nothing_is_fetched_before_the_first_token(self, server: JwksServer) -> None:
        with key_set(server) as keys:
            assert keys.age is None
            assert keys._thread is None
            assert server.requests == 0

    def test_the_age_is_that_of_the_last_successful_fetch(self, server: JwksServer) -> None:
        with key_set(server) as keys:
            wait_until(keys.current)
            assert keys.age is not None
            assert 0 <= keys.age < 10

    def test_a_closed_set_keeps_its_keys_and_stops_fetching(self, server: JwksServer) -> None:
        with key_set(server) as keys:
            wait_until(keys.current)
            keys.close()
            assert keys._thread is not None
            keys._thread.join(WAIT_TIMEOUT)
            before = server.requests
            assert "old" in keys.current()
            assert seconds_of(lambda: keys.fetch("new")) < WAIT_TIMEOUT / 2
            assert server.requests == before

    @pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
    def test_a_forked_child_fetches_for_itself(self, server: JwksServer) -> None:
        with key_set(server) as keys:
            wait_until(keys.current)
            server.keys.append(NEW.jwk)
            # No thread may hold this lock meanwhile: in the child it would stay locked.
            with keys._changed:
                child = os.fork()
            if child == 0:
                os._exit(0 if keys.current() and keys.fetch("new") else 1)
            assert os.waitpid(child, 0)[1] == 0


class TestTheUrl:
    @pytest.mark.parametrize(
        ("url", "origin"),
        [
            ("https://Auth.Example/api/auth/jwks", "https://auth.example"),
            ("https://auth.example:443/jwks", "https://auth.example"),
            ("http://auth.example:80/jwks", "http://auth.example"),
            ("http://localhost:3000/api/auth/jwks", "http://localhost:3000"),
            ("http://[::1]:3000/jwks", "http://[::1]:3000"),
        ],
    )
    def test_gives_the_origin(self, url: str, origin: str) -> None:
        assert KeySet(url).origin == origin

    @pytest.mark.parametrize("url", ["file:///etc/passwd", "ftp://a/b", "//a/b", "https:///jwks", "", "http://a:b/"])
    def test_must_be_http(self, url: str) -> None:
        with pytest.raises(ValueError, match=r"URL|Port"):
            KeySet(url)
