"""The recipe of docs/operating.md for a primary and a standby, as printed: made, promoted under load, and returned.

The standby is synchronous, so every acknowledged write is on it.
"""

from __future__ import annotations

import re
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from serve import main
from tests.faults.conftest import check_log
from tests.faults.load import ENVIRON, Load
from tests.support.processes import PROJECT, Service, running
from tests.support.servers import PASSWORD, USER, OwnServer, find_debian, find_embedded, own_folder
from tests.support.signing import SECRET
from tests.support.waiting import wait_until

IS_SYNCHRONOUS = "SELECT sync_state FROM pg_stat_replication"
ALL_TASKS = "SELECT count(*), md5(string_agg(tasks::text, ',' ORDER BY id)) FROM tasks"

DOCUMENT = (PROJECT / "docs" / "operating.md").read_text(encoding="utf-8")
RECIPE = dict(re.findall(r"^```sh (primary|standby|promote|return)\n(.*?)^```", DOCUMENT, re.MULTILINE | re.DOTALL))


@pytest.fixture(params=[find_debian, find_embedded], ids=["15", "18"])
def pair(request: pytest.FixtureRequest) -> Iterator[tuple[OwnServer, OwnServer]]:
    """A primary and its synchronous standby, made by the recipe."""
    programs = request.param()
    with own_folder() as folder:
        primary = OwnServer(programs, folder / "primary")
        standby = OwnServer(programs, folder / "standby", later=True)
        try:
            follow("primary", primary, standby, at=primary)
            follow("standby", primary, standby, at=standby)
            wait_until(lambda: primary.execute(IS_SYNCHRONOUS) == [("sync",)], "the standby to be synchronous")
            yield primary, standby
        finally:
            standby.stop()
            primary.stop()


def follow(step: str, one: OwnServer, two: OwnServer, *, at: OwnServer) -> float:
    """Run a step of the recipe at one of its servers; the time (monotonic) of its end."""
    at.run_script(
        RECIPE[step],
        ONE=one.url,
        TWO=two.url,
        DATA_ONE=str(one.data),
        DATA_TWO=str(two.data),
        PGPORT=str(at.port),
    )
    return time.monotonic()


def both(*servers: OwnServer) -> str:
    addresses = ",".join(server.address for server in servers)
    return f"postgresql://{USER}:{PASSWORD}@{addresses}/tasks?target_session_attrs=read-write"


def test_the_service_follows_a_promotion(pair: tuple[OwnServer, OwnServer], tmp_path: Path) -> None:
    primary, standby = pair
    with running(tmp_path / "log", DATABASE_URL=both(standby, primary), **ENVIRON) as service:
        workers = service.children()
        with Load(service, uuid.uuid4().hex[:8], 20) as load:
            primary.stop()
            load.wait_for_503(time.monotonic())
            load.recover(follow("promote", primary, standby, at=standby))
            ready = {"data": {"status": "ready", "writable": True}}
            wait_until(lambda: service.call("GET", "/ready").json == ready, "the service to write")
        load.check("primary killed and its standby promoted", standby)
        assert service.children() == workers
        follow("return", primary, standby, at=primary)
        wait_until(lambda: standby.execute(IS_SYNCHRONOUS) == [("sync",)], "the old primary to be a standby")
        stored = standby.execute(ALL_TASKS)
        wait_until(lambda: primary.execute(ALL_TASKS) == stored, "the old primary to have everything")
    check_log(service.output)


def test_a_standby_alone_is_refused_and_a_start_waits_for_its_promotion(
    pair: tuple[OwnServer, OwnServer], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    primary, standby = pair
    environ = {"DATABASE_URL": standby.url, "BETTER_AUTH_SECRET": SECRET, "WORKERS": "1"}
    assert main(["--check"], environ) == 1
    assert f"tasks at 127.0.0.1 port {standby.port} is a standby, which is read-only; name the primary" in (
        capsys.readouterr().out
    )
    service = Service(tmp_path / "log", environ)
    try:
        assert "is a standby" in service.wait_for_event("database not there yet, trying again")["reason"]
        primary.stop()
        follow("promote", primary, standby, at=standby)
        service.wait_until_ready()
    finally:
        service.stop()
