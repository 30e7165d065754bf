"""The facts of the public Todo-Backend specification, one test for each of its checks. They run over real sockets."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.frontends.page import Page, Reply, through_socket
from tests.support.processes import UNLIMITED, Service, running
from tests.support.signing import token_for

TODOS = "/todos"
ORIGIN = "http://localhost:3000"


@pytest.fixture(scope="module")
def service(create_database: Callable[[], str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    log = tmp_path_factory.mktemp("todo-backend") / "log"
    settings = {**UNLIMITED, "CORS_ORIGINS": ORIGIN, "FRONTEND": "todo-backend", "WORKERS": "1"}
    with running(log, DATABASE_URL=create_database(), **settings) as service:
        yield service


@pytest.fixture
def page(service: Service) -> Page:
    """A page whose user has no todos."""
    page = Page(through_socket(service.port), token_for("ada"))
    page.headers["Origin"] = ORIGIN
    assert page.send("DELETE", TODOS).status in (200, 204)
    return page


def create(page: Page, **fields: Any) -> Any:
    return page("POST", TODOS, {"title": "blah", **fields}, status=201)


def path_of(service: Service, todo: dict[str, str]) -> str:
    """The path of a todo's URL, which must be absolute and of this service."""
    url = urlsplit(todo["url"])
    assert (url.scheme, url.netloc) == ("http", f"127.0.0.1:{service.port}")
    return url.path


def allowed(reply: Reply) -> bool:
    return reply.headers.get("access-control-allow-origin") == ORIGIN


def test_a_get_of_the_root_succeeds_for_a_page_of_another_origin(page: Page) -> None:
    reply = page.send("GET", TODOS)

    assert reply.status == 200
    assert allowed(reply)


def test_a_post_to_the_root_returns_what_was_posted(page: Page) -> None:
    assert create(page, title="a todo")["title"] == "a todo"


def test_a_delete_of_the_root_succeeds(page: Page) -> None:
    assert page("DELETE", TODOS, status=204) is None


def test_after_a_delete_of_the_root_the_list_is_an_empty_array(page: Page) -> None:
    create(page)
    page("DELETE", TODOS, status=204)

    assert page("GET", TODOS) == []


def test_a_new_todo_is_in_the_list(page: Page) -> None:
    create(page, title="walk the dog")

    assert [todo["title"] for todo in page("GET", TODOS)] == ["walk the dog"]


def test_a_new_todo_is_not_completed(page: Page) -> None:
    assert [todo["completed"] for todo in (create(page), *page("GET", TODOS))] == [False, False]


def test_a_new_todo_has_a_url(page: Page, service: Service) -> None:
    assert path_of(service, create(page)) == path_of(service, page("GET", TODOS)[0])


def test_the_url_of_a_new_todo_returns_it(page: Page, service: Service) -> None:
    todo = create(page, title="my todo")

    assert page("GET", path_of(service, todo)) == todo


def test_the_urls_in_a_list_return_the_todos(page: Page, service: Service) -> None:
    for title in ("the first", "the second"):
        create(page, title=title)

    todos = page("GET", TODOS)

    assert len(todos) == 2
    assert [page("GET", path_of(service, todo)) for todo in todos] == todos


@pytest.mark.parametrize("change", [{"title": "bathe the cat"}, {"completed": True}])
def test_a_patch_of_the_url_changes_a_todo(page: Page, service: Service, change: dict[str, Any]) -> None:
    todo = create(page, title="initial title")

    changed = page("PATCH", path_of(service, todo), change)

    assert {name: changed[name] for name in change} == change


def test_changes_are_kept(page: Page, service: Service) -> None:
    changed = page("PATCH", path_of(service, create(page)), {"title": "changed title", "completed": True})

    assert (changed["title"], changed["completed"]) == ("changed title", True)
    assert page("GET", path_of(service, changed)) == changed
    assert page("GET", TODOS) == [changed]


def test_a_delete_of_the_url_deletes_a_todo(page: Page, service: Service) -> None:
    page("DELETE", path_of(service, create(page)), status=204)

    assert page("GET", TODOS) == []


def test_a_new_todo_may_have_an_order(page: Page) -> None:
    assert create(page, order=523)["order"] == 523


def test_a_patch_changes_the_order(page: Page, service: Service) -> None:
    assert page("PATCH", path_of(service, create(page, order=10)), {"order": 95})["order"] == 95


def test_a_changed_order_is_kept(page: Page, service: Service) -> None:
    changed = page("PATCH", path_of(service, create(page, order=10)), {"order": 95})

    assert page("GET", path_of(service, changed))["order"] == 95


@pytest.mark.parametrize("method", ["GET", "POST", "PATCH", "DELETE"])
def test_a_preflight_allows_the_calls_of_another_origin(page: Page, method: str) -> None:
    page.headers |= {"Access-Control-Request-Method": method, "Access-Control-Request-Headers": "content-type"}

    reply = page.send("OPTIONS", TODOS if method == "POST" else f"{TODOS}/1")

    assert allowed(reply)
    assert method in reply.headers["access-control-allow-methods"]
