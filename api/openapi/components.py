"""The components of the document: schemas from api/schemas/, parameters, header fields, the bearer scheme."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from api import request_ids
from api.errors import Code
from api.openapi.codes import code_schema
from api.profiles.wire_format import WireFormat
from api.reading import MAX_IDEMPOTENCY_KEY
from api.tokens import MAX_USER_ID
from api.validation import SCHEMAS

TEXT: Final[Mapping[str, Any]] = {"type": "string"}
INTEGER: Final[Mapping[str, Any]] = {"type": "integer", "minimum": 0}

_BEARER: Final = {
    "type": "http",
    "scheme": "bearer",
    "bearerFormat": "JWT",
    "description": "A JWT from the auth server, or from a log-in here. The user is its claim `user_id`, else `sub`.",
}


def security_schemes(wire: WireFormat) -> dict[str, Any]:
    """The ways to send a token."""
    if wire.accounts.cookie is None:
        return {"bearer": _BEARER}
    description = "The same token, set by a log-in. A change needs an Origin from CORS_ORIGINS."
    cookie = {"type": "apiKey", "in": "cookie", "name": wire.accounts.cookie["name"], "description": description}
    return {"bearer": _BEARER, "cookie": cookie}


def component_ref(name: str) -> dict[str, str]:
    """A reference to a schema of the document."""
    return {"$ref": f"#/components/schemas/{name}"}


def schemas(wire: WireFormat) -> dict[str, Any]:
    """Every schema of the document, as the frontend of this wire format reads and sends it."""
    fields, errors = wire.fields, wire.errors
    error = SCHEMAS["error.json"]
    values = {
        **_error_values(),
        "code": component_ref("ErrorCode"),
        "details": _find(error, "details"),
    }
    documents = {
        "Completion": fields.request_schema("task-completion.json"),
        "Credentials": wire.accounts.request_schema("login.json"),
        "Error": {
            "title": error["title"],
            "description": error["description"],
            **errors.body.template.describe(values),
        },
        "NewTask": fields.request_schema("task-create.json"),
        "Pagination": SCHEMAS["pagination.json"],
        "Registration": wire.accounts.request_schema("register.json"),
        "Session": {"title": "Session", **wire.accounts.describe(wire.accounts.session.template)},
        "Task": fields.task_schema(),
        "TaskChanges": fields.request_schema("task-update.json"),
        "ErrorCode": code_schema(),
    }
    return {name: _without_dialect(document) for name, document in sorted(documents.items())}


def error_schema(wire: WireFormat, codes: Iterable[Code]) -> dict[str, Any]:
    """The schema of an error with one of these codes."""
    if "code" not in wire.errors.body.template.names:
        return component_ref("Error")
    values = {**{name: {} for name in _error_values()}, "code": {"enum": [code.value for code in codes]}}
    return {"allOf": [component_ref("Error"), wire.errors.body.template.describe(values)]}


def _error_values() -> dict[str, Any]:
    fields = {"type": "object", "additionalProperties": TEXT}
    return {"code": TEXT, "message": TEXT, "details": {}, "fields": fields, "status": INTEGER, "reason": TEXT}


def _find(error: Mapping[str, Any], name: str) -> Any:
    return error["properties"]["error"]["properties"][name]


def _without_dialect(document: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in document.items() if key != "$schema"}


def query_parameters(wire: WireFormat) -> dict[str, dict[str, Any]]:
    """The query parameters of a list, by their component names."""
    parameters = {}
    for canonical, rules in wire.query.document["properties"].items():
        name = wire.query.names.get(canonical)
        if name is not None:
            parameters[canonical.capitalize()] = _query_parameter(name, wire.query.describe(canonical, rules))
    for field in wire.fields.further:
        if field.name not in wire.query.names.values():
            rules = {key: value for key, value in field.query_schema().items() if value is not None}
            parameters[f"Field{field.name.title().replace('_', '').replace('-', '')}"] = _query_parameter(
                field.name, {"description": f"Tasks with this {field.name} only.", **rules}
            )
    return parameters


def parameters(wire: WireFormat) -> dict[str, Any]:
    """Every parameter, by its component name."""
    return {**query_parameters(wire), **_PATH_AND_HEADERS}


def _query_parameter(name: str, schema: Mapping[str, Any]) -> dict[str, Any]:
    rules = {key: value for key, value in schema.items() if key not in ("title", "description")}
    return {"name": name, "in": "query", "description": schema["description"], "schema": rules}


PATH_PARAMETERS: Final = {"task_id": "TaskId", "user_id": "UserId"}
"""The component of each parameter in a URI template."""

# Header fields have no example, because the reference page would send it with every call.
_PATH_AND_HEADERS: Final[dict[str, Any]] = {
    "TaskId": {
        "name": "task_id",
        "in": "path",
        "required": True,
        "description": "The task's id.",
        "schema": {"type": "integer", "format": "int64", "minimum": 1},
        "example": 7,
    },
    "UserId": {
        "name": "user_id",
        "in": "path",
        "required": True,
        "description": "The id of the token's user. Any other id is forbidden.",
        "schema": {"type": "string", "minLength": 1, "maxLength": MAX_USER_ID, "pattern": "^[^/]+$"},
    },
    "RequestId": {
        "name": "X-Request-ID",
        "in": "header",
        "description": f"The request's id in response and log; replaced unless it fits `{request_ids.PATTERN}`.",
        "schema": {"type": "string"},
    },
    "IfMatch": {
        "name": "If-Match",
        "in": "header",
        "description": 'The ETag of the version you know, such as `"3"`: write only if the task has not changed since.',
        "schema": {"type": "string"},
    },
    "IfNoneMatch": {
        "name": "If-None-Match",
        "in": "header",
        "description": 'The ETag that you have, such as `"3"` or `W/"0f…"`: 304 if nothing has changed since.',
        "schema": {"type": "string"},
    },
    "IdempotencyKey": {
        "name": "Idempotency-Key",
        "in": "header",
        "description": "The same key of the same user creates once. A repeat gets the first response. Kept 24 hours.",
        "schema": {"type": "string", "minLength": 1, "maxLength": MAX_IDEMPOTENCY_KEY, "pattern": "^[!-~]+$"},
    },
}

FIELDS: Final[dict[str, str]] = {"ListTag": "ETag"}
"""The header fields of components that have another name."""

HEADERS: Final[dict[str, Any]] = {
    "X-Request-ID": {
        "description": "The request's id, also in the service's log.",
        "required": True,
        "schema": {"type": "string", "pattern": f"^{request_ids.PATTERN}$"},
    },
    "ETag": {
        "description": "The task's version, for If-Match and If-None-Match.",
        "required": True,
        "schema": {"type": "string", "pattern": '^"[1-9][0-9]*"$'},
    },
    "ListTag": {
        "description": "A weak tag of the whole response, for If-None-Match. A list that is sent in pieces has none.",
        "schema": {"type": "string", "pattern": '^W/"[0-9a-f]{32}"$'},
    },
    "Location": {
        "description": "The path of the new task.",
        "required": True,
        "schema": {"type": "string", "format": "uri-reference"},
    },
    "Link": {
        "description": "The next and the previous page, `rel=next` and `rel=prev` (RFC 8288).",
        "schema": {"type": "string"},
    },
    "Idempotent-Replayed": {
        "description": "Present if this repeats the first response to the same key.",
        "schema": {"type": "string", "const": "true"},
    },
    "RateLimit-Policy": {
        "description": 'The limit of a window: `"user";q=600;w=60` is 600 calls in 60 seconds.',
        "schema": {"type": "string"},
    },
    "RateLimit": {
        "description": 'The calls that remain: `"user";r=599;t=60` is 599 calls in the next 60 seconds.',
        "schema": {"type": "string"},
    },
    "Retry-After": {
        "description": "Seconds to wait.",
        "required": True,
        "schema": {"type": "integer", "minimum": 1},
    },
    "WWW-Authenticate": {
        "description": "The authentication scheme: `Bearer`.",
        "required": True,
        "schema": {"type": "string", "const": "Bearer"},
    },
    "Allow": {
        "description": "The methods that the path supports.",
        "required": True,
        "schema": {"type": "string"},
    },
}
