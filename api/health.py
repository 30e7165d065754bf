"""Health and readiness, for supervisors and proxies. Neither needs a token."""

from __future__ import annotations

import orjson
from falcon import Request, Response

from api import __version__
from api.database_checks import read_state
from api.migrate import pending
from api.postgres.database import Database
from api.postgres.errors import DatabaseUnavailable


class Health:
    """GET reports that the process is alive, and its version. It sends no statement to the database."""

    auth_required = False

    def on_get(self, req: Request, resp: Response) -> None:
        resp.data = orjson.dumps({"data": {"status": "ok", "version": __version__}})

    on_head = on_get


class Readiness:
    """GET reports that the database responds and its schema is current. Otherwise the response is 503.

    `writable`: the database takes writes. A standby is ready, because it serves reads.
    """

    auth_required = False

    def __init__(self, database: Database) -> None:
        self._database = database

    def on_get(self, req: Request, resp: Response) -> None:
        state = read_state(self._database)
        if not state.has_tables or pending(self._database):
            raise DatabaseUnavailable("schema_not_current")
        resp.data = orjson.dumps({"data": {"status": "ready", "writable": state.writable}})

    on_head = on_get
