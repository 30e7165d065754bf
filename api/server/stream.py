"""A client's socket that never makes a thread wait: what it does not take at once is kept, in memory."""

from __future__ import annotations

import contextlib
import socket
import struct
from collections import deque
from typing import Final

_RECEIVE_SIZE: Final = 32 * 1024
_SEND_SIZE: Final = 256 * 1024
_RESET_ON_CLOSE: Final = struct.pack("ii", 1, 0)
"""SO_LINGER: on, for 0 seconds."""


class Disconnected(Exception):
    """The client has closed or reset the connection."""


class Stream:
    """A non-blocking socket, used by one thread at a time; `shutdown` and `has_input` by any thread."""

    def __init__(self, sock: socket.socket) -> None:
        self._socket = sock
        self._unsent: deque[memoryview] = deque()

    @property
    def is_blocked(self) -> bool:
        """Whether the client must take something before more is sent."""
        return bool(self._unsent)

    @property
    def unsent(self) -> int:
        """Bytes that are kept."""
        return sum(map(len, self._unsent))

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
        if not self._unsent:
            try:
                sent = self._socket.sendmsg(parts)
            except BlockingIOError:
                pass
            except OSError as ex:
                raise Disconnected from ex
        for part in parts:
            if sent < len(part):
                self._unsent.append(memoryview(part)[sent:])
            sent = max(0, sent - len(part))

    def flush(self) -> bool:
        """Send on with what was kept; whether the client has taken any of it. Raises Disconnected."""
        progress = False
        while self._unsent:
            try:
                sent = self._socket.send(self._unsent[0][:_SEND_SIZE])
            except BlockingIOError:
                return progress
            except OSError as ex:
                raise Disconnected from ex
            self._unsent[0] = self._unsent[0][sent:]
            if not self._unsent[0]:
                self._unsent.popleft()
            progress = True
        return progress

    def close(self) -> None:
        """Close the socket; what was kept is lost."""
        self._unsent.clear()
        self._socket.close()

    def reset(self) -> None:
        """Have `close` reset the connection, so that the client sees that the response has no end."""
        with contextlib.suppress(OSError):
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)

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
