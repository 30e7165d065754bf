"""The production process: settings → database → migrate → application → waitress workers.

python serve.py --help tells what can be set, and python serve.py --check whether all that is needed is there.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

import falcon
import structlog
from dotenv import dotenv_values

from api.app import create_app
from api.check import report
from api.command_line import Command, UsageError, help_text, parse
from api.errors import DatabaseUnavailable
from api.housekeeping import Housekeeping
from api.logs import configure_logging
from api.migrate import migrate
from api.postgres.database import Database
from api.postgres.database_url import describe
from api.postgres.embedded import EmbeddedError, start_embedded
from api.refusals import render_refusal
from api.secret_file import keep_secret
from api.server import workers
from api.server.handlers import Handlers
from api.settings import Settings, SettingsError, load_settings

if TYPE_CHECKING:
    from api.metrics_server import MetricsServer

DATABASE_WAIT: Final = 30.0
"""Seconds a database that is not there at start is tried again."""

RETRY_PAUSE: Final = 1.0


def main(arguments: Sequence[str], environ: Mapping[str, str]) -> int:
    """Do what the arguments ask for; the process's exit status: 0, 1 where something is wrong, 2 for the arguments."""
    try:
        command = parse(arguments)
        if command is Command.HELP:
            print(help_text())
            return 0
        settings = load_settings({**_dotenv(), **environ})
        return report(settings) if command is Command.CHECK else _serve(settings)
    except UsageError as ex:
        print(f"serve.py: {ex}", file=sys.stderr)
        return 2
    except (SettingsError, EmbeddedError, OSError) as ex:
        print(f"serve.py: {ex}", file=sys.stderr)
        return 1


def _serve(settings: Settings) -> int:
    """Serve until told to stop."""
    settings, database_url = _prepare(settings)
    listener = workers.listen(settings.host, settings.port)
    metrics = _listen_for_metrics(settings)
    try:
        return workers.run(
            lambda: Handlers(_begin_work(settings, database_url, metrics), render_refusal),
            listener,
            workers=settings.workers,
            threads=settings.threads,
            shutdown_timeout=settings.shutdown_timeout,
            on_ready=lambda: _announce(settings, database_url),
        )
    finally:
        if metrics is not None:
            metrics.close()


def application() -> falcon.App[Any, Any]:
    """The plain WSGI application for another server: `granian --interface wsgi --factory serve:application`."""
    settings, database_url = _prepare(load_settings({**_dotenv(), **os.environ}))
    database = _connect(database_url, settings)
    Housekeeping(database).start()
    return create_app(settings, database)


def _dotenv() -> dict[str, str]:
    return {name: value for name, value in dotenv_values(".env").items() if value is not None}


def _prepare(settings: Settings) -> tuple[Settings, str]:
    """Start the log and, where no database is named, the embedded one; migrate. The settings, and the database URL."""
    configure_logging(settings.log_level, settings.log_format)
    url = settings.database_url
    if url is None:
        url = start_embedded(settings.data_dir)
        secrets = settings.better_auth_secrets or (keep_secret(settings.data_dir / "secret"),)
        settings = replace(settings, better_auth_secrets=secrets)
    _migrate(url, settings)
    return settings, url


def _connect(url: str, settings: Settings, max_waiting: int | None = None) -> Database:
    return Database(
        url,
        pool_size=settings.pool_size,
        statement_timeout=settings.statement_timeout,
        max_waiting=max_waiting,
    )


def _migrate(url: str, settings: Settings) -> None:
    """Migrate, and build the application once so that a setting it refuses stops the start.

    A database that is not there is tried again for a while; SettingsError after that.
    """
    log = structlog.get_logger()
    deadline = time.monotonic() + DATABASE_WAIT
    while True:
        database = _connect(url, settings)
        try:
            for name in migrate(database, settings.users_table):
                log.info("migrated", migration=name)
            create_app(settings, database)
            return
        except DatabaseUnavailable as ex:
            if time.monotonic() + RETRY_PAUSE > deadline:
                raise SettingsError(f"DATABASE_URL: no database at {describe(url)}") from ex
            log.warning("database not there yet, trying again", database=describe(url), reason=ex.kind)
            time.sleep(RETRY_PAUSE)
        finally:
            database.close()


def _listen_for_metrics(settings: Settings) -> MetricsServer | None:
    if settings.metrics_port is None:
        return None
    from api.metrics_server import MetricsServer  # noqa: PLC0415 whoever wants no metrics does not pay for them

    return MetricsServer(workers.listen(settings.host, settings.metrics_port))


def _begin_work(settings: Settings, url: str, metrics: MetricsServer | None) -> falcon.App[Any, Any]:
    """One worker's application and the threads beside it: called after the fork."""
    # Our server has four threads to spare: some of them stay free for what needs no database.
    database = _connect(url, settings, max_waiting=max(0, settings.threads - settings.pool_size) + 2)
    Housekeeping(database).start()
    return create_app(settings, database, metrics.start() if metrics is not None else None)


def _announce(settings: Settings, url: str) -> None:
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    origin = f"http://{host}:{settings.port}"
    structlog.get_logger().info(
        "ready",
        api=f"{origin}/api/tasks",
        docs=f"{origin}/docs",
        **({"page": f"{origin}/"} if settings.web_page else {}),
        database=describe(url),
        workers=settings.workers,
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], os.environ))
