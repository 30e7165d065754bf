"""One connection: requests in, responses out, one request at a time.

Which thread has it is decided in loop.py; what a request is, in request.py; how a response is framed, in response.py;
how many requests run at once, in quotas.py.
"""

from __future__ import annotations

import logging
import re
import select
import socket
import time
from http import HTTPStatus
from io import BytesIO
from typing import TYPE_CHECKING, Any, Final

from api.server.event_loop import EventLoop
from api.server.handlers import AWAITS_BODY, FixedResponse, Handlers
from api.server.quotas import REFUSAL, Admission, Refusal
from api.server.request import Request
from api.server.response import Response
from api.server.stream import Disconnected, Stream
from api.server.time_limits import State, time_limit

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication, WSGIEnvironment

_EMPTY_LINES: Final = re.compile(rb"(?:\r\n)+")

logger = logging.getLogger("api.server")


class Queued(Exception):
    """The request waits for its turn. Another thread may have the connection already."""


class Connection:
    """A connection, used by one thread at a time: the one that was given its event (EPOLLONESHOT), or its turn."""

    busy = False
    """Whether a thread has it; read by the supervising thread."""

    steps = 0
    """How many pieces of requests and responses have been worked at; read by the supervising thread."""

    def __init__(
        self, loop: EventLoop, sock: socket.socket, address: Any, handlers: Handlers, environ: WSGIEnvironment
    ) -> None:
        """`environ` has what is the same for all connections."""
        self.descriptor = sock.fileno()
        self._loop = loop
        self._stream = Stream(sock)
        self._handlers = handlers
        self._environ = {
            **environ,
            "REMOTE_ADDR": address[0],
            "REMOTE_HOST": address[0],
            "REMOTE_PORT": str(address[1]),
        }
        self._unread = b""
        self._request: Request | None = None
        self._response: Response | None = None
        self._judged = False
        """Whether the head of the present request has been judged."""
        self._admission = Admission(self)
        self._ended = False
        """Whether the last response is made."""
        # The supervising thread reads the state first: it may see a new time with an old state, never the reverse.
        self.since = time.monotonic()
        """The beginning of what the connection waits for, or the last time that the client took something."""
        self.state = State.IDLE

    def handle_event(self) -> None:
        """Do all that can be done now, then wait for the next event or close. Raises nothing."""
        self.busy = True
        try:
            if self.state is State.SENDING:
                if self._stream.flush():
                    self.since = time.monotonic()
            elif self.state is not State.QUEUED:
                self._receive()
            while not self._stream.is_blocked and not self._ended and self._advance():
                pass
            self._await_event()
        except Queued:
            pass
        except Disconnected:
            self._close()
        except BaseException:
            # Also what an application raises to end the process: it ends the connection, not the thread.
            logger.exception("a connection failed")
            self._close()

    # For the thread that has the connection.

    def _receive(self) -> None:
        data = self._stream.receive()
        if not self._ended:
            self._unread += data

    def _advance(self) -> bool:
        """Send the next piece of the response, or read on in the request; False where the client must send more."""
        self.steps += 1
        try:
            if self._response is None:
                return self._read_request()
            self._send_next(self._response)
        except (Disconnected, Queued):
            raise
        except Exception:
            path = self._request and self._request.environ.get("PATH_INFO")
            logger.exception("the application failed at %s", path)
            self._fail()
        return True

    def _read_request(self) -> bool:
        """Read on in the request; whether it has come to a response."""
        request = self._request or self._begin_request()
        if request is None:
            return False
        while self._unread and not request.completed:
            consumed = request.received(self._unread)
            self._unread = self._unread[consumed:]
        if request.refusal is not None:
            self._refuse(request, *request.refusal)
            return True
        if not request.headers_finished:
            return False
        if not self._judged and (judgement := self._judge_head(request)) is not None:
            self._respond(request, judgement, closes=True)
            return True
        refusal = self._loop.quotas.hold(self._admission, request.body_size)
        if request.completed and not refusal and self._admission.quota is not None:
            self._take_turn()
            refusal = self._admission.refusal
        if refusal:
            self._refuse_turn(request, refusal)
        elif request.completed:
            request.environ["wsgi.input"] = request.input_stream()
            self._respond(request, self._handlers.application)
        return bool(refusal) or request.completed

    def _judge_head(self, request: Request) -> FixedResponse | None:
        """The response to a request that is rejected by its head."""
        self._judged = True
        request.environ[AWAITS_BODY] = not request.completed
        judgement = self._handlers.judge_head(request.environ)
        if judgement is None:
            self._admission.quota = self._handlers.quota_of(request.environ)
            if request.expect_continue:
                self._stream.send([b"HTTP/1.1 100 Continue\r\n\r\n"])
        return judgement

    def _take_turn(self) -> None:
        """Return when the request may run, or is refused. Raises Queued."""
        admission = self._admission
        if admission.runs or admission.refusal:
            return
        # Once the request is queued, another thread may have the connection.
        self.state, self.busy = State.QUEUED, False
        if not self._loop.quotas.enter(admission):
            raise Queued
        self.busy = True

    def _yield_turn(self) -> None:
        """Let another request of the same caller run, if one waits, before the next piece. Raises Queued."""
        self.state, self.busy = State.QUEUED, False
        if self._loop.quotas.take_turns(self._admission):
            raise Queued
        self.busy = True

    def _end_turn(self) -> None:
        if self._admission.runs:
            self._loop.quotas.leave(self._admission)

    def _begin_request(self) -> Request | None:
        """The next request, once something of it has come; empty lines are ignored (RFC 9112 section 2.2)."""
        if self._unread.startswith(b"\r\n"):
            self._unread = _EMPTY_LINES.sub(b"", self._unread, 1)
        if self._unread in (b"", b"\r"):
            return None
        self.since = time.monotonic()
        self._request = Request(self._environ.copy())
        return self._request

    def _respond(self, request: Request, application: WSGIApplication, *, closes: bool = False) -> None:
        self._response = Response(request, self._stream.send, is_last=self._is_last, closes=closes)
        self._response.begin(application)

    def _refuse(self, request: Request, status: HTTPStatus, reason: str) -> None:
        headers, body = self._handlers.render_refusal(status, reason, request.environ)
        self._respond(request, FixedResponse(status, headers, body), closes=True)

    def _refuse_turn(self, request: Request, refusal: Refusal) -> None:
        """Have the application refuse a request that its quota does not allow."""
        request.environ[REFUSAL] = refusal
        request.environ["wsgi.input"] = BytesIO()
        self._respond(request, self._handlers.application, closes=not request.completed)

    def _is_last(self) -> bool:
        return self._loop.stopping and not self._unread

    def _send_next(self, response: Response) -> None:
        if self._admission.begun:
            self._take_turn()
        if not response.send_next():
            response.close()
            self._finish_response(closes=response.closes)
        elif self._admission.runs and not self._stream.is_blocked:
            self._yield_turn()

    def _finish_response(self, *, closes: bool) -> None:
        self._forget_request()
        self._ended = closes
        self.since = time.monotonic()

    def _forget_request(self) -> None:
        if self._request is not None:
            self._request.close()
        self._end_turn()
        self._loop.quotas.hold(self._admission, 0)
        self._request = self._response = None
        self._judged = False
        self._admission = Admission(self)

    def _fail(self) -> None:
        """Send a 500, or end the connection where another response has begun: the client sees that it is incomplete."""
        response, request = self._response, self._request
        self._close_response()
        if response is not None and response.ends_with_connection:
            self._stream.reset()
            raise Disconnected
        if request is None or (response is not None and response.head_sent):
            self._finish_response(closes=True)
        else:
            self._refuse(request, HTTPStatus.INTERNAL_SERVER_ERROR, "The server failed")

    def _close_response(self) -> None:
        if self._response is not None:
            try:
                self._response.close()
            except Exception:
                logger.exception("the application's iterable failed to close")

    def _await_event(self) -> None:
        self._end_turn()
        if self._stream.is_blocked:
            self._loop.quotas.hold(self._admission, self._stream.unsent)
        state = self._next_state()
        if state is not self.state and state in (State.SENDING, State.LINGERING):
            self.since = time.monotonic()
            if state is State.LINGERING:
                # To close at once would reset the connection while the client sends, and the client might never see
                # the response (RFC 9112 section 9.6).
                self._stream.shutdown(socket.SHUT_WR)
        self.state = state
        self.busy = False
        self._loop.await_event(self.descriptor, select.EPOLLOUT if state is State.SENDING else select.EPOLLIN)

    def _next_state(self) -> State:
        if self._stream.is_blocked:
            return State.SENDING
        if self._ended:
            return State.LINGERING
        if self._request is None:
            return State.IDLE
        return State.BODY if self._request.headers_finished else State.HEAD

    def _close(self) -> None:
        self._loop.remove(self)
        self._close_response()
        self._forget_request()
        self._stream.close()

    # For the supervising thread.

    def is_late(self, now: float, *, crowded: bool) -> bool:
        """Whether the client has exceeded the time for what it is waited for; `now` in monotonic seconds."""
        limit = time_limit(self.state, crowded=crowded, stopping=self._loop.stopping)
        return now - self.since > limit

    def is_idle(self) -> bool:
        """Whether it waits for a request of which nothing has come."""
        return not self.busy and self.state is State.IDLE

    def is_working(self) -> bool:
        """Whether a request has come whose response is not out."""
        return self.busy or self.state in (State.SENDING, State.QUEUED)

    def expire(self) -> None:
        """End the connection through its next event, which goes to the thread that may close it.

        A request that has arrived by now on an idle connection is still read: the threads may be behind.
        """
        if self.state is not State.IDLE:
            self._stream.shutdown(socket.SHUT_RDWR)
        elif not self._stream.has_input():
            self._stream.shutdown(socket.SHUT_RD)
