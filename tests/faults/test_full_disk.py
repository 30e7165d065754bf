"""The disk is full for some users' tasks: they get a 503 and nothing is stored; other users are not affected."""

from __future__ import annotations

import time
from collections.abc import Callable

from tests.faults.client import Client
from tests.faults.figures import failures
from tests.faults.load import Load
from tests.support.full_disk import full_disk
from tests.support.postgres import Server
from tests.support.processes import Service

MakeLoad = Callable[..., Load]


def test_a_full_disk_for_some_users_stores_nothing_and_does_not_affect_others(
    server: Server, service: Service, make_load: MakeLoad
) -> None:
    with make_load(service, 10) as full, make_load(service, 10) as others:
        user = full.name
        with full_disk(server.url, user):
            full.wait_until_all_are_refused(time.monotonic())
            client, title = Client(service.port), {"title": f"{user}/kept"}
            failed = client.call("POST", "/api/tasks", title, user=user, Idempotency_Key="kept")
            assert (failed.status, failed.code) == (503, "DATABASE_UNAVAILABLE")
            assert client.call("GET", "/api/tasks", user=user).json == {"data": []}
            full.run(0.5)
        full.recover(time.monotonic())
    made = client.call("POST", "/api/tasks", title, user=user, Idempotency_Key="kept")
    assert made.status == 201
    assert "idempotent-replayed" not in made.headers
    client.close()
    assert failures(others.outcomes) == []
    full.check("disk full", server)
    others.check("disk full, the others meanwhile", server)
