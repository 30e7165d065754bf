"""The production process, from top to bottom: settings, database, migrations, users table, listener, workers.

`python serve.py --help` lists the commands and the settings. Without a command it serves.
"""

from api.interpreter import check_interpreter

# A Python that is too old, or has no packages, cannot import what follows.
check_interpreter()

import argparse
import os
import socket
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import structlog

from api.app import Application, create_app, served_errors
from api.check import report
from api.command_line import UsageError, parse, text_of
from api.dotenv_file import with_dotenv
from api.errors import SchemaTooNew, SchemaUnreadable
from api.housekeeping import Housekeeping
from api.installation import PROGRAM
from api.jose.jwks import KeySet
from api.loaded_packages import WORD_LISTS, drop_package
from api.log_output import LogOutput
from api.logs import configure_logging
from api.migrate import UsersTableMissing
from api.migration_command import DATA_MAY_GO, run_migration_command
from api.ports import bind_port
from api.postgres.database import Database
from api.postgres.database_url import describe
from api.postgres.embedded import EmbeddedError, start_embedded
from api.postgres.errors import ConnectionFailed, DatabaseUnavailable
from api.postgres.supervision import Supervisor
from api.prepared_database import PreparedDatabase, describe_failure, prepare_database
from api.refusals import render_refusal
from api.secret_file import load_or_create_secret
from api.server import workers
from api.server.handlers import Handlers
from api.settings import Settings, SettingsError, load_settings
from api.start_line import announce
from api.upgrade import Upgrade
from api.user_commands import CommandFailed, run_user_command
from api.users_table import UsersTable

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

    from api.metrics_server import MetricsServer

DATABASE_WAIT: Final = 30.0
"""Seconds for which the start waits for a database that does not respond, and for an auth server's users table."""

RETRY_PAUSE: Final = 1.0

STATEMENTS_OF_A_STEP: Final = 6
"""Statements that one request may wait for without a sign of progress: a first create with a key, and its retries."""


class Prepared(NamedTuple):
    """The results of the start. Each worker creates its application from them."""

    settings: Settings
    database_url: str
    users_table: UsersTable
    jwks: KeySet | None
    """Created before the fork, so that all workers share what one has downloaded."""
    log: LogOutput


def main(arguments: Sequence[str], environ: Mapping[str, str]) -> int:
    """Run the command that the arguments name. Return the exit status: 1 for a failure, 2 for a wrong argument."""
    try:
        options = parse(arguments)
        text = text_of(options)
        if text is not None:
            print(text, flush=True)
            return 0
        return run(options, load_settings(with_dotenv(environ)), environ)
    except UsageError as ex:
        print(f"{PROGRAM}: {ex}", file=sys.stderr)
        return 2
    except BrokenPipeError:
        # The reader of the output has closed the pipe. The interpreter flushes the rest at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except (SettingsError, EmbeddedError, SchemaTooNew, SchemaUnreadable, CommandFailed, OSError) as ex:
        print(f"{PROGRAM}: {ex}", file=sys.stderr)
        return 1


def run(options: argparse.Namespace, settings: Settings, environ: Mapping[str, str]) -> int:
    """Run the command, or serve if there is none, and return the exit status."""
    if options.command is None:
        return serve(settings)
    if options.command == "check":
        return report(settings)
    if options.command == "users":
        return run_user_command(options, settings)
    return run_migration_command(options, settings, data_may_go=environ.get(DATA_MAY_GO))


def serve(settings: Settings) -> int:
    """Serve until a signal stops the process, and return the exit status."""
    # A port in use ends the start before it changes the database.
    listener = bind_port(settings, "PORT")
    metrics_listener = bind_port(settings, "METRICS_PORT") if settings.metrics_port else None
    prepared = prepare(settings)
    workers.accept_connections(listener)
    metrics = listen_for_metrics(metrics_listener) if metrics_listener is not None else None
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
            worker_timeout=max(settings.worker_timeout, STATEMENTS_OF_A_STEP * settings.statement_timeout),
            on_ready=lambda: announce(prepared.settings, prepared.database_url, prepared.users_table),
            supervise=Supervisor(settings.data_dir).check if settings.database_url is None else None,
        )
    finally:
        if metrics is not None:
            metrics.close()


def application() -> "WSGIApplication":
    """The plain WSGI application for another server: `granian --interface wsgi --factory serve:application`."""
    return start_application(prepare(load_settings(with_dotenv(os.environ)))).as_wsgi()


def prepare(settings: Settings) -> Prepared:
    """Do what happens once, before the workers start.

    Raises SettingsError, EmbeddedError, SchemaUnreadable or OSError.
    """
    log = configure_logging(settings.log_level, settings.log_format)
    settings, database_url = find_database(settings)
    # All secrets are judged now.
    drop_package(WORD_LISTS)
    prepared = wait_for_database(settings, database_url)
    jwks = KeySet(settings.jwks_url) if settings.jwks_url is not None else None
    return Prepared(prepared.settings, database_url, prepared.users_table, jwks, log)


def find_database(settings: Settings) -> tuple[Settings, str]:
    """Return the settings and the database's URL. Without DATABASE_URL, start the embedded one and add its secret."""
    if settings.database_url is not None:
        return settings, settings.database_url
    database_url = start_embedded(settings.data_dir)
    if not settings.secrets:
        secret = load_or_create_secret(settings.data_dir / "secret")
        settings = replace(settings, better_auth_secret=secret)
    return settings, database_url


def wait_for_database(settings: Settings, database_url: str) -> PreparedDatabase:
    """Check the database and run the pending migrations.

    Raises SettingsError if it cannot be used, or if it cannot be reached or has no users table yet after DATABASE_WAIT
    seconds.
    """
    log = structlog.get_logger()
    deadline = time.monotonic() + DATABASE_WAIT
    while True:
        try:
            prepared = prepare_database(settings, database_url)
            break
        except (DatabaseUnavailable, UsersTableMissing) as ex:
            reason = str(ex) if isinstance(ex, UsersTableMissing) else f"DATABASE_URL: {describe_failure(ex)}"
            is_lasting = isinstance(ex, ConnectionFailed) and ex.lasting
            if is_lasting or time.monotonic() + RETRY_PAUSE > deadline:
                raise SettingsError(reason) from ex
            log.warning("database not there yet, trying again", database=describe(database_url), reason=reason)
        time.sleep(RETRY_PAUSE)
    for name in prepared.migrations:
        log.info("migrated", migration=name)
    return prepared


def listen_for_metrics(listener: socket.socket) -> "MetricsServer":
    """Listen on METRICS_PORT, with one socket for all workers."""
    from api.metrics_server import MetricsServer  # noqa: PLC0415 without METRICS_PORT its library is not loaded

    workers.accept_connections(listener)
    return MetricsServer(listener)


def start_application(
    prepared: Prepared, *, max_waiting: int | None = None, metrics: "MetricsServer | None" = None
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
        counters.log = prepared.log
    return create_app(settings, database, prepared.users_table, counters, prepared.jwks)


def create_handlers(application: Application, refuse: Callable[..., Any]) -> Handlers:
    """What the server is given: the application, and what it asks before it calls it."""
    return Handlers(application.as_wsgi(), refuse, application.judge_head, application.quota_of)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], os.environ))
