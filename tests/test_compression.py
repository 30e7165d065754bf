"""The page, the reference and the OpenAPI document are sent with gzip to clients that accept it (RFC 9110)."""

from __future__ import annotations

import gzip

import pytest
from falcon.testing import TestClient

PATHS = ["/", "/static/page.js", "/static/page.css", "/static/app.js", "/docs", "/docs/page.js", "/openapi.json"]


def headers_for(accepted: str | None) -> dict[str, str]:
    return {} if accepted is None else {"Accept-Encoding": accepted}


@pytest.mark.parametrize("path", PATHS)
def test_the_compressed_form_holds_the_same_bytes_under_another_tag(client: TestClient, path: str) -> None:
    plain = client.simulate_get(path)
    compressed = client.simulate_get(path, headers={"Accept-Encoding": "gzip, deflate, br, zstd"})
    assert gzip.decompress(compressed.content) == plain.content
    assert len(compressed.content) < len(plain.content)
    assert compressed.headers["content-encoding"] == "gzip"
    assert compressed.headers["content-type"] == plain.headers["content-type"]
    assert "content-encoding" not in plain.headers
    for result in (plain, compressed):
        assert "Accept-Encoding" in result.headers["vary"]
        assert int(result.headers["content-length"]) == len(result.content)
    assert not compressed.headers["etag"].startswith("W/")
    assert compressed.headers["etag"] != plain.headers["etag"]


@pytest.mark.parametrize(
    ("accepted", "is_compressed"),
    [
        ("gzip", True),
        ("GZIP", True),
        ("x-gzip", True),
        ("br;q=1.0, gzip;q=0.8, *;q=0.1", True),
        ("gzip;q=0.001", True),
        ("gzip ; q=0.5", True),
        ("*", True),
        ("identity;q=0, *", True),
        ("identity, gzip", True),
        (None, False),
        ("", False),
        ("identity", False),
        ("gzip;q=0", False),
        ("gzip;q=0.000", False),
        ("*;q=0", False),
        ("gzip;q=0, *", False),
        ("gzip;q=0.5, identity", False),
        ("br, deflate", False),
        ("gzip;q=two", False),
        ("gzipped", False),
    ],
)
def test_the_weights_of_accept_encoding_decide(client: TestClient, accepted: str | None, is_compressed: bool) -> None:
    result = client.simulate_get("/docs", headers=headers_for(accepted))
    assert result.status_code == 200
    assert (result.headers.get("content-encoding") == "gzip") is is_compressed


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("accepted", [None, "gzip"])
def test_the_tag_of_either_form_gives_304(client: TestClient, path: str, accepted: str | None) -> None:
    first = client.simulate_get(path, headers=headers_for(accepted))
    for tag in (first.headers["etag"], f"W/{first.headers['etag']}", "*"):
        again = client.simulate_get(path, headers={"If-None-Match": tag, **headers_for(accepted)})
        assert (again.status_code, again.content) == (304, b"")
        assert again.headers["etag"] == first.headers["etag"]
        assert "Accept-Encoding" in again.headers["vary"]
        assert "content-encoding" not in again.headers


def test_the_tag_of_the_other_form_gives_the_file(client: TestClient) -> None:
    tag = client.simulate_get("/docs").headers["etag"]
    assert client.simulate_get("/docs", headers={"If-None-Match": tag, "Accept-Encoding": "gzip"}).status_code == 200


@pytest.mark.parametrize("path", PATHS)
def test_head_has_the_fields_of_the_compressed_form(client: TestClient, path: str) -> None:
    get = client.simulate_get(path, headers={"Accept-Encoding": "gzip"})
    head = client.simulate_head(path, headers={"Accept-Encoding": "gzip"})
    assert head.content == b""
    for name in ("content-encoding", "content-length", "etag", "vary"):
        assert head.headers[name] == get.headers[name]


@pytest.mark.parametrize("path", ["/", "/docs", "/openapi.json"])
def test_below_a_prefix_the_compressed_form_has_its_urls(client: TestClient, path: str) -> None:
    below = client.simulate_get(path, root_path="/todo", headers={"Accept-Encoding": "gzip"})
    assert below.headers["content-encoding"] == "gzip"
    text = gzip.decompress(below.content).decode()
    assert '"/todo' in text
    assert 'href="/static' not in text
    assert below.headers["etag"] != client.simulate_get(path, headers={"Accept-Encoding": "gzip"}).headers["etag"]
    again = client.simulate_get(path, root_path="/todo", headers={"Accept-Encoding": "gzip"})
    assert again.headers["etag"] == below.headers["etag"]
