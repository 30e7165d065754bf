"""A pytest plugin: the tests call a running service instead of the application in their own process.

Usage: pytest -p tests.operations.front_door tests/contracts, with the service's URL in FRONT_DOOR and the URL of its
database in FRONT_DOOR_DATABASE. Tests that need other settings or their own process are deselected.
"""

from __future__ import annotations

import http.client
import itertools
import os
import threading
from collections.abc import Callable, Iterable, Mapping
from typing import Any
from urllib.parse import quote, urlsplit

import pytest

HOP_BY_HOP = {"connection", "keep-alive", "transfer-encoding", "date"}

UNSENDABLE = ("[bytes-", "\\x7f", "test_properties.py", "test_body_costs.py")
"""Parts of test ids: a proxy rejects these requests, a client library cannot send them, or this process is measured."""

COMBINATIONS = "test_every_combination_of_parameters_matches_the_model"
EVERY = 8
"""One in so many combinations is sent: they differ in their statements, not on the way to these."""


class FrontDoor:
    """A WSGI application that forwards every request to a URL, on one connection for each thread."""

    def __init__(self, url: str) -> None:
        self._address = urlsplit(url).netloc
        self._of_thread = threading.local()
        self._connections: list[http.client.HTTPConnection] = []

    def __call__(self, environ: Mapping[str, Any], start_response: Callable[..., object]) -> Iterable[bytes]:
        connection = getattr(self._of_thread, "connection", None)
        if connection is None:
            connection = self._of_thread.connection = http.client.HTTPConnection(self._address, timeout=30)
            self._connections.append(connection)
        try:
            response = send(connection, environ)
            body = response.read()
        except BaseException:
            # A closed connection reconnects at the next request.
            connection.close()
            raise
        headers = [(name, value) for name, value in response.getheaders() if name.lower() not in HOP_BY_HOP]
        start_response(f"{response.status} {response.reason}", headers)
        return [body]

    def close(self) -> None:
        for connection in self._connections:
            connection.close()


def send(connection: http.client.HTTPConnection, environ: Mapping[str, Any]) -> http.client.HTTPResponse:
    path = quote(environ["PATH_INFO"].encode("latin-1"), safe="/:@!$&'()*+,;=~")
    target = f"{path}?{environ['QUERY_STRING']}" if environ["QUERY_STRING"] else path
    connection.putrequest(environ["REQUEST_METHOD"], target, skip_host=True, skip_accept_encoding=True)
    for name, value in headers_of(environ):
        connection.putheader(name, value)
    connection.endheaders(environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0)))
    return connection.getresponse()


def headers_of(environ: Mapping[str, Any]) -> list[tuple[str, str]]:
    """The request's header fields, under their names on the wire."""
    named = [(name[5:].replace("_", "-"), value) for name, value in environ.items() if name.startswith("HTTP_")]
    named += [(name.replace("_", "-"), environ[name]) for name in ("CONTENT_TYPE", "CONTENT_LENGTH") if name in environ]
    return named


@pytest.hookimpl(tryfirst=True)
def pytest_fixture_setup(fixturedef: Any, request: pytest.FixtureRequest) -> object:
    """Replace the fixtures of these names by the running service and its database."""
    if fixturedef.argname == "application":
        door = FrontDoor(os.environ["FRONT_DOOR"])
        fixturedef.addfinalizer(door.close)
        value: object = door
    elif fixturedef.argname == "database_url":
        value = os.environ["FRONT_DOOR_DATABASE"]
    else:
        return None
    fixturedef.cached_result = (value, fixturedef.cache_key(request), None)
    return value


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Keep the tests that talk to the application with the settings of all tests."""
    # Tests with monkeypatch inspect or change the process.
    own = {"make_client", "start_service", "start_shared_service", "monkeypatch"}

    def is_for_any_service(item: pytest.Item) -> bool:
        names = set(getattr(item, "fixturenames", ()))
        return "application" in names and not names & own and not any(part in item.nodeid for part in UNSENDABLE)

    combinations = itertools.count()
    sent = [
        item
        for item in items
        if is_for_any_service(item) and (COMBINATIONS not in item.nodeid or next(combinations) % EVERY == 0)
    ]
    config.hook.pytest_deselected(items=list(set(items) - set(sent)))
    items[:] = sent
