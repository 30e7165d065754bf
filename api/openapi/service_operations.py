"""The other operations: local accounts, and the state of the service."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from api import __version__
from api.errors import Code
from api.openapi.components import schema_ref
from api.openapi.operations import BODY_ERRORS, DATABASE_ERRORS, Link, Operation, Success
from api.validation import SCHEMAS

_SESSION: Final[Mapping[str, Any]] = {
    "type": "object",
    "required": ["data"],
    "properties": {"data": schema_ref("session.json")},
}
_ACCOUNT_ERRORS: Final = (Code.VALIDATION_ERROR, Code.RATE_LIMITED, *BODY_ERRORS, *DATABASE_ERRORS)


def _session(status: int, description: str, links: Mapping[str, Link]) -> Success:
    return Success(
        status=status,
        description=description,
        schema=_SESSION,
        example={"data": SCHEMAS["session.json"]["examples"][0]},
        headers=("RateLimit", "RateLimit-Policy"),
        links=links,
    )


def _state(status: str, **others: Mapping[str, Any]) -> Mapping[str, Any]:
    members = {"status": {"type": "string", "const": status}, **others}
    return {
        "type": "object",
        "required": ["data"],
        "properties": {"data": {"type": "object", "required": list(members), "properties": members}},
    }


REGISTRATION: Final[Mapping[str, Operation]] = {
    "post": Operation(
        name="register",
        summary="Create a local account",
        body="register.json",
        success=(
            _session(
                201,
                "The account, and a token for it.",
                {
                    "logIn": Link(
                        operation="logIn",
                        description="Log in with the same e-mail and password.",
                        body={"email": "$request.body#/email", "password": "$request.body#/password"},
                    )
                },
            ),
        ),
        errors=(Code.EMAIL_TAKEN, *_ACCOUNT_ERRORS),
    ),
}

LOGIN: Final[Mapping[str, Operation]] = {
    "post": Operation(
        name="logIn",
        summary="Get a token for a local account",
        body="login.json",
        success=(_session(200, "A new token.", {}),),
        errors=(Code.INVALID_CREDENTIALS, *_ACCOUNT_ERRORS),
    ),
}

HEALTH: Final[Mapping[str, Operation]] = {
    "get": Operation(
        name="getHealth",
        summary="Check that the process is alive",
        success=(
            Success(
                status=200,
                description="The process is alive.",
                schema=_state("ok", version={"type": "string", "description": "The service's version."}),
                example={"data": {"status": "ok", "version": __version__}},
            ),
        ),
    ),
}

READINESS: Final[Mapping[str, Operation]] = {
    "get": Operation(
        name="getReadiness",
        summary="Check that the database responds and its schema is current",
        success=(
            Success(
                status=200,
                description="The service can serve requests.",
                schema=_state("ready", writable={"type": "boolean", "description": "The database takes writes."}),
                example={"data": {"status": "ready", "writable": True}},
            ),
        ),
        errors=DATABASE_ERRORS,
    ),
}
