"""DATABASE_URL: its accepted spellings, parsed to libpq's parameters, and its description for a log line.

The pool does not parse it, because the settings check the URL at start, before anything connects.
"""

from __future__ import annotations

import re
from typing import Final

import psycopg2
from psycopg2.extensions import parse_dsn

_SCHEME: Final = re.compile(r"postgres(ql)?(\+(psycopg2|psycopg|asyncpg))?://")
# Parameters of SQLAlchemy's asyncpg dialect that libpq does not know.
_ASYNCPG_ONLY: Final = re.compile(r"(?<![^&])(prepared_statement_cache_size|statement_cache_size)=[^&]*&?")
_UNKNOWN_PARAMETER: Final = re.compile(r'invalid URI query parameter: "(\w+)"')
_SSL_SWITCH: Final = {"true": "require", "false": "disable"}

# None of these is session state, so a transaction pooler accepts them.
_DEFAULTS: Final = {
    "connect_timeout": "2",
    "client_encoding": "UTF8",
    "fallback_application_name": "tasks",
    # An idle connection that a firewall has dropped is found while it is idle, not by the next request.
    "keepalives_idle": "30",
    "keepalives_interval": "5",
    "keepalives_count": "3",
}


def connection_parameters(url: str, **defaults: str) -> dict[str, str]:
    """libpq's parameters for a connection: what the URL states, then `defaults`, then those of the service.

    Raises ValueError as `parse_url` does.
    """
    return {**_DEFAULTS, **defaults, **parse_url(url)}


def parse_url(url: str) -> dict[str, str]:
    """libpq's parameters in a URL, percent-decoded; `dbname` is always among them.

    Raises ValueError. Its message follows a setting's name ("must be …") and quotes nothing but a parameter's name.
    """
    scheme = _SCHEME.match(url)
    if scheme is None:
        raise ValueError("must be a PostgreSQL URL such as postgresql://user:password@host:5432/name")
    userinfo, location, query = _split(url[scheme.end() :])
    if "+asyncpg" in scheme.group():
        query = _ASYNCPG_ONLY.sub("", query).rstrip("&")
        query = re.sub(r"(?<![^&])ssl=([\w-]*)", lambda ssl: f"sslmode={_SSL_SWITCH.get(ssl[1], ssl[1])}", query)
    try:
        parameters: dict[str, str] = parse_dsn(f"postgresql://{userinfo}{location}?{query}")
    except (psycopg2.ProgrammingError, UnicodeError, ValueError) as ex:
        # libpq's own message may quote the password.
        unknown = _UNKNOWN_PARAMETER.search(str(ex))
        if unknown is not None and (userinfo or "@" not in query):
            raise ValueError(f"must not have the parameter {unknown[1]}, which libpq does not know") from None
        raise ValueError("must be a valid PostgreSQL URL, its special characters percent-encoded") from None
    if not parameters.get("dbname"):
        raise ValueError("must name a database, as in postgresql://user:password@host:5432/name")
    return parameters


def _split(text: str) -> tuple[str, str, str]:
    """User and password, location and parameters of a URL, as libpq splits it.

    Raises ValueError if a raw `@` or `/` ends the password early: libpq would take its rest for a host.
    """
    found = re.match(r"[^@/]*@", text)
    userinfo = found[0] if found is not None else ""
    location, _, query = text[len(userinfo) :].partition("?")
    port = re.fullmatch(r"[^/]*:([^/\]]*)(/.*)?", location)
    is_cut = "@" in query and not userinfo and port is not None and not port[1].isdigit()
    if "@" in location or is_cut:
        raise ValueError("must have the special characters of its password percent-encoded: @ as %40, / as %2F")
    return userinfo, location, query


def describe(url: str) -> str:
    """The database's name, host and port for a log line. Never a user, a password or another parameter."""
    parameters = parse_url(url)
    host, port = parameters.get("host", "localhost"), parameters.get("port")
    return f"{parameters['dbname']} at {host}" + (f" port {port}" if port and host[:1] != "/" else "")
