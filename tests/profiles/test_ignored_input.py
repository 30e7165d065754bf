"""The log says once what a frontend sends in vain, never a value, with a line of a profile that serves it."""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable, Iterator, MutableMapping
from pathlib import Path
from typing import Any, TypeAlias

import pytest
import structlog
from falcon.testing import TestClient
from structlog.testing import capture_logs

from tests.support.callers import Caller
from tests.support.processes import UNLIMITED, running
from tests.support.signing import token_for

Log: TypeAlias = list[MutableMapping[str, Any]]


@pytest.fixture
def log() -> Iterator[Log]:
    # Another test of this process may have configured the log as a service does.
    structlog.reset_defaults()
    with capture_logs() as lines:
        yield lines


@pytest.fixture
def caller(make_client: Callable[..., TestClient], make_user: Callable[..., Caller]) -> Caller:
    """A user of an application that has said nothing yet."""
    return make_user(through=make_client())


def said(log: Log) -> list[tuple[str, str, str]]:
    """What was not understood: kind, name and the line that serves it."""
    lines = [line for line in log if line["event"] == "not understood"]
    return [(line["kind"], line["name"], line["serve_it_with"]) for line in lines]


def profile_with(line: str) -> str:
    """A profile with a suggested line: the table is in brackets, its keys are separated by commas."""
    match = re.fullmatch(r"(\[+\w+\]+) (.*)", line)
    assert match, line
    keys = [match[2]] if "{" in match[2] else re.split(r", (?=\w+ = )", match[2])
    return "\n".join(('summary = "Mine."', match[1], *keys)) + "\n"


@pytest.fixture
def serve_with(
    tmp_path: Path, make_client: Callable[..., TestClient], make_user: Callable[..., Caller]
) -> Callable[[str], Caller]:
    """A function that serves a suggested line; a user of that application."""

    def serve(line: str) -> Caller:
        path = tmp_path / f"{uuid.uuid4().hex}.toml"
        path.write_text(profile_with(line), encoding="utf-8")
        return make_user(through=make_client(FRONTEND=str(path)))

    return serve


@pytest.mark.parametrize(
    "case",
    [
        ("dueDate", "2026-03-01", '[names] due_date = "dueDate"'),
        ("deadline", "2026-03-01", '[names] due_date = "deadline"'),
        ("notes", "Two litres", '[names] description = "notes"'),
        ("isDone", True, '[names] completed = "isDone"'),
        ("status", "pending", '[status] name = "status", done = "completed", open = "pending"'),
        ("priority", "high", '[[fields]] name = "priority", type = "text"'),
    ],
)
def test_the_line_for_a_member_keeps_its_value(
    caller: Caller, log: Log, serve_with: Callable[[str], Caller], case: tuple[str, object, str]
) -> None:
    name, value, line = case
    created = caller("POST", "/api/tasks", {"title": "Buy milk", name: value})
    assert name not in created.json["data"]
    assert said(log) == [("body member", name, line)]
    served = serve_with(line)("POST", "/api/tasks", {"title": "Buy milk", name: value})
    assert (served.status_code, served.json["data"][name]) == (201, value)


def test_the_line_for_the_title_serves_a_body_that_lacked_one(
    caller: Caller, log: Log, serve_with: Callable[[str], Caller]
) -> None:
    assert caller("POST", "/api/tasks", {"text": "Buy milk"}).status_code == 422
    assert said(log) == [("body member", "text", '[names] title = "text"')]
    assert serve_with('[names] title = "text"')("POST", "/api/tasks", {"text": "Buy milk"}).status_code == 201


def test_a_second_name_of_a_field_is_served_beside_the_first(log: Log, serve_with: Callable[[str], Caller]) -> None:
    caller = serve_with('[names] due_date = "dueDate"')
    caller("POST", "/api/tasks", {"title": "Buy milk", "deadline": "2026-03-01"})
    assert said(log) == [("body member", "deadline", '[also] due_date = ["deadline"]')]
    created = serve_with(said(log)[0][2])("POST", "/api/tasks", {"title": "Buy milk", "deadline": "2026-03-01"})
    assert created.json["data"]["deadline"] == "2026-03-01"


