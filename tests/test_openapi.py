"""The OpenAPI document matches the router, the schemas and the errors exactly.

tests/schemathesis/ checks that the service behaves as the document says.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from typing import Any

import falcon.inspect
import jsonschema
import pytest
from falcon.testing import TestClient
from openapi_spec_validator import OpenAPIV31SpecValidator

from api.errors import RESPONSES, Code
from api.validation import SCHEMAS
from tests.support.callers import Caller
from tests.support.processes import PROJECT

COMMITTED = PROJECT / "docs" / "openapi.json"

FOR_PEOPLE = {"/", "/static/{name}", "/service-worker.js", "/docs", "/docs/{name}", "/openapi.json"}
"""Pages, their files and the document itself: the document does not describe them."""


@pytest.fixture
def document(client: TestClient) -> dict[str, Any]:
    found: dict[str, Any] = client.simulate_get("/openapi.json").json
    return found


def operations(document: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, item in document["paths"].items():
        for method, operation in item.items():
            if method != "parameters":
                yield path, method.upper(), operation


def routed(client: TestClient) -> set[tuple[str, str]]:
    """Every path and method of the real router, except OPTIONS."""
    return {
        (route.path, method.method)
        for route in falcon.inspect.inspect_routes(client.app)
        for method in route.methods
        if method.method != "OPTIONS" and not method.internal
    }


def references(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        if isinstance(value.get("$ref"), str):
            yield value["$ref"]
        for each in value.values():
            yield from references(each)
    elif isinstance(value, list):
        for each in value:
            yield from references(each)


def test_the_document_is_valid_openapi_3_1(document: dict[str, Any]) -> None:
    assert document["openapi"].startswith("3.1.")
    OpenAPIV31SpecValidator(document).validate()


def test_the_committed_document_equals_the_served_one(document: dict[str, Any]) -> None:
    assert json.loads(COMMITTED.read_text(encoding="utf-8")) == document, "run: make openapi, and read the difference"


def test_the_committed_document_is_what_make_openapi_writes() -> None:
    printed = subprocess.run([sys.executable, "-m", "api.openapi"], cwd=PROJECT, capture_output=True, check=True)
    assert printed.stdout == COMMITTED.read_bytes(), "run: make openapi, and read the difference"


@pytest.mark.parametrize(
    "settings",
    [{}, {"LOCAL_ACCOUNTS": "off"}, {"WEB_PAGE": "off"}, {"LOCAL_ACCOUNTS": "off", "WEB_PAGE": "off"}],
    ids=["default", "no accounts", "no page", "neither"],
)
def test_router_and_document_have_the_same_paths_and_methods(
    make_client: Callable[..., TestClient], settings: dict[str, str]
) -> None:
    client = make_client(**settings)
    described = {(path, method) for path, method, _ in operations(client.simulate_get("/openapi.json").json)}
    served = {(path, method) for path, method in routed(client) if path not in FOR_PEOPLE}
    heads = {(path, "HEAD") for path, method in described if method == "GET"}
    assert served - described == heads
    assert described <= served


def test_without_local_accounts_no_account_route_is_described(make_client: Callable[..., TestClient]) -> None:
    document = make_client(LOCAL_ACCOUNTS="off").simulate_get("/openapi.json").json
    assert not [path for path in document["paths"] if path.startswith("/auth")]
    assert "Accounts" not in [tag["name"] for tag in document["tags"]]


def test_every_route_with_get_has_head(client: TestClient) -> None:
    with_head = {path for path, method in routed(client) if method == "HEAD"}
    assert with_head == {path for path, method in routed(client) if method == "GET"}


def test_operation_ids_are_unique_and_name_their_family(document: dict[str, Any]) -> None:
    names = [operation["operationId"] for _, _, operation in operations(document)]
    assert len(set(names)) == len(names)
    assert all(re.fullmatch(r"[a-z]+([A-Z][a-z]+)*", name) for name in names)
    actions = {"list{}Tasks", "create{}Task", "get{}Task", "put{}Task", "update{}Task", "delete{}Task"}
    for word in ("", "OwnerPath", "Bare"):
        assert {name.format(word) for name in (*actions, "complete{}Task")} <= set(names)


def test_the_families_differ_as_the_contract_says(document: dict[str, Any]) -> None:
    differences = {
        "/api/tasks": (False, False, 422),
        "/api/{user_id}/tasks": (True, True, 422),
        "/tasks": (True, False, 400),
    }
    for collection, (item_is_forbidden, list_is_forbidden, invalid) in differences.items():
        reading = document["paths"][f"{collection}/{{task_id}}"]["get"]["responses"]
        assert ("403" in reading) == item_is_forbidden
        assert {"400", "422"} & set(reading) >= {str(invalid)}
        assert ("422" in reading) == (invalid == 422)
        assert ("403" in document["paths"][collection]["get"]["responses"]) == list_is_forbidden


def test_every_task_call_and_a_renewal_need_a_token_and_nothing_else_does(document: dict[str, Any]) -> None:
    schemes = document["components"]["securitySchemes"]
    assert schemes["bearer"] | {"description": ""} == {
        "type": "http",
        "scheme": "bearer",
        "bearerFormat": "JWT",
        "description": "",
    }
    for path, _, operation in operations(document):
        assert operation["security"] == ([{"bearer": []}] if "/tasks" in path or path == "/auth/renew" else [])


def test_every_error_code_is_explained_and_shown(document: dict[str, Any]) -> None:
    components = document["components"]
    explained = components["schemas"]["ErrorCode"]
    assert explained["enum"] == [code.value for code in Code]
    for code in Code:
        assert f"- `{code.value}`: " in explained["description"]
        assert components["examples"][code.value]["value"]["error"]["code"] == code.value


def test_each_error_status_lists_its_codes_and_every_code_has_a_status(document: dict[str, Any]) -> None:
    statuses: dict[str, set[str]] = {}
    for _, _, operation in operations(document):
        for status, response in operation["responses"].items():
            if "$ref" in response:
                listed = codes_of(document, response["$ref"])
                assert listed, operation["operationId"]
                for code in listed:
                    statuses.setdefault(code, set()).add(status)
    # A described call cannot get it: its method exists on its path.
    statuses["METHOD_NOT_ALLOWED"] = {"405"}
    assert set(statuses) == {code.value for code in Code}
    assert codes_of(document, "#/components/responses/MethodNotAllowed") == {"METHOD_NOT_ALLOWED"}
    for answer in RESPONSES.values():
        expected = {"400", "422"} if answer.code is Code.VALIDATION_ERROR else {str(answer.status)}
        assert statuses[answer.code.value] == expected


def codes_of(document: dict[str, Any], reference: str) -> set[str]:
    """The codes of an error response; its description, schema and examples must list the same ones."""
    response = document["components"]["responses"][reference.rsplit("/", 1)[-1]]
    media = response["content"]["application/json"]
    _, only = media["schema"]["allOf"]
    codes = set(only["properties"]["error"]["properties"]["code"]["enum"])
    assert codes == set(media["examples"])
    assert all(f"`{code}`" in response["description"] for code in codes)
    return codes


def test_request_bodies_and_parameters_use_the_validating_schemas(document: dict[str, Any]) -> None:
    schemas = document["components"]["schemas"]
    title = SCHEMAS["task-create.json"]["properties"]["title"]
    assert schemas["NewTask"]["properties"]["title"] == title
    assert schemas["TaskChanges"]["properties"]["title"]["$ref"] == "#/components/schemas/NewTask/properties/title"
    listing = document["paths"]["/api/tasks"]["get"]["parameters"]
    parameters = [resolve(document, each["$ref"]) for each in listing]
    assert {each["name"]: each["in"] for each in parameters} == {
        **dict.fromkeys(SCHEMAS["task-query.json"]["properties"], "query"),
        "If-None-Match": "header",
    }
    limit = next(each for each in parameters if each["name"] == "limit")
    assert limit["schema"]["maximum"] == SCHEMAS["task-query.json"]["properties"]["limit"]["maximum"]


def test_no_body_has_a_default_that_a_client_could_fill_in(document: dict[str, Any]) -> None:
    # A client that sends the defaults of a schema with a change would reopen the task.
    for name in ("NewTask", "TaskChanges", "Completion"):
        assert '"default"' not in json.dumps(document["components"]["schemas"][name])


def test_every_header_of_the_contract_is_described(document: dict[str, Any]) -> None:
    components = document["components"]
    sent = {each["name"] for each in components["parameters"].values() if each["in"] == "header"}
    assert sent == {"Idempotency-Key", "If-Match", "If-None-Match", "X-Request-ID"}
    assert set(components["headers"]) == {
        *("Allow", "ETag", "Idempotent-Replayed", "Link", "Location", "RateLimit", "RateLimit-Policy", "Retry-After"),
        *("ListTag", "WWW-Authenticate", "X-Request-ID"),
    }
    listed = document["paths"]["/api/tasks"]["get"]["responses"]
    assert listed["200"]["headers"]["ETag"] == {"$ref": "#/components/headers/ListTag"}
    assert "ETag" in listed["304"]["headers"]


def test_every_reference_resolves_and_every_component_is_used(document: dict[str, Any]) -> None:
    used = set(references(document))
    for reference in used:
        resolve(document, reference)
    for kind in ("schemas", "parameters", "headers", "responses", "examples"):
        for name in document["components"][kind]:
            prefix = f"#/components/{kind}/{name}"
            assert any(each == prefix or each.startswith(f"{prefix}/") for each in used) or name == "MethodNotAllowed"


def resolve(document: dict[str, Any], reference: str) -> Any:
    found: Any = document
    for part in reference.removeprefix("#/").split("/"):
        found = found[part]
    return found


def test_responses_have_exactly_the_described_members(user: Caller, document: dict[str, Any]) -> None:
    schemas = document["components"]["schemas"]
    task = user.make_task()
    assert set(task) == set(schemas["Task"]["properties"]) == set(schemas["Task"]["required"])
    page = user("GET", "/api/tasks", params={"page": "1"}).json["pagination"]
    assert set(page) == set(schemas["Pagination"]["properties"])
    account = {"email": "ada@example.com", "password": "correct horse"}
    session = user("POST", "/auth/register", account).json
    jsonschema.validate(session, schemas["Session"])
    members = schemas["Session"]["properties"]["data"]
    assert set(session["data"]) == set(members["properties"]) == set(members["required"])
    assert set(session["data"]["user"]) == set(members["properties"]["user"]["properties"])


def test_the_document_needs_no_token_and_is_304_if_unchanged(client: TestClient) -> None:
    first = client.simulate_get("/openapi.json")
    assert first.status_code == 200
    assert first.headers["content-type"] == "application/json"
    assert first.headers["cache-control"] == "no-cache"
    again = client.simulate_get("/openapi.json", headers={"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
