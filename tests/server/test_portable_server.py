"""The server where there is no epoll: run in a process that has been robbed of it."""

from __future__ import annotations

import contextlib
import json
import signal
import subprocess
import sys
import time
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import urlopen

import pytest

from tests.service import PROJECT, free_port

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
    log = tmp_path / "log"
    with log.open("wb") as stream:
        process = subprocess.Popen(
            [sys.executable, "-c", PROGRAM, str(port), workers], cwd=PROJECT, stdout=stream, stderr=stream
        )
    try:
        answer = None
        end = time.monotonic() + 10
        while answer is None and time.monotonic() < end:
            time.sleep(0.02)
            with contextlib.suppress(OSError), urlopen(f"http://127.0.0.1:{port}/", timeout=2) as response:
                answer = json.load(response)
        assert answer == {"here": True}, log.read_text()
        with pytest.raises(HTTPError, match="403"):
            urlopen(f"http://127.0.0.1:{port}/forbidden", timeout=2)
    finally:
        process.send_signal(signal.SIGTERM)
        status = process.wait(10)
    assert status == 0, log.read_text()
    assert "Traceback" not in log.read_text()
