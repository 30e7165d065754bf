"""The interactive reference is served from a fixed list of files, with strict headers, all from this service.

tests/browser/test_reference.py runs it in a browser.
"""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from falcon.testing import TestClient

from api.reference import FOLDER

FILES = ["icon.svg", "page.css", "page.js"]


@pytest.mark.parametrize("name", FILES)
def test_an_unchanged_file_is_304(client: TestClient, name: str) -> None:
    result = client.simulate_get(f"/docs/{name}")
    assert result.status_code == 200
    assert result.headers["x-content-type-options"] == "nosniff"
    again = client.simulate_get(f"/docs/{name}", headers={"If-None-Match": result.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")


@pytest.mark.parametrize("path", ["/docs", "/docs/"])
def test_the_page_needs_no_token(client: TestClient, path: str) -> None:
    result = client.simulate_get(path)
    assert result.status_code == 200
    assert result.headers["content-type"] == "text/html; charset=utf-8"
    assert client.simulate_head(path).status_code == 200


def test_the_content_security_policy_forbids_other_hosts_and_inline_scripts(client: TestClient) -> None:
    policy = client.simulate_get("/docs").headers["content-security-policy"]
    directives = dict(each.split(" ", 1) for each in policy.split("; "))
    assert directives["default-src"] == "'none'"
    assert directives["script-src"] == directives["style-src"] == directives["connect-src"] == "'self'"
    assert directives["require-trusted-types-for"] == "'script'"
    assert directives["trusted-types"] == "'none'"
    assert "unsafe" not in policy
    assert "http" not in policy


def test_the_page_names_only_files_of_this_service(client: TestClient) -> None:
    page = client.simulate_get("/docs").text
    addresses = re.findall(r'(?:src|href)="(/[^"]*)"', page)
    assert len(addresses) >= 4
    assert all(client.simulate_get(address).status_code == 200 for address in addresses)
    assert "<script>" not in page
    assert 'href="/"' in page


def test_no_module_writes_markup_or_names_another_host() -> None:
    for path in FOLDER.iterdir():
        text = path.read_text(encoding="utf-8")
        assert not re.search(r"innerHTML|insertAdjacentHTML|https?://|eval\(", text), path.name


@pytest.mark.parametrize("name", ["index.html", "app.js", "reference.js", "..%2freference.py", "%2e%2e", "nothing.js"])
def test_any_other_name_is_not_found(client: TestClient, name: str) -> None:
    assert client.simulate_get(f"/docs/{name}").status_code == 404


def test_the_reference_is_served_without_the_web_page(make_client: Callable[..., TestClient]) -> None:
    client = make_client(WEB_PAGE="off")
    assert client.simulate_get("/").status_code == 404
    result = client.simulate_get("/docs")
    assert result.status_code == 200
    assert 'href="/"' not in result.text
