"""One serving process: waitress' parser, connections and WSGI tasks on a loop of our own, its limits, and its stop.

waitress looks through all its connections on every turn of its loop and hands each request to another thread
and back. Here the threads wait on one epoll, and the one that is given a connection reads, works and answers.
How many processes there are is in workers.py.
"""

from __future__ import annotations

import logging
import select
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

from waitress.adjustments import Adjustments
from waitress.server import TcpWSGIServer
from waitress.task import ThreadedTaskDispatcher

from api.server import portable_server
from api.server.channel import LAST_WORD, SEND_TIMEOUT, Channel
from api.server.listener import YIELD_DELAY, Group, raise_descriptor_limit, reject_new_connections

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

logger = logging.getLogger("api.server")

MAX_BODY: Final = 4 * 1024 * 1024
MAX_HEAD: Final = 64 * 1024
MAX_CONNECTIONS: Final = 4096
SPARE_THREADS: Final = 4
MAX_ACCEPTS: Final = 64
"""Connections that a thread lets in before it looks after requests again."""

_TICK: Final = 0.1
"""Seconds between two looks at the threads."""


def serve(
    application: WSGIApplication,
    listener: socket.socket,
    *,
    threads: int,
    shutdown_timeout: float,
    on_ready: Callable[[], None] = lambda: None,
    group: Group | None = None,
) -> int:
    """Serve until SIGTERM, SIGINT, or the parent's end; the process's exit status.

    0: all that had begun was finished. 1: it was not, within `shutdown_timeout` seconds or because of a second
    signal (which one of a group leaves to its parent: there it gets each signal twice where a whole process
    group is signalled).
    """
    if not hasattr(select, "epoll"):
        return portable_server.serve(application, listener, threads=threads, max_body=MAX_BODY, on_ready=on_ready)
    server = Server(application, listener, threads=threads, group=group)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, server.stop)
    return server.serve(on_ready, shutdown_timeout)


