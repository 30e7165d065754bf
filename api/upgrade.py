"""What a new version does to large tables, beside traffic: indexes and filling columns, as a background job.

A migration at start only does what takes a moment. The rest is here, in small steps that each leave a correct database:
it can end anywhere and goes on at the next start, in whichever process gets the lock. CONTRIBUTING.md has the rules.
"""

from __future__ import annotations

import contextlib
import logging
import threading
from collections.abc import Iterator
from time import monotonic
from typing import Any, Final

import psycopg2

from api.account_emails import Collision, fold_emails
from api.folding import estimate_unfolded, find_unfolded_users, fold_batch
from api.postgres.database import Database
from api.postgres.database_url import connection_parameters
from api.postgres.errors import DatabaseUnavailable, Overloaded
from api.postgres.threads import require_thread

logger = logging.getLogger(__name__)

LOCK: Final = 7_236_017_113
"""Key of the advisory lock that one process at a time holds for the job."""

POLL_INTERVAL: Final = 60.0
"""Seconds between two looks for work: a process of the version before may have written rows without folded text."""

REST: Final = 2.0
"""Times as long as a step took that the job pauses after it, so that requests have most of the database."""

LOG_INTERVAL: Final = 10.0
"""Seconds between two log lines that tell the progress."""

INDEXES: Final = {
    "tasks_to_fold": """ON tasks (user_id, id) WHERE folded_version IS DISTINCT FROM version
        AND (octet_length(title) <> char_length(title) OR octet_length(description) <> char_length(description))""",
    "tasks_by_title": """ON tasks (user_id, (CASE
        WHEN octet_length(title) = char_length(title) THEN left(lower(title COLLATE "C"), 400)
        WHEN folded_version = version THEN left(title_folded, 400) END))""",
    "tasks_by_due_date": "ON tasks (user_id, coalesce(due_at, 'infinity'), id)",
}

_IS_VALID: Final = "SELECT indisvalid FROM pg_index WHERE indexrelid = to_regclass(%s)"


class Upgrade:
    """The job of one process: a daemon thread that works while it holds the lock. Start it after a fork."""

    def __init__(self, database: Database, *, has_accounts: bool) -> None:
        self._database = database
        self._has_accounts = has_accounts
        self._stopped = threading.Event()
        self._reported: set[Collision] = set()
        self.rows_left = 0
        """Tasks whose text is to be folded, as far as this process knows."""

    def start(self) -> None:
        """Begin; the thread ends with its process."""
        require_thread(self._run)

    def stop(self) -> None:
        """End the thread after its present step."""
        self._stopped.set()

    def work(self) -> bool:
        """Do what is left to do. False if another process is at it.

        Raises DatabaseUnavailable, Overloaded or psycopg2.Error.
        """
        with _locked(self._database.url) as is_ours:
            if is_ours:
                for name, definition in INDEXES.items():
                    self._make_index(name, definition)
                if self._has_accounts:
                    self._fold_emails()
                self._fold_tasks()
            return is_ours

    def _run(self) -> None:
        while True:
            try:
                self.work()
            except (DatabaseUnavailable, Overloaded, psycopg2.Error) as ex:
                logger.warning("the upgrade of the tables stopped, it goes on in a minute: %s", _one_line(ex))
            if self._stopped.wait(POLL_INTERVAL):
                return

    def _make_index(self, name: str, definition: str) -> None:
        rows = self._database.run(_IS_VALID, (name,), repeatable=True)
        if rows == [(True,)]:
            return
        began = monotonic()
        with contextlib.closing(_connect(self._database.url)) as connection, connection.cursor() as cursor:
            connection.autocommit = True
            if rows:
                # What an interrupted CREATE INDEX CONCURRENTLY leaves behind.
                cursor.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {name}")
            cursor.execute(f"CREATE INDEX CONCURRENTLY {name} {definition}")
        logger.info("upgrade: index %s made in %.1f s", name, monotonic() - began)

    def _fold_emails(self) -> None:
        for collision in fold_emails(self._database):
            if collision not in self._reported:
                self._reported.add(collision)
                logger.warning(
                    "the e-mails of accounts %s and %s now count as one: each still logs in by its own spelling; "
                    "change or delete one of them in the users table",
                    *collision,
                )

    def _fold_tasks(self) -> None:
        self.rows_left = estimate_unfolded(self._database)
        total, reported = 0, monotonic()
        while not self._stopped.is_set() and (users := find_unfolded_users(self._database)):
            for user_id in users:
                total += self._fold_tasks_of(user_id)
            if monotonic() - reported > LOG_INTERVAL:
                reported = monotonic()
                logger.info("upgrade: text of %d tasks folded, about %d left", total, self.rows_left)
        if total:
            logger.info("upgrade: text of %d tasks folded, none left", total)
        self.rows_left = 0

    def _fold_tasks_of(self, user_id: str) -> int:
        total, began = 0, monotonic()
        while not self._stopped.is_set() and (folded := fold_batch(self._database, user_id)):
            total += folded
            self.rows_left = max(0, self.rows_left - folded)
            self._stopped.wait((monotonic() - began) * REST)
            began = monotonic()
        return total


@contextlib.contextmanager
def _locked(url: str) -> Iterator[bool]:
    """Hold the lock, if it is free, in a transaction of its own, which a pooler keeps on one connection."""
    with contextlib.closing(_connect(url)) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", (LOCK,))
        yield bool(cursor.fetchone()[0])


def _connect(url: str) -> Any:
    """A connection beside the pool, whose statements have no deadline."""
    parameters: dict[str, Any] = dict(connection_parameters(url))
    return psycopg2.connect(**parameters)


def _one_line(ex: Exception) -> str:
    return " ".join(f"{type(ex).__name__}: {ex}".split())
