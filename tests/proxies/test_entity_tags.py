"""The proxies leave a task's entity tag strong, even where compression is on: else no If-Match matches."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.proxies import proxy as proxies
from tests.proxies.proxy import COMMANDS, Proxy
from tests.support.processes import UNLIMITED, Service, running
from tests.support.signing import token_for

COMPRESSION = "http {\n    gzip on; gzip_types application/json; gzip_min_length 1; gzip_proxied any;\n"


@pytest.fixture
def service(database_url: str, tmp_path: Path) -> Iterator[Service]:
    environ = {"DATABASE_URL": database_url, "TRUSTED_PROXY": "127.0.0.1", "WORKERS": "1"}
    with running(tmp_path / "log", **environ, **UNLIMITED) as service:
        yield service


@pytest.fixture(params=COMMANDS)
def proxy(
    request: pytest.FixtureRequest, tmp_path: Path, service: Service, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Proxy]:
    """A proxy whose operator has switched compression on for the whole server, if it can."""
    deploy = tmp_path / "deploy"
    deploy.mkdir()
    for file in ("haproxy.cfg", "nginx.conf"):
        text = (proxies.DEPLOY / file).read_text(encoding="utf-8").replace("http {\n", COMPRESSION, 1)
        (deploy / file).write_text(text, encoding="utf-8")
    monkeypatch.setattr(proxies, "DEPLOY", deploy)
    proxy = Proxy(request.param, tmp_path, [service.port, service.port])
    try:
        proxy.wait_until_ready()
        yield proxy
    finally:
        proxy.stop()


def test_a_tag_read_through_the_proxy_matches_in_a_write(proxy: Proxy) -> None:
    token = token_for("ada")
    made = proxy.call("POST", "/api/tasks", {"title": "a" * 400}, token=token)
    path = f"/api/tasks/{made.json['data']['id']}"
    read = proxy.call("GET", path, token=token, headers={"Accept-Encoding": "gzip"})
    assert read.headers["etag"] == '"1"'
    changed = proxy.call("PATCH", path, {"title": "b"}, token=token, headers={"If-Match": read.headers["etag"]})
    assert changed.status == 200
