"""The machine of a run: processor, memory, kernel, versions."""

from __future__ import annotations

import importlib.metadata
import json
import os
import platform
import shutil
import subprocess
from pathlib import Path
from typing import Any

import psutil

from bench.databases import connection
from bench.services import PEERS, ROOT

PACKAGES = (
    "falcon", "peewee", "psycopg2-binary", "orjson", "pyjwt", "waitress", "granian",
    "fastapi", "sqlmodel", "sqlalchemy", "pydantic", "asyncpg", "uvicorn", "uvloop", "httptools",
)  # fmt: skip


def describe(server_url: str) -> list[str]:
    """Lines for the report."""
    with connection(server_url) as connected, connected.cursor() as cursor:
        cursor.execute("SELECT current_setting('server_version')")
        postgresql = cursor.fetchone()[0]
    memory = psutil.virtual_memory().total / 2**30
    return [
        f"{_processor()}, {os.cpu_count()} cores, {memory:.0f} GiB of memory",
        f"{platform.system()} {platform.release()}, Python {platform.python_version()}, "
        f"PostgreSQL {postgresql}, Node.js {_version('node', '--version').lstrip('v') or 'none'}",
        ", ".join(f"{name} {version}" for name, version in _packages() if version),
    ]


def _processor() -> str:
    try:
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()


def _version(program: str, option: str) -> str:
    path = shutil.which(program)
    if path is None:
        return ""
    done = subprocess.run([path, option], capture_output=True, text=True, timeout=10, check=False)
    return done.stdout.strip()


def _packages() -> list[tuple[str, str]]:
    installed = [(name, _python_package(name)) for name in PACKAGES]
    return installed + [(name, _node_package(name)) for name in ("fastify", "@fastify/jwt", "pg")]


def _python_package(name: str) -> str:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return ""


def _node_package(name: str) -> str:
    for directory in (PEERS / "fastify", ROOT):
        manifest = directory / "node_modules" / name / "package.json"
        if manifest.exists():
            content: dict[str, Any] = json.loads(manifest.read_text())
            return str(content["version"])
    return ""
