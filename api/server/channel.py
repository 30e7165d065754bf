"""One connection: requests in, answers out, each request's work done by the thread that read it.

Which thread that is, is decided in epoll_server.py; what counts as a request, in protocol.py.
"""

from __future__ import annotations

import contextlib
import logging
import select
import socket
import time
from typing import TYPE_CHECKING, Any, Final

from waitress.channel import ClientDisconnected, HTTPChannel

from api.server.answers import Exchange, Refusal
from api.server.protocol import Request

if TYPE_CHECKING:
    from api.server.epoll_server import Server

HEAD_TIMEOUT: Final = 30.0
"""Seconds from a request's first byte to the end of its headers."""

REQUEST_TIMEOUT: Final = 60.0
"""Seconds from a request's first byte to the end of its body."""

IDLE_TIMEOUT: Final = 75.0
"""Seconds between two requests of one connection: longer than proxies keep theirs, so that they close first."""

CROWDED_IDLE_TIMEOUT: Final = 5.0
"""The same while no more connections are accepted."""

SEND_TIMEOUT: Final = 30.0
"""Seconds a client may take nothing of an answer."""

LINGER_TIMEOUT: Final = 3.0
"""Seconds a client gets to close after the last answer."""

LAST_WORD: Final = 0.5
"""Seconds, while the server stops, for a client to close, and for its next request on a connection in use: that one
may be on its way, and would be lost."""


class Channel(HTTPChannel):  # type: ignore[misc]
    """A connection, touched by one thread at a time: whoever its event was given to (EPOLLONESHOT).

    So nothing is handed from thread to thread: waitress' task queue and its wake-ups of the loop are not used.
    """

    parser_class = Request
    task_class = Exchange
    error_task_class = Refusal
    logger = logging.getLogger("api.server")
    server: Server
    connected: bool

    busy = False
    """Whether a thread is at it; read by the supervising thread."""
    lingering = False
    """Whether everything was said, and only the client's end of the connection is waited for."""

    def __init__(self, server: Server, sock: socket.socket, addr: Any, adj: Any, map: Any = None) -> None:
        super().__init__(server, sock, addr, adj, map=map)
        self.since = time.monotonic()
        """When the present state began: waiting for a request, receiving one, sending, lingering."""

    def is_last(self) -> bool:
        """Whether the connection ends with the answer that is being made."""
        return self.server.stopping and len(self.requests) == 1 and self.request is None

    def handle_event(self, flags: int) -> None:
        """Do all there is to do now, then wait for the next event or close."""
        self.busy = True
        if flags & select.EPOLLOUT:
            self._flush_exception(self._flush_some)
        else:
            self._read()
        while self.requests and self.connected and not self.total_outbufs_len:
            self.service()
            self.since = time.monotonic()
        if not self.connected or self.will_close:
            if self.socket is not None:
                self.handle_close()
        elif self.total_outbufs_len:
            self._await(select.EPOLLOUT)
        elif self.close_when_flushed and not self.lingering:
            self._linger()
        else:
            self._await(select.EPOLLIN)

    def _await(self, event: int) -> None:
        self.busy = False
        self.server.await_event(self._fileno, event)

    def _read(self) -> None:
        was_receiving = self.request is not None
        self.handle_read()
        if not was_receiving and self.request is not None:
            self.since = time.monotonic()

    def _linger(self) -> None:
        """Close our side and read over what the client still sends: to close at once would reset the connection,
        and the client might never see the answer (RFC 9112 section 9.6)."""
        self.lingering = True
        self.since = time.monotonic()
        self._shut(socket.SHUT_WR)
        self._await(select.EPOLLIN)

    def del_channel(self, map: Any = None) -> None:
        super().del_channel(map)
        self.server.publish_connection_count()

    def write_soon(self, data: Any) -> int:
        """Send what the socket takes now; only the rest is copied into a buffer."""
        if self.connected and not self.total_outbufs_len and isinstance(data, bytes):
            sent: int = self.send(data, do_close=False)
            if sent == len(data):
                return sent
            return sent + int(super().write_soon(data[sent:]))
        return int(super().write_soon(data))

    def _flush_outbufs_below_high_watermark(self) -> None:
        """Before a streamed answer grows further: wait here for the client, for no other thread flushes."""
        poll = select.poll()
        poll.register(self._fileno, select.POLLOUT)
        while self.connected and self.total_outbufs_len > self.adj.outbuf_high_watermark:
            if not poll.poll(self.adj.channel_timeout * 1000):
                raise ClientDisconnected
            self._flush_exception(self._flush_some, do_close=False)
            self.connected = self.connected and not self.will_close

    def is_late(self, now: float, *, crowded: bool) -> bool:
        """Whether the client has exceeded the time for the connection's present state; `now` in monotonic seconds."""
        # The owner may go on at any moment, so each attribute is looked at once.
        request = self.request
        if self.total_outbufs_len:
            return time.time() - float(self.last_activity) > SEND_TIMEOUT
        if self.lingering:
            limit = LAST_WORD if self.server.stopping else LINGER_TIMEOUT
        elif request is not None:
            limit = REQUEST_TIMEOUT if request.headers_finished else HEAD_TIMEOUT
        else:
            limit = CROWDED_IDLE_TIMEOUT if crowded else IDLE_TIMEOUT
        return now - self.since > limit

    def is_idle(self) -> bool:
        """Whether it waits for a request of which nothing has come."""
        return not (self.busy or self.lingering or self.total_outbufs_len or self.request)

    def is_working(self) -> bool:
        """Whether a request has come whose answer is not out."""
        return self.busy or bool(self.total_outbufs_len)

    def expire(self) -> None:
        """From the supervising thread: end the connection through its next event, which goes to its owner."""
        self._shut(socket.SHUT_RDWR)

    def expire_if_silent(self) -> None:
        """The same for a connection that waits for a request: one that has arrived already is still read."""
        try:
            if self.socket.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT):
                return
        except (OSError, AttributeError):
            pass
        self._shut(socket.SHUT_RD)

    def _shut(self, how: int) -> None:
        # Its owner may have closed it a moment ago.
        with contextlib.suppress(OSError, AttributeError):
            self.socket.shutdown(how)
