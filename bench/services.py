"""The measured services: how each is started, and the packages it needs.

All get the same environment (DATABASE_URL, BETTER_AUTH_SECRET, HOST, PORT, WORKERS) and the same number of worker
processes. Rate limits and request logs are off; their cost is measured separately.
"""

from __future__ import annotations

import importlib.util
import shutil
import sys
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).parent.parent
PEERS = Path(__file__).parent / "peers"

NO_LIMITS = {"RATE_LIMIT": "", "AUTH_RATE_LIMIT": ""}
NO_LOG = {"LOG_LEVEL": "warning"}


@dataclass(frozen=True)
class Service:
    """One service to measure. With `ours` it has the project's tables, else those of peers/schema.sql."""

    key: str
    title: str
    command: tuple[str, ...]
    directory: Path = ROOT
    environment: dict[str, str] = field(default_factory=dict)
    ours: bool = False
    modules: tuple[str, ...] = ()

    @property
    def due_column(self) -> str:
        return "due_at" if self.ours else "due_date"

    def missing(self) -> str | None:
        """What must be installed before the service can run, as a line to print; None if nothing is missing."""
        for module in self.modules:
            if importlib.util.find_spec(module) is None:
                return f"{self.title} needs {module}: pip install -e '.[bench]'"
        if self.command[0] == "node":
            if shutil.which("node") is None:
                return f"{self.title} needs Node.js: install nodejs (20 or newer) and npm"
            folders = (self.directory / "node_modules", ROOT / "node_modules")
            if not any((folder / "fastify").is_dir() for folder in folders):
                return f"{self.title} needs its packages: npm install --workspace bench/peers/fastify"
        return None


def _python(arguments: str) -> tuple[str, ...]:
    return (sys.executable, *arguments.split())


def _uvicorn(workers: int, module: str = "main") -> tuple[str, ...]:
    return _python(
        f"-m uvicorn {module}:app --workers {workers} --loop uvloop --http httptools "
        "--no-access-log --log-level warning --port {port}"
    )


def ours(key: str = "ours", title: str = "ours", **environment: str) -> Service:
    """The service as `python serve.py` starts it, with additional `environment`."""
    return Service(
        key,
        title,
        _python("serve.py"),
        environment={**NO_LIMITS, **NO_LOG, **environment},
        ours=True,
    )


def granian(workers: int, threads: int = 8) -> Service:
    """The same WSGI application under granian; `threads` is the number of threads a process that run Python."""
    return Service(
        "granian",
        "ours on granian",
        _python(
            f"-m granian --interface wsgi --workers {workers} --blocking-threads {threads} "
            "--no-access-log --log-level warning "
            "--port {port} --factory serve:application"
        ),
        environment={**NO_LIMITS, **NO_LOG},
        ours=True,
        modules=("granian",),
    )


def peers(workers: int) -> list[Service]:
    """The peers: common alternatives to this service."""
    return [
        Service(
            "sqlmodel",
            "FastAPI + SQLModel",
            _uvicorn(workers),
            PEERS / "fastapi_sqlmodel",
            modules=("fastapi", "sqlmodel", "uvicorn", "uvloop", "httptools"),
        ),
        Service(
            "asyncpg",
            "FastAPI + asyncpg",
            _uvicorn(workers),
            PEERS / "fastapi_asyncpg",
            modules=("fastapi", "asyncpg", "uvicorn", "uvloop", "httptools"),
        ),
        Service("fastify", "Fastify + pg", ("node", "server.js"), PEERS / "fastify"),
    ]


def same_work_peers(workers: int) -> list[Service]:
    """Peers with this service's tables, task limit, entity tags and header fields."""
    return [
        Service(
            "asyncpg-same",
            "FastAPI + asyncpg, same work",
            _uvicorn(workers, "same_work"),
            PEERS / "fastapi_asyncpg",
            ours=True,
            modules=("fastapi", "asyncpg", "uvicorn", "uvloop", "httptools"),
        ),
        Service(
            "fastify-same",
            "Fastify + pg, same work",
            ("node", "server.js"),
            PEERS / "fastify",
            environment={"SAME_WORK": "1"},
            ours=True,
        ),
    ]