def test_the_members_of_a_completion_and_of_a_change_are_noted(caller: Caller, log: Log) -> None:
    number = caller.make_task()["id"]
    assert caller("PATCH", f"/api/tasks/{number}/complete", {"isDone": True}).status_code == 422
    caller("PUT", f"/api/tasks/{number}", {"title": "Buy bread", "colour": "red"})
    assert [name for _, name, _ in said(log)] == ["isDone", "colour"]


@pytest.mark.parametrize(
    "case",
    [
        ("q=milk", '[query] search = {names = ["q"]}', ["Buy milk"]),
        ("sortBy=title", '[query] sort = {names = ["sortBy"]}', ["Bake bread", "Buy milk"]),
        ("sort_order=asc", '[query] order = {names = ["sort_order"]}', ["Buy milk", "Bake bread"]),
        ("per_page=1", '[query] limit = {names = ["per_page"]}', ["Bake bread"]),
        ("skip=1", '[query] offset = {names = ["skip"]}', ["Buy milk"]),
        (
            "completed=true",
            '[query] status = {names = ["completed"], values = {true = "completed", false = "pending"}}',
            [],
        ),
        ("category=home", '[[fields]] name = "category", type = "text"', []),
    ],
)
def test_the_line_for_a_parameter_serves_it(
    caller: Caller, log: Log, serve_with: Callable[[str], Caller], case: tuple[str, str, list[str]]
) -> None:
    query, line, titles = case
    assert caller("GET", f"/api/tasks?{query}").status_code == 200
    assert said(log) == [("query parameter", query.partition("=")[0], line)]
    served = serve_with(line)
    served.make_task("Buy milk")
    served.make_task("Bake bread")
    listed = served("GET", f"/api/tasks?{query}").json["data"]
    assert [task["title"] for task in listed] == titles
    assert len(said(log)) == 1


@pytest.mark.parametrize(
    "case",
    [
        ("GET", "/v1/todos", "GET /v1/todos", '[tasks] aliases = ["/v1/todos"]'),
        ("GET", "/v1/todos/{id}", "GET /v1/todos/{task_id}", '[tasks] aliases = ["/v1/todos"]'),
        ("GET", "/users/{user}/todos", "GET /users/{user_id}/todos", '[tasks] aliases = ["/users/{user_id}/todos"]'),
        ("PATCH", "/api/tasks/{id}/toggle", "PATCH /api/tasks/{task_id}/toggle", '[[completion]] path = "/toggle"'),
        ("GET", "/api/auth/me", "GET /api/auth/me", '[accounts] me = ["/api/auth/me"]'),
        ("POST", "/auth/sign-out", "POST /auth/sign-out", '[accounts] logout = ["/auth/sign-out"]'),
        ("POST", "/auth/verify", "POST /auth/verify", '[accounts] verify = ["/auth/verify"]'),
    ],
)
def test_the_line_for_a_path_serves_it(
    caller: Caller, log: Log, serve_with: Callable[[str], Caller], case: tuple[str, str, str, str]
) -> None:
    method, path, name, line = case
    assert caller(method, path.format(id=1, user=caller.user_id)).status_code == 404
    assert said(log) == [("path", name, line)]
    served = serve_with(line)
    number = served.make_task()["id"]
    assert served(method, path.format(id=number, user=served.user_id)).status_code in (200, 204)


def test_an_unknown_path_is_noted_with_a_valid_token_alone(
    caller: Caller, log: Log, make_client: Callable[..., TestClient]
) -> None:
    client = make_client()
    for token in (None, "no.token.atall", token_for("ada", exp=1)):
        assert Caller(client, None, token)("GET", "/v1/todos").status_code == 404
    assert said(log) == []
    caller("GET", "/v1/todos")
    assert [name for _, name, _ in said(log)] == ["GET /v1/todos"]


def test_an_unknown_path_is_noted_with_a_valid_token_in_the_cookie_too(
    log: Log, serve_with: Callable[[str], Caller], make_user: Callable[..., Caller]
) -> None:
    served = serve_with('[accounts] cookie = {name = "sid"}')
    served.token, token = None, served.token
    for value in (token_for("ada", exp=1), token):
        assert served("POST", "/v1/todos", headers={"Cookie": f"sid={value}"}).status_code == 404
    assert said(log) == [("path", "POST /v1/todos", '[tasks] aliases = ["/v1/todos"]')]


