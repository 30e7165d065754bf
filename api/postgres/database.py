"""One way to run a statement: a connection from the pool, one round trip, a deadline, and errors of the service's own.

No SQL stands here. What a statement does is its caller's business, and so is whether it may run twice.
"""

from __future__ import annotations

import os
import weakref
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from time import monotonic
from typing import Any, Final

import psycopg2

from api.errors import DatabaseUnavailable, Overloaded
from api.postgres.connection import Connection
from api.postgres.database_url import parse_url
from api.postgres.deadlines import Deadlines
from api.postgres.pool import Pool

LONGEST_WAIT: Final = 1.0
"""Seconds at most that a statement waits for a connection."""

PROOF_OF_LIFE: Final = 1.0
"""Seconds that an answer shows the database to be there, however slow it is to answer or to cancel others."""


@dataclass(frozen=True, slots=True)
class _Fault:
    """What an error says of the database."""

    kind: str
    did_not_run: bool = False
    """The statement surely had no effect, and may have one if it is tried again."""
    lost: bool = False
    """The connection broke, and nobody knows whether the statement ran."""
    renew: bool = False
    """Other connections lead to the same end."""


# By SQLSTATE, or its class; PostgreSQL's appendix A.
_FAULTS: Final[Mapping[str, _Fault]] = {
    "08": _Fault("connection", lost=True),
    "25006": _Fault("read_only", did_not_run=True, renew=True),
    "40001": _Fault("serialization", did_not_run=True),
    "40P01": _Fault("deadlock", did_not_run=True),
    "53": _Fault("resources"),
    "53100": _Fault("disk_full"),
    "53300": _Fault("too_many_connections"),
    "55P03": _Fault("lock_timeout"),
    "57014": _Fault("cancelled"),
    "57P01": _Fault("shutdown", lost=True, renew=True),
    "57P02": _Fault("crash", lost=True, renew=True),
    "57P03": _Fault("starting", did_not_run=True, renew=True),
    "57P04": _Fault("database_dropped", renew=True),
    "57P05": _Fault("idle_timeout", lost=True),
    "58": _Fault("system"),
}
_DEADLINE: Final = _Fault("deadline")
# What 57P01 and its like come as, too: libpq keeps the last of two errors, and that is of the closed socket.
_CONNECTION_LOST: Final = _Fault("connection_lost", lost=True, renew=True)


class Database:
    """PostgreSQL at `url` (ValueError where that is none), by at most `pool_size` connections of this process.

    Once all are in use, `max_waiting` threads (1 or more; None: any number) may wait for one; more are Overloaded at
    once. `statement_timeout` in seconds is for one `run` altogether: to wait for a connection, to run, to try again.
    Nothing connects and no thread starts before the first `run`, so this may be made before a fork.
    """

    def __init__(self, url: str, *, pool_size: int, statement_timeout: float, max_waiting: int | None = None) -> None:
        self.peewee = Pool(parse_url(url), pool_size, max_waiting)
        self.errors: Counter[str] = Counter()
        """How often what kind of error has left `run`."""
        self._statement_timeout = statement_timeout
        self._answered_at = 0.0
        self._deadlines = Deadlines()
        _forget_in_children(weakref.ref(self))

    def run(
        self, sql: str, parameters: Sequence[object] = (), *, repeatable: bool = False, prepared: bool = False
    ) -> list[tuple[Any, ...]]:
        """Run one statement in a transaction of its own and return its rows; none where it returns nothing.

        Parameters have psycopg2's places, `%s`, and a `%` that is none is written `%%`. Where `prepared`, connections
        keep its plan: for statements of a fixed few that come again and again.

        A statement that surely had no effect is tried once more, one that may have had some only if it is
        `repeatable`: twice does no harm. Raises DatabaseUnavailable when the database is gone, too slow or refuses to
        work, Overloaded when no connection gets free in time, psycopg2's errors for what the statement did wrong.
        """
        deadline = monotonic() + self._statement_timeout
        try:
            try:
                return self._run(sql, parameters, deadline, prepared)
            except _Failed as ex:
                if not (ex.fault.did_not_run or (repeatable and ex.fault.lost)):
                    raise
                return self._run(sql, parameters, deadline, prepared)
        except _Failed as ex:
            self.errors[ex.fault.kind] += 1
            raise DatabaseUnavailable(ex.fault.kind) from ex.__cause__
        except DatabaseUnavailable as ex:
            self.errors[ex.kind] += 1
            raise
        except Overloaded:
            self.errors["overloaded"] += 1
            raise

    def close(self) -> None:
        """Close all connections: those in use when they come back. A `run` after that opens new ones."""
        self._deadlines.stop()
        self.peewee.close_all()

    def _run(self, sql: str, parameters: Sequence[object], deadline: float, prepared: bool) -> list[tuple[Any, ...]]:
        pool = self.peewee
        connection = pool.check_out(min(deadline, monotonic() + LONGEST_WAIT))
        in_time = False
        try:
            self._deadlines.enter(connection, deadline)
            try:
                with connection.cursor() as cursor:
                    if prepared:
                        connection.prepared.execute(cursor, sql, parameters)
                    else:
                        cursor.execute(sql, parameters)
                    rows = cursor.fetchall() if cursor.description is not None else []
                    self._answered_at = monotonic()
                    return rows
            finally:
                in_time = self._deadlines.leave(connection)
        except psycopg2.Error as ex:
            fault = _find_fault(ex, connection, in_time)
            if fault is None:
                # DETAIL and LINE may quote a row, and whatever is raised from here may be logged.
                ex.args = (ex.diag.message_primary or type(ex).__name__,)
                raise
            if fault.renew:
                pool.renew()
            elif fault is _DEADLINE and connection.closed and monotonic() - self._answered_at > PROOF_OF_LIFE:
                # Not even the request to cancel was answered, nor anybody else's statement.
                pool.renew("no_answer")
            raise _Failed(fault) from ex
        finally:
            # A cancel that is late must not hit the connection's next statement.
            (pool.check_in if in_time else pool.discard)(connection)

    def forget(self) -> None:
        """Start anew in a forked child: its parent's connections and threads are none of its own."""
        self._deadlines = Deadlines()
        self.peewee.forget()


def _forget_in_children(reference: weakref.ref[Database]) -> None:
    def forget() -> None:
        database = reference()
        if database is not None:
            database.forget()

    os.register_at_fork(after_in_child=forget)


class _Failed(Exception):
    def __init__(self, fault: _Fault) -> None:
        super().__init__(fault)
        self.fault = fault


def _find_fault(ex: psycopg2.Error, connection: Connection, in_time: bool) -> _Fault | None:
    """What is wrong with the database; None where the error is the statement's own."""
    code = ex.pgcode or ""
    if not in_time and (code == "57014" or connection.closed):
        return _DEADLINE
    fault = _FAULTS.get(code) or _FAULTS.get(code[:2])
    if fault is None and (connection.closed or (not code and isinstance(ex, psycopg2.OperationalError))):
        return _CONNECTION_LOST
    return fault
