"""One connection to PostgreSQL, with the three things that psycopg2 cannot do: tell for nothing whether an idle one
was cut, cancel its statement without stopping the whole process, and end it from another thread.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import select
import socket
from typing import Any, Final

import psycopg2._psycopg
import psycopg2.extensions

from api.postgres.prepared import PreparedStatements


class Connection(psycopg2.extensions.connection):
    """A psycopg2 connection in autocommit mode, made by `Pool` alone."""

    generation: int
    """Which of the pool's generations it belongs to."""

    def __init__(self, *arguments: Any, **keywords: Any) -> None:
        super().__init__(*arguments, **keywords)
        self.autocommit = True
        self.prepared = PreparedStatements()
        # A descriptor of our own: libpq closes its own when it likes, and the number is another socket's soon after.
        self._socket = socket.socket(fileno=os.dup(self.fileno()))
        self._poll = select.poll()
        self._poll.register(self._socket, select.POLLIN)

    def is_alive(self) -> bool:
        """Whether an idle connection can be used. No round trip: an idle socket is readable
        only where the server has closed it or reported an error."""
        return not self.closed and not self._poll.poll(0)

    def is_clean(self) -> bool:
        """Whether it can go back to the pool: open, and in no transaction."""
        return not self.closed and self.get_transaction_status() == psycopg2.extensions.TRANSACTION_STATUS_IDLE

    def close(self) -> None:
        super().close()
        self._socket.close()

    def shut_down(self) -> None:
        """End it from another thread: whoever waits for an answer gets an error at once."""
        # The other side may have been quicker.
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)


class CancelRequest:
    """A request to cancel what a connection is running; it can be sent when the connection is gone already."""

    def __init__(self, connection: Connection) -> None:
        self._handle = _libpq.PQgetCancel(connection.pgconn_ptr)

    def send(self) -> None:
        """Return when the server has taken it: minutes in a black hole, so this needs a thread of its own."""
        _libpq.PQcancel(self._handle, ctypes.create_string_buffer(256), 256)

    def __del__(self) -> None:
        _libpq.PQfreeCancel(self._handle)


def _load_libpq() -> Any:
    # psycopg2's own cancel() keeps the interpreter lock while it waits. A call through ctypes gives it up.
    library = ctypes.CDLL(psycopg2._psycopg.__file__)
    library.PQgetCancel.argtypes, library.PQgetCancel.restype = (ctypes.c_void_p,), ctypes.c_void_p
    library.PQcancel.argtypes = (ctypes.c_void_p, ctypes.c_char_p, ctypes.c_int)
    library.PQfreeCancel.argtypes, library.PQfreeCancel.restype = (ctypes.c_void_p,), None
    return library


_libpq: Final = _load_libpq()
