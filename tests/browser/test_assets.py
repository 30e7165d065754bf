"""The page's files are served from a fixed list, with strict headers."""

from __future__ import annotations

import re
from typing import Any

import pytest
from falcon import App
from falcon.testing import TestClient

from api.page_html import PageOptions
from api.pages import STATIC, page_routes

TYPES = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".png": "image/png",
    ".svg": "image/svg+xml",
    ".webmanifest": "application/manifest+json",
}


def client_of(*, local_accounts: bool = True, token_url: str | None = None) -> TestClient:
    app: App[Any, Any] = App()
    for template, resource in page_routes(PageOptions(local_accounts=local_accounts, token_url=token_url)):
        app.add_route(template, resource)
    return TestClient(app)


@pytest.mark.parametrize("name", sorted(path.name for path in STATIC.iterdir() if path.suffix in TYPES))
def test_every_file_of_the_page_is_served_with_its_media_type(name: str) -> None:
    result = client_of().simulate_get(f"/static/{name}")
    assert result.content == (STATIC / name).read_bytes()
    assert result.headers["content-type"] == TYPES[STATIC.joinpath(name).suffix]
    assert result.headers["cache-control"] == "no-cache"
    assert result.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize(
    "path",
    [
        "/static/",
        "/static/index.html",
        "/static/../pages.py",
        "/static/%2e%2e/pages.py",
        "/static/..%2fpages.py",
        "/static/..%5cpages.py",
        "/static//etc/passwd",
        "/static/app.js%00",
        "/static/reference",
        "/static/APP.JS",
    ],
)
def test_any_other_path_is_not_found(path: str) -> None:
    assert client_of().simulate_get(path).status_code == 404


@pytest.mark.parametrize("path", ["/", "/static/app.js"])
def test_an_unchanged_file_is_304(path: str) -> None:
    client = client_of()
    etag = client.simulate_get(path).headers["etag"]
    again = client.simulate_get(path, headers={"If-None-Match": f'"other", {etag}'})
    assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", etag)
    assert client.simulate_get(path, headers={"If-None-Match": '"other"'}).status_code == 200


@pytest.mark.parametrize("path", ["/", "/static/app.js"])
def test_head_gets_the_headers_of_get_without_the_body(path: str) -> None:
    client = client_of()
    get, head = client.simulate_get(path), client.simulate_head(path)
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers == get.headers


def test_the_content_security_policy_allows_only_the_pages_own_files() -> None:
    headers = client_of().simulate_get("/").headers
    policy = dict(part.split(" ", 1) for part in headers["content-security-policy"].split("; "))
    own = {name for name, sources in policy.items() if sources == "'self'"}
    assert own == {"script-src", "style-src", "img-src", "connect-src", "manifest-src", "worker-src"}
    none = {name for name, sources in policy.items() if sources == "'none'"}
    assert none == {"default-src", "base-uri", "form-action", "frame-ancestors"}
    assert policy["trusted-types"] == "worker"
    assert headers["referrer-policy"] == "no-referrer"


def test_the_content_security_policy_allows_the_origin_of_the_token_url_and_no_other() -> None:
    client = client_of(token_url="https://auth.example.com:443/api/auth/token?x=1")
    for path in ("/", "/static/app.js", "/service-worker.js"):
        policy = client.simulate_get(path).headers["content-security-policy"]
        assert "connect-src 'self' https://auth.example.com;" in policy
        assert policy.count("http") == 1


def test_the_page_says_whether_local_accounts_are_on() -> None:
    on, off = client_of(local_accounts=True), client_of(local_accounts=False)
    assert 'data-local-accounts="true"' in on.simulate_get("/").text
    assert 'data-local-accounts="false"' in off.simulate_get("/").text
    assert on.simulate_get("/").headers["etag"] != off.simulate_get("/").headers["etag"]


def test_no_file_names_another_host_or_holds_inline_code() -> None:
    for path in (path for path in STATIC.iterdir() if path.is_file() and path.suffix != ".png"):
        text = path.read_text().replace("http://www.w3.org/2000/svg", "")
        assert "http://" not in text, path.name
        assert "https://" not in text, path.name
        assert "innerHTML" not in text, path.name
    html = (STATIC / "index.html").read_text()
    assert " style=" not in html
    assert " on" + "click=" not in html


def test_the_page_loads_one_script_and_one_style_which_hold_every_file_needed_at_once() -> None:
    client = client_of()
    html = client.simulate_get("/").text
    assert re.findall(r'(?:src|rel="stylesheet" href)="([^"]*)"', html) == ["/static/page.css", "/static/page.js"]
    script, style = client.simulate_get("/static/page.js").text, client.simulate_get("/static/page.css").text
    later = set(re.findall(r'import\("\./([\w-]+\.js)"\)', script))
    for path in (path for path in STATIC.glob("*.js") if path.name not in later):
        for name in re.findall(r"^export (?:async )?(?:class|function|const) (\w+)", path.read_text(), re.MULTILINE):
            assert re.search(rf"(?:class|function|const) {name}\b", script), (path.name, name)
    for path in STATIC.glob("*.css"):
        for name in re.findall(r"^\.([\w-]+) \{$", path.read_text(), re.MULTILINE):
            assert f".{name}" in style, (path.name, name)


def test_the_first_load_weighs_at_most_40_kb_compressed() -> None:
    client = client_of()
    html = client.simulate_get("/").text
    lazy = re.findall(r'import\("\./([\w-]+\.js)"\)', client.simulate_get("/static/page.js").text)
    urls = ["/", *re.findall(r'(?:href|src)="(/static/[^"]*)"', html), *(f"/static/{name}" for name in lazy)]
    assert len(urls) >= 5
    loaded = [url for url in urls if not url.endswith(".png")]
    sizes = {
        url: int(client.simulate_get(url, headers={"Accept-Encoding": "gzip"}).headers["content-length"])
        for url in loaded
    }
    assert sum(sizes.values()) <= 40_000, sizes
