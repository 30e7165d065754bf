"""The other operations: local accounts, and the state of the service."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any, Final

from api import __version__
from api.errors import Code
from api.openapi.components import TEXT, component_ref
from api.openapi.operations import BODY_ERRORS, DATABASE_ERRORS, Link, Operation, Success
from api.profiles.account_format import AccountFormat
from api.profiles.templates import Template

_ACCOUNT_ERRORS: Final = (Code.VALIDATION_ERROR, Code.RATE_LIMITED, *BODY_ERRORS, *DATABASE_ERRORS)

_USER_EXAMPLE: Final = {"id": "0d6e4f0a-6f0e-4f6e-9d5e-1f7a3b0c9d2e", "email": "ada@example.com", "name": "Ada"}
_SESSION_EXAMPLE: Final = {
    "token": "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhZGEifQ.c2lnbmF0dXJl",
    "token_type": "Bearer",
    "expires_in": 3600,
    "expires_at": "2026-02-06T11:15:30Z",
    "message": "Logged in",
}


def _account_response(
    accounts: AccountFormat, template: Template, status: int, description: str, links: Mapping[str, Link] | None = None
) -> Success:
    user = accounts.user.fill(_USER_EXAMPLE)
    return Success(
        status=status,
        description=description,
        schema=component_ref("Session") if template == accounts.session.template else accounts.describe(template),
        example=template.fill({**_SESSION_EXAMPLE, **_USER_EXAMPLE, "user": user}),
        headers=("RateLimit", "RateLimit-Policy"),
        links=links or {},
    )


def _state(status: str, **others: Mapping[str, Any]) -> Mapping[str, Any]:
    members = {"status": {"type": "string", "const": status}, **others}
    return {
        "type": "object",
        "required": ["data"],
        "properties": {"data": {"type": "object", "required": list(members), "properties": members}},
    }


def registration_operations(accounts: AccountFormat) -> dict[str, Operation]:
    """The operations of a registration's path."""
    email, password = accounts.names.first()["email"], accounts.names.first()["password"]
    log_in = Link(
        operation="logIn",
        description="Log in with the same e-mail and password.",
        body={email: f"$request.body#/{email}", password: f"$request.body#/{password}"},
    )
    success = _account_response(
        accounts,
        accounts.registered.template,
        accounts.registered_status,
        "The account, and a token for it.",
        {"logIn": log_in} if accounts.paths["login"] else {},
    )
    return {
        "post": Operation(
            name="register",
            summary="Create a local account",
            body="Registration",
            success=(success,),
            errors=(Code.EMAIL_TAKEN, *_ACCOUNT_ERRORS),
        )
    }


def login_operations(accounts: AccountFormat) -> dict[str, Operation]:
    """The operations of a log-in's path."""
    return {
        "post": Operation(
            name="logIn",
            summary="Get a token for a local account",
            body="Credentials",
            success=(_account_response(accounts, accounts.session.template, 200, "A new token."),),
            errors=(Code.INVALID_CREDENTIALS, *_ACCOUNT_ERRORS),
        )
    }


def user_operations(accounts: AccountFormat, methods: Iterable[str]) -> dict[str, Operation]:
    """The operations of a path that shows the token's user."""
    success = _account_response(accounts, accounts.profile.template, 200, "The token's user.")
    return {
        method: Operation(
            name=f"{method}CurrentUser",
            summary="Show the token's user",
            success=(replace(success, headers=()),),
            errors=DATABASE_ERRORS,
        )
        for method in methods
    }


def logout_operations(accounts: AccountFormat) -> dict[str, Operation]:
    """The operations of a log-out's path."""
    template = None if accounts.logged_out is None else accounts.logged_out.template
    done = Success(status=204, description="The cookie is deleted.")
    if template is not None:
        example = template.fill({"message": "Logged out"})
        done = replace(done, status=200, schema=template.describe({"message": TEXT}), example=example)
    return {"post": Operation(name="logOut", summary="Delete the cookie", success=(done,))}


def renewal_operations(accounts: AccountFormat) -> dict[str, Operation]:
    """The operations of a renewal's path."""
    return {
        "post": Operation(
            name="renewToken",
            summary="Get a new token for a valid one",
            description=(
                "For a token that this service issued to a local account, at most 30 days after its log-in. An account "
                "that is gone, disabled or signed out is 401: log in again."
            ),
            success=(_account_response(accounts, accounts.session.template, 200, "A new token."),),
            errors=DATABASE_ERRORS,
        )
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
                schema=_state("ready"),
                example={"data": {"status": "ready"}},
            ),
        ),
        errors=DATABASE_ERRORS,
    ),
}
