"""A head costs time in proportion to its size, however it arrives."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from api.server.request import Request

PART = 15_000


@pytest.mark.parametrize(
    "head",
    [
        b"GET /" + b"x" * 60_000,
        b"GET / HTTP/1.1\r\nHost: test\r\nX-Long: " + b"x" * 60_000,
        b"GET / HTTP/1.1\r\nHost: test\r\n" + b"".join(b"X-%d: y\r\n" % number for number in range(6_000)),
    ],
    ids=["a long target", "a long field", "many fields"],
)
def test_the_last_bytes_of_a_head_cost_what_the_first_do(head: bytes) -> None:
    # Before, it was some twenty times as much.
    assert any(ratio < 3 for ratio in measured(head))


def measured(head: bytes) -> Iterator[float]:
    """How many times as much as the first bytes the last ones cost, measured again and again."""
    for _ in range(10):
        request = Request({"REMOTE_ADDR": "127.0.0.1"})
        parts = [head[:PART], head[PART:-PART], head[-PART:]]
        spent = []
        for part in parts:
            before = time.thread_time()
            for byte in part:
                request.received(bytes([byte]))
            spent.append(time.thread_time() - before)
        assert not request.completed
        yield spent[-1] / spent[0]
