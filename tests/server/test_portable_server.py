"""The server without epoll: run in a process in which it has been removed."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.support.ports import free_port
from tests.support.processes import WebServer

PROGRAM = """
import select, sys
from http import HTTPStatus
del select.epoll
from api.server import workers
from api.server.handlers import FixedResponse, Handlers

def application(environ, start_response):
    body = environ["wsgi.input"].read() or b'{"here": true}'
    start_response("200 OK", [("Content-Type", "application/json"), ("Content-Length", str(len(body)))])
    return [body]

def judge_head(environ):
    if environ["PATH_INFO"] == "/forbidden":
        return FixedResponse(HTTPStatus.FORBIDDEN, [("Content-Type", "text/plain")], b"forbidden")

handlers = Handlers(application, judge_head=judge_head)
listener = workers.listen("127.0.0.1", int(sys.argv[1]))
sys.exit(workers.run(lambda: handlers, listener, workers=int(sys.argv[2]), threads=2, shutdown_timeout=5))
"""


@pytest.mark.parametrize("workers", ["1", "2"])
def test_it_serves_and_stops_without_epoll(tmp_path: Path, workers: str) -> None:
    port = free_port()
    server = WebServer([sys.executable, "-c", PROGRAM, str(port), workers], tmp_path / "log", port=port)
    try:
        server.wait_until_ready(path="/")
        assert server.call("GET", "/").json == {"here": True}
        assert server.call("GET", "/forbidden").status == 403
    finally:
        status = server.stop()
    assert status == 0, server.output
    assert "Traceback" not in server.output
