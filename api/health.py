"""Whether the process lives, and whether it can serve: for supervisors and proxies, without a token."""

from __future__ import annotations

import orjson
from falcon import Request, Response

from api.migrate import pending
from api.postgres.database import Database
from api.postgres.errors import DatabaseUnavailable
from api.settings import SettingsError


class Health:
    """GET says that the process lives, whatever the database does."""

    auth_required = False

    def on_get(self, req: Request, resp: Response) -> None:
        resp.data = orjson.dumps({"data": {"status": "ok"}})

    on_head = on_get


class Readiness:
    """GET says that the database answers and its schema is current; 503 otherwise."""

    auth_required = False

    def __init__(self, database: Database) -> None:
        self._database = database

    def on_get(self, req: Request, resp: Response) -> None:
        try:
            missing = pending(self._database)
        except SettingsError as ex:
            raise DatabaseUnavailable("schema_not_readable") from ex
        if missing:
            raise DatabaseUnavailable("schema_not_current")
        resp.data = orjson.dumps({"data": {"status": "ready"}})

    on_head = on_get
