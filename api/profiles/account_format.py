"""The account routes of a profile: their paths, the names in their bodies, their responses, the cookie."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any, Final, NamedTuple

from api.errors import ValidationFailed
from api.profiles.names import FieldNames
from api.profiles.reading import Profile
from api.profiles.templates import Body, Context, Template
from api.tokens import Identity
from api.validation import SCHEMAS, Schema

_SCHEMAS: Final[Mapping[str, Any]] = {
    "token": {"description": "A JWT. Send it as Authorization: Bearer.", "type": "string"},
    "token_type": {"type": "string", "const": "Bearer"},
    "expires_in": {"description": "Seconds for which the token is valid.", "type": "integer", "minimum": 1},
    "expires_at": {"description": "When the token expires.", "type": "string", "format": "date-time"},
    "message": {"type": "string"},
    "id": {"description": "The user's id.", "type": "string"},
    "email": {"type": ["string", "null"]},
    "name": {"type": ["string", "null"]},
}


@dataclass(frozen=True, slots=True)
class Session:
    """A token for a user, and the seconds for which it is valid."""

    token: str
    expires_in: int
    user: Identity


class _Account(NamedTuple):
    """What the body of an account route says. `user` is what `$user` stands for."""

    identity: Identity
    user: Any
    message: str
    token: str = ""
    expires_in: int = 0

    @property
    def expires_at(self) -> str:
        """The expiry of a token that is new."""
        instant = datetime.fromtimestamp(time.time() + self.expires_in, timezone.utc)
        return instant.strftime("%Y-%m-%dT%H:%M:%SZ")


_USER_VALUES: Final[Mapping[str, Callable[[_Account], Any]]] = {
    "id": lambda account: account.identity.user_id,
    "email": lambda account: account.identity.email,
    "name": lambda account: account.identity.name,
}
_PROFILE_VALUES: Final[Mapping[str, Callable[[_Account], Any]]] = {
    **_USER_VALUES,
    "user": lambda account: account.user,
    "message": lambda account: account.message,
}
_SESSION_VALUES: Final[Mapping[str, Callable[[_Account], Any]]] = {
    **_PROFILE_VALUES,
    "token": lambda account: account.token,
    "token_type": lambda account: "Bearer",
    "expires_in": lambda account: account.expires_in,
    "expires_at": lambda account: account.expires_at,
}
_MESSAGE: Final[Mapping[str, Callable[[str], Any]]] = {"message": lambda message: message}


class AccountFormat:
    """How a frontend calls the account routes, and what it reads."""

    def __init__(self, profile: Profile) -> None:
        """Compile the table about accounts. Raises ProfileError."""
        table = profile.table("accounts")
        self.paths: Mapping[str, list[str]] = {
            name: table[name] for name in ("login", "register", "renew", "me", "verify", "logout")
        }
        self.takes_forms: bool = table["form"]
        self.registered_status: int = table["registered_status"]
        self.cookie: Mapping[str, str] | None = (
            {"path": "/", "same_site": "lax", **table["cookie"]} if "cookie" in table else None
        )
        also = {"email": ["username"]} if self.takes_forms else {}
        self.names = FieldNames(("email", "password", "name"), table.get("names", {}), also, "accounts")
        self._login = self._compile("login.json")
        self._registration = self._compile("register.json")
        self.user = Template(table["user"], _USER_VALUES, "accounts", "user")
        registered = table.get("registered", table["session"])
        self.session = _body(table["session"], _SESSION_VALUES, "session")
        self.registered = _body(registered, _SESSION_VALUES, "registered")
        self.profile = _body(table["profile"], _PROFILE_VALUES, "profile")
        self.logged_out = _body(table["logged_out"], _MESSAGE, "logged_out") if "logged_out" in table else None

    def read_login(self, body: object) -> dict[str, Any]:
        """The e-mail and the password. Raises ValidationFailed."""
        return self._read(self._login, body)

    def read_registration(self, body: object) -> dict[str, Any]:
        """The e-mail, the password and the name. Raises ValidationFailed."""
        return self._read(self._registration, body)

    def request_schema(self, file: str) -> dict[str, Any]:
        """The JSON Schema of a request's body, with the first name of each member."""
        document, first = SCHEMAS[file], self.names.first()
        properties = {first[field]: rules for field, rules in document["properties"].items()}
        examples = [{first[field]: value for field, value in each.items()} for each in document["examples"]]
        required = [first[field] for field in document["required"]]
        return {**document, "required": required, "properties": properties, "examples": examples}

    def describe(self, template: Template) -> dict[str, Any]:
        """The JSON Schema of a response's body."""
        return template.describe({**_SCHEMAS, "user": self.user.describe(_SCHEMAS)})

    def write_session(self, session: Session) -> bytes:
        """The body of a log-in or a renewal."""
        return self.session.write(self._describe_session(session, "Logged in"))

    def write_registered(self, session: Session) -> bytes:
        """The body of a registration."""
        return self.registered.write(self._describe_session(session, "Registered"))

    def write_profile(self, user: Identity) -> bytes:
        """The body of `me` and `verify`."""
        return self.profile.write(_Account(user, self._show_user(user), "The token is valid"))

    def write_logged_out(self) -> bytes | None:
        """The body of a log-out; None for a 204."""
        return None if self.logged_out is None else self.logged_out.write("Logged out")

    def _describe_session(self, session: Session, message: str) -> _Account:
        user = self._show_user(session.user)
        return _Account(session.user, user, message, session.token, session.expires_in)

    def _show_user(self, user: Identity) -> Any:
        return self.user.fill({"id": user.user_id, "email": user.email, "name": user.name})

    def _read(self, schema: Schema, body: object) -> dict[str, Any]:
        if not isinstance(body, dict):
            return schema.validate(body)
        canonical, used = self.names.to_canonical(body)
        try:
            return schema.validate(canonical)
        except ValidationFailed as ex:
            raise ValidationFailed(*self.names.rename(ex.fields, used)) from None

    def _compile(self, file: str) -> Schema:
        return Schema(SCHEMAS[file], self.names.first(), self.names.labels())


def _body(template: Any, sources: Mapping[str, Callable[[Context], Any]], key: str) -> Body[Context]:
    return Body(Template(template, sources, "accounts", key), sources)
