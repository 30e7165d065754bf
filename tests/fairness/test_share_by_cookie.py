"""Requests that a cookie authenticates count as their user's, as those with a bearer token do."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.fairness.test_user_share import Row
from tests.support.http import Response
from tests.support.processes import Service, running
from tests.support.signing import SECRET, token_for
from tests.support.waiting import WAIT_TIMEOUT

ORIGIN = "http://localhost:3000"


class RowByCookie(Row):
    """The same locked task, for a page with a cookie."""

    def change(self) -> Response:
        return self._service.call("PUT", self.path, {"title": "b"}, headers=self.headers("heavy"), timeout=WAIT_TIMEOUT)

    def read(self) -> Response:
        return self._service.call("GET", self.path, headers=self.headers("heavy"), timeout=WAIT_TIMEOUT)

    @staticmethod
    def headers(user_id: str) -> dict[str, str]:
        return {"Cookie": f"theme=dark; auth_token={token_for(user_id)}", "Origin": ORIGIN}


@pytest.fixture
def locked(database: object, database_url: str, tmp_path: Path) -> Iterator[RowByCookie]:
    settings = {"BETTER_AUTH_SECRET": SECRET, "WORKERS": "1", "THREADS": "4", "CORS_ORIGINS": ORIGIN}
    environ = {"DATABASE_URL": database_url, "STATEMENT_TIMEOUT": "60", "FRONTEND": str(tmp_path / "cookie.toml")}
    (tmp_path / "cookie.toml").write_text('summary = "A cookie."\n[accounts.cookie]\nname = "auth_token"\n')
    with running(tmp_path / "log", **environ, **settings) as service:
        row = RowByCookie(database_url, service, "heavy")
        yield row
        row.release()


def test_half_of_the_threads_serve_one_user(locked: RowByCookie) -> None:
    with ThreadPoolExecutor(4) as pool:
        changes = [pool.submit(locked.change) for _ in range(2)]
        locked.wait_for_changes(2)
        assert locked.read().status == 429
        service: Service = locked._service
        assert service.call("GET", "/api/tasks", headers=locked.headers("other")).status == 200
        locked.release()
        assert [change.result(timeout=WAIT_TIMEOUT).status for change in changes] == [200, 200]
