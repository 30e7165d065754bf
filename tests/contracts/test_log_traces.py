"""Who called: the client's address, a digest of the account, and the trace, in the log of the real process."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable
from typing import Any

import pytest

from api.digests import KeyedDigests
from tests.support.processes import Service
from tests.support.waiting import wait_until


def test_a_digest_is_keyed() -> None:
    digest, other = (KeyedDigests([secret]).digest for secret in ("one secret", "another secret"))
    assert digest("ada@example.com") == digest("ada@example.com")
    assert digest("ada@example.com") != digest("bob@example.com")
    assert digest("ada@example.com") != other("ada@example.com")


@pytest.fixture(scope="module")
def service(start_shared_service: Callable[..., Service]) -> Service:
    return start_shared_service(TRUSTED_PROXY="127.0.0.1", AUTH_RATE_LIMIT="2/year", RATE_LIMIT="")


class TestBehindAProxy:
    """The test itself is the proxy: its address is trusted."""

    def line(self, service: Service, method: str, path: str, body: object = None, **headers: str) -> dict[str, Any]:
        request_id = f"call-{uuid.uuid4().hex}"
        headers = {name.replace("_", "-"): value for name, value in headers.items()}
        service.call(method, path, body, headers={"X-Request-ID": request_id, **headers})

        def find() -> list[dict[str, Any]]:
            # What follows the last line feed is still being written.
            lines = [json.loads(line) for line in service.output.split("\n")[:-1]]
            return [line for line in lines if line.get("request_id") == request_id]

        return wait_until(find, "the line")[0]

    def test_the_address_is_the_clients_also_of_a_rejected_call(self, service: Service) -> None:
        line = self.line(service, "GET", "/api/tasks", X_Forwarded_For="203.0.113.9, 192.0.2.7")
        assert (line["event"], line["status"], line["address"]) == ("refused", 401, "192.0.2.7")
        line = self.line(service, "GET", "/nowhere", X_Forwarded_For="2001:db8::1")
        assert line["address"] == "2001:db8::1"

    def test_so_is_that_of_a_request_that_is_no_valid_http(self, service: Service) -> None:
        line = self.line(service, "GET", "/x", Content_Length="x", X_Forwarded_For="192.0.2.8")
        assert line["event"].startswith("refused 400 from 192.0.2.8: ")
        assert line["address"] == "192.0.2.8"

    def test_a_throttled_call_is_an_event_with_address_and_account(self, service: Service) -> None:
        account = {"email": f"{uuid.uuid4().hex}@example.com", "password": "a wrong password"}
        addresses = ["192.0.2.1"] * 3
        lines = [self.line(service, "POST", "/auth/login", account, X_Forwarded_For=each) for each in addresses]
        assert [line["event"] for line in lines] == ["login_failed", "login_failed", "throttled"]
        assert [line["address"] for line in lines] == addresses
        assert len({line["account"] for line in lines}) == 1
        assert (lines[2]["status"], lines[2]["reason"]) == (429, "rate_limited")

    def test_a_valid_traceparent_stands_beside_the_request_id(self, service: Service) -> None:
        valid = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
        assert self.line(service, "GET", "/health", traceparent=valid)["traceparent"] == valid
        assert "traceparent" not in self.line(service, "GET", "/health", traceparent=f"{valid}-x")
        assert "traceparent" not in self.line(
            service, "GET", "/health", traceparent=f"{valid}\u202e".encode().decode("latin-1")
        )
        assert self.line(service, "GET", "/x", Content_Length="x", traceparent=valid)["traceparent"] == valid
