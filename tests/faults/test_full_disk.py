"""The disk is full for some users' tasks: they get a 503 and nothing is stored; other users are not affected."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator

from tests.faults.client import Client
from tests.faults.load import Load
from tests.support.postgres import Server
from tests.support.processes import Service

MakeLoad = Callable[..., Load]

# The trigger runs after the task and its key are written: both must be rolled back.
DISK_FULL = """
CREATE FUNCTION disk_full() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN RAISE EXCEPTION 'could not extend file: No space left on device' USING ERRCODE = '53100'; END $$;
CREATE TRIGGER disk_full AFTER INSERT OR UPDATE ON tasks FOR EACH ROW
WHEN (starts_with(NEW.user_id, '{prefix}')) EXECUTE FUNCTION disk_full()
"""


@contextlib.contextmanager
def full_disk(server: Server, prefix: str) -> Iterator[None]:
    """Within this block no task of a user with this id prefix can be written."""
    with server.connect() as connection, connection.cursor() as cursor:
        cursor.execute(DISK_FULL.format(prefix=prefix))
        try:
            yield
        finally:
            cursor.execute("DROP FUNCTION disk_full CASCADE")


def test_a_full_disk_for_some_users_stores_nothing_and_does_not_affect_others(
    server: Server, service: Service, make_load: MakeLoad
) -> None:
    with make_load(service, 10) as full, make_load(service, 10) as others:
        user = full.name
        with full_disk(server, user):
            full.wait_for_503(time.monotonic())
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
    assert [each for each in others.outcomes if each.code == "DATABASE_UNAVAILABLE"] == []
    full.check("disk full", server)
    others.check("disk full, the others meanwhile", server)
