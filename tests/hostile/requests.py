"""Templates of hostile requests: their bytes, with marks that are filled in before sending.

The requests are in the lists beside this file. world.py sends them and checks the results.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from tests.contracts.families import FAMILIES

CONTROLS: Final = tuple(bytes([code]) for code in (*range(0x20), 0x7F))
"""Every control character of ASCII."""

NOT_UTF_8: Final = (b"\xff", b"\xc3", b"\xc0\xaf", b"\xed\xa0\x80", b"\xf5\x80\x80\x80", b"a\x80b")
"""An invalid byte, a cut sequence, an overlong slash, a surrogate, past the last code point, a stray continuation."""

PAST_64_BITS: Final = (2**63, 2**64, 2**64 + 1, -(2**63) - 1, 10**100, 10**4000)

_TIMES: Final = re.compile(rb"<(\d+) \* ([^>]+)>")


@dataclass(frozen=True)
class Case:
    """Requests of one kind, and the statuses allowed in their responses.

    Marks in a request: `<me>` is the caller and `<own>` a task of the caller; `<them>` is another user and `<theirs>`
    a task of that user; `<token>` is the caller's token; `<7 * x>` is seven times `x`.
    """

    name: str
    requests: tuple[bytes, ...]
    statuses: frozenset[int]


def case(name: str, requests: Iterable[bytes], *statuses: int) -> Case:
    return Case(name, tuple(requests), frozenset(statuses))


def build_request(
    method: str, target: str | bytes, *headers: bytes, body: bytes | None = None, chunked: bool = False
) -> bytes:
    """A well-formed request with these parts put in unchecked; a body is sent as JSON."""
    given = {line.partition(b":")[0] for line in headers}
    target = target if isinstance(target, bytes) else target.encode()
    lines = [method.encode() + b" " + target + b" HTTP/1.1"]
    if b"Host" not in given:
        lines.append(b"Host: test")
    if b"Authorization" not in given:
        lines.append(b"Authorization: Bearer <token>")
    lines += headers
    if body is not None:
        lines.append(b"<chunked>" if chunked else b"Content-Length: <length>")
        if b"Content-Type" not in given:
            lines.append(b"Content-Type: application/json")
    return b"\r\n".join((*lines, b"", body or b""))


def fill(request: bytes, marks: Mapping[bytes, bytes]) -> bytes:
    """The request with its marks replaced and its body framed."""
    for mark, value in marks.items():
        request = request.replace(mark, value)
    request = _TIMES.sub(lambda match: match[2] * int(match[1]), request)
    head, blank, body = request.partition(b"\r\n\r\n")
    if b"<chunked>" in head:
        head = head.replace(b"<chunked>", b"Transfer-Encoding: chunked")
        body = b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body)
    return head.replace(b"<length>", b"%d" % len(body)) + blank + body


@dataclass(frozen=True)
class Route:
    """A route of the service, and a valid body for it."""

    method: str
    path: str
    body: bytes | None = None
    invalid: int = 422
    """The status of a request that parses but is invalid."""

    def __str__(self) -> str:
        return f"{self.method} {self.path}"

    def request(self, *headers: bytes, query: bytes = b"", body: bytes | None = None, chunked: bool = False) -> bytes:
        target = self.path.encode() + (b"?" + query if query else b"")
        return build_request(self.method, target, *headers, body=self.body if body is None else body, chunked=chunked)


PASSWORD: Final = "correct horse battery"
TITLE: Final = b'{"title": "Mine"}'
ACCOUNT: Final = b'{"email": "nobody@example.com", "password": "%s"}' % PASSWORD.encode()

LISTS: Final = tuple(
    Route("GET", family.collection.format(owner="<me>"), invalid=family.invalid) for family in FAMILIES
)
CREATES: Final = tuple(Route("POST", each.path, TITLE, each.invalid) for each in LISTS)
ITEMS: Final = tuple(Route("GET", f"{each.path}/<own>", None, each.invalid) for each in LISTS)
UPDATES: Final = tuple(Route(method, each.path, TITLE, each.invalid) for each in ITEMS for method in ("PUT", "PATCH"))
COMPLETIONS: Final = tuple(
    Route("PATCH", f"{each.path}/complete", b'{"completed": true}', each.invalid) for each in ITEMS
)
LOGINS: Final = tuple(Route("POST", f"/auth/{path}", ACCOUNT, 400) for path in ("register", "login"))
PAGES: Final = tuple(
    Route("GET", path)
    for path in ("/", "/static/app.js", "/docs", "/docs/icon.svg", "/openapi.json", "/health", "/ready")
)

WITH_BODY: Final = (*CREATES, *UPDATES, *COMPLETIONS, *LOGINS)
EVERYWHERE: Final[Sequence[Route]] = (*LISTS, *ITEMS, *WITH_BODY, *PAGES)
