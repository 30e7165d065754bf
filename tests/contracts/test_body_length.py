"""A body ends at its Content-Length, also where the server's stream goes on (PEP 3333)."""

from __future__ import annotations

import io
import json
from collections.abc import Callable

from falcon.testing import StartResponseMock, TestClient, create_environ

from tests.support.signing import token_for


class EndlessStream(io.BytesIO):
    """A connection: behind the body is the next request, and a read past that would wait for ever."""

    def read(self, size: int | None = -1) -> bytes:
        assert size is not None
        assert 0 <= size <= len(BODY), "read past the body"
        return super().read(size)


BODY = b'{"title": "Water the plants"}'


def test_a_body_is_read_up_to_its_length_and_no_further(make_client: Callable[..., TestClient]) -> None:
    headers = {"Authorization": f"Bearer {token_for('body-length')}", "Content-Type": "application/json"}
    environ = create_environ("/api/tasks", method="POST", headers=headers)
    environ["CONTENT_LENGTH"] = str(len(BODY))
    environ["wsgi.input"] = EndlessStream(BODY + b"GET / HTTP/1.1\r\n\r\n")
    response = StartResponseMock()
    pieces = make_client().app(environ, response)
    assert response.status == "201 Created"
    assert json.loads(b"".join(pieces))["data"]["title"] == "Water the plants"
