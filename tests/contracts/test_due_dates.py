"""Due dates are returned as sent: a date as the same date in every time zone, a date-time as the same instant."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from urllib.parse import urlsplit

import pytest
from falcon.testing import TestClient

from api.migrate import migrate
from tests.support.callers import Caller, error_of
from tests.support.postgres import connect

DATES = ["2026-03-01", "2024-02-29", "2000-02-29", "0001-01-01", "9999-12-31", "1582-10-10", "0004-02-29"]

DATE_TIMES = {
    "2026-03-01T09:30:00Z": "2026-03-01T09:30:00.000000Z",
    "2026-03-01t09:30:00z": "2026-03-01T09:30:00.000000Z",
    "2026-03-01T00:00:00Z": "2026-03-01T00:00:00.000000Z",
    "2026-03-01T09:30:00+05:30": "2026-03-01T04:00:00.000000Z",
    "2026-03-01T09:30:00-00:00": "2026-03-01T09:30:00.000000Z",
    "2026-03-01T00:30:00+14:00": "2026-02-28T10:30:00.000000Z",
    "2024-02-29T23:59:59-12:00": "2024-03-01T11:59:59.000000Z",
    "2026-12-31T23:00:00-23:59": "2027-01-01T22:59:00.000000Z",
    "2026-03-01T09:30:00.1Z": "2026-03-01T09:30:00.100000Z",
    "2026-03-01T09:30:00.123456789Z": "2026-03-01T09:30:00.123456Z",
    "2026-03-01T09:30:00.9999999Z": "2026-03-01T09:30:00.999999Z",
    "2026-03-01T09:30:00.000000999+00:00": "2026-03-01T09:30:00.000000Z",
    "0001-01-01T00:00:00Z": "0001-01-01T00:00:00.000000Z",
    "0001-01-01T01:00:00+01:00": "0001-01-01T00:00:00.000000Z",
    "9999-12-31T23:59:59.999999Z": "9999-12-31T23:59:59.999999Z",
    "9999-12-31T22:59:59.9999999-01:00": "9999-12-31T23:59:59.999999Z",
}

NOT_VALID = [
    "",
    "soon",
    "2026-02-29",
    "1900-02-29",
    "2026-04-31",
    "2026-13-01",
    "2026-00-10",
    "2026-01-00",
    "0000-01-01",
    "10000-01-01",
    "-001-01-01",
    "2026-3-1",
    "20260301",
    "2026-W10-1",
    "2026-060",
    "2026-03-01 ",
    " 2026-03-01",
    "2026-03-01\n",
    "\uff12\uff10\uff12\uff16-03-01",
    "2026-03-01T09:30:00",
    "2026-03-01 09:30:00Z",
    "2026-03-01T09:30Z",
    "2026-03-01T24:00:00Z",
    "2026-03-01T09:60:00Z",
    "2016-12-31T23:59:60Z",
    "1990-12-31T15:59:60-08:00",
    "2026-03-01T09:30:61Z",
    "2026-03-01T09:30:00.Z",
    "2026-03-01T09:30:00,5Z",
    "2026-03-01T09:30:00+5:30",
    "2026-03-01T09:30:00+0530",
    "2026-03-01T09:30:00+24:00",
    "2026-03-01T09:30:00+05:60",
    "2026-03-01T09:30:00 Z",
    "2026-03-01T09:30:00ZZ",
    "2026-03-01T09:30:00[Europe/Berlin]",
    "0001-01-01T00:00:00+00:01",
    "9999-12-31T23:59:59-00:01",
    "0000-12-31T23:59:59-01:00",
    "infinity",
    "now",
    20260301,
    1772355600.5,
    True,
    ["2026-03-01"],
    {"date": "2026-03-01"},
]


@pytest.mark.parametrize("date", DATES)
def test_a_date_is_returned_as_the_same_date(user: Caller, date: str) -> None:
    task = user.make_task(due_date=date)

    assert task["due_date"] == date
    assert user("GET", f"/api/tasks/{task['id']}").json["data"]["due_date"] == date
    assert user("GET", "/api/tasks").json["data"][0]["due_date"] == date


@pytest.mark.parametrize(("sent", "kept"), DATE_TIMES.items(), ids=DATE_TIMES)
def test_a_date_time_is_returned_as_the_same_instant_in_utc(user: Caller, sent: str, kept: str) -> None:
    task = user.make_task(due_date=sent)

    assert task["due_date"] == kept
    assert user("GET", f"/api/tasks/{task['id']}").json["data"]["due_date"] == kept


@pytest.mark.parametrize("due_date", NOT_VALID, ids=repr)
def test_any_other_due_date_is_rejected_and_the_field_named(user: Caller, due_date: object) -> None:
    task = user.make_task(due_date="2026-03-01")
    path = f"/api/tasks/{task['id']}"

    for method, where in (("POST", "/api/tasks"), ("PATCH", path)):
        response = user(method, where, {"title": "x", "due_date": due_date})
        assert error_of(response) == (422, "VALIDATION_ERROR")
        assert [each["field"] for each in response.json["error"]["details"]] == ["due_date"]
    assert user("GET", "/api/tasks").json["data"] == [task]


def test_a_due_date_can_change_to_a_date_time_and_back_and_to_null(user: Caller) -> None:
    path = f"/api/tasks/{user.make_task(due_date='2026-03-01')['id']}"

    for due_date in ("2026-03-01T00:00:00.000000Z", "2026-03-01", None, "2026-03-02"):
        assert user("PATCH", path, {"due_date": due_date}).json["data"]["due_date"] == due_date
        assert user("PATCH", path, {"title": "Other"}).json["data"]["due_date"] == due_date


def test_null_on_create_is_no_due_date(user: Caller) -> None:
    assert user.make_task(due_date=None)["due_date"] is None


def test_a_date_sorts_as_its_midnight_in_utc(user: Caller) -> None:
    in_order = [
        "0001-01-01",
        "2026-02-28T23:59:59.999999Z",
        "2026-03-01",
        "2026-03-01T02:00:00+02:00",
        "2026-03-01T00:00:00.000001Z",
        "2026-03-01T12:00:00Z",
        "2026-03-02",
        "9999-12-31T23:59:59.999999Z",
    ]
    for number, due_date in enumerate(in_order):
        user.make_task(f"{number}", due_date=due_date)
    user.make_task("none")

    numbers = [str(number) for number in range(len(in_order))]
    assert user.titles(sort="due_date") == [*numbers, "none"]
    assert user.titles(sort="due_date", order="desc") == [*numbers[::-1], "none"]


@pytest.fixture(scope="module")
def altered_url(create_database: Callable[[], str]) -> str:
    """A migrated database whose session defaults the tests may change."""
    url = create_database()
    database = connect(url)
    migrate(database, "users")
    database.close()
    return url


@pytest.fixture(
    params=[
        "timezone TO 'Pacific/Kiritimati'",
        "timezone TO 'America/Los_Angeles'",
        "timezone TO 'Asia/Kathmandu'",
        "timezone TO '-13:37'",
        "datestyle TO 'SQL, DMY'",
        "intervalstyle TO 'iso_8601'",
    ]
)
def elsewhere(
    request: pytest.FixtureRequest,
    altered_url: str,
    client_over: Callable[..., TestClient],
    make_user: Callable[..., Caller],
) -> Iterator[Caller]:
    """A user of a database with these session defaults."""
    database = connect(altered_url)
    name = urlsplit(altered_url).path[1:]
    for change in ("RESET ALL", f"SET {request.param}"):
        database.run(f'ALTER DATABASE "{name}" {change}')
    database.close()
    yield make_user(through=client_over(database))
    database.close()


def test_session_time_zones_and_date_styles_change_nothing(elsewhere: Caller) -> None:
    sent = {date: date for date in DATES} | DATE_TIMES

    for due_date, kept in sent.items():
        task = elsewhere.make_task(due_date=due_date)
        assert task["due_date"] == kept
        assert task["created_at"].endswith("Z")
        assert elsewhere("GET", f"/api/tasks/{task['id']}").json["data"] == task

    whole = elsewhere("GET", "/api/tasks", params={"sort": "due_date"}).json["data"]
    first = elsewhere("GET", "/api/tasks", params={"sort": "due_date", "limit": "9"}).json
    cursor = first["pagination"]["next_cursor"]
    rest = elsewhere("GET", "/api/tasks", params={"sort": "due_date", "limit": "900", "cursor": cursor}).json
    assert first["data"] + rest["data"] == whole
    assert [task["due_date"] for task in whole] == sorted(
        sent.values(), key=lambda due: due if "T" in due else f"{due}T00:00:00.000000Z"
    )
