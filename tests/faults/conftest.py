"""One PostgreSQL that may be killed, and one running service over it, for all tests of this folder.

Every scenario has its own users, so none needs empty tables. After each the service's log is checked.
"""

from __future__ import annotations

import shutil
import tempfile
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.faults.load import ENVIRON, Load
from tests.support.postgres import Server
from tests.support.processes import Service, read_events, running, starting


@pytest.fixture(scope="session")
def one_server() -> Iterator[Server]:
    # A short path: pytest's own may be too long for a socket.
    data_dir = Path(tempfile.mkdtemp(prefix="faults-"))
    server = Server(data_dir)
    yield server
    server.stop()
    shutil.rmtree(data_dir)


@pytest.fixture
def server(one_server: Server) -> Server:
    """A running PostgreSQL, started if the previous test has stopped it."""
    one_server.start()
    return one_server


@pytest.fixture(scope="session")
def one_service(one_server: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    one_server.start()
    log = tmp_path_factory.mktemp("service") / "log"
    with running(log, DATABASE_URL=one_server.url, **ENVIRON) as service:
        yield service


@pytest.fixture
def service(server: Server, one_service: Service) -> Iterator[Service]:
    """The real service with two workers, which the test must leave running."""
    one_service.wait_until_ready()
    workers = one_service.children()
    seen = one_service.output.rfind("\n") + 1
    yield one_service
    assert one_service.children() == workers
    check_log(one_service.output[seen:])


@pytest.fixture
def start_service(server: Server, tmp_path: Path) -> Iterator[Callable[..., Service]]:
    """Starts another service, with these settings; the test may kill it."""
    with starting(tmp_path, DATABASE_URL=server.url, **ENVIRON) as start:
        yield start
    for log in tmp_path.glob("service-*.log"):
        check_log(log.read_text())


@pytest.fixture
def make_load() -> Callable[..., Load]:
    """A function that makes clients of a service with new users."""
    return lambda service, clients, **options: Load(service, uuid.uuid4().hex[:8], clients, **options)


def check_log(log: str) -> None:
    """Check that the log holds only events, without a traceback or a 500."""
    for event in read_events(log):
        assert "exception" not in event, str(event)
        assert event.get("status") != 500, str(event)
        assert event["event"] != "unforeseen error", str(event)
