"""An upgrade under load, and back: the version before and this one serve one database side by side, and the job runs.

Nobody notices: no request fails, nothing is lost or there twice, and each version reads what the other has written.
"""

from __future__ import annotations

import contextlib
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.faults.load import ENVIRON, Load
from tests.support.http import Response
from tests.support.postgres import Server
from tests.support.processes import PROJECT, Service, read_events
from tests.support.signing import token_for
from tests.support.waiting import wait_until
from tests.upgrades.turns import Turns
from tests.upgrades.version_before import LATER

CLIENTS = 12
PAUSE = 0.02
"""Seconds between two requests of a client, on average."""

PATH = "/api/tasks"

# 60 users with 50 tasks each; every third is not ASCII.
FILL = """
INSERT INTO users (id) SELECT 'seed-' || n FROM generate_series(0, 59) AS n;
INSERT INTO tasks (user_id, title, description, due_at)
SELECT 'seed-' || n % 60, CASE n % 3 WHEN 0 THEN 'Größe ' ELSE 'Size ' END || n, CASE n % 5 WHEN 0 THEN 'weiß' END,
       CASE n % 2 WHEN 0 THEN timestamptz '2026-03-01Z' + n * interval '1 hour' END
FROM generate_series(0, 2999) AS n
"""
UNFOLDED = """
SELECT count(*) FROM tasks WHERE starts_with(user_id, 'seed-') AND folded_version IS DISTINCT FROM version
AND octet_length(title || coalesce(description, '')) <> char_length(title || coalesce(description, ''))
"""
LENGTHS = (50, 9000)
"""Of descriptions: one that the stored response holds, and one that it is cut in."""

SHOWN_BEFORE = 1000
"""Characters of a description in a response that the version before replays for a task that this one has made."""


@pytest.fixture
def server() -> Iterator[Server]:
    # A short path: pytest's own may be too long for a socket.
    data_dir = Path(tempfile.mkdtemp(prefix="upgrade-"))
    server = Server(data_dir)
    yield server
    server.stop()
    shutil.rmtree(data_dir)


@pytest.fixture
def start(server: Server, tmp_path: Path) -> Iterator[Callable[[Path], Service]]:
    """Starts a version, by its folder; it is ready. At the end no service has logged a failure."""
    services: list[Service] = []
    with contextlib.ExitStack() as stack:

        def start_version(project: Path) -> Service:
            log = tmp_path / f"service-{time.monotonic_ns()}.log"
            environ = {**ENVIRON, "DATABASE_URL": server.url, "STATEMENT_TIMEOUT": "10"}
            service = Service(log, environ, project)
            services.append(service)
            stack.callback(service.stop)
            service.wait_until_ready()
            return service

        yield start_version
    lines = [event for service in services for event in read_events(service.output)]
    assert [line for line in lines if line.get("status", 0) >= 500 or "exception" in line] == []


class User:
    """A user of any version."""

    def __init__(self, user_id: str) -> None:
        self._token = token_for(user_id)

    def call(self, service: Service, method: str, path: str = PATH, body: Any = None, **headers: str) -> Response:
        fields = {name.replace("_", "-"): value for name, value in headers.items()}
        response = service.call(method, path, body, token=self._token, headers=fields)
        assert response.status < 300, response
        return response

    def create(self, service: Service, key: str | None = None, **fields: Any) -> Response:
        headers = {"Idempotency_Key": key} if key is not None else {}
        return self.call(service, "POST", body={"title": "x", **fields}, **headers)

    def titles(self, service: Service, query: str) -> list[str]:
        return [task["title"] for task in self.call(service, "GET", f"{PATH}?{query}").json["data"]]


class Keys:
    """Creates with keys, by one version, that are repeated at the other."""

    def __init__(self, user: User, service: Service, name: str) -> None:
        self._user = user
        self._bodies = {f"{name}-{length}": {"title": "Größe", "description": "ß" * length} for length in LENGTHS}
        self._first = {key: user.create(service, key, **body) for key, body in self._bodies.items()}

    def repeat_at(self, service: Service, shown: int | None = None) -> None:
        """Each is replayed, with its description's first `shown` characters."""
        for key, body in self._bodies.items():
            first, repeat = self._first[key], self._user.create(service, key, **body)
            assert "idempotent-replayed" not in first.headers
            assert repeat.headers["idempotent-replayed"] == "true"
            task = {**first.json["data"], "description": body["description"][:shown]}
            assert repeat.json["data"] == task
            assert repeat.headers["etag"] == first.headers["etag"]