class Server(TcpWSGIServer):  # type: ignore[misc]
    """`threads` that serve, one that supervises (the caller's), and a few spare ones.

    The spare ones work only while all others are stuck, so that what needs no database goes on being answered.
    Requests beyond that wait in the kernel, in connections, whose number is bounded; so memory is.
    """

    channel_class = Channel
    logger = logger

    def __init__(
        self, application: WSGIApplication, listener: socket.socket, *, threads: int, group: Group | None = None
    ) -> None:
        adjustments = Adjustments(
            sockets=[listener],
            threads=threads,
            ident="",
            max_request_header_size=MAX_HEAD,
            max_request_body_size=MAX_BODY + 1,
            recv_bytes=32768,
            inbuf_overflow=64 * 1024,
            outbuf_overflow=256 * 1024,
            channel_timeout=int(SEND_TIMEOUT),
            log_socket_errors=False,
            expose_tracebacks=False,
            clear_untrusted_proxy_headers=False,
        )
        self._events = select.epoll()
        super().__init__(
            application,
            map={},
            _start=False,
            _sock=listener,
            dispatcher=ThreadedTaskDispatcher(),  # Holds no thread and gets no task.
            adj=adjustments,
            sockinfo=(listener.family, listener.type, listener.proto, listener.getsockname()),
            bind_socket=False,
        )
        self._group = group
        self.base_environ = self._base_environ()
        self.stopping = False
        self._stops = 0
        self._limit = raise_descriptor_limit(MAX_CONNECTIONS)
        self._accepting_lock = threading.Lock()
        self._paused = False
        self._finished = False
        self._turns = [0] * threads
        """For each thread, how many events it was given: odd while it works at one."""
        self._seen_turns = list(self._turns)
        self._stalled = threading.Event()

    def _base_environ(self) -> dict[str, Any]:
        return {
            "SERVER_NAME": self.effective_host,
            "SERVER_PORT": str(self.effective_port),
            "SERVER_SOFTWARE": "",
            "SCRIPT_NAME": "",
            "wsgi.version": (1, 0),
            "wsgi.url_scheme": "http",
            "wsgi.errors": sys.stderr,
            "wsgi.multithread": True,
            "wsgi.multiprocess": self._group is not None,
            "wsgi.run_once": False,
            "wsgi.input_terminated": True,
        }

    # What waitress would hand between its loop and its threads: here the thread that reads also works.

    def add_task(self, task: Any) -> None: ...

    def pull_trigger(self) -> None: ...

    # From any thread; `stop` as a signal handler.

    def stop(self, number: int, frame: object) -> None:
        self._stops += 1
        self.trigger.pull_trigger()

    def await_event(self, descriptor: int, event: int) -> None:
        self._events.modify(descriptor, event | select.EPOLLONESHOT)

    def publish_connection_count(self) -> None:
        """Tell the group how many there are, whenever there is one more or less."""
        if self._group is not None:
            self._group.counts[self._group.slot] = len(self.active_channels)

    # The supervising thread.

    def serve(self, on_ready: Callable[[], None], shutdown_timeout: float) -> int:
        """Run until stopped; see the function `serve`."""
        self.accepting = True
        self._events.register(self._fileno, select.EPOLLIN | select.EPOLLONESHOT)
        workers = [
            threading.Thread(target=self._work, args=(number,), name=f"serve-{number}", daemon=True)
            for number in range(len(self._turns))
        ]
        workers += [
            threading.Thread(target=self._work_when_stalled, name=f"serve-spare-{number}", daemon=True)
            for number in range(SPARE_THREADS)
        ]
        for worker in workers:
            worker.start()
        on_ready()
        try:
            self._supervise()
            return self._drain(shutdown_timeout)
        finally:
            self._finished = True

    def _supervise(self) -> None:
        wake = select.poll()
        wake.register(self.trigger._fileno, select.POLLIN)
        if self._group is not None:
            wake.register(self._group.parent, select.POLLIN)
        swept = time.monotonic()
        while not self._stops:
            for descriptor, _ in wake.poll(_TICK * 1000):
                if self._group is not None and descriptor == self._group.parent:
                    logger.warning("the parent process is gone: stopping")
                    return
            now = time.monotonic()
            self._watch_threads()
            if now - swept >= 1 or self._paused:
                swept = now
                self._sweep(now)
                self._accept_again()

    def _watch_threads(self) -> None:
        turns = list(self._turns)
        if turns == self._seen_turns and all(turn % 2 for turn in turns):
            self._stalled.set()
        else:
            self._stalled.clear()
        self._seen_turns = turns

    def _sweep(self, now: float) -> None:
        """End the connections whose time is up."""
        for channel in list(self.active_channels.values()):
            if not channel.busy and channel.is_late(now, crowded=self._paused):
                channel.expire()

    def _drain(self, timeout: float) -> int:
        self.stopping = True
        began = time.monotonic()
        self._stop_accepting()
        logger.info("stopping: %d connections open", len(self.active_channels))
        while channels := list(self.active_channels.values()):
            now = time.monotonic()
            if now - began > timeout or (self._group is None and self._stops > 1):
                return self._give_up(channels)
            self._watch_threads()
            self._sweep(now)
            for channel in channels:
                if channel.is_idle() and now - channel.since > LAST_WORD:
                    channel.expire_if_silent()
            time.sleep(0.01)
        return 0

    def _give_up(self, channels: list[Channel]) -> int:
        unfinished = sum(channel.is_working() for channel in channels)
        for channel in channels:
            channel.expire()
        if unfinished:
            logger.error("stopped with %d requests unfinished", unfinished)
        return 1 if unfinished else 0

    # The serving threads.

    def _work(self, number: int) -> None:
        turns = self._turns
        while not self._finished:
            for descriptor, flags in self._events.poll(-1, 1):
                turns[number] += 1
                self._handle(descriptor, flags)
                turns[number] += 1

    def _work_when_stalled(self) -> None:
        while not self._finished:
            self._stalled.wait()
            for descriptor, flags in self._events.poll(_TICK, 1):
                self._handle(descriptor, flags)

    def _handle(self, descriptor: int, flags: int) -> None:
        item = self._map.get(descriptor)
        if item is self:
            self.handle_accept()
        elif item is not None:
            try:
                item.handle_event(flags)
            except BaseException:
                # Whatever an application raises: the connection ends with it, the thread does not.
                item.handle_error()

    def handle_accept(self) -> None:
        """Take those who wait to be let in, until another process has clearly fewer connections.

        One a turn would leave the last of a burst waiting behind the requests of all who are in already.
        """
        if self._should_yield():
            time.sleep(YIELD_DELAY)
        with self._accepting_lock:
            if not self.accepting:
                return
            for _ in range(MAX_ACCEPTS):
                more = self._accept_one()
                is_full = len(self.active_channels) >= self._limit
                if not more or is_full or self._should_yield():
                    break
            if is_full:
                logger.warning("%d connections are open: accepting no more for now", self._limit)
            if is_full or more is None:
                self._paused = True
            else:
                self.await_event(self._fileno, select.EPOLLIN)

    def _should_yield(self) -> bool:
        return self._group is not None and self._group.should_yield(len(self.active_channels))

    def _accept_one(self) -> bool | None:
        """Whether there was one; None when the process cannot take one now."""
        try:
            pair = self.accept()
            if pair is None:
                return False
            connection, address = pair
            self.set_socket_options(connection)
            channel = self.channel_class(self, connection, address, self.adj, map=self._map)
            self.publish_connection_count()
            self._events.register(channel._fileno, select.EPOLLIN | select.EPOLLONESHOT)
        except OSError as ex:
            logger.warning("cannot accept: %s", ex)
            return None
        return True

    def _accept_again(self) -> None:
        with self._accepting_lock:
            if self._paused and len(self.active_channels) < self._limit:
                self._paused = False
                self.await_event(self._fileno, select.EPOLLIN)

    def _stop_accepting(self) -> None:
        """Take in who is connected already, and let the kernel turn away everybody else."""
        if self._group is None:
            # What one of a group does to the listener it does to all: there the parent knows whether all are to stop.
            reject_new_connections(self.socket)
        with self._accepting_lock:
            while self._accept_one():
                pass
            self._events.unregister(self._fileno)
            super().del_channel()
            self.accepting = False
            self.socket.close()
