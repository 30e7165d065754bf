"""A connection with three abilities that psycopg2 lacks: to find without a round trip that it was cut while idle, to
cancel its statement without stopping the whole process, and to be ended from another thread.
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

_TIMESTAMP: Final = 1114
"""The type identifier of `timestamp without time zone`."""

_TIMESTAMP_AS_TEXT: Final = psycopg2.extensions.new_type(
    (_TIMESTAMP,), "TIMESTAMP_AS_TEXT", lambda value, cursor: value
)


class Connection(psycopg2.extensions.connection):
    """A psycopg2 connection in autocommit mode. Only `Pool` opens one."""

    generation: int
    """The pool's generation when it was opened."""

    def __init__(self, *arguments: Any, **keywords: Any) -> None:
        super().__init__(*arguments, **keywords)
        self.autocommit = True
        self.prepared = PreparedStatements()
        psycopg2.extensions.register_type(_TIMESTAMP_AS_TEXT, self)
        # A duplicate, because libpq may close its descriptor at any time, and another socket then gets the number.
        self._socket = socket.socket(fileno=os.dup(self.fileno()))
        self._poll = select.poll()
        self._poll.register(self._socket, select.POLLIN)

    def is_alive(self) -> bool:
        """Whether an idle connection can be used.

        It needs no round trip: an idle socket is readable only if the server has closed it or reported an error.
        """
        return not self.closed and not self._poll.poll(0)

    def is_clean(self) -> bool:
        """Whether it can go back to the pool: it is open and in no transaction."""
        return not self.closed and self.get_transaction_status() == psycopg2.extensions.TRANSACTION_STATUS_IDLE

    def close(self) -> None:
        super().close()
        self._socket.close()

    def shut_down(self) -> None:
        """End the connection from another thread. The thread that waits for a result gets an error at once."""
        # The server may have closed it already.
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)


class CancelRequest:
    """A request to cancel a connection's statement. It can still be sent after the connection has been closed."""

    def __init__(self, connection: Connection) -> None:
        self._handle = _libpq.PQgetCancel(connection.pgconn_ptr)

    def send(self) -> None:
        """Return when the server has received it. In a network that loses all packets this takes minutes."""
        _libpq.PQcancel(self._handle, ctypes.create_string_buffer(256), 256)

    def __del__(self) -> None:
        _libpq.PQfreeCancel(self._handle)


def _load_libpq() -> Any:
    # psycopg2's cancel() holds the interpreter lock while it waits. A call through ctypes releases it.
    library = ctypes.CDLL(psycopg2._psycopg.__file__)
    library.PQgetCancel.argtypes, library.PQgetCancel.restype = (ctypes.c_void_p,), ctypes.c_void_p
    library.PQcancel.argtypes = (ctypes.c_void_p, ctypes.c_char_p, ctypes.c_int)
    library.PQfreeCancel.argtypes, library.PQfreeCancel.restype = (ctypes.c_void_p,), None
    return library


_libpq: Final = _load_libpq()