def check_what_the_version_before_writes_is_found_by_this_one(before: Service, now: Service) -> None:
    ada = User("ada")
    made = [ada.create(before, title=title).json["data"] for title in ("Zebra", "Straße", "Écharpe", "eis", "äpfel")]
    path = f"{PATH}/{made[1]['id']}"
    assert ada.titles(now, "search=STRASSE") == ["Straße"]
    assert ada.titles(now, "sort=title") == ["äpfel", "Écharpe", "eis", "Straße", "Zebra"]

    ada.call(before, "PATCH", f"{path}/complete")
    assert ada.titles(now, "search=STRASSE") == ["Straße"]
    ada.call(before, "PATCH", path, {"title": "Οδός"})
    assert ada.titles(now, "search=STRASSE") == []
    assert ada.titles(now, "search=%CE%9F%CE%94%CE%8C%CE%A3") == ["Οδός"]
    assert ada.titles(now, "sort=title&order=desc") == ["Οδός", "Zebra", "eis", "Écharpe", "äpfel"]

    ada.call(now, "PATCH", path, {"description": "crème"})
    ada.call(before, "PATCH", path, {"completed": False})
    assert ada.titles(now, "search=creme") == ["Οδός"]
    assert ada.titles(before, "search=cr%C3%A8me") == ["Οδός"]
    assert ada.titles(before, "sort=created&order=asc") == ["Zebra", "Οδός", "Écharpe", "eis", "äpfel"]


def check_that_it_serves_again(before: Service) -> None:
    """The version before, on the database that this one has upgraded."""
    seed = User("seed-3")
    made = seed.create(before, title="Größe, again", due_date="2026-03-01").json["data"]
    for sort in ("created", "updated", "title", "due_date"):
        for order in ("asc", "desc"):
            assert len(seed.titles(before, f"sort={sort}&order={order}")) == 51
    assert seed.titles(before, "sort=created&limit=1") == [made["title"]]
    assert seed.titles(before, "search=again") == [made["title"]]
    path = f"{PATH}/{made['id']}"
    assert seed.call(before, "PATCH", f"{path}/complete").json["data"]["completed"]
    assert seed.call(before, "PUT", path, {"due_date": "2026-03-02"}).json["data"]["due_date"] == "2026-03-02"
    Keys(seed, before, "again").repeat_at(before)
    assert before.call("DELETE", path, token=token_for("seed-3")).status == 204


def test_an_upgrade_and_the_way_back(server: Server, project_before: Path, start: Callable[[Path], Service]) -> None:
    before = start(project_before)
    with server.connect() as connection, connection.cursor() as cursor:
        cursor.execute(FILL)
        keyed = User("keyed")
        of_before = Keys(keyed, before, "before")
        turns = Turns(before.port)
        with Load(before, f"load-{time.monotonic_ns()}", CLIENTS, PAUSE, turns.connect) as load:
            now = start(PROJECT)
            turns.ports = (before.port, now.port)
            load.wait_until_all_are_served(time.monotonic())
            load.run(1)
            of_before.repeat_at(now)
            of_now = Keys(keyed, now, "now")
            of_now.repeat_at(before, SHOWN_BEFORE)
            check_what_the_version_before_writes_is_found_by_this_one(before, now)

            def is_folded() -> bool:
                cursor.execute(UNFOLDED)
                return cursor.fetchone() == (0,)

            wait_until(is_folded, "the job to be done")
            assert [line["migration"] for line in now.events("migrated")] == LATER
            turns.ports = (now.port,)
            load.wait_until_all_are_served(time.monotonic())
            assert before.stop() == 0
            of_before.repeat_at(now)
            of_now.repeat_at(now)
            load.run(0.5)
    assert [each for each in load.outcomes if not 200 <= each.status < 500] == []
    load.check("upgraded beside the version before, 12 clients", server)
    assert now.stop() == 0

    before = start(project_before)
    of_now.repeat_at(before, SHOWN_BEFORE)
    of_before.repeat_at(before)
    check_that_it_serves_again(before)
