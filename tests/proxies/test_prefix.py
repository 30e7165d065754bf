"""The service below a prefix that a real proxy strips: no URL of a response leaves the prefix."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from urllib.parse import urljoin

import pytest

from tests.proxies.prefix import BELOW_PREFIX
from tests.proxies.proxy import COMMANDS, Proxy
from tests.support.processes import UNLIMITED, Service, starting
from tests.support.signing import token_for


@pytest.fixture(scope="module")
def services(create_database: Callable[[], str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Service]]:
    basis = {"DATABASE_URL": create_database(), "TRUSTED_PROXY": "127.0.0.1", "WORKERS": "1"}
    with starting(tmp_path_factory.mktemp("services"), **basis, **UNLIMITED) as start:
        yield [start(), start()]


@pytest.fixture(scope="module", params=COMMANDS)
def proxy(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, services: list[Service]
) -> Iterator[Proxy]:
    ports = [service.port for service in services]
    proxy = Proxy(request.param, tmp_path_factory.mktemp("proxy"), ports, BELOW_PREFIX[request.param])
    try:
        proxy.wait_until_ready(path="/todo/ready")
        yield proxy
    finally:
        proxy.stop()


@pytest.mark.parametrize("family", ["/api/tasks", "/api/ada/tasks", "/tasks"])
def test_location_and_link_lead_back_through_the_proxy(proxy: Proxy, family: str) -> None:
    token = token_for("ada")
    made = [proxy.call("POST", f"/todo{family}", {"title": str(number)}, token=token) for number in range(2)]
    location = made[0].headers["location"]
    assert location == f"/todo{family}/{made[0].json['data']['id']}"
    assert proxy.call("GET", location, token=token).json == made[0].json

    page = proxy.call("GET", f"/todo{family}?limit=1", token=token)
    (link,) = re.findall(r"<([^>]*)>", page.headers["link"])
    assert link == f"/todo{family}?page=2&limit=1"
    assert proxy.call("GET", link, token=token).json["data"] == [made[0].json["data"]]


@pytest.mark.parametrize("path", ["/todo/", "/todo/docs", "/todo/docs/"])
def test_every_file_of_a_page_is_below_the_prefix(proxy: Proxy, path: str) -> None:
    page = proxy.call("GET", path)
    assert page.status == 200
    urls = re.findall(r'(?:href|src)="([^"#]+)"', page.body.decode())
    assert len(urls) >= 5
    for url in urls:
        target = urljoin(path, url)
        assert target.startswith("/todo/"), url
        assert proxy.call("GET", target).status == 200, url


def test_the_openapi_document_names_the_prefix_as_its_server(proxy: Proxy) -> None:
    document = proxy.call("GET", "/todo/openapi.json").json
    assert [server["url"] for server in document["servers"]] == ["/todo"]
    assert proxy.call("GET", document["servers"][0]["url"] + "/api/tasks", token=token_for("ada")).status == 200


def test_the_prefix_without_its_slash_is_redirected_to_the_page(proxy: Proxy) -> None:
    response = proxy.call("GET", "/todo")
    assert response.status in (301, 308)
    assert urljoin(f"{proxy.origin}/todo", response.headers["location"]) == f"{proxy.origin}/todo/"


def test_a_client_cannot_choose_the_prefix(proxy: Proxy) -> None:
    headers = {"X-Forwarded-Prefix": "/evil", "X-Forwarded-Host": "evil.example"}
    made = proxy.call("POST", "/todo/api/tasks", {"title": "x"}, token=token_for("ada"), headers=headers)
    assert made.headers["location"].startswith("/todo/api/tasks/")
