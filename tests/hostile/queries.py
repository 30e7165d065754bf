"""Hostile query strings for the lists, and for the routes that ignore the query."""

from __future__ import annotations

from base64 import urlsafe_b64encode
from collections.abc import Iterable, Iterator
from urllib.parse import quote

from tests.hostile.requests import CONTROLS, EVERYWHERE, LISTS, LOGINS, NOT_UTF_8, PAST_64_BITS, Case, Route, case

VALID = {"status": "all", "search": "x", "sort": "title", "order": "asc", "limit": "5", "page": "1", "cursor": "x"}
CHOICES = tuple(name for name in VALID if name != "search")
NOT_NUMBERS = ("", "+1", "1.0", "1e2", "0x1", "1_0", "%D9%A3", "NaN", "Infinity", "-0", "%201", "1%00", "[]")
AT_THE_OTHERS = (
    b"&".join(b"p%d=%d" % (n, n) for n in range(1000)),
    b"<1000 * user_id=1&>user_id=<them>",
    b"%00=%00&%ff=%ff&%0d%0a=%0d%0a&=&=&%",
)
"""Queries for routes that ignore the query."""


def cases() -> Iterator[Case]:
    for route in EVERYWHERE:
        if route in LISTS:
            yield from _of_a_list(route)
        else:
            allowed = (200, 201, 400) if route in LOGINS else (200, 201)
            yield case(
                f"1,000 parameters at {route}", (route.request(query=query) for query in AT_THE_OTHERS), *allowed
            )


def _of_a_list(route: Route) -> Iterator[Case]:
    def listed(name: str, queries: Iterable[str], status: int = route.invalid) -> Case:
        return case(f"{name} at {route}", (route.request(query=query.encode()) for query in queries), status)

    yield listed("a control in a choice", (f"{name}=1{quote(byte)}" for byte in CONTROLS for name in CHOICES))
    yield listed("a control in a search", (f"search=a{quote(byte)}" for byte in CONTROLS if byte != b"\0"), 200)
    yield listed("NUL in a search", ["search=%00", "search=a%00b"])
    yield listed(
        "what is not UTF-8",
        (
            text.format(quote(byte))
            for byte in NOT_UTF_8
            for text in (*(f"{name}={{}}" for name in VALID), "{}=x", "x={}", "status=all&{}")
        ),
    )
    yield listed("integers past 64 bits", (f"{name}={n}" for n in PAST_64_BITS for name in ("limit", "page")))
    yield listed("a cursor with an integer past 64 bits", (f"cursor={_cursor(n)}" for n in PAST_64_BITS))
    yield listed(
        "values that are not numbers", (f"{name}={text}" for name in ("limit", "page") for text in NOT_NUMBERS)
    )
    yield listed("a parameter 1,000 times", (f"<999 * {name}={value}&>{name}=1" for name, value in VALID.items()))
    yield listed("a parameter again without value", (f"{name}={value}&{name}" for name, value in VALID.items()))
    yield listed("1,000 unknown parameters", ["&".join(f"p{n}={n}" for n in range(1000)), "<1000 * &>"], 200)
    yield listed("another user's name", ["user_id=<them>", "<999 * owner=a&>user_id=<them>", "search=only+owner"], 200)


def _cursor(number: int) -> str:
    content = f'["created",true,"2026-01-01T00:00:00Z",{number}]'
    return urlsafe_b64encode(content.encode()).rstrip(b"=").decode()
