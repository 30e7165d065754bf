"""Deletes idempotency keys older than 24 hours, and addresses of accounts older than 90 days, by itself.

One thread a worker, so that no cron job, no lead process and no extension of the database is needed. Workers do not
agree on who cleans: what one of them has deleted, the others do not find.
"""

from __future__ import annotations

import logging
import random
import threading
from typing import Final

import psycopg2

from api.postgres.database import Database
from api.postgres.errors import DatabaseUnavailable, Overloaded

logger = logging.getLogger(__name__)

INTERVAL: Final = 3600.0
"""Seconds between two cleanings, give or take a quarter, so that workers that started together spread out."""

FIRST_AFTER: Final = 30.0
"""Seconds after its start that a worker cleans for the first time, at most."""

BATCH: Final = 500
"""Rows deleted by one statement: it must be done long before STATEMENT_TIMEOUT, and never holds a lock for long."""

PAUSE: Final = 0.2
"""Seconds between two batches, in which requests have the database to themselves."""

# Age is judged by the clock that stamped the keys, the database's. The index by age finds them. No row is locked before
# it is deleted, which a distributed PostgreSQL does not do: of two workers that meet, one waits for a batch.
DELETE_OLD_KEYS: Final = """
DELETE FROM idempotency_keys WHERE (user_id, key) IN (
    SELECT user_id, key FROM idempotency_keys
    WHERE created_at < now() - interval '24 hours'
    ORDER BY created_at LIMIT %s
)
RETURNING user_id
"""

DELETE_OLD_ADDRESSES: Final = """
DELETE FROM account_addresses WHERE (user_id, digest) IN (
    SELECT user_id, digest FROM account_addresses
    WHERE seen_at < now() - interval '90 days'
    ORDER BY seen_at LIMIT %s
)
RETURNING user_id
"""


class Housekeeping:
    """A daemon thread that cleans soon after `start` and about once an hour from then on. Start it after a fork.

    Only with `has_accounts` there are addresses.
    """

    def __init__(
        self,
        database: Database,
        *,
        has_accounts: bool = False,
        first_after: float = FIRST_AFTER,
        every: float = INTERVAL,
    ) -> None:
        self._database = database
        self._statements = [DELETE_OLD_KEYS, *([DELETE_OLD_ADDRESSES] if has_accounts else [])]
        self._first_after = first_after
        self._every = every
        self._stopped = threading.Event()

    def start(self) -> None:
        """Begin; the thread ends with its process."""
        threading.Thread(target=self._run, name="housekeeping", daemon=True).start()

    def stop(self) -> None:
        """End the thread after the batch that it is at."""
        self._stopped.set()

    def clean(self) -> int:
        """Delete all old rows, a batch at a time, and return their number.

        Raises what `Database.run` raises.
        """
        return sum(map(self._delete, self._statements))

    def _delete(self, statement: str) -> int:
        total = 0
        while not self._stopped.is_set():
            deleted = len(self._database.run(statement, (BATCH,), repeatable=True))
            total += deleted
            if deleted < BATCH:
                break
            self._stopped.wait(PAUSE)
        return total

    def _run(self) -> None:
        wait = random.uniform(0, self._first_after)  # noqa: S311 no secret: workers must not all come at once
        while not self._stopped.wait(wait):
            try:
                deleted = self.clean()
            except (DatabaseUnavailable, Overloaded, psycopg2.Error) as ex:
                logger.warning("old idempotency keys not deleted, trying again later: %s", type(ex).__name__)
            else:
                if deleted:
                    logger.info("old idempotency keys and addresses deleted: %d", deleted)
            wait = self._every * random.uniform(0.75, 1.25)  # noqa: S311 see above
