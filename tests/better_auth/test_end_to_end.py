"""A real Better Auth server and the real service on one PostgreSQL, from signing up to deleting the account."""

from __future__ import annotations

import time

import jwt

from tests.better_auth.users import Setup
from tests.support.signing import claims, make_signer


def test_its_token_has_the_claims_that_the_service_expects(setup: Setup) -> None:
    token = setup.sign_up().token
    assert set(jwt.get_unverified_header(token)) == {"alg", "kid"}
    issued = jwt.decode(token, options={"verify_signature": False})
    assert issued["iss"] == issued["aud"] == setup.auth.origin
    assert issued["exp"] - issued["iat"] == 15 * 60


def test_a_user_creates_reads_changes_and_deletes_tasks(setup: Setup) -> None:
    user, other = setup.sign_up(), setup.sign_up("Bob")
    created = user("POST", "/api/tasks", {"title": "Buy milk"})
    assert created.status == 201
    assert created.json["data"]["user_id"] == user.id
    path = created.headers["location"]
    assert user("GET", path).json == created.json
    assert user("PUT", path, {"title": "Buy oats"}).json["data"]["title"] == "Buy oats"
    assert user("PATCH", f"{path}/complete").json["data"]["completed"] is True
    assert user("GET", f"/api/{user.id}/tasks").json["data"][0]["title"] == "Buy oats"
    assert other("GET", path).status == 404
    assert other("GET", "/api/tasks").json == {"data": []}
    assert user("DELETE", path).status == 204
    assert user("GET", "/api/tasks").json == {"data": []}


def test_better_auths_tables_are_never_altered_or_written(setup: Setup) -> None:
    columns = "SELECT column_name, data_type FROM information_schema.columns WHERE table_name = 'user'"
    user = setup.sign_up()
    before = setup.query('SELECT * FROM "user" ORDER BY id'), setup.query(columns)
    assert user("POST", "/api/tasks", {"title": "Buy milk"}).status == 201
    assert (setup.query('SELECT * FROM "user" ORDER BY id'), setup.query(columns)) == before
    assert setup.query("SELECT to_regclass('users')") == [(None,)]
    assert setup.tasks.call("POST", "/auth/register", {}).status == 404


def test_while_better_auth_is_stopped_fetched_keys_still_verify_and_an_unknown_kid_is_a_fast_401(setup: Setup) -> None:
    user = setup.sign_up()
    known = make_known_everywhere(setup, user.token)
    setup.auth.stop()
    try:
        forged = make_signer("EdDSA", "unknown").sign(
            claims(sub=user.id, iss=setup.auth.origin, aud=setup.auth.origin, iat=int(time.time()))
        )
        start = time.monotonic()
        response = setup.tasks.call("GET", "/api/tasks", token=forged)
        assert (response.status, response.json["error"]["code"]) == (401, "TOKEN_INVALID")
        # Not after the 15 s that a request waits for a download here.
        assert time.monotonic() - start < 10
        for _ in range(20):
            assert setup.tasks.call("GET", "/api/tasks", token=known).status == 200
    finally:
        setup.auth.start()


def make_known_everywhere(setup: Setup, token: str) -> str:
    """Call until every worker process has surely seen the token's key: each connection may reach another worker."""
    for _ in range(40):
        assert setup.tasks.call("GET", "/api/tasks", token=token).status == 200
    return token


def test_a_deleted_user_has_no_tasks_and_cannot_create_one(setup: Setup) -> None:
    user = setup.sign_up()
    assert user("POST", "/api/tasks", {"title": "Buy milk"}, headers={"Idempotency-Key": "once"}).status == 201
    user.delete_account()
    assert setup.query("SELECT count(*) FROM tasks WHERE user_id = %s", user.id) == [(0,)]
    assert user("GET", "/api/tasks").json == {"data": []}
    response = user("POST", "/api/tasks", {"title": "Buy milk"})
    assert (response.status, response.json["error"]["code"]) == (401, "TOKEN_INVALID")
    assert response.headers["www-authenticate"] == "Bearer"
    assert setup.query("SELECT count(*) FROM tasks WHERE user_id = %s", user.id) == [(0,)]
