"""Many clients that write through one `Database` without pause, and the outcome of each write."""

from __future__ import annotations

import threading
import time
import uuid
from collections import Counter
from types import TracebackType

from api.postgres.database import Database
from api.postgres.errors import DatabaseUnavailable, Overloaded
from tests.faults.load import LONGEST_WAIT, RECOVERY
from tests.support.waiting import wait_until

LEDGER = "CREATE TABLE ledger (id uuid, client int)"
WRITE = "INSERT INTO ledger VALUES (%s, %s) RETURNING client"


class Load:
    """Within its `with` block the clients write; its figures are asserted and printed."""

    def __init__(self, database: Database, clients: int, sql: str = WRITE) -> None:
        self._database = database
        self._sql = sql
        self._stopped = threading.Event()
        self._threads = [threading.Thread(target=self._write, args=(number,)) for number in range(clients)]
        self.acknowledged: dict[str, float] = {}
        self.failed: Counter[str] = Counter()
        self.failed_at: dict[int, float] = {}
        """By client: the start (monotonic) of its last write that failed."""
        self.unexpected: list[BaseException] = []
        self.longest = 0.0

    def __enter__(self) -> Load:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, ex: BaseException | None, trace: TracebackType | None) -> None:
        self.stop()

    def stop(self) -> None:
        """Stop each client after its current write."""
        self._stopped.set()
        for thread in self._threads:
            thread.join()

    def wait_for_success(self, since: float) -> float:
        """Seconds from `since` (monotonic) to the start of the first acknowledged write after it."""
        return min(wait_until(lambda: [at for at in list(self.acknowledged.values()) if at > since], "a write")) - since

    def wait_for_error(self) -> None:
        """Return when a write has failed."""
        wait_until(lambda: self.failed, "a write to fail")

    def wait_for_error_of_each(self, since: float) -> None:
        """Return when a write of each client that began after `since` has failed: none hangs."""
        number = len(self._threads)
        wait_until(
            lambda: sum(at > since for at in list(self.failed_at.values())) == number, "a write of each client to fail"
        )

    def check(self, name: str, recovered: float | None = None) -> None:
        """Print the figures; no write is lost or doubled, none took too long or met an error of another kind."""
        rows = Counter(key for (key,) in self._database.run("SELECT id::text FROM ledger", repeatable=True))
        lost = [key for key in self.acknowledged if key not in rows]
        sent = len(self.acknowledged) + sum(self.failed.values()) + len(self.unexpected)
        print(
            f"\n{name}: sent {sent}, acknowledged {len(self.acknowledged)}, failed {dict(self.failed)}, "
            f"lost {len(lost)}, longest wait {self.longest:.2f} s"
            + (f", recovered after {recovered:.2f} s" if recovered is not None else "")
        )
        assert not self.unexpected, self.unexpected
        assert not lost, lost
        assert max(rows.values()) == 1
        assert self.longest < LONGEST_WAIT, self.longest
        assert (self._database.pool.in_use, self._database.pool.waiting) == (0, 0)
        assert recovered is None or recovered < RECOVERY

    def _write(self, client: int) -> None:
        while not self._stopped.is_set():
            key = str(uuid.uuid4())
            started = time.monotonic()
            try:
                self._database.run(self._sql, (key, client))
                self.acknowledged[key] = started
            except (DatabaseUnavailable, Overloaded) as ex:
                self.failed[ex.kind if isinstance(ex, DatabaseUnavailable) else "overloaded"] += 1
                self.failed_at[client] = started
            except Exception as ex:
                self.unexpected.append(ex)
            self.longest = max(self.longest, time.monotonic() - started)
            time.sleep(0.02)
