"""The production process, from top to bottom: settings, database, migrations, users table, listener, workers.

`python serve.py --help` lists the settings, `python serve.py --check` tries them.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import structlog

from api.app import Application, create_app, served_errors
from api.check import report
from api.command_line import UsageError, help_text, parse
from api.dotenv_file import with_dotenv
from api.errors import SchemaTooNew, SchemaUnreadable
from api.housekeeping import Housekeeping
from api.jose.jwks import KeySet
from api.logs import configure_logging
from api.migrate import migrate
from api.postgres.database import Database
from api.postgres.database_url import describe
from api.postgres.embedded import EmbeddedError, start_embedded
from api.postgres.errors import DatabaseUnavailable
from api.refusals import render_refusal
from api.resolved_settings import resolve_settings
from api.secret_file import load_or_create_secret
from api.server import workers
from api.server.handlers import Handlers
from api.settings import Settings, SettingsError, load_settings
from api.upgrade import Upgrade
from api.user_commands import run_user_command
from api.users_table import UsersTable, read_users_table

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

    from api.metrics_server import MetricsServer

DATABASE_WAIT: Final = 30.0
"""Seconds for which the start keeps trying to reach a database that does not respond."""

RETRY_PAUSE: Final = 1.0


class Prepared(NamedTuple):
    """The results of the start. Each worker creates its application from them."""

    settings: Settings
    database_url: str
    users_table: UsersTable
    jwks: KeySet | None
    """Created before the fork, so that all workers share what one has downloaded."""


def main(arguments: Sequence[str], environ: Mapping[str, str]) -> int:
    """Run the command that the arguments name. Return the exit status: 1 for a failure, 2 for a wrong argument."""
    try:
        options = parse(arguments)
        if options.help:
            print(help_text(), end="", flush=True)
            return 0
        settings = load_settings(with_dotenv(environ))
        if options.command == "users":
            return run_user_command(options, settings)
        return report(settings) if options.check else serve(settings)
    except UsageError as ex:
        print(f"serve.py: {ex}", file=sys.stderr)
        return 2
    except BrokenPipeError:
        # The reader of the output has closed the pipe. The interpreter flushes the rest at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except (SettingsError, EmbeddedError, SchemaTooNew, SchemaUnreadable, OSError) as ex:
        print(f"serve.py: {ex}", file=sys.stderr)
        return 1


def serve(settings: Settings) -> int:
    """Serve until a signal stops the process, and return the exit status."""
    prepared = prepare(settings)
    listener = workers.listen(settings.host, settings.port)
    metrics = listen_for_metrics(settings)
    # The server runs four threads more than THREADS. Some of them stay free for requests that need no database.
    max_waiting = max(0, settings.threads - settings.pool_size) + 2
    refuse = partial(render_refusal, errors=served_errors(prepared.settings), networks=settings.trusted_proxy)
    try:
        return workers.run(
            lambda: create_handlers(start_application(prepared, max_waiting=max_waiting, metrics=metrics), refuse),
            listener,
            workers=settings.workers,
            threads=settings.threads,
            shutdown_timeout=settings.shutdown_timeout,
            on_ready=lambda: announce(prepared),
        )
    finally:
        if metrics is not None:
            metrics.close()


def application() -> WSGIApplication:
    """The plain WSGI application for another server: `granian --interface wsgi --factory serve:application`."""
    return start_application(prepare(load_settings(with_dotenv(os.environ)))).as_wsgi()


def prepare(settings: Settings) -> Prepared:
    """Do what happens once, before the workers start.

    Raises SettingsError, EmbeddedError, SchemaUnreadable or OSError.
    """
    configure_logging(settings.log_level, settings.log_format)
    settings, database_url = find_database(settings)
    users_table = migrate_schema(settings, database_url)
    jwks = KeySet(settings.jwks_url) if settings.jwks_url is not None else None
    return Prepared(resolve_settings(settings, users_table), database_url, users_table, jwks)


def find_database(settings: Settings) -> tuple[Settings, str]:
    """Return the settings and the database's URL. Without DATABASE_URL, start the embedded one and add its secret."""
    if settings.database_url is not None:
        return settings, settings.database_url
    database_url = start_embedded(settings.data_dir)
    if not settings.secrets:
        secret = load_or_create_secret(settings.data_dir / "secret")
        settings = replace(settings, better_auth_secret=secret)
    return settings, database_url


def migrate_schema(settings: Settings, database_url: str) -> UsersTable:
    """Run the pending migrations, and read the facts about the users table.

    Raises SettingsError if the database does not respond within DATABASE_WAIT seconds.
    """
    log = structlog.get_logger()
    deadline = time.monotonic() + DATABASE_WAIT
    while True:
        database = Database(database_url, pool_size=1, statement_timeout=settings.statement_timeout)
        try:
            for name in migrate(database, settings.users_table):
                log.info("migrated", migration=name)
            return read_users_table(database, settings.users_table)
        except DatabaseUnavailable as ex:
            if time.monotonic() + RETRY_PAUSE > deadline:
                where = describe(database_url)
                raise SettingsError(f"DATABASE_URL: no database at {where}; start it, or correct the URL") from ex
            log.warning("database not there yet, trying again", database=describe(database_url), reason=ex.kind)
            time.sleep(RETRY_PAUSE)
        finally:
            database.close()


def listen_for_metrics(settings: Settings) -> MetricsServer | None:
    """Listen on METRICS_PORT, if it is set, with one socket for all workers."""
    if settings.metrics_port is None:
        return None
    from api.metrics_server import MetricsServer  # noqa: PLC0415 without METRICS_PORT its library is not loaded

    return MetricsServer(workers.listen(settings.host, settings.metrics_port))


def start_application(
    prepared: Prepared, *, max_waiting: int | None = None, metrics: MetricsServer | None = None
) -> Application:
    """Create one process's application, and start its threads. Called in each worker, after the fork."""
    settings = prepared.settings
    database = Database(
        prepared.database_url,
        pool_size=settings.pool_size,
        statement_timeout=settings.statement_timeout,
        max_waiting=max_waiting,
    )
    has_accounts = prepared.users_table.ours
    Housekeeping(database, has_accounts=has_accounts).start()
    upgrade = Upgrade(database, has_accounts=has_accounts)
    upgrade.start()
    counters = metrics.start() if metrics is not None else None
    if counters is not None:
        counters.upgrade = upgrade
    return create_app(settings, database, prepared.users_table, counters, prepared.jwks)


def create_handlers(application: Application, refuse: Callable[..., Any]) -> Handlers:
    """What the server is given: the application, and what it asks before it calls it."""
    return Handlers(application.as_wsgi(), refuse, application.judge_head, application.quota_of)


def announce(prepared: Prepared) -> None:
    """Log that all workers accept connections, and the URLs to open."""
    settings = prepared.settings
    frontend = settings.frontend
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    origin = f"http://{host}:{settings.port}"
    structlog.get_logger().info(
        "ready",
        api=f"{origin}{frontend.collections[0] if frontend else '/api/tasks'}",
        **({"frontend": frontend.name} if frontend else {}),
        docs=f"{origin}/docs",
        **({"page": f"{origin}/"} if settings.web_page else {}),
        **({"anonymous_user": settings.anonymous_user} if settings.anonymous_user is not None else {}),
        database=describe(prepared.database_url),
        workers=settings.workers,
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], os.environ))
