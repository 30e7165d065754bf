"""A server that begins a response and then sends one piece of it again and again, until the client closes."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
import time
from collections.abc import Iterator

OK = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
CHUNKED = OK + b"Transfer-Encoding: chunked\r\n\r\n"

DRIPS: dict[str, tuple[bytes, bytes]] = {
    "a status line": (b"HTTP/1.1 200 ", b"O"),
    "interim responses": (b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
    "a header": (OK + b"X-Long: ", b"x"),
    "a body": (OK + b"Content-Length: 100000\r\n\r\n", b" "),
    "a body without a length": (OK + b"\r\n", b" "),
    "chunks": (CHUNKED, b"1\r\n \r\n"),
    "a chunk extension": (CHUNKED + b"1;x=", b"x"),
    "a trailer": (CHUNKED + b'b\r\n{"keys":[]}\r\n0\r\n', b"X-Trailer: x\r\n"),
    "nothing at all": (b"", b""),
}
"""What is sent first, and what is repeated."""


class Dripping:
    """Responds to each connection so. `accepted` has the time of each, by the monotonic clock."""

    def __init__(self, first: bytes, repeated: bytes, tls: ssl.SSLContext | None = None, port: int = 0) -> None:
        self.accepted: list[float] = []
        self.closed = 0
        self._first, self._repeated, self._tls = first, repeated, tls
        self._stopped = threading.Event()
        self._listener = socket.create_server(("127.0.0.1", port))
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def url(self) -> str:
        return f"{'https' if self._tls else 'http'}://127.0.0.1:{self.port}/jwks"

    def stop(self) -> None:
        self._stopped.set()
        # close() alone would leave accept() waiting.
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                self.accepted.append(time.monotonic())
                threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        with contextlib.suppress(OSError):
            if self._tls is not None:
                client = self._tls.wrap_socket(client, server_side=True)
            client.recv(65536)
            client.sendall(self._first)
            client.settimeout(0.02)
            while not self._stopped.is_set():
                client.sendall(self._repeated)
                with contextlib.suppress(TimeoutError):
                    if not client.recv(1):
                        break
        self.closed += 1
        client.close()


@contextlib.contextmanager
def dripping(first: bytes, repeated: bytes, tls: ssl.SSLContext | None = None, port: int = 0) -> Iterator[Dripping]:
    """A running server of this kind."""
    server = Dripping(first, repeated, tls, port)
    try:
        yield server
    finally:
        server.stop()
