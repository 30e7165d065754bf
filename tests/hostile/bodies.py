"""Hostile bodies for every route that reads one."""

from __future__ import annotations

import json
from collections.abc import Iterator

from tests.hostile.requests import CONTROLS, LOGINS, NOT_UTF_8, PAST_64_BITS, WITH_BODY, Case, Route, case

FIELDS = {
    "/auth/": ("email", "password", "name"),
    "/complete": ("completed",),
    "": ("title", "description", "due_date", "completed"),
}
"""Field names, by a part of the path."""

FREE_TEXT = ("title", "description")
SURROGATES = (rb"\ud800", rb"\udfff", rb"a\ud83d", rb"\udc00\ud800", rb"\ud800x")

NOT_JSON = {
    "100,000 nested arrays": b"<100000 * [><100000 * ]>",
    "100,000 arrays that are not closed": b"<100000 * [>",
    "100,000 nested objects": b'<100000 * {"title":>1<100000 * }>',
    "100,000 arrays within a field": b'{"title":<100000 * [><100000 * ]>}',
    "UTF-16": '{"title": "x"}'.encode("utf-16"),
    "UTF-32": '{"title": "x"}'.encode("utf-32"),
    "a byte order mark": b'\xef\xbb\xbf{"title": "x"}',
    "NUL alone": b"\0",
    "NUL behind the end": b'{"title": "x"}\0',
    "a number past all floats": b'{"title": "x", "n": 1e999999}',
    "NaN": b'{"title": "x", "n": NaN}',
    "a form": b"title=x&user_id=<them>",
}


def cases() -> Iterator[Case]:
    for route in WITH_BODY:
        fields = next(names for part, names in FIELDS.items() if part in route.path)
        for name, body in NOT_JSON.items():
            yield case(f"{name} at {route}", [route.request(body=body), route.request(body=body, chunked=True)], 400)
        yield from _texts(route, [field.encode() for field in fields])
        yield from _values(route, fields)


def _texts(route: Route, fields: list[bytes]) -> Iterator[Case]:
    yield case(
        f"what is not UTF-8 at {route}",
        (
            route.request(body=body)
            for byte in NOT_UTF_8
            for body in (byte, b'{"%s": 1}' % byte, *(b'{"%s": "%s"}' % (field, byte) for field in fields))
        ),
        400,
    )
    yield case(
        f"lone surrogates at {route}",
        (
            route.request(body=body)
            for text in SURROGATES
            for body in (
                *(b'{"%s": "%s"}' % (field, text) for field in fields),
                b'{"%s": 1}' % text,
                b'{"x":["%s"]}' % text,
            )
        ),
        400,
    )
    yield case(
        f"raw controls in texts at {route}",
        (
            route.request(body=b'{"%s": "a%sb"}' % (field, byte))
            for byte in CONTROLS
            for field in fields
            # JSON allows DEL unescaped (RFC 8259, section 7).
            if byte != b"\x7f"
        ),
        400,
    )


def _values(route: Route, fields: tuple[str, ...]) -> Iterator[Case]:
    def valued(name: str, values: dict[str, list[str]], *statuses: int) -> Case:
        """For each field: otherwise valid bodies in which that field has one of these JSON values."""
        asked = (route.request(body=_with(route, field, each)) for field, found in values.items() for each in found)
        return case(f"{name} at {route}", asked, *(statuses or (route.invalid,)))

    controls = [json.dumps(f"a{byte.decode()}b") for byte in CONTROLS[1:]]
    taken = (200, 201, 400, 401) if route in LOGINS else (200, 201)
    own = [field for field in fields if route not in LOGINS or route.path.endswith("register") or field != "name"]
    yield valued("NUL, escaped,", {field: [r'"\u0000"', r'"a\u0000b"'] for field in own})
    if route in LOGINS:
        yield valued("controls, escaped,", dict.fromkeys(fields, controls), *taken)
    else:
        yield valued("controls in other texts", {field: controls for field in fields if field not in FREE_TEXT})
        yield valued("controls, escaped,", {field: controls for field in fields if field in FREE_TEXT}, *taken)
    integers = [text for n in PAST_64_BITS for text in (f"{n}", f"{-n}", f"{n}.5")]
    yield valued("integers past 64 bits", dict.fromkeys(own, integers), 400, route.invalid)
    yield valued("integers past 64 bits in unknown fields", {"id": integers, "user_id": integers}, 400, *taken)
    kinds = ["[]", "{}", "[[]]", "1.5", '[""]', '{"title": {}}']
    yield valued("values of other kinds", dict.fromkeys(own, kinds))
    whole = ("null", "[]", "[{}]", "1", "true", '""', '"<theirs>"', "{}", "18446744073709551616", '{"__proto__": {}}')
    yield case(
        f"a body that is not an object with fields at {route}",
        (route.request(body=each.encode()) for each in whole),
        *_empty(route),
    )


def _with(route: Route, field: str, value: str) -> bytes:
    others = {name: each for name, each in json.loads(route.body or b"{}").items() if name != field}
    pairs = [*(f"{json.dumps(name)}: {json.dumps(each)}" for name, each in others.items()), f'"{field}": {value}']
    return f"{{{', '.join(pairs)}}}".encode()


def _empty(route: Route) -> tuple[int, ...]:
    """The statuses of a body without fields: a completion then toggles."""
    return (route.invalid, 200) if route.path.endswith("/complete") else (route.invalid,)
