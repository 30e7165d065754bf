"""The OpenAPI document of every profile that ships is valid, and describes the responses that the service sends."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from openapi_spec_validator import OpenAPIV31SpecValidator
from referencing import Registry
from referencing.jsonschema import DRAFT202012

from tests.frontends.page import Page, Reply
from tests.frontends.surfaces import Surface, through_every_profile

ACCOUNT = {"email": "ada@example.com", "password": "correct horse"}


class Document:
    """A served document, against which responses are checked."""

    def __init__(self, content: dict[str, Any]) -> None:
        self.content = content
        self._registry = Registry().with_resource("urn:document", DRAFT202012.create_resource(content))

    def validate(self, value: object, *pointer: str) -> None:
        """Raise unless the value conforms to the schema at this place of the document."""
        steps = "/".join(
            step.replace("~", "~0").replace("/", "~1").replace("{", "%7B").replace("}", "%7D") for step in pointer
        )
        Draft202012Validator({"$ref": f"urn:document#/{steps}"}, registry=self._registry).validate(value)

    def check(self, method: str, template: str, reply: Reply) -> None:
        """Raise unless the response is one that the document describes for this call."""
        place = ["paths", template, method.lower(), "responses", str(reply.status)]
        responses = self.content["paths"][template][method.lower()]["responses"]
        assert str(reply.status) in responses, (method, template, reply)
        described = responses[str(reply.status)]
        if "$ref" in described:
            place = described["$ref"].removeprefix("#/").split("/")
            described = self.content["components"]["responses"][place[-1]]
        for name, reference in described.get("headers", {}).items():
            header = self.content["components"]["headers"][reference["$ref"].rpartition("/")[2]]
            assert name.lower() in reply.headers or not header.get("required"), name
        if "content" not in described:
            assert reply.body == b""
            return
        self.validate(json.loads(reply.body), *place, "content", "application/json", "schema")

    def operations(self) -> Iterator[tuple[str, str, dict[str, Any]]]:
        for path, item in self.content["paths"].items():
            for method, operation in item.items():
                if method != "parameters":
                    yield method.upper(), path, operation

    def media(self) -> Iterator[tuple[tuple[str, ...], dict[str, Any]]]:
        """The place and the content of each response's media type."""
        for method, path, operation in self.operations():
            for status, response in operation["responses"].items():
                if "content" in response:
                    place = ("paths", path, method.lower(), "responses", status, "content", "application/json")
                    yield place, response["content"]["application/json"]
        for name, response in self.content["components"]["responses"].items():
            yield (
                ("components", "responses", name, "content", "application/json"),
                response["content"]["application/json"],
            )


@pytest.fixture
def read_document(open_page: Callable[..., Page]) -> Callable[[Surface], Document]:
    return lambda surface: Document(open_page(surface.profile)("GET", "/openapi.json"))


@through_every_profile
def test_the_document_is_valid_openapi_3_1(read_document: Callable[[Surface], Document], surface: Surface) -> None:
    document = read_document(surface).content

    assert document["openapi"].startswith("3.1.")
    OpenAPIV31SpecValidator(document).validate()


@through_every_profile
def test_the_paths_are_the_profiles_own(read_document: Callable[[Surface], Document], surface: Surface) -> None:
    paths = read_document(surface).content["paths"]

    for route in ("collection", "task", "completion"):
        template = template_of(surface, route)
        assert {method.upper() for method in paths[template]} - {"PARAMETERS"} == set(surface.own(route)) - {"HEAD"}
    assert not [path for path in paths if path.startswith("/canonical")]


@through_every_profile
def test_every_example_conforms_to_its_schema(read_document: Callable[[Surface], Document], surface: Surface) -> None:
    document = read_document(surface)

    for place, media in document.media():
        examples = [media["example"]] if "example" in media else []
        for each in media.get("examples", {}).values():
            name = each["$ref"].rpartition("/")[2]
            examples.append(document.content["components"]["examples"][name]["value"])
        assert examples, place
        for example in examples:
            document.validate(example, *place, "schema")
    for name, schema in document.content["components"]["schemas"].items():
        for example in schema.get("examples", ()):
            document.validate(example, "components", "schemas", name)


def template_of(surface: Surface, route: str) -> str:
    return surface.path(route, "{user_id}", "{task_id}").replace("%7B", "{").replace("%7D", "}")


