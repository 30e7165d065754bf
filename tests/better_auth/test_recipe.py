"""Every snippet of docs/better-auth.md does what the text says."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.better_auth import recipe
from tests.better_auth.servers import EXAMPLE, PATIENCE
from tests.better_auth.users import Setup
from tests.support.processes import PATIENT, Service, running

PAGE = "https://app.example.com"
IN_USE = next(code for code in recipe.JS if code.startswith("import { createTaskClient }"))


@pytest.fixture(scope="module")
def setup(start_setup: Callable[..., Setup]) -> Setup:
    """Both servers with the settings of the document, except for the addresses; tokens last six seconds."""
    auth = {**without(recipe.AUTH_SERVER, "BETTER_AUTH_URL", "DATABASE_URL", "PORT"), **recipe.AUTH_SERVER_HS256}
    return start_setup({**auth, "TOKEN_LIFETIME": "6s"}, without(recipe.SERVICE, "DATABASE_URL", "JWKS_URL"))


def without(settings: dict[str, str], *names: str) -> dict[str, str]:
    return {name: value for name, value in settings.items() if name not in names}


def run_page(setup: Setup, code: str) -> subprocess.CompletedProcess[str]:
    """Run a page's script in node as a browser at PAGE would, with the addresses of the running servers."""
    code = code.replace("https://auth.example.com", setup.auth.origin)
    code = code.replace("https://tasks.example.com", setup.tasks.origin)
    browser = (Path(__file__).parent / "browser.mjs").as_uri()
    return subprocess.run(
        ["node", "--import", browser, "--input-type=module", "--eval", code],
        cwd=EXAMPLE,
        env={"PATH": os.environ["PATH"], "PAGE_ORIGIN": PAGE},
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
    )


@pytest.mark.parametrize("code", recipe.JS, ids=lambda code: code.splitlines()[0][:40])
def test_each_script_is_an_example_file_that_these_tests_run(code: str) -> None:
    files = {path.read_text(encoding="utf-8") for path in EXAMPLE.glob("*.js")}
    assert code in files or code == IN_USE


def test_these_tests_cover_every_snippet() -> None:
    assert {"ini", "js", "sql"} == recipe.LANGUAGES


class TestThePage:
    def test_signs_in_and_creates_a_task_from_another_origin(self, setup: Setup) -> None:
        account = {"name": "Ann", "email": "ann@example.com", "password": "correct horse battery"}
        assert setup.auth.call("POST", "/api/auth/sign-up/email", account).status == 200
        ran = run_page(setup, IN_USE)
        assert ran.stdout == "201 Buy milk\n", ran.stderr
        assert "POST /api/auth/sign-out 200" in ran.stderr

    def test_renews_an_expired_token_once_for_concurrent_calls(self, setup: Setup) -> None:
        script = (
            IN_USE.partition("const {")[0]
            + """
        const { authClient, taskFetch } = createTaskClient("https://auth.example.com", "https://tasks.example.com");
        await authClient.signUp.email({ name: "Bob", email: "bob@example.com", password: "correct horse battery" });
        const statuses = async () =>
          (await Promise.all([1, 2, 3, 4].map(() => taskFetch("/api/tasks")))).map(({ status }) => status);
        console.log(...(await statuses()));
        await new Promise((resolve) => setTimeout(resolve, 6500));
        console.log(...(await statuses()));
        """
        )
        ran = run_page(setup, script)
        assert ran.stdout == "200 200 200 200\n" * 2, ran.stderr
        assert ran.stderr.count("GET /api/auth/token 200") == 2
        assert ran.stderr.count("GET /api/tasks 401") == 4

    def test_asks_a_user_without_a_session_to_sign_in(self, setup: Setup) -> None:
        script = (
            IN_USE.partition("const {")[0]
            + """
        const { taskFetch } = createTaskClient("https://auth.example.com", "https://tasks.example.com");
        for (const attempt of [1, 2]) await taskFetch("/api/tasks").catch((error) => console.log(error.message));
        """
        )
        ran = run_page(setup, script)
        assert ran.stdout == "Sign in first\n" * 2, ran.stderr

    def test_of_another_origin_can_call_neither_server(self, setup: Setup) -> None:
        for server, path in ((setup.auth, "/api/auth/token"), (setup.tasks, "/api/tasks")):
            response = server.call("OPTIONS", path, headers={"Origin": "https://evil.example"})
            assert "access-control-allow-origin" not in response.headers
            assert "Origin" in response.headers["vary"]


@pytest.fixture
def start(setup: Setup, tmp_path: Path) -> Iterator[Callable[[dict[str, str]], Service]]:
    """Starts a second task service with the settings of the document, except for the addresses."""
    started: list[Service] = []

    def start_service(settings: dict[str, str]) -> Service:
        addresses = {"DATABASE_URL": setup.database_url, "JWKS_URL": setup.auth.jwks_url}
        known = {name: value for name, value in addresses.items() if name in settings}
        environ = {**settings, **known, **PATIENT, "WORKERS": "1"}
        started.append(Service(tmp_path / "tasks.log", environ, prelude=PATIENCE))
        started[-1].wait_until_ready()
        return started[-1]

    yield start_service
    for service in started:
        service.stop()


class TestHs256:
    def test_an_hs256_token_works_with_only_the_shared_secret(
        self, setup: Setup, start: Callable[[dict[str, str]], Service]
    ) -> None:
        user, service = setup.sign_up(), start(recipe.SERVICE_HS256)
        by_hand, by_key = user.renew_token("/api/hs256-token"), user.renew_token()
        created = service.call("POST", "/api/tasks", {"title": "Buy milk"}, token=by_hand)
        assert (created.status, created.json["data"]["user_id"]) == (201, user.id)
        assert service.call("GET", "/api/tasks", token=by_key).status == 401

    def test_both_kinds_of_token_name_the_same_user_during_the_move_to_keys(
        self, setup: Setup, start: Callable[[dict[str, str]], Service]
    ) -> None:
        user, service = setup.sign_up(), start(recipe.SERVICE_BOTH)
        by_hand = user.renew_token("/api/hs256-token")
        assert service.call("POST", "/api/tasks", {"title": "Buy milk"}, token=by_hand).status == 201
        listed = service.call("GET", "/api/tasks", token=user.renew_token())
        assert [task["title"] for task in listed.json["data"]] == ["Buy milk"]

    def test_a_request_without_a_session_gets_no_token(self, setup: Setup) -> None:
        assert setup.auth.call("GET", "/api/hs256-token").status == 401


def test_tasks_of_our_own_users_table_move_to_better_auths(start_setup: Callable[..., Setup], tmp_path: Path) -> None:
    setup = start_setup(tasks={"USERS_TABLE": "users"})
    user = setup.sign_up()
    assert user("POST", "/api/tasks", {"title": "Buy milk"}, headers={"Idempotency-Key": "once"}).status == 201
    assert setup.tasks.stop() == 0
    setup.query(recipe.MOVE_USERS.replace("BEGIN;", "").replace("COMMIT;", ""))
    addresses = {"DATABASE_URL": setup.database_url, "JWKS_URL": setup.auth.jwks_url}
    environ = {**recipe.SERVICE, **addresses, **PATIENT}
    with running(tmp_path / "tasks.log", prelude=PATIENCE, **environ) as moved:
        tasks = moved.call("GET", "/api/tasks", token=user.token).json["data"]
        assert [task["title"] for task in tasks] == ["Buy milk"]
        user.delete_account()
        assert setup.query("SELECT count(*) FROM tasks") == [(0,)]
