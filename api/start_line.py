"""The line `ready`: the URLs to open, and what the service runs on."""

from __future__ import annotations

import structlog

from api import __version__
from api.postgres.database_url import describe
from api.resolved_settings import describe_accounts
from api.session_cookie import pages_on_another_host
from api.settings import Settings
from api.users_table import UsersTable


def announce(settings: Settings, database_url: str, users_table: UsersTable) -> None:
    """Log that all workers accept connections; before it, a warning if browsers drop the session's cookie."""
    frontend = settings.frontend
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    origin = f"http://{host}:{settings.port}"
    pages = pages_on_another_host(frontend.accounts.cookie if frontend else None, settings.host, settings.cors_origins)
    if pages:
        structlog.get_logger().warning(
            "browsers drop the cookie",
            pages=pages,
            api=origin,
            remedy="let the page call the service by the page's own host name, or set HOST to it",
        )
    structlog.get_logger().info(
        "ready",
        version=__version__,
        api=f"{origin}{frontend.collections[0] if frontend else '/api/tasks'}",
        **({"frontend": frontend.name} if frontend else {}),
        docs=f"{origin}/docs",
        **({"page": f"{origin}/"} if settings.web_page else {}),
        **({"anonymous_user": settings.anonymous_user} if settings.anonymous_user is not None else {}),
        database=describe(database_url),
        accounts=describe_accounts(settings, users_table),
        workers=settings.workers,
    )
