"""`api.server` holds waitress: none of its classes inherits from waitress' server, channel or task."""

from __future__ import annotations

import importlib
import inspect

import waitress.channel
import waitress.server
import waitress.task
import waitress.wasyncore

from tests.support.processes import PROJECT

FOLDER = PROJECT / "api" / "server"
MODULES = sorted(path.stem for path in FOLDER.glob("*.py"))


def test_no_class_inherits_from_waitress_server_channel_or_task() -> None:
    owners = {waitress.server.__name__, waitress.channel.__name__, waitress.task.__name__, waitress.wasyncore.__name__}
    classes = [
        each
        for module in MODULES
        for _, each in inspect.getmembers(importlib.import_module(f"api.server.{module}"), inspect.isclass)
        if each.__module__.startswith("api.server.")
    ]
    assert "Connection" in {each.__name__ for each in classes}
    for each in classes:
        assert not owners & {base.__module__ for base in each.__mro__}, each
