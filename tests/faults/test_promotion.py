"""A primary that dies and a standby that is promoted, in a URL with target_session_attrs=read-write.

The standby is synchronous, so every acknowledged write is on it.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from serve import main
from tests.faults.conftest import check_log
from tests.faults.load import ENVIRON, Load
from tests.support.processes import Service, running
from tests.support.servers import PASSWORD, USER, OwnServer, find_debian, find_embedded, own_folder
from tests.support.signing import SECRET
from tests.support.waiting import wait_until

IS_SYNCHRONOUS = "SELECT sync_state FROM pg_stat_replication"


@pytest.fixture(params=[find_debian, find_embedded], ids=["15", "18"])
def pair(request: pytest.FixtureRequest) -> Iterator[tuple[OwnServer, OwnServer]]:
    """A primary and its synchronous standby."""
    programs = request.param()
    with own_folder() as folder:
        primary = OwnServer(programs, folder / "primary")
        standby = OwnServer(programs, folder / "standby", standby_of=primary)
        try:
            primary.stop("fast")
            # On the command line: the standby has a copy of the primary's files, and would wait for a standby itself.
            primary.start("-c synchronous_standby_names='*'")
            wait_until(lambda: primary.execute(IS_SYNCHRONOUS) == [("sync",)], "the standby to be synchronous", 60)
            yield primary, standby
        finally:
            standby.stop()
            primary.stop()


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
            load.recover(standby.promote())
            ready = service.call("GET", "/ready").json
            assert ready == {"data": {"status": "ready", "writable": True}}
        load.check("primary killed and its standby promoted", standby)
        assert service.children() == workers
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
        standby.promote()
        service.wait_until_ready()
    finally:
        service.stop()
