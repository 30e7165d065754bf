"""Whether the process lives, and whether it can serve: for supervisors and proxies. No token is needed."""

from __future__ import annotations

import orjson
from falcon import Request, Response

from api import __version__
from api.migrate import pending
from api.postgres.database import Database
from api.postgres.errors import DatabaseUnavailable


class Health:
    """GET says that the process lives and which version it runs. It does not ask the database."""

    auth_required = False

    def on_get(self, req: Request, resp: Response) -> None:
        resp.data = orjson.dumps({"data": {"status": "ok", "version": __version__}})

    on_head = on_get


class Readiness:
    """GET says that the database answers and its schema is current; 503 otherwise."""

    auth_required = False

    def __init__(self, database: Database) -> None:
        self._database = database

    def on_get(self, req: Request, resp: Response) -> None:
        if pending(self._database):
            raise DatabaseUnavailable("schema_not_current")
        resp.data = orjson.dumps({"data": {"status": "ready"}})

    on_head = on_get
