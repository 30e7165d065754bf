"""The application is created from settings alone: it sends no statement before the first request."""

from __future__ import annotations

from collections.abc import Callable

from falcon.testing import TestClient

from api.app import create_app
from api.resolved_settings import resolve_settings
from api.settings import Settings
from api.users_table import UsersTable
from tests.support.callers import error_of
from tests.support.ports import free_port
from tests.support.postgres import connect
from tests.support.signing import token_for


def test_it_is_created_while_the_database_is_unreachable(make_settings: Callable[..., Settings]) -> None:
    database = connect(f"postgresql://nobody@127.0.0.1:{free_port()}/tasks")
    table = UsersTable(exists=True, ours=True, uuid_ids=False)
    client = TestClient(create_app(resolve_settings(make_settings(), table), database, table))
    try:
        assert client.simulate_get("/health").status_code == 200
        assert error_of(client.simulate_get("/ready")) == (503, "DATABASE_UNAVAILABLE")
        headers = {"Authorization": f"Bearer {token_for('ada')}"}
        assert error_of(client.simulate_get("/api/tasks", headers=headers)) == (503, "DATABASE_UNAVAILABLE")
    finally:
        database.close()


def test_where_ids_are_uuids_a_token_with_another_id_is_rejected(make_settings: Callable[..., Settings]) -> None:
    database = connect(f"postgresql://nobody@127.0.0.1:{free_port()}/tasks")
    table = UsersTable(exists=True, ours=False, uuid_ids=True)
    client = TestClient(create_app(resolve_settings(make_settings(), table), database, table))
    headers = {"Authorization": f"Bearer {token_for('ada')}"}
    assert error_of(client.simulate_get("/api/tasks", headers=headers)) == (401, "TOKEN_INVALID")
