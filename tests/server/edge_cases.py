"""WSGI applications for one edge case of PEP 3333 each; tests.server.site serves them under their names."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import parse_qs

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

TEXT = ("Content-Type", "text/plain")


def written(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    write = start_response("200 OK", [TEXT])
    write(b"one ")
    write(b"")
    write(b"two ")
    return [b"three"]


def started_twice(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    start_response("200 OK", [TEXT])
    start_response("201 Created", [TEXT])
    return [b"body"]


def replaced(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    start_response("200 OK", [TEXT, ("Content-Length", "1000"), ("X-First", "yes")])
    try:
        raise ValueError("too late for the first status, not for a second")
    except ValueError:
        start_response("418 I'm a Teapot", [TEXT, ("X-Second", "yes")], sys.exc_info())
    return [b"replaced"]


def replaced_after_nothing(environ: WSGIEnvironment, start_response: StartResponse) -> Iterator[bytes]:
    start_response("200 OK", [TEXT])
    yield b""
    try:
        raise ValueError("nothing is sent yet")
    except ValueError:
        start_response("418 I'm a Teapot", [TEXT, ("Content-Length", "8")], sys.exc_info())
    yield b"replaced"


def replaced_too_late(environ: WSGIEnvironment, start_response: StartResponse) -> Iterator[bytes]:
    start_response("200 OK", [TEXT])
    yield b"begun"
    try:
        raise ValueError("the head is sent")
    except ValueError:
        start_response("500 Internal Server Error", [TEXT], sys.exc_info())
    yield b"never"


def started_late(environ: WSGIEnvironment, start_response: StartResponse) -> Iterator[bytes]:
    yield from ()
    start_response("200 OK", [TEXT])
    yield b""
    yield b"late"


def not_started(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    return [b"body"]


def without_iterable(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    start_response("200 OK", [TEXT])
    return None  # type: ignore[return-value]  # as a broken application does


def hop_by_hop(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    start_response("200 OK", [TEXT, ("Transfer-Encoding", "chunked")])
    return [b"0\r\n\r\n"]


def split_header(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    start_response("200 OK", [TEXT, ("X-Split", "a\r\nX-Injected: b")])
    return [b"body"]


def split_status(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    start_response("200 OK\nX-Injected: b", [TEXT])
    return [b"body"]


def negative_length(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    start_response("200 OK", [TEXT, ("Content-Length", "-1")])
    return [b"body"]


def too_short(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    start_response("200 OK", [TEXT, ("Content-Length", "10")])
    return [b"short"]


def too_long(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    start_response("200 OK", [TEXT, ("Content-Length", "7")])
    return [b"too ", b"long", b"by far"]


def empty(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    start_response("200 OK", [TEXT])
    return []


def one_piece(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    start_response("200 OK", [TEXT])
    return [b"one piece"]


def not_modified(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    start_response("304 Not Modified", [("ETag", '"1"'), ("Content-Length", "9")])
    return [b"forgotten"]


def spelled(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    start_response("299 In-house", [("set-COOKIE", "b=1"), ("X-aBc", "é"), ("set-COOKIE", "a=2"), ("date", "today")])
    return [b"body"]


def crashing_later(environ: WSGIEnvironment, start_response: StartResponse) -> Iterator[bytes]:
    start_response("200 OK", [TEXT])
    yield b"begun"
    raise RuntimeError("provoked")


def exiting(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    raise SystemExit(3)


class _Closing:
    """`count` pieces of `size` bytes; each call of close() adds a line to a file, and may fail."""

    def __init__(self, count: int, size: int, log: Path, *, fails: bool) -> None:
        self._pieces = iter([b"p" * size] * count)
        self._log = log
        self._fails = fails

    def __iter__(self) -> Iterator[bytes]:
        return self._pieces

    def close(self) -> None:
        with self._log.open("a") as file:
            file.write("closed\n")
        if self._fails:
            raise RuntimeError("provoked")


def closing(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    query = {name: values[-1] for name, values in parse_qs(environ["QUERY_STRING"]).items()}
    start_response("200 OK", [TEXT])
    return _Closing(int(query["pieces"]), int(query["size"]), Path(query["log"]), fails="fails" in query)


APPLICATIONS: dict[str, WSGIApplication] = {
    f"/{application.__name__}": application
    for application in (
        written,
        started_twice,
        replaced,
        replaced_after_nothing,
        replaced_too_late,
        started_late,
        not_started,
        without_iterable,
        hop_by_hop,
        split_header,
        split_status,
        negative_length,
        too_short,
        too_long,
        empty,
        one_piece,
        not_modified,
        spelled,
        crashing_later,
        exiting,
        closing,
    )
}
