"""An error without a code and without a broken connection, as libpq reports one that it could not send on."""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
from collections.abc import Iterator

import pytest

from api.postgres.database import Database
from api.postgres.errors import DatabaseUnavailable

PARAMETERS = {
    "client_encoding": "UTF8",
    "server_encoding": "UTF8",
    "DateStyle": "ISO, MDY",
    "standard_conforming_strings": "on",
}


def message(kind: bytes, body: bytes = b"") -> bytes:
    return kind + struct.pack("!i", len(body) + 4) + body


READY = message(b"Z", b"I")
WELCOME = (
    message(b"R", struct.pack("!i", 0))
    + b"".join(message(b"S", f"{name}\0{value}\0".encode()) for name, value in PARAMETERS.items())
    + READY
)
ERROR = message(b"E", b"SERROR\0VERROR\0M\0\0") + READY


@pytest.fixture
def url() -> Iterator[str]:
    """A server that accepts each connection and responds to each statement with an error that has no code."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve(client: socket.socket) -> None:
            with client, contextlib.suppress(OSError):
                client.recv(65536)
                client.sendall(WELCOME)
                while client.recv(65536)[:1] not in (b"", b"X"):
                    client.sendall(ERROR)

        def accept() -> None:
            with contextlib.suppress(OSError):
                while True:
                    threading.Thread(target=serve, args=(listener.accept()[0],), daemon=True).start()

        threading.Thread(target=accept, daemon=True).start()
        yield f"postgresql://tasks@127.0.0.1:{listener.getsockname()[1]}/tasks?sslmode=disable&gssencmode=disable"
        listener.shutdown(socket.SHUT_RDWR)


def test_it_counts_as_a_lost_connection(url: str) -> None:
    database = Database(url, pool_size=1, statement_timeout=10)
    try:
        with pytest.raises(DatabaseUnavailable) as caught:
            database.run("SELECT 1")
        assert caught.value.kind == "connection_lost"
        assert database.pool.idle == 0
    finally:
        database.close()
