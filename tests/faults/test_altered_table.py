"""A table is rewritten beside traffic: each request waits for that, and then finds what is there."""

from __future__ import annotations

import threading
from collections.abc import Callable

import psycopg2
import pytest

from tests.faults.client import Client
from tests.faults.figures import Outcome
from tests.faults.load import Load
from tests.support.http import Response
from tests.support.postgres import Server
from tests.support.processes import Service
from tests.support.waiting import wait_until

REWRITE = "ALTER TABLE tasks ADD COLUMN x uuid DEFAULT gen_random_uuid()"
UNDO = "ALTER TABLE tasks DROP COLUMN IF EXISTS x"

CALLS: dict[str, tuple[str, str, object]] = {
    "find": ("GET", "/{id}", None),
    "list": ("GET", "", None),
    "update": ("PATCH", "/{id}", {"completed": True}),
    "toggle": ("PATCH", "/{id}/complete", None),
    "delete": ("DELETE", "/{id}", None),
}


CONDITIONAL = ("update", "toggle", "delete")
"""Those that are also sent with If-Match."""


@pytest.mark.parametrize(
    ("call", "conditional"), [*((call, False) for call in CALLS), *((call, True) for call in CONDITIONAL)]
)
def test_a_statement_that_waited_for_the_rewrite_finds_the_task(
    server: Server, start_service: Callable[..., Service], call: str, conditional: bool
) -> None:
    service = start_service(WORKERS="1", POOL_SIZE="1", THREADS="1", STATEMENT_TIMEOUT="10")
    user = f"altered-{call}-{conditional}"
    outcomes: list[Outcome] = []
    client = Client(service.port, outcomes)
    tasks = [client.call("POST", "/api/tasks", {"title": f"{user}/{n}"}, user=user).json["data"] for n in range(2)]
    method, path, body = CALLS[call]

    responses: list[Response] = []

    def act(task_id: int) -> None:
        headers = {"If_Match": '"1"'} if conditional else {}
        responses.append(client.call(method, f"/api/tasks{path.format(id=task_id)}", body, user=user, **headers))

    # The first call prepares the statement.
    act(tasks[0]["id"])
    connection = psycopg2.connect(server.url)
    try:
        with connection.cursor() as cursor:
            cursor.execute(REWRITE)
            waiting = threading.Thread(target=act, args=(tasks[1]["id"],))
            waiting.start()
            wait_until(server.count_waiting, "the statement to wait for the lock")
        connection.commit()
        waiting.join()
    finally:
        connection.close()
        with server.connect() as other, other.cursor() as cursor:
            cursor.execute(UNDO)
    assert all(outcome.is_good for outcome in outcomes), outcomes
    if call == "list":
        assert [len(response.json["data"]) for response in responses] == [2, 2]
    client.close()


def test_beside_traffic_no_living_task_is_missed(
    server: Server, start_service: Callable[..., Service], make_load: Callable[..., Load]
) -> None:
    service = start_service(STATEMENT_TIMEOUT="10")
    with make_load(service, 10) as load, server.connect() as connection, connection.cursor() as cursor:
        for _ in range(5):
            cursor.execute(REWRITE)
            load.run(0.3)
            cursor.execute(UNDO)
            load.run(0.3)
    # The ledger knows which 404 is right.
    load.check("table rewritten five times beside traffic", server)
