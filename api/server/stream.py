"""A client's socket that never makes a thread wait: what it does not take at once is kept."""

from __future__ import annotations

import contextlib
import socket
from typing import Final

from waitress.buffers import OverflowableBuffer

_RECEIVE_SIZE: Final = 32 * 1024
_SEND_SIZE: Final = 256 * 1024
_UNSENT_IN_MEMORY: Final = 1024 * 1024
"""Bytes that the client has not taken, past which they are kept in a temporary file."""


class Disconnected(Exception):
    """The client has closed or reset the connection."""


class Stream:
    """A non-blocking socket, used by one thread at a time; `shutdown` and `has_input` by any thread."""

    def __init__(self, sock: socket.socket) -> None:
        self._socket = sock
        self._unsent: OverflowableBuffer | None = None

    @property
    def is_blocked(self) -> bool:
        """Whether the client must take something before more is sent."""
        return self._unsent is not None

    def receive(self) -> bytes:
        """What has come; empty if nothing has. Raises Disconnected at the end."""
        try:
            data = self._socket.recv(_RECEIVE_SIZE)
        except BlockingIOError:
            return b""
        except OSError as ex:
            raise Disconnected from ex
        if not data:
            raise Disconnected
        return data

    def send(self, parts: list[bytes]) -> None:
        """Send what the socket takes now, and keep the rest. Raises Disconnected."""
        sent = 0
        if self._unsent is None:
            try:
                sent = self._socket.sendmsg(parts)
            except BlockingIOError:
                pass
            except OSError as ex:
                raise Disconnected from ex
        for part in parts:
            if sent < len(part):
                self._keep(memoryview(part)[sent:])
            sent = max(0, sent - len(part))

    def _keep(self, data: memoryview) -> None:
        if self._unsent is None:
            self._unsent = OverflowableBuffer(_UNSENT_IN_MEMORY)
        self._unsent.append(data)

    def flush(self) -> bool:
        """Send on with what was kept; whether the client has taken any of it. Raises Disconnected."""
        progress = False
        while self._unsent:
            try:
                sent = self._socket.send(self._unsent.get(_SEND_SIZE))
            except BlockingIOError:
                return progress
            except OSError as ex:
                raise Disconnected from ex
            self._unsent.skip(sent, True)
            progress = True
        self._drop_unsent()
        return progress

    def _drop_unsent(self) -> None:
        if self._unsent is not None:
            self._unsent.close()
            self._unsent = None

    def close(self) -> None:
        """Close the socket; what was kept is lost."""
        self._drop_unsent()
        self._socket.close()

    def has_input(self) -> bool:
        """Whether the client has sent something that is not received yet."""
        try:
            return bool(self._socket.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT))
        except OSError:
            return False

    def shutdown(self, how: int) -> None:
        """Shut down one direction, or both; nothing where the connection has ended."""
        with contextlib.suppress(OSError):
            self._socket.shutdown(how)
