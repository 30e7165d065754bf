"""gzip of lists (RFC 9110, section 8.4): when it is used, and when it never is."""

from __future__ import annotations

import gzip
import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from falcon.testing import Result, TestClient

from api.postgres.database import Database
from tests.support.callers import Caller

GZIP = {"Accept-Encoding": "gzip, deflate, br"}
VERBS = (
    "call",
    "write",
    "buy",
    "read",
    "mend",
    "ask",
    "pay",
    "send",
    "plan",
    "paint",
    "book",
    "bring",
    "clean",
    "cook",
)
THINGS = ("mother", "letter", "milk", "report", "bicycle", "doctor", "rent", "parcel", "wall", "table", "bread", "soup")


_FILL = """
INSERT INTO tasks (user_id, title, description, folded_version)
SELECT %s, title, %s, 1 FROM unnest(%s) AS title
"""


@pytest.fixture
def fill(user: Caller, database: Database) -> Callable[..., None]:
    """A function that gives the user tasks with these titles, and a description each."""
    database.run("INSERT INTO users (id) VALUES (%s)", (user.user_id,))

    def fill(titles: list[str], description: str | None = None) -> None:
        database.run(_FILL, (user.user_id, description, titles))

    return fill


def distinct_titles(number: int) -> list[str]:
    """Titles as people write them, each another."""
    chance = random.Random(7)
    return [f"{chance.choice(VERBS)} the {chance.choice(THINGS)} of {chance.randint(1, 99)} {n}" for n in range(number)]


def is_compressed(response: Result) -> bool:
    compressed = response.headers.get("content-encoding") == "gzip"
    assert compressed or "content-encoding" not in response.headers
    if compressed:
        json.loads(gzip.decompress(response.content))
        assert response.headers.get("content-length", str(len(response.content))) == str(len(response.content))
    return compressed


def accepting(field: str) -> dict[str, str]:
    return {"Accept-Encoding": field}


def test_a_list_of_a_thousand_tasks_takes_a_quarter_of_its_bytes(user: Caller, fill: Callable[..., None]) -> None:
    fill(distinct_titles(1000))
    plain = user("GET", "/api/tasks")

    response = user("GET", "/api/tasks", headers=GZIP)

    assert is_compressed(response)
    assert not is_compressed(plain)
    assert gzip.decompress(response.content) == plain.content
    assert len({task["title"] for task in plain.json["data"]}) == 1000
    assert len(response.content) <= 0.25 * len(plain.content)
    assert {each.strip() for each in response.headers["vary"].split(",")} == {"Origin", "Accept-Encoding"}
    assert plain.headers["vary"] == response.headers["vary"]
    assert plain.headers["etag"] == response.headers["etag"]


def test_a_list_in_pieces_is_one_compressed_body(user: Caller, fill: Callable[..., None]) -> None:
    fill(distinct_titles(300), "lorem ipsum " * 800)

    response = user("GET", "/api/tasks", headers=GZIP)

    assert is_compressed(response)
    body = gzip.decompress(response.content)
    assert len(body) > 2 * 1024 * 1024
    assert body == user("GET", "/api/tasks").content
    assert "etag" not in response.headers


@pytest.mark.parametrize(
    ("field", "allows"),
    [
        ("gzip", True),
        ("GZIP", True),
        ("x-gzip", True),
        ("br, gzip;q=0.1", True),
        ("br ; q=1 ,\tgzip ; q=0.001", True),
        ("*", True),
        ("identity;q=0.1, *;q=0.5", True),
        ("identity;q=0.5, *;q=0.1", False),
        ("gzip;Q=1.000", True),
        ("gzip;q=0", False),
        ("gzip;q=0.000", False),
        ("*;q=0", False),
        ("gzip;q=0, *", False),
        ("identity", False),
        ("deflate, br", False),
        ("gzip;q=high", False),
        ("gzip2", False),
        ("gzip br", False),
        ("", False),
        (",,", False),
    ],
)
def test_gzip_is_used_only_where_the_request_accepts_it(
    user: Caller, fill: Callable[..., None], field: str, allows: bool
) -> None:
    fill(distinct_titles(20))

    assert is_compressed(user("GET", "/api/tasks", headers=accepting(field))) is allows


def test_a_short_list_is_sent_as_it_is(user: Caller) -> None:
    user.make_task()

    response = user("GET", "/api/tasks", headers=GZIP)

    assert len(response.content) < 1024
    assert not is_compressed(response)
    assert "Accept-Encoding" in response.headers["vary"]


def test_a_head_request_says_what_a_get_would_send(user: Caller, fill: Callable[..., None]) -> None:
    fill(distinct_titles(20))

    response = user("HEAD", "/api/tasks", headers=GZIP)

    assert response.headers["content-encoding"] == "gzip"
    assert response.content == b""


def test_single_tasks_and_accounts_are_never_compressed(user: Caller, anonymous: Caller) -> None:
    created = user("POST", "/api/tasks", {"title": "a", "description": "b" * 9000}, headers=GZIP)
    path = f"/api/tasks/{created.json['data']['id']}"
    account = {"email": "ada@example.com", "password": "correct horse", "name": "n" * 100}

    assert created.headers["etag"] == '"1"'
    assert not is_compressed(created)
    assert not is_compressed(user("GET", path, headers=GZIP))
    assert not is_compressed(user("PATCH", path, {"completed": True}, headers=GZIP))
    assert not is_compressed(user("PATCH", f"{path}/complete", headers=GZIP))
    assert not is_compressed(anonymous("POST", "/auth/register", account, headers=GZIP))
    assert not is_compressed(anonymous("POST", "/auth/login", account, headers=GZIP))


def test_what_a_cookie_has_authenticated_is_never_compressed(
    make_client: Callable[..., TestClient], user: Caller, fill: Callable[..., None], tmp_path: Path
) -> None:
    fill(distinct_titles(20))
    (tmp_path / "cookie.toml").write_text('summary = "A cookie."\n[accounts.cookie]\nname = "auth_token"\n')
    client = make_client(FRONTEND=str(tmp_path / "cookie.toml"))
    by_cookie = {**GZIP, "Cookie": f"auth_token={user.token}"}
    by_token = {**GZIP, "Authorization": f"Bearer {user.token}"}

    responses = [client.simulate_get("/api/tasks", headers=headers) for headers in (by_cookie, by_token)]

    assert [len(response_body(each)["data"]) for each in responses] == [20, 20]
    assert [is_compressed(each) for each in responses] == [False, True]


def test_a_user_without_a_token_gets_it_as_it_is(make_client: Callable[..., TestClient], database: Database) -> None:
    client = make_client(ANONYMOUS_USER="demo")
    local: dict[str, Any] = {"remote_addr": "127.0.0.1", "host": "localhost", "headers": GZIP}
    for number in range(10):
        assert client.simulate_post("/api/tasks", json={"title": f"Task {number}"}, **local).status_code == 201

    response = client.simulate_get("/api/tasks", **local)

    assert len(response.content) > 1024
    assert not is_compressed(response)


def response_body(response: Result) -> Any:
    content = response.content
    return json.loads(gzip.decompress(content) if is_compressed(response) else content)
