"""Error responses in a profile: the body's template, and other statuses."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from http import HTTPStatus
from typing import Any, Final, NamedTuple

from api.errors import Code, ErrorResponse, FieldError
from api.profiles.reading import Profile, ProfileError
from api.profiles.templates import Body, Template


class _Error(NamedTuple):
    """What the body of an error says."""

    status: int
    code: Code
    message: str
    fields: Sequence[FieldError]


_VALUES: Final[Mapping[str, Callable[[_Error], Any]]] = {
    "code": lambda error: error.code.value,
    "message": lambda error: error.message,
    "details": lambda error: [{"field": each.field, "message": each.message} for each in error.fields] or None,
    "fields": lambda error: {each.field: each.message for each in error.fields} or None,
    "status": lambda error: error.status,
    "reason": lambda error: HTTPStatus(error.status).phrase,
}


@dataclass(frozen=True)
class ErrorBodies:
    """Renders errors as a profile's frontend reads them."""

    body: Body[_Error]
    statuses: dict[Code, int]

    @classmethod
    def of(cls, profile: Profile) -> ErrorBodies:
        """Compile the table about errors. Raises ProfileError."""
        table = profile.table("errors")
        codes = {code.value for code in Code}
        statuses: dict[str, int] = table.get("statuses", {})
        for code, status in statuses.items():
            if code not in codes:
                raise ProfileError(f"is no error code; allowed: {', '.join(sorted(codes))}", "errors", "statuses", code)
            if status not in set(HTTPStatus):
                raise ProfileError(f"{status} is no status of HTTP", "errors", "statuses", code)
        template = Template(table["body"], _VALUES, "errors", "body")
        return cls(Body(template, _VALUES), {Code(code): status for code, status in statuses.items()})

    def for_accounts(self) -> ErrorBodies:
        """The same for account routes, where invalid input is 400 unless the profile names its status."""
        return replace(self, statuses={Code.VALIDATION_ERROR: 400, **self.statuses})

    def status_of(self, response: ErrorResponse) -> int:
        """The status of an error."""
        return self.statuses.get(response.code, response.status)

    def render(self, status: int, code: Code, message: str, fields: Sequence[FieldError]) -> bytes:
        """The body of an error. It has details only if fields are not valid."""
        return self.body.write(_Error(status, code, message, fields))

    def example(self, status: int, code: Code, message: str, fields: Sequence[FieldError] = ()) -> Any:
        """The same as an object."""
        error = _Error(status, code, message, fields)
        values = {name: value_of(error) for name, value_of in _VALUES.items()}
        return self.body.template.fill({name: value for name, value in values.items() if value is not None})
