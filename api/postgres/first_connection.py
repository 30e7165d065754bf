"""The first connection of a process: if there is none, PostgreSQL's own words, and whether waiting may change that.

The pool is not used for it: a request needs a 503 soon, the operator of a start needs the reason.
"""

from __future__ import annotations

import re
from typing import Any, Final

import psycopg2

from api.postgres.database_url import connection_parameters
from api.postgres.errors import ConnectionFailed

CONNECT_TIMEOUT: Final = "10"
"""Seconds, unless the URL sets it. No request waits meanwhile, and a suspended database takes some to resume."""

# libpq reports no SQLSTATE for a failed connection. In another language than English a start waits before it fails.
_LASTING: Final = re.compile(
    "|".join(
        (
            "authentication failed",
            "no password supplied",
            'FATAL: .*"[^"]*" does not exist',
            "no pg_hba.conf entry",
            "is not permitted to log in",
            "permission denied for database",
            "invalid .*value",
            "invalid port number",
            "could not match .* host names",
            "server does not support SSL",
            "certificate verify failed",
            "certificate .* does not match host name",
            'certificate file "[^"]*" does not exist',
            "channel binding .*required",
        )
    )
)


def connect_first(url: str) -> Any:
    """A connection in autocommit mode. Raises ConnectionFailed."""
    parameters: dict[str, Any] = dict(connection_parameters(url, connect_timeout=CONNECT_TIMEOUT))
    try:
        connection = psycopg2.connect(**parameters)
    except psycopg2.Error as ex:
        reason = " ".join(str(ex).split())
        raise ConnectionFailed(reason, lasting=_LASTING.search(reason) is not None) from ex
    connection.autocommit = True
    return connection
