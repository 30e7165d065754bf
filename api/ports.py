"""Binding PORT and METRICS_PORT, or one line that says why not and what to do."""

from __future__ import annotations

import errno
import socket

from api.server import workers
from api.settings import Settings, SettingsError


def bind_port(settings: Settings, name: str) -> socket.socket:
    """Bind the port that the setting of this name has. It accepts no connections yet. Raises SettingsError."""
    port: int = getattr(settings, name.lower())
    try:
        return workers.bind(settings.host, port)
    except OSError as ex:
        if ex.errno == errno.EADDRINUSE:
            other = port + 1 if port < 65_535 else port - 1
            raise SettingsError(
                f"{name}: {ex.strerror}; set another, such as {name}={other}, or stop what uses this one"
            ) from ex
        if ex.errno == errno.EACCES:
            raise SettingsError(f"{name}: {ex.strerror}; set a port from 1024 on, such as {name}=8000") from ex
        raise SettingsError(f"HOST, {name}: {ex.strerror}; HOST must be an address of this machine") from ex
