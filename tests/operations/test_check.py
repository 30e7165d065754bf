"""`serve.py --check`: a line for each part with what to do about a fault, and the exit status."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeAlias

import psycopg2
import pytest

from api.migrate import migrate
from api.postgres.embedded import start_embedded, stop_embedded
from serve import main
from tests.support.jwks_server import JwksServer, serving
from tests.support.ports import free_port
from tests.support.postgres import connect
from tests.support.redis import Redis
from tests.support.signing import make_signer
from tests.support.waiting import wait_until

Check: TypeAlias = Callable[..., tuple[int, dict[str, str]]]

GOOD_SECRET = secrets.token_urlsafe(32)


@pytest.fixture
def check(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Check:
    """A function that runs the check in an empty directory; its exit status, and its lines by part."""
    monkeypatch.chdir(tmp_path)

    def run(**environ: str) -> tuple[int, dict[str, str]]:
        status = main(["--check"], {"BETTER_AUTH_SECRET": GOOD_SECRET, "BCRYPT_COST": "4", **environ})
        lines = capsys.readouterr().out.splitlines()
        assert not [line for line in lines if GOOD_SECRET in line]
        return status, {line.split()[0]: line.split(maxsplit=1)[1] for line in lines}

    return run


def test_a_current_database_passes(check: Check, database_url: str) -> None:
    status, lines = check(DATABASE_URL=database_url)
    assert status == 0
    assert list(lines) == ["settings", "database", "schema", "secret", "JWKS", "Redis"]
    assert all(line.startswith("ok: ") for line in lines.values()), lines
    assert "PostgreSQL 1" in lines["database"]


def test_an_empty_folder_passes_and_stays_empty(check: Check, tmp_path: Path) -> None:
    status, lines = check(BETTER_AUTH_SECRET="")
    assert (status, "schema" in lines) == (0, False)
    assert not list(tmp_path.iterdir())


def test_local_accounts_with_the_embedded_database_need_no_secret(check: Check, tmp_path: Path) -> None:
    start_embedded(tmp_path / "data")
    database = connect(start_embedded(tmp_path / "data"))
    migrate(database, "users")
    database.close()
    try:
        status, lines = check(BETTER_AUTH_SECRET="", LOCAL_ACCOUNTS="on")
    finally:
        stop_embedded(tmp_path / "data")
    assert (status, lines["schema"][:3]) == (0, "ok:"), lines


def test_a_role_that_may_not_read_the_schema_is_reported(check: Check, create_database: Callable[[], str]) -> None:
    url = create_database()
    database = connect(url)
    migrate(database, "users")
    database.run("REVOKE ALL ON tasks_migrations FROM PUBLIC")
    role = f"reader_{secrets.token_hex(4)}"
    database.run(f"CREATE ROLE {role} LOGIN")
    status, lines = check(DATABASE_URL=url.replace("//postgres", f"//{role}", 1))
    database.run(f"DROP ROLE {role}")
    database.close()
    assert status == 1
    assert "the schema cannot be read: permission denied" in lines["schema"]


def test_a_pending_migration_is_named_and_not_run(check: Check, create_database: Callable[[], str]) -> None:
    url = create_database()
    status, lines = check(DATABASE_URL=url)
    assert status == 0
    assert "the next start runs 001_create_tables" in lines["schema"]
    database = connect(url)
    assert database.run("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'") == [(0,)]
    database.close()


def test_a_missing_users_table_is_reported(check: Check, create_database: Callable[[], str]) -> None:
    status, lines = check(DATABASE_URL=create_database(), USERS_TABLE="user")
    assert status == 1
    assert "no table user" in lines["schema"]


def test_a_role_that_may_not_create_tables_is_reported(check: Check, create_database: Callable[[], str]) -> None:
    url = create_database()
    database = connect(url)
    role = f"reader_{secrets.token_hex(4)}"
    database.run(f"CREATE ROLE {role} LOGIN")
    try:
        status, lines = check(DATABASE_URL=url.replace("postgres@", f"{role}@", 1))
        assert status == 1
        assert lines["schema"].startswith("failed: ")
        assert "GRANT CREATE" in lines["schema"]
    finally:
        database.run(f"DROP ROLE {role}")
        database.close()


def test_a_missing_database_is_reported_without_the_password(check: Check) -> None:
    status, lines = check(DATABASE_URL=f"postgresql://tasks:pass-word@127.0.0.1:{free_port()}/tasks")
    assert status == 1
    assert lines["database"].startswith("failed: ")
    assert "DATABASE_URL" in lines["database"]
    assert "pass-word" not in str(lines)
    assert "schema" not in lines


def test_a_read_only_database_is_reported(check: Check, create_database: Callable[[], str]) -> None:
    url = create_database()
    name = psycopg2.extensions.parse_dsn(url)["dbname"]
    database = connect(url)
    database.run(f"ALTER DATABASE {name} SET default_transaction_read_only = on")
    database.close()
    status, lines = check(DATABASE_URL=url)
    assert status == 1
    assert "primary" in lines["database"]


def test_settings_that_do_not_fit_the_users_table_are_reported(
    check: Check, create_database: Callable[[], str]
) -> None:
    url = create_database()
    database = connect(url)
    database.run('CREATE TABLE "user" (id text PRIMARY KEY)')
    migrate(database, "user")
    database.close()
    status, lines = check(DATABASE_URL=url, USERS_TABLE="user", LOCAL_ACCOUNTS="on")
    assert status == 1
    assert "LOCAL_ACCOUNTS" in lines["schema"]


@pytest.mark.parametrize("name", ["BETTER_AUTH_SECRET", "BETTER_AUTH_SECRETS"])
def test_a_guessable_secret_is_one_line_and_not_shown(capsys: pytest.CaptureFixture[str], name: str) -> None:
    secret = "please-change-this-secret-in-production"
    assert main(["--check"], {name: secret if name.endswith("T") else f"1:{secret}"}) == 1
    written = capsys.readouterr()
    assert written.err.startswith(f"serve.py: {name} can be guessed")
    assert secret not in written.out + written.err


def test_the_secret_beside_the_embedded_database_is_checked(check: Check, tmp_path: Path) -> None:
    file = tmp_path / "data" / "secret"
    file.parent.mkdir()
    file.write_text(secrets.token_hex(32))
    file.chmod(0o600)
    assert check(BETTER_AUTH_SECRET="")[1]["secret"].startswith("ok: ")
    file.chmod(0o666)
    status, lines = check(BETTER_AUTH_SECRET="")
    assert status == 1
    assert "chmod 600" in lines["secret"]
    file.chmod(0o600)
    file.write_text("0" * 32)
    status, lines = check(BETTER_AUTH_SECRET="")
    assert status == 1
    assert "can be guessed" in lines["secret"]


@pytest.mark.parametrize("make", [lambda: secrets.token_hex(16), lambda: secrets.token_urlsafe(24)])
def test_random_secrets_pass(check: Check, database_url: str, make: Callable[[], str]) -> None:
    for _ in range(20):
        assert check(DATABASE_URL=database_url, BETTER_AUTH_SECRETS=f"2:{make()},1:{make()}")[0] == 0


@pytest.fixture
def keys() -> Iterator[JwksServer]:
    with serving(make_signer("EdDSA")) as server:
        yield server


def test_the_keys_behind_the_url_are_counted(check: Check, database_url: str, keys: JwksServer) -> None:
    status, lines = check(DATABASE_URL=database_url, JWKS_URL=keys.url)
    assert (status, lines["JWKS"]) == (0, "ok: 1 of EdDSA")
    keys.keys = []
    assert "no key" in check(DATABASE_URL=database_url, JWKS_URL=keys.url)[1]["JWKS"]
    keys.stop()
    status, lines = check(DATABASE_URL=database_url, JWKS_URL=keys.url)
    assert status == 1
    assert lines["JWKS"].startswith("failed: ")


def test_redis_is_checked(check: Check, database_url: str, redis: Redis) -> None:
    # Redis has a quarter of a second for its response, which may be too short on a busy machine.
    wait_until(
        lambda: check(DATABASE_URL=database_url, RATE_LIMIT_STORAGE=redis.url)[1]["Redis"] == "ok: responds",
        "Redis to respond in time",
    )
    status, lines = check(DATABASE_URL=database_url, RATE_LIMIT_STORAGE=f"redis://127.0.0.1:{free_port()}/0")
    assert status == 1
    assert "RATE_LIMIT_STORAGE" in lines["Redis"]


def test_an_invalid_setting_is_one_line_and_status_1(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--check"], {"PORT": "eighty"}) == 1
    assert capsys.readouterr().err == "serve.py: PORT must be a whole number from 1 to 65535\n"
