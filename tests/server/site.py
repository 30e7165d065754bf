"""A small WSGI application on the service's own server, run as a separate process by the tests of this folder.

python -m tests.server.site KEY=VALUE... A key is an argument of `workers.run`, or HOST, or PORT, or a constant of
api.server.time_limits, loop, stops or workers, such as HEAD_TIMEOUT, or one of these:

FAIL: creating the application fails with this message.
FAIL_WHILE: a file; while it exists, creating the application fails.
SUPERVISE: a file; the supervision that the parent calls fails once it exists.
RECORD: a file to which each request's method and target are written.
UNREADY: a file; while it exists, /ready is 503.
PLAIN: the application alone is served, without the service's handlers.
"""

from __future__ import annotations

import json
import logging
import os
import sys
import time
from collections.abc import Iterable, Iterator
from functools import partial
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import parse_qs

from api.profiles.error_bodies import ErrorBodies
from api.profiles.reading import read_profile
from api.refusals import render_refusal
from api.server import listener, loop, stops, time_limits, workers
from api.server.handlers import FixedResponse, Handlers
from tests.server import edge_cases

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment


def make_application(record: Path | None, unready: Path | None) -> WSGIApplication:
    """The application below, with RECORD and UNREADY."""

    def recording(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        if record is not None:
            with record.open("a") as file:
                file.write(f"{environ['REQUEST_METHOD']} {environ['REQUEST_URI']}\n")
        if unready is not None and environ["PATH_INFO"] == "/ready" and unready.exists():
            start_response("503 Service Unavailable", [])
            return []
        return application(environ, start_response)

    return recording if record or unready else application


def application(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    """/echo returns the request as the application saw it; each other path has the behaviour of its name."""
    path = environ["PATH_INFO"]
    if path in edge_cases.APPLICATIONS:
        return edge_cases.APPLICATIONS[path](environ, start_response)
    query = {name: values[-1] for name, values in parse_qs(environ["QUERY_STRING"]).items()}
    if path == "/crash":
        raise RuntimeError("provoked")
    if path == "/nothing":
        start_response("204 No Content", [("Content-Length", "0")])
        return []
    if path == "/stream":
        start_response("200 OK", [("Content-Type", "text/plain")])
        return _pieces(int(query["pieces"]), int(query.get("size", "5")), query.get("progress"))
    if path == "/wait":
        _wait(query)
    body = b"b" * int(query["size"]) if path == "/big" else json.dumps(_seen(environ)).encode()
    start_response("200 OK", [("Content-Type", "application/json"), ("Content-Length", str(len(body)))])
    return [] if environ["REQUEST_METHOD"] == "HEAD" else [body]


def judge_head(environ: WSGIEnvironment) -> FixedResponse | None:
    """Reject a request with the status that X-Reject names; `crash` raises."""
    environ["site.judged"] = "yes"
    if "HTTP_X_REJECT" not in environ:
        return None
    if environ["HTTP_X_REJECT"] == "crash":
        raise RuntimeError("provoked")
    body = b"rejected, without wsgi.input" if "wsgi.input" not in environ else b"rejected"
    return FixedResponse(HTTPStatus(int(environ["HTTP_X_REJECT"])), [("Content-Type", "text/plain")], body)


def _pieces(count: int, size: int, progress: str | None) -> Iterator[bytes]:
    for number in range(count):
        if progress is not None:
            Path(progress).write_text(str(number))
        yield b"p" * size


def _wait(query: dict[str, str]) -> None:
    if "touch" in query:
        Path(query["touch"]).touch()
    if "file" in query:
        while not Path(query["file"]).exists():
            time.sleep(0.01)
    time.sleep(float(query.get("seconds", "0")))


def _seen(environ: WSGIEnvironment) -> dict[str, object]:
    seen = {key: value for key, value in environ.items() if isinstance(value, str)}
    return {**seen, "body": environ["wsgi.input"].read().decode("latin-1"), "pid": os.getpid()}


def main(arguments: list[str]) -> int:
    """Serve until stopped; prints `port N`, then `ready`."""
    given = dict(argument.split("=", 1) for argument in arguments)
    logging.basicConfig(level=logging.INFO, format="%(process)d %(levelname)s %(message)s")
    for module in (time_limits, loop, stops, workers):
        for name in given.keys() & vars(module).keys():
            setattr(module, name, float(given[name]))
    listening = listener.listen(given.get("HOST", "127.0.0.1"), int(given.get("PORT", "0")))
    print("port", listening.getsockname()[1], flush=True)

    def create() -> Handlers:
        if "FAIL" in given:
            raise RuntimeError(given["FAIL"])
        if "FAIL_WHILE" in given and Path(given["FAIL_WHILE"]).exists():
            raise FileExistsError(given["FAIL_WHILE"])
        application = make_application(*(Path(given[key]) if key in given else None for key in ("RECORD", "UNREADY")))
        render = partial(render_refusal, errors=ErrorBodies.of(read_profile("canonical")))
        return Handlers(application) if "PLAIN" in given else Handlers(application, render, judge_head)

    def supervise() -> None:
        if Path(given["SUPERVISE"]).exists():
            raise RuntimeError("it is broken")

    return workers.run(
        create,
        listening,
        workers=int(given.get("workers", "1")),
        threads=int(given.get("threads", "2")),
        shutdown_timeout=float(given.get("shutdown_timeout", "60")),
        worker_timeout=float(given.get("worker_timeout", "60")),
        on_ready=lambda: print("ready", flush=True),
        supervise=supervise if "SUPERVISE" in given else None,
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
