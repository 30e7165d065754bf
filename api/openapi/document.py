"""Builds the document from the route table: paths, operations, and the components that they use."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, Final

from api import __version__
from api.account_resources import Login, Registration, Renewal
from api.errors import Code
from api.health import Health, Readiness
from api.openapi.codes import by_status, error_examples, error_response, response_name
from api.openapi.components import HEADERS, PATH_PARAMETERS, SECURITY_SCHEMES, parameters, schema_ref, schemas
from api.openapi.families import GROUPS, Group, family_of, group_of
from api.openapi.operations import HTTP_ERRORS, TOKEN_ERRORS, Link, Operation, Success
from api.openapi.service_operations import HEALTH, LOGIN, READINESS, REGISTRATION, RENEWAL
from api.openapi.task_operations import COLLECTION, COMPLETION, ITEM
from api.resources import TaskCollection, TaskCompletion, TaskItem

DOCUMENT_PATH: Final = "/openapi.json"

_OPERATIONS: Final[Mapping[type, Mapping[str, Operation]]] = {
    TaskCollection: COLLECTION,
    TaskItem: ITEM,
    TaskCompletion: COMPLETION,
    Registration: REGISTRATION,
    Login: LOGIN,
    Renewal: RENEWAL,
    Health: HEALTH,
    Readiness: READINESS,
}

_DESCRIPTION: Final = """\
Tasks of many users. Each user sees only their own.

Send `Authorization: Bearer <JWT>` with every task call. Responses are `{"data": …}`, errors
`{"error": {"code", "message", "details"?}}`; branch on `code`. Three route families serve the same tasks.

Every path with GET has HEAD. OPTIONS responds with `Allow` and needs no token. A method that a path does not support
is 405 `METHOD_NOT_ALLOWED`. A trailing slash is ignored. Unknown fields and query parameters are ignored.
"""


def is_described(resource: object) -> bool:
    """Whether the document describes the resource. Pages and their files are for people, so it leaves them out."""
    return type(resource) in _OPERATIONS


def build_document(routes: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    """The OpenAPI 3.1 document of a route table of (URI template, resource) pairs."""
    described = [(template, resource) for template, resource in routes if is_described(resource)]
    described.sort(key=lambda route: GROUPS.index(group_of(route[0])))
    groups = dict.fromkeys(group_of(template) for template, _ in described)
    responses: dict[str, Any] = {}
    paths = {template: _path(template, resource, responses) for template, resource in described}
    for status, codes in by_status([Code.METHOD_NOT_ALLOWED], 422).items():
        responses[response_name(codes)] = error_response(status, codes)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Tasks",
            "version": __version__,
            "summary": "A multi-user tasks backend over REST.",
            "description": _DESCRIPTION,
            "license": {"name": "MIT", "identifier": "MIT"},
        },
        "servers": [{"url": "/", "description": "This service"}],
        "tags": [{"name": group.tag, "description": group.description} for group in groups],
        "paths": paths,
        "components": {
            "schemas": schemas(),
            "responses": dict(sorted(responses.items())),
            "parameters": parameters(),
            "examples": error_examples(),
            "headers": HEADERS,
            "securitySchemes": SECURITY_SCHEMES,
        },
    }


def _path(template: str, resource: Any, responses: dict[str, Any]) -> dict[str, Any]:
    names = re.findall(r"{(\w+)}", template)
    item: dict[str, Any] = {"parameters": [_parameter_ref(PATH_PARAMETERS[name]) for name in names]}
    item["parameters"].append(_parameter_ref("RequestId"))
    for method, operation in _OPERATIONS[type(resource)].items():
        item[method] = _operation(template, resource, operation, responses)
    return item


def _parameter_ref(name: str) -> dict[str, str]:
    return {"$ref": f"#/components/parameters/{name}"}


def _operation(template: str, resource: Any, operation: Operation, responses: dict[str, Any]) -> dict[str, Any]:
    group = group_of(template)
    secure = getattr(resource, "auth_required", True)
    described: dict[str, Any] = {
        "operationId": operation.name.format(group.word),
        "tags": [group.tag],
        "summary": operation.summary,
    }
    if operation.description:
        described["description"] = operation.description
    if operation.parameters:
        described["parameters"] = [_parameter_ref(name) for name in operation.parameters]
    if operation.body is not None:
        content = {"application/json": {"schema": schema_ref(operation.body)}}
        described["requestBody"] = {"required": operation.body_required, "content": content}
    described["responses"] = {
        str(success.status): _success(success, template, group, rated=secure) for success in operation.success
    }
    codes = _codes(template, operation, secure=secure)
    for status, listed in by_status(codes, getattr(resource, "invalid_status", 422)).items():
        name = response_name(listed)
        responses[name] = error_response(status, listed)
        described["responses"][str(status)] = {"$ref": f"#/components/responses/{name}"}
    described["security"] = [{name: [] for name in SECURITY_SCHEMES}] if secure else []
    return described


def _codes(template: str, operation: Operation, *, secure: bool) -> set[Code]:
    codes = {*operation.errors, *HTTP_ERRORS}
    if secure:
        codes |= {*TOKEN_ERRORS, Code.RATE_LIMITED}
    family = family_of(template)
    if family is None:
        return codes
    reveals_foreign = family.foreign_task_forbidden and Code.NOT_FOUND in codes
    return codes | {Code.FORBIDDEN} if reveals_foreign or "{user_id}" in template else codes


def _success(success: Success, template: str, group: Group, *, rated: bool) -> dict[str, Any]:
    headers = ["X-Request-ID", *success.headers, *(("RateLimit", "RateLimit-Policy") if rated else ())]
    described: dict[str, Any] = {
        "description": success.description,
        "headers": {name: {"$ref": f"#/components/headers/{name}"} for name in headers},
    }
    if success.schema is not None:
        described["content"] = {"application/json": {"schema": success.schema, "example": success.example}}
    if success.links:
        described["links"] = {name: _link(link, template, group) for name, link in success.links.items()}
    return described


def _link(link: Link, template: str, group: Group) -> dict[str, Any]:
    described: dict[str, Any] = {
        "operationId": link.operation.format(group.word),
        "description": link.description,
    }
    owner = {"user_id": "$request.path.user_id"} if "{user_id}" in template else {}
    if link.parameters or owner:
        described["parameters"] = {**owner, **link.parameters}
    if link.body is not None:
        described["requestBody"] = link.body
    return described
