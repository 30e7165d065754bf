"""One way to run a statement: a connection from the pool, one round trip, a deadline, and two errors for all faults.

This module contains no SQL. The caller knows what a statement does, and whether it may run twice.
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

from api.postgres.connection import Connection
from api.postgres.database_url import connection_parameters
from api.postgres.deadlines import Deadlines
from api.postgres.errors import DatabaseUnavailable, Overloaded
from api.postgres.pool import Pool

CHECK_OUT_TIMEOUT: Final = 1.0
"""Seconds at most that a request's statement waits for a connection."""

PATIENT_CHECK_OUT: Final = 10.0
"""The same at a start and in a command, for which no request waits."""

SILENCE_TIMEOUT: Final = 1.0
"""Seconds without a result of any statement after which a database that ignores a cancel request counts as gone."""


@dataclass(frozen=True, slots=True)
class _Fault:
    """The state of the database or the connection that an error reveals."""

    kind: str
    did_not_run: bool = False
    """The statement had no effect. A second attempt may succeed."""
    lost: bool = False
    """The connection broke. The statement may have run or not."""
    renew: bool = False
    """The other connections have the same fault."""


# By SQLSTATE or its class: appendix A of PostgreSQL's documentation.
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
    "XX": _Fault("internal"),
}
_DEADLINE: Final = _Fault("deadline")
# 57P01 and similar errors may also arrive like this: libpq keeps the last error, that of the closed socket.
_CONNECTION_LOST: Final = _Fault("connection_lost", lost=True, renew=True)


class Database:
    """The database at `url`, through at most `pool_size` connections of this process. Raises ValueError for a bad URL.

    While all are in use, `max_waiting` threads (1 or more; None: any number) may wait for one; further threads get
    Overloaded. `statement_timeout` limits the whole of one `run`, in seconds: the wait for a connection, of at most
    `check_out_timeout`, the statement and its retry. It connects and starts threads with the first `run`, so it may be
    created before a fork.
    """

    def __init__(
        self,
        url: str,
        *,
        pool_size: int,
        statement_timeout: float,
        max_waiting: int | None = None,
        check_out_timeout: float = CHECK_OUT_TIMEOUT,
    ) -> None:
        self.url = url
        self.pool = Pool(connection_parameters(url), pool_size, max_waiting)
        self.errors: Counter[str] = Counter()
        """The number of errors that `run` has raised, by kind."""
        self._statement_timeout = statement_timeout
        self._check_out_timeout = check_out_timeout
        self._last_result = float("-inf")
        self._deadlines = Deadlines()
        _reset_in_children(weakref.ref(self))

    def run(
        self,
        sql: str,
        parameters: Sequence[object] = (),
        *,
        repeatable: bool = False,
        prepared: bool = False,
        at_least: float = 0.0,
    ) -> list[tuple[Any, ...]]:
        """Run one statement in its own transaction. Return its rows, or an empty list if the statement returns no rows.

        Placeholders are psycopg2's `%s`; write a literal percent sign as `%%`. With `prepared` each connection keeps
        the statement prepared: for a small fixed set of statements that run often. A statement that may take longer
        than others gets `at_least` so many seconds.

        If the statement had no effect, or may have had one but is `repeatable` (it may run twice), it is tried once
        more. Raises DatabaseUnavailable if the database is gone, too slow or cannot serve; Overloaded if no
        connection becomes free in time; psycopg2's errors for a wrong statement.
        """
        deadline = monotonic() + max(self._statement_timeout, at_least)
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
        """Close all connections, those in use when their statement has ended. A later `run` opens new ones."""
        self._deadlines.stop()
        self.pool.close_all()

    def reset_after_fork(self) -> None:
        """Start anew in a forked child: connections and threads belong to its parent."""
        self._deadlines = Deadlines()
        self.pool.reset_after_fork()

    def _run(self, sql: str, parameters: Sequence[object], deadline: float, prepared: bool) -> list[tuple[Any, ...]]:
        pool = self.pool
        connection = pool.check_out(min(deadline, monotonic() + self._check_out_timeout))
        in_time = True
        try:
            self._deadlines.enter(connection, deadline)
            try:
                with connection.cursor() as cursor:
                    if prepared:
                        connection.prepared.execute(cursor, sql, parameters)
                    else:
                        cursor.execute(sql, parameters)
                    rows = cursor.fetchall() if cursor.description is not None else []
                    self._last_result = monotonic()
                    return rows
            finally:
                in_time = self._deadlines.leave(connection)
        except psycopg2.Error as ex:
            fault = _classify(ex, connection, in_time)
            if fault is None:
                # DETAIL and LINE may quote a row, and the error may be logged.
                ex.args = (ex.diag.message_primary or type(ex).__name__,)
                raise
            if fault.renew:
                pool.renew()
            elif fault is _DEADLINE and connection.closed and monotonic() - self._last_result > SILENCE_TIMEOUT:
                # The cancel request had no effect, and no other statement got a result.
                pool.renew("no_answer")
            raise _Failed(fault) from ex
        finally:
            # A late cancel request must not end the connection's next statement.
            (pool.check_in if in_time else pool.discard)(connection)


def _reset_in_children(reference: weakref.ref[Database]) -> None:
    def reset() -> None:
        database = reference()
        if database is not None:
            database.reset_after_fork()

    os.register_at_fork(after_in_child=reset)


class _Failed(Exception):
    def __init__(self, fault: _Fault) -> None:
        super().__init__(fault)
        self.fault = fault


def _classify(ex: psycopg2.Error, connection: Connection, in_time: bool) -> _Fault | None:
    """The database's fault; None if the statement itself is wrong."""
    code = ex.pgcode or ""
    if not in_time and (code == "57014" or connection.closed):
        return _DEADLINE
    fault = _FAULTS.get(code) or _FAULTS.get(code[:2])
    # Where libpq could not send and has no answer, psycopg2 takes the connection for open, and raises the base class.
    without_answer = not code and (isinstance(ex, psycopg2.OperationalError) or type(ex) is psycopg2.DatabaseError)
    if fault is None and (connection.closed or without_answer):
        return _CONNECTION_LOST
    return fault
