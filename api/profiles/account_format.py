"""The account routes of a profile: their paths, the names in their bodies, their responses, the cookie."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any, Final

from api.errors import ValidationFailed
from api.profiles.names import FieldNames
from api.profiles.reading import Profile
from api.profiles.templates import Template, encode_values
from api.tokens import Identity
from api.validation import SCHEMAS, Schema

_USER_VALUES: Final = ("id", "email", "name")
_PROFILE_VALUES: Final = ("user", *_USER_VALUES, "message")
_SESSION_VALUES: Final = ("token", "token_type", "expires_in", "expires_at", *_PROFILE_VALUES)


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
        self.session = Template(table["session"], _SESSION_VALUES, "accounts", "session")
        registered = table.get("registered", table["session"])
        self.registered = Template(registered, _SESSION_VALUES, "accounts", "registered")
        self.profile = Template(table["profile"], _PROFILE_VALUES, "accounts", "profile")
        logged_out = table.get("logged_out")
        self.logged_out = None if logged_out is None else Template(logged_out, ("message",), "accounts", "logged_out")

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
        return self._write_session(self.session, session, "Logged in")

    def write_registered(self, session: Session) -> bytes:
        """The body of a registration."""
        return self._write_session(self.registered, session, "Registered")

    def write_profile(self, user: Identity) -> bytes:
        """The body of `me` and `verify`."""
        return self.profile.encode(encode_values(self.profile.names, self._user_sources(user, "The token is valid")))

    def write_logged_out(self) -> bytes | None:
        """The body of a log-out; None for a 204."""
        if self.logged_out is None:
            return None
        return self.logged_out.encode(encode_values(self.logged_out.names, {"message": lambda: "Logged out"}))

    def _write_session(self, template: Template, session: Session, message: str) -> bytes:
        expires_at = datetime.fromtimestamp(time.time() + session.expires_in, timezone.utc)
        sources = {
            "token": lambda: session.token,
            "token_type": lambda: "Bearer",
            "expires_in": lambda: session.expires_in,
            "expires_at": lambda: expires_at.strftime("%Y-%m-%dT%H:%M:%SZ"),
            **self._user_sources(session.user, message),
        }
        return template.encode(encode_values(template.names, sources))

    def _user_sources(self, user: Identity, message: str) -> dict[str, Any]:
        values = {"id": user.user_id, "email": user.email, "name": user.name}
        return {
            "id": lambda: user.user_id,
            "email": lambda: user.email,
            "name": lambda: user.name,
            "user": lambda: self.user.fill(values),
            "message": lambda: message,
        }

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
