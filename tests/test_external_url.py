"""The prefix and the origin that a client sees: what a trusted proxy, and nobody else, may say of them."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from ipaddress import ip_network

import falcon
import pytest
from falcon.testing import TestClient

from api.forwarded import ExternalUrl
from tests.support.signing import token_for

PROXY, STRANGER = "10.0.0.1", "192.0.2.1"


class ShowPrefix:
    def on_get(self, req: falcon.Request, resp: falcon.Response) -> None:
        resp.media = req.prefix


def seen(headers: dict[str, str], *, peer: str = PROXY, root_path: str = "", trusted: str = "10.0.0.0/8") -> str:
    """The beginning of an absolute URL of this service, as the client sees it."""
    networks = (ip_network(trusted),) if trusted else ()
    app = falcon.App(middleware=[ExternalUrl(networks, root_path)])
    app.add_route("/", ShowPrefix())
    result = TestClient(app).simulate_get("/", headers={"Host": "inner.example", **headers}, remote_addr=peer)
    return str(result.json)


def test_a_trusted_proxy_names_scheme_host_and_prefix() -> None:
    headers = {"X-Forwarded-Proto": "https", "X-Forwarded-Host": "app.example:8443", "X-Forwarded-Prefix": "/todo/"}
    assert seen(headers) == "https://app.example:8443/todo"
    assert seen({}) == "http://inner.example"


@pytest.mark.parametrize(
    ("peer", "trusted"), [(STRANGER, "10.0.0.0/8"), (PROXY, ""), ("unix", "10.0.0.0/8"), ("", "0.0.0.0/0")]
)
def test_anybody_else_names_nothing(peer: str, trusted: str) -> None:
    headers = {"X-Forwarded-Proto": "https", "X-Forwarded-Host": "evil.example", "X-Forwarded-Prefix": "/evil"}
    assert seen(headers, peer=peer, trusted=trusted) == "http://inner.example"


@pytest.mark.parametrize(
    "value",
    [
        *(
            "",
            "todo",
            "//evil.example",
            "/a//b",
            "/../x",
            "/x/..",
            "/./x",
            "/a b",
            '/"><script>',
            "/a?b",
            "/a#b",
            "/%2e",
        ),
        *("/a, /b", "/a,/a", "/a\\b", "/é", "https://evil.example/", "/" + "x" * 200),
    ],
)
def test_a_malformed_prefix_is_ignored(value: str) -> None:
    assert seen({"X-Forwarded-Prefix": value}) == "http://inner.example"


@pytest.mark.parametrize("value", ["", "a, b", "a/b", "a@b", "a b", "a:x", "a:123456", '"', "http://a", "[::g]", "é"])
def test_a_malformed_host_is_ignored(value: str) -> None:
    assert seen({"X-Forwarded-Host": value}) == "http://inner.example"


@pytest.mark.parametrize(
    "value", ["app.example", "localhost:3000", "127.0.0.1:80", "[2001:db8::1]:8443", "a_b.example"]
)
def test_a_well_formed_host_is_taken(value: str) -> None:
    assert seen({"X-Forwarded-Host": value}) == f"http://{value}"


@pytest.mark.parametrize("value", ["", "ftp", "HTTPS", "https, http", "javascript"])
def test_a_malformed_scheme_is_ignored(value: str) -> None:
    assert seen({"X-Forwarded-Proto": value}) == "http://inner.example"


@pytest.mark.parametrize("peer", [PROXY, STRANGER])
def test_a_root_path_holds_for_every_request_and_overrides_the_header(peer: str) -> None:
    headers = {"X-Forwarded-Prefix": "/other"}
    assert seen(headers, peer=peer, root_path="/todo") == "http://inner.example/todo"


@pytest.mark.parametrize(
    ("environ", "headers"),
    [
        ({"ROOT_PATH": "/todo/"}, {}),
        ({"TRUSTED_PROXY": "127.0.0.1"}, {"X-Forwarded-Prefix": "/todo"}),
    ],
)
def test_urls_of_the_service_begin_with_the_prefix(
    make_client: Callable[..., TestClient], environ: dict[str, str], headers: dict[str, str]
) -> None:
    client = make_client(**environ)
    get = partial(client.simulate_get, headers=headers, remote_addr="127.0.0.1")
    headers = {"Authorization": f"Bearer {token_for('ada')}", **headers}
    made = client.simulate_post("/api/tasks", json={"title": "x"}, headers=headers, remote_addr="127.0.0.1")
    assert made.headers["location"] == f"/todo/api/tasks/{made.json['data']['id']}"
    assert 'src="/todo/static/page.js"' in get("/").text
    assert 'src="/todo/docs/page.js"' in get("/docs").text
    assert get("/openapi.json").json["servers"][0]["url"] == "/todo"


def test_a_page_below_a_prefix_has_an_entity_tag_of_its_own(make_client: Callable[..., TestClient]) -> None:
    get = partial(make_client(TRUSTED_PROXY="127.0.0.1").simulate_get, remote_addr="127.0.0.1")
    for path in ("/", "/docs", "/openapi.json"):
        tags = {}
        for prefix in ("", "/a", "/b"):
            headers = {"X-Forwarded-Prefix": prefix} if prefix else {}
            tags[prefix] = get(path, headers=headers).headers["etag"]
            again = get(path, headers={**headers, "If-None-Match": tags[prefix]})
            assert again.status_code == 304
        assert len(set(tags.values())) == 3
