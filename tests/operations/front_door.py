"""A pytest plugin: the tests talk to a service that runs elsewhere, in place of the application in their own process.

pytest -p tests.operations.front_door tests/contracts, with FRONT_DOOR, the service's URL, and FRONT_DOOR_DATABASE, its
database's, in the environment. Tests that need other settings or a process of their own are left out.
"""

from __future__ import annotations

import http.client
import os
from collections.abc import Callable, Iterable, Mapping
from typing import Any
from urllib.parse import quote, urlsplit

import pytest


class FrontDoor:
    """A WSGI application that passes every request on to a URL."""

    def __init__(self, url: str) -> None:
        self._address = urlsplit(url).netloc

    def __call__(self, environ: Mapping[str, Any], start_response: Callable[..., object]) -> Iterable[bytes]:
        path = quote(environ["PATH_INFO"].encode("latin-1"), safe="/:@!$&'()*+,;=~")
        query = environ["QUERY_STRING"]
        connection = http.client.HTTPConnection(self._address, timeout=30)
        try:
            connection.putrequest(
                environ["REQUEST_METHOD"],
                f"{path}?{query}" if query else path,
                skip_host=True,
                skip_accept_encoding=True,
            )
            for name, value in headers_of(environ):
                connection.putheader(name, value)
            connection.endheaders(environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0)))
            answer = connection.getresponse()
            body = answer.read()
            hop = {"connection", "keep-alive", "transfer-encoding", "date"}
            headers = [(name, value) for name, value in answer.getheaders() if name.lower() not in hop]
            start_response(f"{answer.status} {answer.reason}", headers)
            return [body]
        finally:
            connection.close()


def headers_of(environ: Mapping[str, Any]) -> list[tuple[str, str]]:
    """The request's header fields, under the names of the wire."""
    named = [(name[5:].replace("_", "-"), value) for name, value in environ.items() if name.startswith("HTTP_")]
    named += [(name.replace("_", "-"), environ[name]) for name in ("CONTENT_TYPE", "CONTENT_LENGTH") if name in environ]
    return named


@pytest.hookimpl(tryfirst=True)
def pytest_fixture_setup(fixturedef: Any, request: pytest.FixtureRequest) -> object:
    """Put the service that runs in the place of what the fixtures of these names would make."""
    if fixturedef.argname == "application":
        value: object = FrontDoor(os.environ["FRONT_DOOR"])
    elif fixturedef.argname == "database_url":
        value = os.environ["FRONT_DOOR_DATABASE"]
    else:
        return None
    fixturedef.cached_result = (value, fixturedef.cache_key(request), None)
    return value


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Keep the tests that talk to the application with the settings of all tests."""
    own = {"make_client", "start_service", "start_shared_service"}
    names = {item: set(getattr(item, "fixturenames", ())) for item in items}
    kept = [item for item in items if "application" in names[item] and not names[item] & own]
    config.hook.pytest_deselected(items=[item for item in items if item not in set(kept)])
    items[:] = kept
