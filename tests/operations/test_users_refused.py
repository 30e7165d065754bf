"""`python serve.py users …`: what a command cannot do is one line that says what to do, and status 1."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from api.migrate import migrate
from serve import main
from tests.operations.conftest import EMAIL, Run
from tests.support.callers import Caller
from tests.support.postgres import connect
from tests.support.stalled_proxy import StalledProxy


@pytest.mark.parametrize("action", ["disable", "enable", "reset-password"])
def test_an_auth_servers_user_has_no_account_here(run: Run, provisioned: Caller, action: str) -> None:
    status, out, err = run(action, "bob")

    assert (status, out) == (1, "")
    assert "auth server" in err
    assert err.count("\n") == 1


@pytest.mark.parametrize("action", ["disable", "enable", "reset-password", "export", "delete"])
def test_an_unknown_user_is_one_line_and_status_1(run: Run, action: str) -> None:
    status, out, err = run(action, "no\x1bbody")

    assert (status, out) == (1, "")
    assert err == "serve.py: no user no\\u001bbody; `users list` shows all\n"


def test_an_e_mail_of_several_users_names_their_ids(run: Run, make_user: Callable[..., Caller]) -> None:
    for user_id in ("bob", "cleo"):
        make_user(user_id, email="shared@example.com").make_task("Mine")

    status, _, err = run("export", "shared@example.com")

    assert status == 1
    assert "bob, cleo" in err


def test_an_id_goes_before_an_e_mail(run: Run, ada: Caller, make_user: Callable[..., Caller]) -> None:
    make_user(EMAIL).make_task("Odd")

    assert json.loads(run("export", EMAIL)[1])["user"]["id"] == EMAIL


def test_another_programs_users_are_managed_there(run: Run, create_database: Callable[[], str]) -> None:
    url = create_database()
    database = connect(url)
    database.run('CREATE TABLE "user" (id text PRIMARY KEY)')
    database.close()
    environ = {"DATABASE_URL": url, "USERS_TABLE": "user"}
    unready = run("list", **environ)
    assert unready[0] == 1
    assert "start this version of the service first" in unready[2]

    database = connect(url)
    migrate(database, "user")
    database.close()
    status, _, err = run("list", **environ)

    assert status == 1
    assert "another program's" in err


def test_a_database_that_is_not_there_is_one_line(run: Run) -> None:
    status, out, err = run("list", DATABASE_URL="postgresql://127.0.0.1:9/none")

    assert (status, out) == (1, "")
    assert err.count("\n") == 1
    assert "DATABASE_URL" in err


def test_a_database_that_accepts_a_connection_late_is_waited_for(run: Run, database_url: str, ada: Caller) -> None:
    with StalledProxy(database_url) as proxy:
        proxy.stall_new_connections()
        accepting = threading.Timer(1.5, proxy.resume)
        accepting.start()

        status, out, err = run("list", DATABASE_URL=proxy.url)

        accepting.join()
    assert (status, err) == (0, "")
    assert EMAIL in out


def test_no_embedded_database_is_created(run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["users", "list"], {"DATA_DIR": str(tmp_path / "data")}) == 1
    assert "start the service first" in capsys.readouterr().err
    assert not (tmp_path / "data").exists()
