"""Builds the document from the route table: paths, operations, and the components that they use."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from api import __version__
from api.account_resources import FORM, AccountResource, CurrentUser, Login, Logout, Registration, Renewal
from api.errors import Code
from api.health import Health, Readiness
from api.openapi.codes import by_status, error_examples, error_response, response_name
from api.openapi.components import (
    FIELDS,
    HEADERS,
    PATH_PARAMETERS,
    component_ref,
    error_schema,
    parameters,
    schemas,
    security_schemes,
)
from api.openapi.groups import ACCOUNTS, SERVICE, Group, group_formats
from api.openapi.operations import HTTP_ERRORS, TOKEN_ERRORS, Link, Operation, Success
from api.openapi.service_operations import (
    HEALTH,
    READINESS,
    login_operations,
    logout_operations,
    registration_operations,
    renewal_operations,
    user_operations,
)
from api.openapi.task_operations import collection_operations, completion_operations, item_operations
from api.profiles.reading import read_profile
from api.profiles.wire_format import WireFormat
from api.resources import TaskCollection, TaskCompletion, TaskItem, TaskResource

DOCUMENT_PATH: Final = "/openapi.json"

_DESCRIBE: Final[Mapping[type, Callable[[Any], Mapping[str, Operation]]]] = {
    TaskCollection: lambda resource: collection_operations(resource.wire_format),
    TaskItem: lambda resource: item_operations(resource.wire_format),
    TaskCompletion: lambda resource: completion_operations(resource.wire_format, resource.calls),
    Registration: lambda resource: registration_operations(resource.wire_format.accounts),
    Login: lambda resource: login_operations(resource.wire_format.accounts),
    Renewal: lambda resource: renewal_operations(resource.wire_format.accounts),
    CurrentUser: lambda resource: user_operations(resource.wire_format.accounts, resource.methods),
    Logout: lambda resource: logout_operations(resource.wire_format.accounts),
    Health: lambda resource: HEALTH,
    Readiness: lambda resource: READINESS,
}

_DESCRIPTION: Final = """\
Tasks of many users. Each user sees only their own.

Send `Authorization: Bearer <JWT>` with every task call. Branch on the `code` of an error.

Every path with GET has HEAD. OPTIONS responds with `Allow` and needs no token. A method that a path does not support
is 405 `METHOD_NOT_ALLOWED`. A trailing slash is ignored. Unknown fields and query parameters are ignored.
"""


def is_described(resource: object) -> bool:
    """Whether the document describes the resource. Pages and their files are for people, so it leaves them out."""
    return type(resource) in _DESCRIBE


def build_document(routes: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    """The OpenAPI 3.1 document of a route table of (URI template, resource) pairs.

    Its wire formats must have the same fields and errors. Further paths of an operation are not described.
    """
    described = [(template, resource) for template, resource in routes if is_described(resource)]
    formats = list(dict.fromkeys(each.wire_format for _, each in described if isinstance(each, TaskResource)))
    document = _Document(formats)
    for template, resource in described:
        document.add(template, resource)
    return document.build()


class _Document:
    """A document in the making."""

    def __init__(self, formats: list[WireFormat]) -> None:
        self._wire = formats[0] if formats else WireFormat(read_profile("canonical"))
        self._groups = group_formats(formats)
        self._paths: dict[Group, dict[str, Any]] = {group: {} for group in (*self._groups.values(), ACCOUNTS, SERVICE)}
        self._responses: dict[str, Any] = {}
        self._operation_ids: set[str] = set()
        self._security = security_schemes(self._wire)

    def add(self, template: str, resource: Any) -> None:
        """Add a path, unless another path has the same operations."""
        group = self._group_of(resource)
        operations = _DESCRIBE[type(resource)](resource)
        ids = {operation.name.format(group.word) for operation in operations.values()}
        if ids & self._operation_ids:
            return
        self._operation_ids |= ids
        names = re.findall(r"{(\w+)}", template)
        item: dict[str, Any] = {"parameters": [_parameter_ref(PATH_PARAMETERS[name]) for name in names]}
        item["parameters"].append(_parameter_ref("RequestId"))
        for method, operation in operations.items():
            item[method] = self._describe(template, resource, operation, group)
        self._paths[group][template] = item

    def build(self) -> dict[str, Any]:
        """The whole document."""
        self._add_errors([Code.METHOD_NOT_ALLOWED], self._wire)
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
            "tags": [
                {"name": group.tag, "description": group.description} for group, paths in self._paths.items() if paths
            ],
            "paths": {template: item for paths in self._paths.values() for template, item in paths.items()},
            "components": {
                "schemas": schemas(self._wire),
                "responses": dict(sorted(self._responses.items())),
                "parameters": parameters(self._wire),
                "examples": error_examples(self._wire.errors),
                "headers": HEADERS,
                "securitySchemes": self._security,
            },
        }

    def _group_of(self, resource: object) -> Group:
        if isinstance(resource, TaskResource):
            return self._groups[resource.wire_format]
        return ACCOUNTS if isinstance(resource, AccountResource) else SERVICE

    def _describe(self, template: str, resource: Any, operation: Operation, group: Group) -> dict[str, Any]:
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
            content = {each: {"schema": component_ref(operation.body)} for each in _media_types(resource)}
            described["requestBody"] = {"required": operation.body_required, "content": content}
        described["responses"] = {
            str(success.status): _success(success, template, group, rated=secure) for success in operation.success
        }
        codes = _codes(template, resource, operation, secure=secure)
        for status, name in self._add_errors(codes, resource).items():
            described["responses"][str(status)] = {"$ref": f"#/components/responses/{name}"}
        described["security"] = [{name: []} for name in self._security] if secure else []
        return described

    def _add_errors(self, codes: Iterable[Code], resource: Any) -> dict[int, str]:
        """Add the responses with these codes to the components. Return their names by status."""
        names = {}
        for status, listed in by_status(codes, getattr(resource, "errors", self._wire.errors)).items():
            names[status] = response_name(listed)
            self._responses[names[status]] = error_response(status, listed, error_schema(self._wire, listed))
        return names


def _parameter_ref(name: str) -> dict[str, str]:
    return {"$ref": f"#/components/parameters/{name}"}


def _codes(template: str, resource: Any, operation: Operation, *, secure: bool) -> set[Code]:
    codes = {*operation.errors, *HTTP_ERRORS}
    if secure:
        codes |= {*TOKEN_ERRORS, Code.RATE_LIMITED}
    if getattr(resource, "cookie", None) is not None or "{user_id}" in template:
        codes.add(Code.FORBIDDEN)
    if isinstance(resource, TaskResource) and resource.wire_format.reveals_foreign and Code.NOT_FOUND in codes:
        codes.add(Code.FORBIDDEN)
    return codes


def _media_types(resource: object) -> list[str]:
    """The media types of a request's body."""
    takes_forms = isinstance(resource, (Login, Registration)) and resource.wire_format.accounts.takes_forms
    return ["application/json", FORM] if takes_forms else ["application/json"]


def _success(success: Success, template: str, group: Group, *, rated: bool) -> dict[str, Any]:
    headers = ["X-Request-ID", *success.headers, *(("RateLimit", "RateLimit-Policy") if rated else ())]
    described: dict[str, Any] = {
        "description": success.description,
        "headers": {FIELDS.get(name, name): {"$ref": f"#/components/headers/{name}"} for name in headers},
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
