"""Finds programs that a test needs and the project does not install, or says how to install them."""

from __future__ import annotations

import os
import shutil
import sysconfig
from pathlib import Path
from typing import NoReturn

import pytest

PACKAGES = {
    "initdb": "postgresql",
    "ip": "iproute2",
    "nsenter": "util-linux",
    "promtool": "prometheus",
    "pg_dump": "postgresql-client",
    "systemd-analyze": "systemd",
    "unshare": "util-linux",
}


def find_program(name: str) -> str:
    """The program's path, from PATH, /usr/sbin, a PostgreSQL server or the virtual environment. Skips without it."""
    servers = map(str, Path("/usr/lib/postgresql").glob("*/bin"))
    search_path = os.pathsep.join((os.environ.get("PATH", ""), "/usr/sbin", sysconfig.get_path("scripts"), *servers))
    found = shutil.which(name, path=search_path)
    if found is None:
        missing(f"{name} is not installed: apt install {PACKAGES.get(name, name)}")
    return found


def missing(what: str) -> NoReturn:
    """Skip the test or module on a developer's machine; fail it in CI."""
    if os.environ.get("CI"):
        pytest.fail(what, pytrace=False)
    pytest.skip(what, allow_module_level=True)
