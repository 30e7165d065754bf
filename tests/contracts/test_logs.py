"""The log of the real process: one event for each action, with ids and without secrets."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from tests.support.http import Response
from tests.support.processes import Service
from tests.support.signing import token_for

SECRETS = {
    "title": "secret-title-of-a-task",
    "changed title": "secret-changed-title",
    "description": "secret-description",
    "search": "secret-search-words",
    "password": "secret-pass-word",
    "wrong password": "secret-wrong-password",
    "e-mail": "secret-address@example.com",
    "unknown e-mail": "secret-nobody@example.com",
    "name": "secret-name-of-a-person",
    "claimed e-mail": "secret-claim@example.com",
    "bad field": "secret-bad-field",
    "idempotency key": "secret-idempotency-key",
    "forged token": "secret.forged.token",
    "malformed body": "secret-malformed-body",
}


@dataclass
class LoggedCall:
    """The response to a call, and the log lines with its request id."""

    response: Response
    lines: list[dict[str, Any]]

    @property
    def line(self) -> dict[str, Any]:
        assert len(self.lines) == 1, self.lines
        return self.lines[0]


@dataclass
class LoggedRun:
    """The calls of a run by label, and the whole log."""

    calls: dict[str, LoggedCall]
    log: str
    tokens: list[str]
    task_id: int
    user_id: str


@pytest.fixture(scope="module")
def run(
    start_shared_service: Callable[..., Service],
) -> LoggedRun:
    """One run of the service in which every event occurs."""
    service = start_shared_service(AUTH_RATE_LIMIT="", RATE_LIMIT="")
    user_id = "user-in-the-log"
    token = token_for(user_id, email=SECRETS["claimed e-mail"], name=SECRETS["name"])
    stranger = token_for("somebody-else")
    responses: dict[str, Response] = {}

    def call(
        label: str, method: str, path: str, token: str | None = None, body: object = None, **headers: str
    ) -> Response:
        headers = {"X-Request-ID": f"id-of-{label.replace(' ', '-')}", **headers}
        responses[label] = service.call(method, path, body, token=token, headers=headers)
        return responses[label]

    account = {"email": SECRETS["e-mail"], "password": SECRETS["password"], "name": SECRETS["name"]}
    registered = call("registration", "POST", "/auth/register", None, account)
    logged_in = call("login", "POST", "/auth/login", None, account)
    call("failed login", "POST", "/auth/login", None, {**account, "password": SECRETS["wrong password"]})
    call("unknown login", "POST", "/auth/login", None, {**account, "email": SECRETS["unknown e-mail"]})
    call("taken", "POST", "/auth/register", None, account)
    fields = {"title": SECRETS["title"], "description": SECRETS["description"]}
    key = {"Idempotency-Key": SECRETS["idempotency key"]}
    made = call("created", "POST", "/api/tasks", token, fields, **key)
    task_id = made.json["data"]["id"]
    path = f"/api/tasks/{task_id}"
    call("replayed", "POST", "/api/tasks", token, fields, **key)
    call("listed", "GET", f"/api/tasks?search={SECRETS['search']}", token)
    call("updated", "PATCH", path, token, {"title": SECRETS["changed title"]})
    call("completed", "PATCH", f"{path}/complete", token)
    call("reopened", "PATCH", f"{path}/complete", token, {"completed": False})
    call("not found", "GET", path, stranger)
    call("forbidden", "GET", f"/api/{user_id}/tasks", stranger)
    call("invalid", "POST", "/api/tasks", token, {"title": "", "due_date": SECRETS["bad field"]})
    malformed = f'{{"title": "{SECRETS["malformed body"]}'.encode()
    call("malformed", "POST", "/api/tasks", token, malformed, **{"Content-Type": "application/json"})
    call("forged", "GET", "/api/tasks", SECRETS["forged token"])
    call("anonymous", "GET", "/api/tasks")
    call("unknown path", "GET", "/nowhere")
    call("deleted", "DELETE", path, token)
    assert service.stop() == 0

    log = service.output
    lines = [json.loads(line) for line in log.splitlines()]
    calls = {
        label: LoggedCall(
            response, [line for line in lines if line.get("request_id") == f"id-of-{label.replace(' ', '-')}"]
        )
        for label, response in responses.items()
    }
    tokens = [token, stranger, registered.json["data"]["token"], logged_in.json["data"]["token"]]
    return LoggedRun(calls, log, tokens, task_id, user_id)


EVENTS = {
    "registration": ("user_registered", 201),
    "login": ("user_logged_in", 200),
    "failed login": ("login_failed", 401),
    "unknown login": ("login_failed", 401),
    "created": ("task_created", 201),
    "updated": ("task_updated", 200),
    "completed": ("task_completed", 200),
    "reopened": ("task_reopened", 200),
    "deleted": ("task_deleted", 204),
}


ACCOUNT_EVENTS = ("registration", "login", "failed login", "taken")


@pytest.mark.parametrize(("label", "event", "status"), [(label, *expected) for label, expected in EVENTS.items()])
def test_each_action_is_one_event(run: LoggedRun, label: str, event: str, status: int) -> None:
    logged = run.calls[label]

    assert logged.response.status == status
    assert (logged.line["event"], logged.line["status"]) == (event, status)


@pytest.mark.parametrize("label", ["created", "replayed", "updated", "completed", "reopened", "deleted"])
def test_an_event_of_a_task_names_task_and_user(run: LoggedRun, label: str) -> None:
    line = run.calls[label].line

    assert (line["task_id"], line["user_id"]) == (run.task_id, run.user_id)


@pytest.mark.parametrize("label", ["registration", "login"])
def test_an_event_of_an_account_names_its_user(run: LoggedRun, label: str) -> None:
    logged = run.calls[label]

    assert logged.line["user_id"] == logged.response.json["data"]["user"]["id"]


def test_every_line_of_a_call_has_the_clients_address(run: LoggedRun) -> None:
    for label, logged in run.calls.items():
        assert logged.line["address"] == "127.0.0.1", label


def test_an_event_of_an_account_has_a_digest_of_it(run: LoggedRun) -> None:
    digests = {label: run.calls[label].line["account"] for label in (*ACCOUNT_EVENTS, "unknown login")}

    assert re.fullmatch("[0-9a-f]{16}", digests["login"])
    assert {digests[label] for label in ACCOUNT_EVENTS} == {digests["login"]}
    assert digests["unknown login"] != digests["login"]


@pytest.mark.parametrize(
    ("label", "status"),
    [
        ("taken", 400),
        ("not found", 404),
        ("forbidden", 403),
        ("invalid", 422),
        ("malformed", 400),
        ("forged", 401),
        ("anonymous", 401),
        ("unknown path", 404),
    ],
)
def test_a_rejected_request_is_an_event_with_its_reason(run: LoggedRun, label: str, status: int) -> None:
    line = run.calls[label].line

    assert (line["event"], line["status"]) == ("refused", status)
    assert line["reason"]


def test_every_call_has_one_line_with_its_route_status_and_duration(run: LoggedRun) -> None:
    for label, logged in run.calls.items():
        assert logged.response.headers["x-request-id"] == logged.line["request_id"], label
        assert {"method", "path", "status", "ms", "timestamp", "level"} <= set(logged.line), label
        assert "?" not in logged.line["path"]


@pytest.mark.parametrize("what", SECRETS)
def test_the_log_contains_no_secret(run: LoggedRun, what: str) -> None:
    secret = SECRETS[what]

    assert secret not in run.log
    assert secret.split("@")[0] not in run.log


def test_the_log_contains_no_token(run: LoggedRun) -> None:
    for token in run.tokens:
        for part in token.split("."):
            assert part not in run.log
    assert "$2b$" not in run.log


def test_the_text_format_has_the_same_events_and_no_secret(start_service: Callable[..., Service]) -> None:
    service = start_service(LOG_FORMAT="text")
    body = {"title": SECRETS["title"], "description": SECRETS["description"]}
    token = token_for("user-in-the-log")
    service.call("POST", "/api/tasks", body, token=token, headers={"X-Request-ID": "a-call"})
    service.call("POST", "/auth/login", {"email": SECRETS["e-mail"], "password": SECRETS["password"]})
    assert service.stop() == 0

    [line] = [line for line in service.output.splitlines() if "a-call" in line]
    assert "task_created" in line
    assert "user-in-the-log" in line
    with pytest.raises(ValueError, match=r"Expecting value|Extra data"):
        json.loads(line)
    for secret in (*body.values(), SECRETS["e-mail"], SECRETS["password"], token):
        assert secret not in service.output
