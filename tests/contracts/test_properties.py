"""Generated requests to every route: never a 5xx, always the envelope, and never another user's rows.

CI always runs the same examples; every other run has new ones.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from typing import Any
from urllib.parse import quote

import pytest
from falcon.testing import TestClient
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from api.postgres.database import Database
from tests.contracts.families import FAMILIES
from tests.support.callers import Caller, error_of
from tests.support.signing import token_for

bounded = settings(
    max_examples=250,
    deadline=None,
    database=None,
    derandomize="CI" in os.environ,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)

# Only JSON escapes can carry lone surrogates over the wire.
any_text = st.text(max_size=40)
plain_text = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
stored_text = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=40)
header_text = st.text(st.characters(min_codepoint=0x20, max_codepoint=0xFF, exclude_characters="\x7f"), max_size=40)

numbers = st.one_of(st.integers(), st.integers(-5, 5), st.sampled_from([0, 2**31, 2**63 - 1, 2**63, 10**30]))
scalars = st.one_of(st.none(), st.booleans(), numbers, st.floats(), any_text)
dates = st.one_of(
    st.dates().map(str),
    st.datetimes().map(lambda at: f"{at.isoformat()}Z"),
    st.datetimes().map(lambda at: f"{at.isoformat()}+23:59"),
    any_text,
)
members = st.fixed_dictionaries(
    {},
    optional={
        "title": st.one_of(any_text, scalars),
        "description": st.one_of(any_text, scalars),
        "completed": st.one_of(st.booleans(), scalars),
        "due_date": st.one_of(dates, scalars),
        "user_id": scalars,
        "id": scalars,
        "email": st.one_of(plain_text.map(lambda name: f"{name}@example.com"), scalars),
        "password": st.one_of(any_text.map(lambda word: word + "12345678"), scalars),
        "name": scalars,
    },
)
documents = st.one_of(
    members,
    st.recursive(scalars, lambda inner: st.one_of(st.lists(inner), st.dictionaries(any_text, inner)), max_leaves=8),
)
bodies = st.one_of(st.none(), documents.map(lambda document: json.dumps(document).encode()), st.binary(max_size=60))
queries = st.one_of(
    st.lists(
        st.tuples(
            st.one_of(st.sampled_from(["status", "search", "sort", "order", "limit", "page", "cursor"]), plain_text),
            st.one_of(
                st.sampled_from(["all", "pending", "title", "due_date", "desc", "asc", "1", "50"]),
                numbers.map(str),
                plain_text,
            ),
        ).map(lambda pair: "=".join(quote(part, safe="") for part in pair)),
        max_size=5,
    ).map("&".join),
    header_text.map(lambda text: "&" + text),
)
headers = st.fixed_dictionaries(
    {},
    optional={
        "Content-Type": st.one_of(
            st.sampled_from(["application/json", "application/json; charset=utf-8", "text/plain"]), header_text
        ),
        "If-Match": st.one_of(st.sampled_from(["*", '"1"', 'W/"1"']), header_text),
        "If-None-Match": st.one_of(st.sampled_from(["*", '"1"', 'W/"1"']), header_text),
        "Idempotency-Key": st.one_of(st.sampled_from(["a", "b"]), header_text),
        "X-Request-ID": header_text,
        "X-Forwarded-For": header_text,
        "Accept": header_text,
        "Origin": header_text,
        "Range": header_text,
        "Cookie": header_text,
        "Content-Encoding": header_text,
    },
)
methods = st.sampled_from(["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"])
segments = plain_text.map(lambda text: quote(text, safe=""))


@st.composite
def paths(draw: st.DrawFn) -> str:
    """A route's path; the test replaces `{me}`, `{other}`, `{mine}` and `{theirs}` by ids."""
    fixed = ["/", "/health", "/ready", "/docs", "/openapi.json", "/auth/register", "/auth/login"]
    if draw(st.integers(0, 5)) == 0:
        return draw(st.one_of(st.sampled_from(fixed), segments.map(lambda text: f"/{text}")))
    family = draw(st.sampled_from(FAMILIES))
    # Not percent-encoded, so that the marks are kept.
    owner = draw(st.one_of(st.sampled_from(["{me}", "{other}"]), segments))
    path = family.collection.replace("{owner}", owner)
    if draw(st.booleans()):
        path += "/" + draw(st.one_of(st.sampled_from(["{mine}", "{theirs}"]), numbers.map(str), segments))
        path += draw(st.sampled_from(["", "/complete", "/"]))
    return path