@through_every_profile
def test_every_response_of_the_tasks_is_described(
    open_page: Callable[..., Page], read_document: Callable[[Surface], Document], surface: Surface
) -> None:
    page, document = open_page(surface.profile), read_document(surface)
    owner = page.user_id
    other = open_page(surface.profile)("POST", "/canonical/api/tasks", {"title": "Theirs"}, status=201)["data"]["id"]
    collection = surface.tasks(owner)
    created = page.send("POST", collection, {surface.title: "Buy milk"})
    document.check("POST", template_of(surface, "collection"), created)
    task_id = created.headers["location"].rpartition("/")[2]

    calls: list[tuple[str, str, object, str]] = [
        ("GET", "collection", None, ""),
        ("GET", "collection", None, "?limit=1&page=1"),
        ("GET", "collection", None, "?limit=0"),
        ("POST", "collection", {surface.title: ""}, ""),
        ("POST", "collection", b"{", ""),
        ("GET", "task", None, ""),
        ("PUT", "task", {surface.title: "Bread"}, ""),
        ("PATCH", "task", {surface.title: None}, ""),
        ("PATCH", "task", {}, ""),
        *((method, "completion", surface.completion_body, "") for method in surface.completion_methods),
    ]
    for method, route, body, query in calls:
        reply = page.send(method, f"{surface.path(route, owner, task_id)}{query}", body)
        document.check(method, template_of(surface, route), reply)
    for target in (other, 10**12, "seven"):
        for method, route in (("GET", "task"), ("DELETE", "task"), (surface.completion_methods[0], "completion")):
            body = surface.completion_body if route == "completion" else None
            reply = page.send(method, surface.path(route, owner, target), body)
            assert reply.status >= 400
            document.check(method, template_of(surface, route), reply)
    members = document.content["components"]["schemas"]["Task"]["properties"]
    shown = page.send("GET", surface.path("task", owner, task_id)).body.decode()
    assert set(members) <= set(re.findall(r'"([^"]+)":', shown))

    document.check("DELETE", template_of(surface, "task"), page.send("DELETE", surface.path("task", owner, task_id)))
    if surface.deletes_all:
        document.check("DELETE", template_of(surface, "collection"), page.send("DELETE", collection))
        refused = page.send("DELETE", f"{collection}?all=1")
        document.check("DELETE", template_of(surface, "collection"), refused)
    page.token = "none"
    document.check("GET", template_of(surface, "collection"), page.send("GET", collection))


@through_every_profile
def test_every_response_of_the_accounts_is_described(
    open_page: Callable[..., Page], read_document: Callable[[Surface], Document], surface: Surface
) -> None:
    page, document = open_page(surface.profile, logged_in=False), read_document(surface)
    operations = {each["operationId"]: (method, path) for method, path, each in document.operations()}
    bodies: dict[str, list[object]] = {
        "register": [ACCOUNT, ACCOUNT, {"email": "ada"}, b"{"],
        "logIn": [{**ACCOUNT, "password": "wrong horse"}, {}, ACCOUNT],
        "logOut": [None],
    }
    for name, each in bodies.items():
        if name in operations:
            method, path = operations[name]
            for body in each:
                reply = page.send(method, path, body)
                document.check(method, path, reply)
    tokens = [None, open_page(surface.profile).token]
    if "logIn" in operations:
        session = page.send(*operations["logIn"], ACCOUNT)
        tokens += re.findall(r"eyJ[\w.-]+", f"{session.headers.get('set-cookie')} {session.body.decode()}")[:1]
        assert len(tokens) == 3
    for name in ("getCurrentUser", "postCurrentUser", "renewToken"):
        if name in operations:
            method, path = operations[name]
            for token in tokens:
                page.token = token
                document.check(method, path, page.send(method, path))


@pytest.mark.parametrize(("profile", "media_types"), [("plain", 2), ("nest", 2), ("camel", 1)])
def test_form_bodies_are_described_where_they_are_read(
    open_page: Callable[..., Page], profile: str, media_types: int
) -> None:
    document = Document(open_page(profile)("GET", "/openapi.json"))
    bodies = {
        each["operationId"]: each["requestBody"]["content"]
        for *_, each in document.operations()
        if "requestBody" in each
    }

    form = ["application/x-www-form-urlencoded"]
    assert list(bodies["logIn"]) == list(bodies["register"]) == ["application/json", *form][:media_types]
    assert list(bodies["createTask"]) == ["application/json"]


def test_a_cookie_and_the_403_of_another_origin_are_described(open_page: Callable[..., Page]) -> None:
    page = open_page("success-cookie")
    document = Document(page("GET", "/openapi.json"))
    page.headers |= {"Origin": "https://evil.example", "Cookie": f"auth_token={page.token}"}
    page.token = None

    assert document.content["components"]["securitySchemes"]["cookie"]["name"] == "auth_token"
    for method, path, body in (
        ("POST", "/api/auth/signin", ACCOUNT),
        ("POST", "/api/auth/signup", ACCOUNT),
        ("POST", "/api/auth/signout", None),
        ("POST", "/api/{user_id}/tasks", {"title": "Theirs"}),
        ("DELETE", "/api/{user_id}/tasks/{task_id}", None),
    ):
        reply = page.send(method, path.format(user_id=page.user_id, task_id=1), body)
        assert reply.status == 403
        document.check(method, path, reply)
