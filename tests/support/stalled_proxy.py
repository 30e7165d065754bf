"""A TCP proxy to a PostgreSQL server that can stall, as a network that drops all packets does.

After `resume` it delivers the withheld data, as TCP does; connections made meanwhile wait.
"""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

from psycopg2.extensions import parse_dsn


class StalledProxy:
    """Listens on a free port of 127.0.0.1; `url` connects through it to the server of the given URL.

    `connections` counts the accepted connections, `requests` the messages from clients that arrive one by one.
    """

    def __init__(self, url: str) -> None:
        self._target: dict[str, Any] = parse_dsn(url)
        self._flowing = threading.Event()
        self._flowing.set()
        self._open = threading.Event()
        self._open.set()
        self._to_refuse = 0
        self._clients: list[socket.socket] = []
        self._threads: list[threading.Thread] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.connections = 0
        self.requests = 0
        port = self._listener.getsockname()[1]
        user = quote(self._target.get("user", ""), safe="")
        self.url = f"postgresql://{user}@127.0.0.1:{port}/{self._target['dbname']}?sslmode=disable"
        self._start(self._accept)

    def __enter__(self) -> StalledProxy:
        return self

    def __exit__(self, *exc_info: object) -> None:
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._threads[0].join()
        self.cut()
        self.resume()
        for thread in self._threads:
            thread.join()

    def stall(self) -> None:
        """Deliver nothing from now on, without closing connections."""
        self._flowing.clear()

    def stall_new_connections(self) -> None:
        """Deliver nothing on connections made from now on."""
        self._open.clear()

    def refuse(self, number: int) -> None:
        """Close the next `number` connections at once."""
        self._to_refuse = number

    def resume(self) -> None:
        """Deliver everything, the withheld data first, and refuse no more connections."""
        self._to_refuse = 0
        self._flowing.set()
        self._open.set()

    def cut(self) -> None:
        """Shut down every connection."""
        for client in self._clients:
            with contextlib.suppress(OSError):
                client.shutdown(socket.SHUT_RDWR)

    def _start(self, target: Callable[..., None], *arguments: Any) -> None:
        thread = threading.Thread(target=target, args=arguments, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                self.connections += 1
                if self._to_refuse:
                    self._to_refuse -= 1
                    client.close()
                    continue
                self._clients.append(client)
                self._start(self._serve, client)

    def _serve(self, client: socket.socket) -> None:
        self._flowing.wait()
        self._open.wait()
        with client, contextlib.suppress(OSError), self._connect() as server:
            back = threading.Thread(target=self._pump, args=(server, client))
            back.start()
            self._pump(client, server, count=True)
            back.join()

    def _connect(self) -> socket.socket:
        host, port = self._target.get("host", "localhost"), int(self._target.get("port", 5432))
        if not host.startswith("/"):
            return socket.create_connection((host, port))
        server = socket.socket(socket.AF_UNIX)
        try:
            server.connect(f"{host}/.s.PGSQL.{port}")
        except OSError:
            server.close()
            raise
        return server

    def _pump(self, source: socket.socket, sink: socket.socket, *, count: bool = False) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                self.requests += count
                self._flowing.wait()
                sink.sendall(data)
        for each in (source, sink):
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
