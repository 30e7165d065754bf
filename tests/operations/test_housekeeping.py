"""Old idempotency keys go by themselves; young ones stay, whatever happens to the database meanwhile."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg2
import pytest

from api import housekeeping
from api.housekeeping import Housekeeping
from api.postgres.database import Database
from api.postgres.errors import DatabaseUnavailable
from tests.support.processes import PATIENT, running
from tests.support.signing import SECRET, token_for
from tests.support.waiting import wait_until

ADD_KEYS = """
INSERT INTO idempotency_keys (user_id, key, fingerprint, answer, created_at)
SELECT 'ada', %s || n, '', '[]', clock_timestamp() - %s::interval FROM generate_series(1, %s) AS n
"""


@pytest.fixture
def keys(database: Database) -> Callable[[], list[str]]:
    """One user's keys of many ages; the keys that are there now."""
    database.run("INSERT INTO users (id) VALUES ('ada')")
    ages = {"new": "0 s", "hours": "23 hours 59 minutes", "day": "24 hours 1 minute", "month": "31 days"}
    for name, age in ages.items():
        database.run(ADD_KEYS, (name, age, 1))
    return lambda: [key for (key,) in database.run("SELECT key FROM idempotency_keys ORDER BY key")]


def test_keys_older_than_a_day_are_deleted_and_no_others(database: Database, keys: Callable[[], list[str]]) -> None:
    assert Housekeeping(database).clean() == 2
    assert keys() == ["hours1", "new1"]


def test_many_are_deleted_in_batches(
    database: Database, keys: Callable[[], list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(housekeeping, "BATCH", 100)
    monkeypatch.setattr(housekeeping, "PAUSE", 0.0)
    database.run(ADD_KEYS, ("old", "2 days", 1000))
    assert Housekeeping(database).clean() == 1002
    assert keys() == ["hours1", "new1"]


def test_workers_that_clean_at_once_share_the_work(database: Database, keys: Callable[[], list[str]]) -> None:
    database.run(ADD_KEYS, ("old", "2 days", 3000))
    with ThreadPoolExecutor(4) as pool:
        counts = list(pool.map(lambda _: Housekeeping(database).clean(), range(4)))
    assert sum(counts) == 3002
    assert keys() == ["hours1", "new1"]


def test_a_key_that_somebody_has_locked_is_deleted_the_next_time(
    database: Database, database_url: str, keys: Callable[[], list[str]]
) -> None:
    impatient = Database(database_url, pool_size=1, statement_timeout=0.5)
    with contextlib.closing(psycopg2.connect(database_url)) as other:
        other.cursor().execute("SELECT FROM idempotency_keys WHERE key = 'month1' FOR UPDATE")
        with pytest.raises(DatabaseUnavailable):
            Housekeeping(impatient).clean()
        assert keys() == ["day1", "hours1", "month1", "new1"]
    impatient.close()
    assert Housekeeping(database).clean() == 2
    assert keys() == ["hours1", "new1"]


def test_addresses_of_accounts_older_than_90_days_are_deleted(
    database: Database, keys: Callable[[], list[str]]
) -> None:
    for days in (0, 89, 91, 400):
        database.run(
            "INSERT INTO account_addresses VALUES ('ada', decode(%s, 'hex'), now() - make_interval(days => %s))",
            (f"{days:04}", days),
        )
    assert Housekeeping(database).clean() == 2
    assert Housekeeping(database, has_accounts=True).clean() == 2
    kept = database.run("SELECT encode(digest, 'hex') FROM account_addresses ORDER BY digest")
    assert kept == [("0000",), ("0089",)]


def test_it_begins_soon_after_its_start_and_comes_again(database: Database, keys: Callable[[], list[str]]) -> None:
    cleaner = Housekeeping(database, first_after=0.1, every=0.1)
    cleaner.start()
    try:
        wait_until(lambda: len(keys()) == 2)
        database.run(ADD_KEYS, ("later", "2 days", 1))
        wait_until(lambda: len(keys()) == 2)
    finally:
        cleaner.stop()


def test_a_database_that_is_down_is_tried_again(
    create_database: Callable[[], str], database: Database, keys: Callable[[], list[str]]
) -> None:
    attempts = []

    class Counted(Housekeeping):
        def clean(self) -> int:
            attempts.append(time.monotonic())
            return super().clean()

    database.run("ALTER TABLE idempotency_keys RENAME TO away")
    cleaner = Counted(database, first_after=0.0, every=0.1)
    try:
        cleaner.start()
        wait_until(lambda: len(attempts) >= 2)
    finally:
        database.run("ALTER TABLE away RENAME TO idempotency_keys")
    wait_until(lambda: len(keys()) == 2)
    cleaner.stop()


def test_the_service_does_it_unasked(tmp_path: Path, database_url: str, database: Database) -> None:
    assert housekeeping.FIRST_AFTER <= 60
    database.run("INSERT INTO users (id) VALUES ('ada')")
    database.run(ADD_KEYS, ("old", "25 hours", 1))
    environ = {"DATABASE_URL": database_url, "BETTER_AUTH_SECRET": SECRET, "WORKERS": "2", **PATIENT}
    # A worker cleans first at a random moment of its first 30 s: here at once.
    with running(tmp_path / "service.log", prelude="import random; random.uniform = min", **environ) as service:
        token = token_for("ada")
        made = service.call("POST", "/api/tasks", {"title": "a"}, token=token, headers={"Idempotency-Key": "young"})
        assert made.status == 201
        wait_until(lambda: database.run("SELECT key FROM idempotency_keys") == [("young",)], "the old key to go")
        assert service.stop() == 0