def test_a_name_is_said_once_and_ids_are_no_names(caller: Caller, log: Log) -> None:
    for number in range(3):
        caller("POST", "/api/tasks", {"title": "Buy milk", "colour": f"red-{number}"})
        caller("GET", "/api/tasks", params={"colour": f"blue-{number}"})
        caller("POST", f"/api/tasks/{number}/archive")
    assert [(kind, name) for kind, name, _ in said(log)] == [
        ("body member", "colour"),
        ("query parameter", "colour"),
        ("path", "POST /api/tasks/{task_id}/archive"),
    ]


def test_at_most_100_names_of_64_characters_are_said(caller: Caller, log: Log) -> None:
    body = {f"member-{number:03d}-{'x' * 100}": 1 for number in range(200)}
    assert caller("POST", "/api/tasks", {"title": "Buy milk", **body}).status_code == 201
    caller("GET", "/api/tasks", params={"one_more": "1"})
    caller("GET", "/v1/todos")
    names = [name for _, name, _ in said(log)]
    assert names == [name[:64] for name in list(body)[:100]]
    assert all(len(line) < 200 for _, _, line in said(log))


def test_known_names_and_a_task_sent_back_are_not_noted(caller: Caller, log: Log) -> None:
    task = caller.make_task("Buy milk", due_date="2026-03-01", completed=True, description="Two litres")
    assert caller("PUT", f"/api/tasks/{task['id']}", task).status_code == 200
    caller("GET", "/api/tasks?status=all&sort=title&order=asc&limit=1&page=1&search=milk")
    assert said(log) == []


@pytest.mark.parametrize(
    "name", ["two words", 'quote"d', "filter[status]", "\x1b[31mred", "line\nbreak", "x" * 65, "é"]
)
def test_a_name_that_no_profile_can_have_is_said_to_be_so(caller: Caller, log: Log, name: str) -> None:
    caller("POST", "/api/tasks", {"title": "Buy milk", name: 1})
    caller("GET", "/api/tasks", params={name: "1"})
    line = "no profile: it is too long, or not of the form that names and paths have there"
    assert said(log) == [("body member", name[:64], line), ("query parameter", name[:64], line)]


@pytest.mark.parametrize("format", ["text", "json"])
def test_names_are_escaped_and_values_are_never_logged(
    tmp_path: Path, create_database: Callable[[], str], format: str
) -> None:
    token = token_for("ada")
    settings = {**UNLIMITED, "DATABASE_URL": create_database(), "WORKERS": "1", "LOG_FORMAT": format}
    with running(tmp_path / "service.log", **settings) as service:
        body = {"title": "Buy milk", "a\nb\x1b[31m": "secret-1", "plain": {"deep": "secret-2"}}
        assert service.call("POST", "/api/tasks", body, token=token).status == 201
        assert service.call("GET", "/api/tasks?c%0Ad=secret-3&e=secret-4", token=token).status == 200
        assert service.call("GET", "/v1/x%0Ay%1B%5B31m?f=secret-5", token=token).status == 404
    assert "secret" not in service.output
    lines = [line for line in service.output.splitlines() if "not understood" in line]
    assert len(lines) == 5, service.output
    assert "\x1b" not in service.output
    assert all("serve_it_with" in line for line in lines)


def test_a_preflight_of_a_foreign_origin_names_the_setting(make_client: Callable[..., TestClient], log: Log) -> None:
    headers = {"Origin": "https://elsewhere.example", "Access-Control-Request-Method": "POST"}
    client = make_client(CORS_ORIGINS="http://localhost:3000")
    for _ in range(2):
        client.simulate_options("/api/tasks", headers=headers)
    expected = ("origin", "https://elsewhere.example", "the setting CORS_ORIGINS=https://elsewhere.example")
    assert said(log) == [expected]
    served = make_client(CORS_ORIGINS="http://localhost:3000,https://elsewhere.example")
    result = served.simulate_options("/api/tasks", headers=headers)
    assert result.headers["access-control-allow-origin"] == "https://elsewhere.example"
    assert said(log) == [expected]
