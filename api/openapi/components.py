"""The components of the document: schemas from api/schemas/, parameters, header fields, the bearer scheme."""

from __future__ import annotations

from typing import Any, Final

from api import request_ids
from api.openapi.codes import code_schema
from api.reading import MAX_IDEMPOTENCY_KEY
from api.tokens import MAX_USER_ID
from api.validation import SCHEMAS

SCHEMA_NAMES: Final = {file: schema["title"] for file, schema in SCHEMAS.items() if file != "task-query.json"}
"""The component name of each schema file. The query's schema is missing: it becomes parameters."""

SECURITY_SCHEMES: Final = {
    "bearer": {
        "type": "http",
        "scheme": "bearer",
        "bearerFormat": "JWT",
        "description": "A JWT from the auth server or from `/auth/login`. The user is its claim `user_id`, else `sub`.",
    }
}


def schema_ref(file: str) -> dict[str, str]:
    """A reference to the component of a schema file."""
    return {"$ref": f"#/components/schemas/{SCHEMA_NAMES[file]}"}


def schemas() -> dict[str, Any]:
    """Every component schema: the schema files, with references to files replaced by references to components."""
    components = {name: _as_component(SCHEMAS[file]) for file, name in SCHEMA_NAMES.items()}
    components["Error"]["properties"]["error"]["properties"]["code"] = {"$ref": "#/components/schemas/ErrorCode"}
    components["ErrorCode"] = code_schema()
    return dict(sorted(components.items()))


def _as_component(value: Any) -> Any:
    if isinstance(value, list):
        return [_as_component(each) for each in value]
    if not isinstance(value, dict):
        return value
    if "$ref" in value:
        file, _, pointer = value["$ref"].partition("#")
        return {"$ref": f"#/components/schemas/{SCHEMA_NAMES[file]}{pointer}"}
    return {key: _as_component(each) for key, each in value.items() if key != "$schema"}


QUERY_PARAMETERS: Final = tuple(name.capitalize() for name in SCHEMAS["task-query.json"]["properties"])
"""Component names of a list's query parameters."""


def parameters() -> dict[str, Any]:
    """Every parameter, by its component name."""
    return {**_QUERY, **_PATH_AND_HEADERS}


def _query_parameter(name: str, schema: dict[str, Any]) -> dict[str, Any]:
    rules = {key: value for key, value in schema.items() if key not in ("title", "description")}
    return {"name": name, "in": "query", "description": schema["description"], "schema": rules}


_QUERY: Final = {
    name.capitalize(): _query_parameter(name, schema)
    for name, schema in SCHEMAS["task-query.json"]["properties"].items()
}

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
        "description": 'The ETag of the version you have, such as `"3"`: 304 if the task has not changed since.',
        "schema": {"type": "string"},
    },
    "IdempotencyKey": {
        "name": "Idempotency-Key",
        "in": "header",
        "description": "The same key of the same user creates once. A repeat gets the first response. Kept 24 hours.",
        "schema": {"type": "string", "minLength": 1, "maxLength": MAX_IDEMPOTENCY_KEY, "pattern": "^[!-~]+$"},
    },
}

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
