"""The specification "Backend API & Data Persistence": every change is kept, and visible only to its owner.

The tests restart the real process.
"""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import urlsplit

import pytest
from falcon.testing import TestClient

from api.migrate import migrate
from api.postgres.database import Database
from tests.support.callers import Caller, error_of
from tests.support.postgres import connect
from tests.support.processes import Service
from tests.support.signing import token_for
from tests.support.waiting import wait_until


class TestSecureTaskManagement:
    """User story 1."""

    def test_a_created_task_is_associated_with_the_users_id(self, user: Caller, database: Database) -> None:
        task = user.make_task("Mine")

        assert database.run("SELECT user_id FROM tasks WHERE id = %s", (task["id"],)) == [(user.user_id,)]

    def test_a_list_has_only_the_users_tasks(self, user: Caller, make_user: Callable[..., Caller]) -> None:
        make_user().make_task("Theirs")
        user.make_task("Mine")

        assert user.titles() == ["Mine"]

    def test_only_the_owner_can_delete_a_task(
        self, user: Caller, make_user: Callable[..., Caller], database: Database
    ) -> None:
        path = f"/api/tasks/{user.make_task('Mine')['id']}"

        assert make_user()("DELETE", path).status_code == 404
        assert database.run("SELECT count(*) FROM tasks") == [(1,)]
        assert user("DELETE", path).status_code == 204
        assert database.run("SELECT count(*) FROM tasks") == [(0,)]


CALLS = [
    ("GET", "/api/tasks"),
    ("POST", "/api/tasks"),
    ("GET", "/api/tasks/1"),
    ("PUT", "/api/tasks/1"),
    ("PATCH", "/api/tasks/1"),
    ("DELETE", "/api/tasks/1"),
    ("PATCH", "/api/tasks/1/complete"),
]


@pytest.mark.parametrize(("method", "path"), CALLS)
class TestAuthentication:
    """User story 2."""

    def test_without_a_token_every_call_is_401(self, anonymous: Caller, method: str, path: str) -> None:
        response = anonymous(method, path)

        assert error_of(response) == (401, "UNAUTHORIZED")
        assert response.headers["www-authenticate"] == "Bearer"

    @pytest.mark.parametrize(("claims", "code"), [({"exp": 1}, "TOKEN_EXPIRED"), ({"sub": None}, "TOKEN_INVALID")])
    def test_with_an_expired_or_invalid_token_every_call_is_401(
        self, make_user: Callable[..., Caller], method: str, path: str, claims: dict[str, object], code: str
    ) -> None:
        response = make_user(**claims)(method, path)

        assert error_of(response) == (401, code)
        assert response.headers["www-authenticate"] == "Bearer"

    def test_with_a_valid_token_every_call_is_processed(self, user: Caller, method: str, path: str) -> None:
        body = None if path.endswith("/complete") else {"title": "x"}
        assert user(method, path, body).status_code in (200, 201, 404)


class TestPersistence:
    """User story 3."""

    def test_tasks_changes_and_deletions_survive_a_restart(self, start_service: Callable[..., Service]) -> None:
        token = token_for("ada")
        service = start_service()
        made = service.call("POST", "/api/tasks", {"title": "Mine", "due_date": "2026-03-01"}, token=token)
        gone = service.call("POST", "/api/tasks", {"title": "Gone"}, token=token)
        kept = service.call("PUT", made.headers["location"], {"title": "Changed"}, token=token)
        assert service.call("DELETE", gone.headers["location"], token=token).status == 204
        assert service.stop() == 0

        service = start_service()
        assert service.call("GET", made.headers["location"], token=token).json == kept.json
        assert service.call("GET", gone.headers["location"], token=token).status == 404
        assert service.call("GET", "/api/tasks", token=token).json["data"] == [kept.json["data"]]

    def test_an_updated_task_is_returned_as_updated(self, user: Caller) -> None:
        task = user.make_task("Before", description="x")

        user("PATCH", f"/api/tasks/{task['id']}", {"title": "After"})

        found = user("GET", f"/api/tasks/{task['id']}").json["data"]
        assert (found["title"], found["description"]) == ("After", "x")

    def test_a_deleted_task_is_404(self, user: Caller) -> None:
        path = f"/api/tasks/{user.make_task('Gone')['id']}"
        user("DELETE", path)

        assert error_of(user("GET", path)) == (404, "NOT_FOUND")

    def test_a_rejected_update_stores_nothing(self, user: Caller) -> None:
        task = user.make_task("Before")
        path = f"/api/tasks/{task['id']}"

        assert user("PATCH", path, {"title": "After", "due_date": "never"}).status_code == 422
        assert user("GET", path).json["data"] == task


class TestDatabaseAway:
    """The specification's edge case: the connection fails during a request."""

    def test_calls_are_503_and_store_nothing_until_the_service_recovers_by_itself(
        self, create_database: Callable[[], str], postgres_url: str, client_over: Callable[..., TestClient]
    ) -> None:
        url = create_database()
        database, administrator = connect(url), connect(postgres_url)
        migrate(database, "users")
        user = Caller(client_over(database), "ada", token_for("ada"))
        user.make_task("Before")
        name = urlsplit(url).path[1:]

        administrator.run(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS false')
        administrator.run("SELECT pg_terminate_backend(pid, 30000) FROM pg_stat_activity WHERE datname = %s", (name,))
        responses = [user("POST", "/api/tasks", {"title": "Lost"}), user("GET", "/api/tasks"), user("GET", "/ready")]
        administrator.run(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS true')

        for response in responses:
            assert error_of(response) == (503, "DATABASE_UNAVAILABLE")
            assert int(response.headers["retry-after"]) >= 1
            assert name not in response.text
        wait_until(lambda: user("GET", "/api/tasks").status_code == 200, "the list to be served")
        assert user.titles() == ["Before"]
        database.close()
        administrator.close()
