"""Sends a fixed number of requests over keep-alive connections, each as soon as the response before it has come.

wrk sends for a fixed time, so that what it sends depends on the machine. This client is slower, but only the
processor time of the service is measured beside it.
"""

from __future__ import annotations

import selectors
import socket
from collections.abc import Iterator, Sequence

from bench.running import HOST

TIMEOUT = 60.0
_END = b"\r\n\r\n"
_LENGTH = b"content-length:"


class RequestFailed(Exception):
    """A response was no success, or none came."""


def send_all(port: int, requests: Sequence[bytes], connections: int) -> None:
    """Send all requests. Raises RequestFailed."""
    left = iter(requests)
    with selectors.DefaultSelector() as selector:
        clients = [_Client(port, selector, left) for _ in range(min(connections, len(requests)))]
        while selector.get_map():
            ready = selector.select(TIMEOUT)
            if not ready:
                raise RequestFailed(f"no response within {TIMEOUT:g} s")
            for key, _ in ready:
                key.data.receive()
        for client in clients:
            client.close()


class _Client:
    """One connection. It takes its requests from those that are left."""

    def __init__(self, port: int, selector: selectors.BaseSelector, left: Iterator[bytes]) -> None:
        self._socket = socket.create_connection((HOST, port))
        self._selector = selector
        self._left = left
        self._received = b""
        selector.register(self._socket, selectors.EVENT_READ, self)
        self._send()

    def receive(self) -> None:
        """Take in what has come, and send the next request after the end of a response."""
        data = self._socket.recv(256 * 1024)
        if not data:
            raise RequestFailed(f"the connection ended after {self._received[:200]!r}")
        self._received += data
        head, end, body = self._received.partition(_END)
        if not end or len(body) < _content_length(head):
            return
        if not head.startswith(b"HTTP/1.1 20"):
            raise RequestFailed(self._received[:500].decode(errors="replace"))
        self._received = b""
        self._send()

    def close(self) -> None:
        self._socket.close()

    def _send(self) -> None:
        request = next(self._left, None)
        if request is None:
            self._selector.unregister(self._socket)
        else:
            self._socket.sendall(request)


def _content_length(head: bytes) -> int:
    start = head.lower().find(_LENGTH)
    if start < 0:
        raise RequestFailed(f"a response has no length: {head[:500]!r}")
    return int(head[start + len(_LENGTH) :].split(b"\r\n", 1)[0])
