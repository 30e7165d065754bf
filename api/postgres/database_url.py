"""DATABASE_URL: the spellings that are accepted, turned into libpq's parameters and into words for a log line.

Apart from the pool because the settings check a URL at start, when nothing may connect yet.
"""

from __future__ import annotations

import re
from typing import Final

import psycopg2
from psycopg2.extensions import parse_dsn

_SCHEME: Final = re.compile(r"postgres(ql)?(\+(psycopg2|psycopg|asyncpg))?://")
# What SQLAlchemy's asyncpg dialect takes and libpq has no use for.
_ASYNCPG_ONLY: Final = re.compile(r"(?<=[?&])(prepared_statement_cache_size|statement_cache_size)=[^&]*&?")
_UNKNOWN_PARAMETER: Final = re.compile(r'invalid URI query parameter: "(\w+)"')
_SSL_SWITCH: Final = {"true": "require", "false": "disable"}


def parse_url(url: str) -> dict[str, str]:
    """libpq's parameters for a URL: `dbname` and whatever else it states, unquoted.

    Raises ValueError; its words follow a setting's name ("must be …") and quote nothing but a parameter's name.
    """
    scheme = _SCHEME.match(url)
    if scheme is None:
        raise ValueError("must be a PostgreSQL URL such as postgresql://user:password@host:5432/name")
    authority, mark, query = url[scheme.end() :].partition("?")
    if "+asyncpg" in scheme.group():
        query = _ASYNCPG_ONLY.sub("", mark + query).lstrip("?").rstrip("&")
        query = re.sub(r"(?<![^&])ssl=([\w-]*)", lambda ssl: f"sslmode={_SSL_SWITCH.get(ssl[1], ssl[1])}", query)
    try:
        parameters: dict[str, str] = parse_dsn(f"postgresql://{authority}?{query}")
    except (psycopg2.ProgrammingError, UnicodeError, ValueError) as ex:
        # libpq's own words may quote the password.
        unknown = _UNKNOWN_PARAMETER.search(str(ex))
        if unknown is not None:
            raise ValueError(f"must not have the parameter {unknown[1]}, which libpq does not know") from None
        raise ValueError("must be a valid PostgreSQL URL, its special characters percent-encoded") from None
    if not parameters.get("dbname"):
        raise ValueError("must name a database, as in postgresql://user:password@host:5432/name")
    return parameters


def describe(url: str) -> str:
    """Which database it is, in words for a log line: never a user, a password or a parameter."""
    parameters = parse_url(url)
    host, port = parameters.get("host", "localhost"), parameters.get("port")
    return f"{parameters['dbname']} at {host}" + (f" port {port}" if port and host[:1] != "/" else "")