@pytest.fixture
def other(make_user: Callable[..., Caller]) -> Caller:
    return make_user("other")


def rows_of(database: Database, user_id: str | None) -> list[tuple[Any, ...]]:
    return database.run("SELECT tasks::text FROM tasks WHERE user_id = %s ORDER BY id", (user_id,))


@bounded
@given(
    method=methods,
    path=paths(),
    query=queries,
    header=headers,
    body=bodies,
    token=st.one_of(st.just("own"), st.just("own"), st.just("own"), st.none(), header_text),
)
def test_no_request_causes_a_5xx_or_reaches_another_users_rows(
    *,
    client: TestClient,
    database: Database,
    other: Caller,
    method: str,
    path: str,
    query: str,
    header: dict[str, str],
    body: bytes | None,
    token: str | None,
) -> None:
    if not rows_of(database, other.user_id):
        other.make_task("Theirs")
    theirs = rows_of(database, other.user_id)
    me = Caller(client, "me", token_for("me"))
    marks = {
        "{me}": "me",
        "{other}": "other",
        "{mine}": me.make_task("Mine")["id"],
        "{theirs}": other("GET", "/api/tasks").json["data"][0]["id"],
    }
    for mark, value in marks.items():
        path = path.replace(mark, str(value))
    if token is not None:
        header = {**header, "Authorization": f"Bearer {me.token if token == 'own' else token}"}

    response = client.simulate_request(
        method, path, query_string=query, headers=header, body=body, remote_addr="192.0.2.1"
    )

    assert response.status_code < 500, response.text
    assert response.headers["x-request-id"]
    if response.status_code >= 400 and method != "HEAD":
        error_of(response)
    assert rows_of(database, other.user_id) == theirs
    database.run("DELETE FROM tasks WHERE user_id = 'me'")


@bounded
@given(fields=members)
def test_a_create_is_stored_as_sent_or_its_invalid_fields_are_named(
    user: Caller, database: Database, fields: dict[str, Any]
) -> None:
    body = json.dumps(fields).encode()
    response = user("POST", "/api/tasks", headers={"Content-Type": "application/json"}, body=body)

    if response.status_code == 201:
        task = response.json["data"]
        for name in ("title", "description", "completed"):
            if name in fields:
                assert task[name] == fields[name]
        assert user("GET", f"/api/tasks/{task['id']}").json["data"] == task
    elif error_of(response) == (422, "VALIDATION_ERROR"):
        named = {each["field"] for each in response.json["error"]["details"]}
        assert named <= {"title", "description", "completed", "due_date"}
    else:
        # NaN, and escaped halves of surrogate pairs.
        assert error_of(response) == (400, "MALFORMED_JSON")
        assert "NaN" in body.decode() or "Infinity" in body.decode() or "\\ud" in body.decode()


@bounded
@given(title=stored_text, description=stored_text)
def test_text_is_returned_as_sent_and_found_by_search(user: Caller, title: str, description: str) -> None:
    assume(title.strip())

    task = user.make_task(title, description=description)

    assert (task["title"], task["description"]) == (title, description)
    found = user("GET", "/api/tasks", params={"search": title.split(maxsplit=1)[0]})
    assert task in found.json["data"]


@bounded
@given(at=st.datetimes(), minutes=st.integers(-23 * 60 - 59, 23 * 60 + 59))
def test_an_instant_is_kept_with_any_offset(user: Caller, at: datetime, minutes: int) -> None:
    offset = f"{'-' if minutes < 0 else '+'}{abs(minutes) // 60:02}:{abs(minutes) % 60:02}"
    try:
        instant = (at - timedelta(minutes=minutes)).replace(tzinfo=timezone.utc)
    except OverflowError:
        instant = None
    sent = f"{at.isoformat(timespec='microseconds')}{offset}"

    response = user("POST", "/api/tasks", {"title": "x", "due_date": sent})

    if instant is None:
        assert error_of(response) == (422, "VALIDATION_ERROR")
    else:
        kept = instant.isoformat(timespec="microseconds").replace("+00:00", "Z")
        assert response.json["data"]["due_date"] == kept


@bounded
@given(user_id=st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=255))
def test_a_user_id_of_any_characters_has_its_own_tasks(client: TestClient, user_id: str) -> None:
    caller = Caller(client, user_id, token_for(user_id))

    task = caller.make_task("Mine")

    assert task["user_id"] == user_id
    assert caller("GET", f"/tasks/{task['id']}").json["data"] == task
