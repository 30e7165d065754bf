"""Hostile header fields, above all those that the service or a proxy reads, and malformed HTTP."""

from __future__ import annotations

from collections.abc import Iterator

from tests.hostile.requests import CONTROLS, CREATES, EVERYWHERE, ITEMS, LISTS, NOT_UTF_8, UPDATES, Case, case
from tests.server.malformed import ALL

READ = (
    *("Host", "Authorization", "Content-Type", "Content-Length", "Transfer-Encoding", "Connection", "Expect", "Accept"),
    *("Idempotency-Key", "If-Match", "If-None-Match", "X-Request-ID", "Origin", "X-Forwarded-For", "X-Forwarded-Proto"),
    *("Forwarded", "Access-Control-Request-Method", "Access-Control-Request-Headers", "Range", "Cookie", "Upgrade"),
)
HARMLESS = (
    *("Accept", "Connection", "Cookie", "Expect", "Forwarded", "If-None-Match", "Origin", "Range", "Upgrade"),
    *("X-Forwarded-For", "X-Forwarded-Proto", "X-Request-ID"),
)
CREDENTIALS = (b"", b"Bearer ", b"Bearer <token>", b"Basic ")
MEDIA_TYPES = (b"", b"application/json", b"application/")
TWICE = (
    (b"Host: test", b"Host: test"),
    (b"Host: test", b"Host: other"),
    (b"Content-Length: 0", b"Content-Length: 0"),
    (b"Content-Length: 5", b"Transfer-Encoding: chunked"),
)


def cases() -> Iterator[Case]:
    for name in (each.encode() for each in READ):
        yield case(
            f"a control in {name.decode()}",
            (
                route.request(name + b": a" + byte + b"b")
                for byte in CONTROLS
                for route in (*LISTS, CREATES[1], UPDATES[-1])
                if byte != b"\t"
            ),
            400,
        )
    yield case("a control in a header's name", (LISTS[0].request(b"X-" + byte + b"a: b") for byte in CONTROLS), 400)
    for name in (each.encode() for each in HARMLESS):
        yield case(
            f"what is not UTF-8 in {name.decode()}",
            (route.request(name + b": " + byte) for byte in NOT_UTF_8 for route in (*LISTS, *ITEMS)),
            200,
        )
    yield from _not_utf_8_where_it_matters()
    yield case(
        "a tag past 64 bits", (r.request(b'If-Match: "%d"' % n) for n in (2**31, 2**63, 10**400) for r in UPDATES), 412
    )
    yield case("a header twice", (route.request(*lines) for lines in TWICE for route in (*LISTS, *UPDATES)), 400)
    yield case(
        "two tokens",
        (route.request(*[b"Authorization: Bearer <token>"] * 2) for route in (*LISTS, *ITEMS, *UPDATES)),
        401,
    )
    for route in EVERYWHERE:
        yield case(f"a header of a million bytes at {route}", [route.request(b"X-Long: <1000000 * x>")], 431)
        yield case(f"10,000 headers at {route}", [route.request(b"<10000 * X-Many: x\r\n>X-Many: x")], 431)
    for title, request in ALL.items():
        authorized = request.replace(b"/echo", b"/api/tasks").replace(
            b"\r\n", b"\r\nAuthorization: Bearer <token>\r\n", 1
        )
        yield case(title.replace("_", " "), [authorized], 400, 501)


def _not_utf_8_where_it_matters() -> Iterator[Case]:
    yield case(
        "what is not UTF-8 in Authorization",
        (
            route.request(b"Authorization: " + value + byte)
            for byte in NOT_UTF_8
            for value in CREDENTIALS
            for route in (*LISTS, *ITEMS, *UPDATES)
        ),
        401,
    )
    yield case(
        "what is not UTF-8 in Content-Type",
        (
            route.request(b"Content-Type: " + value + byte)
            for byte in NOT_UTF_8
            for value in MEDIA_TYPES
            for route in (*CREATES, *UPDATES)
        ),
        415,
    )
    yield case("what is not UTF-8 in If-Match", (r.request(b"If-Match: " + b) for b in NOT_UTF_8 for r in UPDATES), 412)
    for route in CREATES:
        yield case(
            f"what is not UTF-8 in Idempotency-Key at {route}",
            (route.request(b"Idempotency-Key: " + byte) for byte in NOT_UTF_8),
            route.invalid,
        )
    for name in (b"Host", b"Content-Length", b"Transfer-Encoding"):
        yield case(
            f"what is not UTF-8 in {name.decode()}",
            (route.request(name + b": " + byte) for byte in NOT_UTF_8 for route in LISTS),
            *(400, 501),
        )
