"""`migrate`, `migrations` and `rollback`: what each prints and does."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from serve import main
from tests.support.postgres import connect
from tests.support.processes import PROJECT
from tests.support.signing import SECRET

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(create_database: Callable[[], str], capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs a command on one new database; its exit status, output and errors."""
    url = create_database()

    def run_command(*arguments: str, **environ: str) -> tuple[int, str, str]:
        status = main(arguments, {"DATABASE_URL": url, "BETTER_AUTH_SECRET": SECRET, **environ})
        return status, *capsys.readouterr()

    return run_command


def test_the_migrations_run_and_are_undone_one_by_one(run: Run) -> None:
    names = ["001_create_tables", "002_folded_text", "003_accounts"]
    assert run("migrations") == (0, "".join(f"- [ ] {name}\n" for name in names), "")
    assert run("migrate") == (0, "".join(f"migrated: {name}\n" for name in names), "")
    assert run("migrate") == (0, "no migration was pending\n", "")
    assert run("migrations") == (0, "".join(f"- [x] {name}\n" for name in names), "")
    for name in reversed(names):
        assert run("rollback") == (0, f"undone: {name}\n", "")
    assert run("migrations") == (0, "".join(f"- [ ] {name}\n" for name in names), "")
    status, out, err = run("rollback")
    assert (status, out) == (1, "")
    assert err == "serve.py: DATABASE_URL: no migration has been run, so there is none to undo\n"


def test_a_rollback_that_would_delete_data_is_refused(
    create_database: Callable[[], str], capsys: pytest.CaptureFixture[str]
) -> None:
    environ = {"DATABASE_URL": create_database(), "BETTER_AUTH_SECRET": SECRET}
    assert main(["migrate"], environ) == 0
    database = connect(environ["DATABASE_URL"])
    database.run("INSERT INTO users (id) VALUES ('ada')")
    capsys.readouterr()

    assert main(["rollback"], environ) == 1

    error = capsys.readouterr().err
    assert error.startswith("serve.py: rollback would delete data: the database holds 0 tasks, 0 idempotency keys, 1 ")
    assert error.count("\n") == 1
    assert main(["rollback"], {**environ, "ROLLBACK_DELETES_DATA": "on"}) == 0
    database.run("INSERT INTO tasks_migrations (name, migrated_at) VALUES ('009_later', now())")
    database.run("DELETE FROM users")
    database.close()
    assert main(["rollback"], environ) == 1
    assert "a newer version has run 009_later" in capsys.readouterr().err


def test_where_the_migrations_are_needs_no_settings(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["migrations", "--directory"], {"PORT": "eighty"}) == 0
    assert Path(capsys.readouterr().out.strip()).samefile(PROJECT / "migrations")


@pytest.mark.parametrize("command", ["migrations", "rollback"])
def test_without_a_database_nothing_is_created(
    command: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([command], {"DATA_DIR": str(tmp_path / "data")}) == 1
    printed = capsys.readouterr()
    assert (printed.out, printed.err.count("\n")) == ("", 1)
    assert "start the service first" in printed.err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("command", ["migrate", "migrations", "rollback"])
def test_an_unreachable_database_is_one_line(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    url = "postgresql://ada:Tr0ub4dor@127.0.0.1:1/tasks"
    assert main([command], {"DATABASE_URL": url, "BETTER_AUTH_SECRET": SECRET}) == 1
    printed = capsys.readouterr()
    assert printed.err.startswith("serve.py: DATABASE_URL: ")
    assert (printed.out, printed.err.count("\n")) == ("", 1)
    assert "Tr0ub4dor" not in printed.err
