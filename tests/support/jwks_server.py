"""A JWKS endpoint on a real socket that can fail, hang or send invalid responses. For tests only."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from api.jose.jwks import KeySet
from tests.support.signing import Signer


class JwksServer:
    """Publishes `keys` at `port` or a free one; other public attributes change the response. Delays are in seconds."""

    def __init__(self, *signers: Signer, port: int = 0) -> None:
        self.keys: list[Any] = [signer.jwk for signer in signers]
        self.body: bytes | None = None
        self.status = 200
        self.headers: dict[str, str] = {}
        self.delay = 0.0
        self.piece_delay = 0.0
        self.requests = 0
        self._server: ThreadingHTTPServer | None = None
        self._port = port
        self.start()

    @property
    def url(self) -> str:
        return f"{self.origin}/api/auth/jwks"

    @property
    def origin(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    def start(self) -> None:
        """Listen on the previous port, or on a free one at first."""
        self._server = _Server(("127.0.0.1", self._port), _handler(self))
        self._port = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    def stop(self) -> None:
        """Refuse connections from now on."""
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server = None


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128
    """With the default of 5 a connection of a burst may be dropped, and its client tries again after a second."""


@contextmanager
def serving(*signers: Signer) -> Iterator[JwksServer]:
    server = JwksServer(*signers)
    try:
        yield server
    finally:
        server.stop()


@contextmanager
def key_set(server: JwksServer, **options: Any) -> Iterator[KeySet]:
    """The key set of the server's URL."""
    keys = KeySet(server.url, **options)
    try:
        yield keys
    finally:
        keys.close()


def _handler(state: JwksServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            state.requests += 1
            body = json.dumps({"keys": state.keys}).encode() if state.body is None else state.body
            time.sleep(state.delay)
            try:
                self.send_response(state.status)
                for name, value in state.headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                pieces = [body] if not state.piece_delay else [body[at : at + 1] for at in range(len(body))]
                for piece in pieces:
                    self.wfile.write(piece)
                    time.sleep(state.piece_delay)
            except OSError:
                self.close_connection = True

        def log_message(self, *args: Any) -> None:
            return None

    return Handler
