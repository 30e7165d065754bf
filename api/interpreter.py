"""Refuses, in one line, a Python that cannot run the service. Python 3.6 has to parse this file, and serve.py too."""

import importlib.util
import sys

OLDEST = (3, 10)


def check_interpreter() -> None:
    """Raise SystemExit with one line if this Python is too old, or does not have the packages."""
    if sys.version_info < OLDEST:
        found = ".".join(map(str, sys.version_info[:3]))
        raise SystemExit(f"serve.py: this is Python {found}, and 3.10 or newer is required; make PYTHON=python3.13 run")
    if importlib.util.find_spec("falcon") is None:
        raise SystemExit(
            f"serve.py: {sys.executable} has no package falcon; use make run, or .venv/bin/python serve.py"
        )
