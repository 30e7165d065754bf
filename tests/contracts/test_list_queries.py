"""Filters, search, sorts and pages of a list, against a plain model of them; "Todo Backend API", user story 3."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from falcon.testing import TestClient

from api.postgres.database import Database
from tests.contracts import task_model
from tests.contracts.families import Family, in_every_family
from tests.support.callers import Caller, error_of


def titles_of(user: Caller, query_string: str) -> list[str]:
    response = user("GET", "/api/tasks", query_string=query_string)
    assert response.status_code == 200, response.text
    return [task["title"] for task in response.json["data"]]


@pytest.mark.parametrize("search", [None, "milk", "red phone"])
@pytest.mark.parametrize("status", [None, "all", "pending", "completed"])
@pytest.mark.parametrize("order", [None, *task_model.ORDERS])
@pytest.mark.parametrize("sort", [None, *task_model.SORTS])
def test_every_combination_of_parameters_matches_the_model(
    *,
    user: Caller,
    listed: list[dict[str, Any]],
    sort: str | None,
    order: str | None,
    status: str | None,
    search: str | None,
) -> None:
    given = {"sort": sort, "order": order, "status": status, "search": search}
    query = {name: value for name, value in given.items() if value is not None}
    wanted = task_model.select(listed, status or "all", search or "")
    wanted = task_model.sort(wanted, sort or "created", order or task_model.DEFAULT_ORDER[sort or "created"])

    assert user("GET", "/api/tasks", params=query).json == {"data": wanted}

    cut = task_model.pages(wanted, 5)
    cursor = None
    for number, tasks in enumerate(cut, 1):
        by_page = user("GET", "/api/tasks", params={**query, "limit": "5", "page": str(number)}).json
        assert by_page["data"] == tasks
        assert by_page["pagination"] == {
            "page": number,
            "limit": 5,
            "total": len(wanted),
            "pages": len(cut),
            "next_cursor": by_page["pagination"]["next_cursor"],
        }
        assert (by_page["pagination"]["next_cursor"] is None) == (number == len(cut))
        if cursor is not None:
            by_cursor = user("GET", "/api/tasks", params={**query, "limit": "5", "cursor": cursor}).json
            assert by_cursor["data"] == tasks
            assert by_cursor["pagination"] == {
                "limit": 5,
                "next_cursor": by_page["pagination"]["next_cursor"],
            }
        cursor = by_page["pagination"]["next_cursor"]


@pytest.mark.parametrize(("alias", "name"), [("created_at", "created"), ("updated_at", "updated")])
@pytest.mark.parametrize("order", task_model.ORDERS)
def test_the_column_names_are_accepted_as_sorts(
    user: Caller, listed: list[dict[str, Any]], alias: str, name: str, order: str
) -> None:
    aliased = user("GET", "/api/tasks", params={"sort": alias, "order": order, "limit": "5"}).json

    assert aliased == user("GET", "/api/tasks", params={"sort": name, "order": order, "limit": "5"}).json


class TestSearch:
    @pytest.mark.parametrize(
        ("search", "found"),
        [
            ("100%", ["100% sure"]),
            ("a_b", ["a_b"]),
            ("a\\b", ["a\\b"]),
            ("\\", ["a\\b"]),
            ("%", ["100% sure"]),
            ("_", ["a_b"]),
            ("%%", []),
            ("'", ["it's"]),
            ("s;--", []),
            ("{1,2}", ["{1,2}"]),
            ('"', []),
        ],
    )
    def test_every_character_of_a_search_matches_itself(self, user: Caller, search: str, found: list[str]) -> None:
        for title in ("100% sure", "100 sure", "a_b", "axb", "a\\b", "it's", "{1,2}"):
            user.make_task(title)

        assert user.titles(search=search) == found

    @pytest.mark.parametrize("search", ["zoë", "ZOË", "Zoë", "ÉTÉ", "été", "ПРИВЕТ", "привет", "ΑΘΉΝΑ"])
    def test_search_ignores_case_in_all_scripts(self, user: Caller, search: str) -> None:
        user.make_task("Zoë, Été, Привет, Αθήνα")

        assert len(user.titles(search=search)) == 1

    def test_each_word_must_occur_in_the_title_or_the_description(self, user: Caller) -> None:
        user.make_task("Buy milk", description="From the farm")
        user.make_task("Buy bread", description=None)

        assert user.titles(search="farm  buy\tMILK") == ["Buy milk"]
        assert user.titles(search="buy") == ["Buy bread", "Buy milk"]
        assert user.titles(search="ilk far") == ["Buy milk"]
        assert user.titles(search="bread farm") == []

    def test_a_word_does_not_match_across_title_and_description(self, user: Caller) -> None:
        user.make_task("ab", description="cd")

        assert user.titles(search="bc") == []

    @pytest.mark.parametrize("search", ["", "   ", "\t"])
    def test_a_search_without_words_finds_all_tasks(self, user: Caller, search: str) -> None:
        user.make_task("Buy milk")

        assert user.titles(search=search) == ["Buy milk"]

    def test_search_never_finds_another_users_tasks(self, user: Caller, make_user: Callable[..., Caller]) -> None:
        make_user().make_task("Secret plan")

        assert user.titles(search="secret") == []


class TestParameters:
    @pytest.mark.parametrize(
        ("query", "wrong"),
        [
            ("status=done", "status"),
            ("status=", "status"),
            ("status=Pending", "status"),
            ("sort=priority", "sort"),
            ("sort=title%00", "sort"),
            ("order=down", "order"),
            ("limit=0", "limit"),
            ("limit=-1", "limit"),
            ("limit=1001", "limit"),
            ("limit=ten", "limit"),
            ("limit=1.5", "limit"),
            ("limit=", "limit"),
            ("limit=%D9%A3", "limit"),
            ("limit=" + "9" * 5000, "limit"),
            ("page=0", "page"),
            ("page=one", "page"),
            ("page=99999999999999999999", "page"),
            ("search=a%00b", "search"),
            ("search=" + "x" * 201, "search"),
            ("search=" + "+".join("abcdefghijk"), "search"),
            ("search=" + "+".join(["same"] * 11), "search"),
            # A character that NFKC makes four words of, four times.
            ("search=" + "%EF%B7%BA" * 4, "search"),
            ("cursor=", "cursor"),
            ("cursor=abc", "cursor"),
            ("page=1&cursor=abc", "cursor"),
        ],
    )
    def test_an_invalid_value_is_rejected_and_named(self, user: Caller, query: str, wrong: str) -> None:
        response = user("GET", "/api/tasks", query_string=query)

        assert error_of(response) == (422, "VALIDATION_ERROR")
        assert [each["field"] for each in response.json["error"]["details"]] == [wrong]

    @pytest.mark.parametrize("name", ["status", "search", "sort", "order", "limit", "page", "cursor"])
    def test_a_repeated_parameter_is_rejected_and_named(self, user: Caller, name: str) -> None:
        value = {"status": "all", "sort": "title", "order": "asc"}.get(name, "1")
        response = user("GET", "/api/tasks", query_string=f"{name}={value}&{name}={value}")

        assert error_of(response) == (422, "VALIDATION_ERROR")
        assert [each["field"] for each in response.json["error"]["details"]] == [name]

    def test_all_invalid_values_are_named(self, user: Caller) -> None:
        response = user("GET", "/api/tasks", query_string="status=x&sort=x&order=x&limit=x&page=x")

        named = {each["field"] for each in response.json["error"]["details"]}
        assert named == {"status", "sort", "order", "limit", "page"}

    @pytest.mark.parametrize(
        "query", ["_=1", "colour=red", "Status=done", "user_id=x&user_id=y", "=", "&&", "limits=x"]
    )
    def test_unknown_parameters_are_ignored(self, user: Caller, query: str) -> None:
        user.make_task("Buy milk")

        assert titles_of(user, query) == ["Buy milk"]

    def test_a_search_that_is_not_utf_8_is_rejected(self, user: Caller) -> None:
        assert error_of(user("GET", "/api/tasks", query_string="search=%FF")) == (422, "VALIDATION_ERROR")

    @in_every_family
    def test_an_invalid_parameter_has_the_status_of_the_family(self, user: Caller, family: Family) -> None:
        response = user("GET", family.tasks(str(user.user_id)), query_string="sort=priority")

        assert error_of(response) == (family.invalid, "VALIDATION_ERROR")


class TestPages:
    @pytest.fixture(autouse=True)
    def seven_tasks(self, user: Caller) -> None:
        for number in range(7):
            user.make_task(f"Task {number}")

    def test_a_limit_alone_is_page_1(self, user: Caller) -> None:
        response = user("GET", "/api/tasks", params={"limit": "3"})

        assert response.json["pagination"]["page"] == 1
        assert response.json == user("GET", "/api/tasks", params={"limit": "3", "page": "1"}).json

    def test_a_page_without_a_limit_has_50_tasks(self, user: Caller, database: Database) -> None:
        database.run("INSERT INTO tasks (user_id, title) SELECT %s, 'x' FROM generate_series(1, 50)", (user.user_id,))

        response = user("GET", "/api/tasks", params={"page": "1"}).json
        assert (len(response["data"]), response["pagination"]["limit"]) == (50, 50)
        rest = user("GET", "/api/tasks", params={"cursor": response["pagination"]["next_cursor"]}).json
        assert (len(rest["data"]), rest["pagination"]) == (7, {"limit": 50, "next_cursor": None})

    @pytest.mark.parametrize("page", [4, 1_000_000_000])
    def test_a_page_past_the_end_is_empty(self, user: Caller, page: int) -> None:
        response = user("GET", "/api/tasks", params={"limit": "3", "page": str(page)})

        assert response.json["data"] == []
        assert response.json["pagination"] == {
            "page": page, "limit": 3, "total": 7, "pages": 3, "next_cursor": None
        }  # fmt: skip

    def test_an_empty_list_has_no_pages(self, make_user: Callable[..., Caller]) -> None:
        response = make_user()("GET", "/api/tasks", params={"page": "1"})

        assert response.json == {
            "data": [],
            "pagination": {"page": 1, "limit": 50, "total": 0, "pages": 0, "next_cursor": None},
        }
        assert "link" not in response.headers


def test_a_search_may_have_ten_words_and_200_characters(user: Caller) -> None:
    user.make_task("a b c d e f g h i j")
    user.make_task("x" * 200)

    assert user.titles(search="j i h g f e d c b a") == ["a b c d e f g h i j"]
    assert user.titles(search="a b c d e f g h i k") == []
    assert user.titles(search="x" * 200) == ["x" * 200]


def test_a_list_that_ends_on_its_first_page_is_one_statement(
    user: Caller, statements: list[str], listed: list[dict[str, Any]]
) -> None:
    statements.clear()

    page = user("GET", "/api/tasks", params={"limit": "1000"}).json

    assert page["pagination"]["total"] == len(page["data"]) == len(listed)
    assert len(statements) == 1


def test_a_search_for_many_words_folds_each_text_once(
    make_client: Callable[..., TestClient], make_user: Callable[..., Caller], database: Database
) -> None:
    user = make_user(through=make_client(STATEMENT_TIMEOUT="1.5"))
    user.make_task("first")
    database.run(
        "INSERT INTO tasks (user_id, title, description) SELECT %s, 'many', repeat('lorem ipsum ', 800) "
        "FROM generate_series(1, 1000)",
        (user.user_id,),
    )

    response = user("GET", "/api/tasks", params={"search": " ".join(["lorem", "ipsum"] * 5), "limit": "1"})

    assert response.json["pagination"]["total"] == 1000
