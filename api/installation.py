"""Where this code lies, and what follows from it: in a checkout, or installed by pip, pipx or uv."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import platformdirs

ROOT: Final = Path(__file__).resolve().parent.parent
"""The folder of api/, migrations/ and serve.py: a checkout, or the package `tasks_backend` of an installed wheel."""

MIGRATIONS: Final = ROOT / "migrations"

NAME: Final = "tasks-backend"

IS_INSTALLED: Final = any(ROOT.parent.glob("tasks_backend-*.dist-info"))

PROGRAM: Final = NAME if IS_INSTALLED else "serve.py"
"""What messages begin with."""

COMMAND: Final = NAME if IS_INSTALLED else "python serve.py"
"""What a user types to run it."""


def default_data_dir() -> Path:
    """The DATA_DIR of an unset variable: the user's folder for data if installed, else `data` in the working directory.

    An account without a home gets a path that begins with `~`.
    """
    if not IS_INSTALLED:
        return Path("data")
    try:
        return platformdirs.user_data_path(NAME, appauthor=False)
    except RuntimeError:
        return Path("~", NAME)
