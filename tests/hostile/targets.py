"""Hostile request lines: paths, ids, encodings, methods and forms of the target."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import quote

from tests.hostile.requests import (
    CONTROLS,
    EVERYWHERE,
    LISTS,
    NOT_UTF_8,
    PAST_64_BITS,
    Case,
    Route,
    build_request,
    case,
)

ODD_BYTES = (*CONTROLS, *NOT_UTF_8)
METHODS = ("BREW", "get", "Get", "GETT", "A" * 5000, "QUERY", "PROPFIND", "TRACE", "M-SEARCH", "!", "DEBUG", "PRI")
ON_A_TASK = (("GET", "", None), ("PUT", "", b'{"title": "x"}'), ("DELETE", "", None), ("PATCH", "/complete", None))

ASCENTS = (
    *("%2f<theirs>", "%2F<theirs>", "/<own>%2f..%2f<theirs>", "/%2e%2e%2f<theirs>", "/<own>%2fcomplete", "%2f"),
    *("/..%2ftasks", "/../<theirs>", "/%2e%2e/<theirs>", "/..%5c<theirs>", "%5c<theirs>", "/<own>%5c", "/<own>%2f"),
    *("%252f<theirs>", "/<own>%252f", "//<own>", "/<own>//complete", "/./<own>", "/<own>;x=/<theirs>"),
)
FILES = (
    *("../app.py", "..%2fapp.py", "..%2Fapp.py", "%2e%2e/app.py", "%2e%2e%2fapp.py", "..%5capp.py", "....//app.py"),
    *("%2fetc%2fpasswd", "/etc/passwd", "app.js%00.css", "index.html%2f..", "reference", ".", "..", "..;/app.py"),
    *("%c0%ae%c0%ae/app.py", "%252e%252e%252fapp.py", "app.js%2f", "icon.svg%2f", "file:%2f%2f%2fetc"),
)
SPELLINGS_OF_THEM = (
    *("<them>", "%76ictim", "<me>%2f..%2f<them>", "<me>%2f..", "<them>%00", "%20<them>", "<them>%20", "<them>%2f"),
    *("%2f<them>", "<me>/../<them>", "", "."),
)
ABSOLUTE_TO_THEM = (
    *("http://test/api/<them>/tasks", "https://test/api/<them>/tasks", "HTTP://other:1/api/tasks/<theirs>"),
    *("http://test/api/tasks/<theirs>", "http://[::1]/tasks/<theirs>"),
)
INVALID_TARGETS = (
    *("ftp://test/api/tasks", "http://u:p@test/api/tasks", "http:///api/tasks", "http:/api/tasks", "http:", "test:80"),
    *("//test@/\\api/tasks#x", "api/tasks", "*", "?", "javascript:alert(1)", "/api/tasks#x"),
)


def cases() -> Iterator[Case]:
    for route in EVERYWHERE:
        line = str(route).encode()
        yield case(
            f"a raw control in the target of {route}",
            (route.request().replace(line, line + byte + b"x", 1) for byte in CONTROLS),
            400,
        )
        yield case(f"a query of 100 KB at {route}", [route.request(query=b"q=<100000 * x>")], 431)
        yield case(
            f"methods that do not exist at {route.path}",
            (build_request(each, route.path) for each in METHODS),
            400,
            405,
        )
    for route in LISTS:
        yield from _of_a_family(route)
    yield case(
        "another user in the path", (build_request("GET", f"/api/{each}/tasks") for each in SPELLINGS_OF_THEM), 403, 404
    )
    yield case(
        "bytes in place of a user id that name no user",
        (
            build_request("GET", f"/api/{text}/tasks")
            for byte in ODD_BYTES
            for text in (f"<me>{quote(byte)}", quote(byte))
        ),
        403,
    )
    yield case(
        "bytes in unknown paths",
        (
            build_request("GET", text.format(quote(byte)))
            for byte in ODD_BYTES
            for text in ("/{}", "/api/tas{}ks", "/auth/lo{}gin", "/static/app{}.js", "/docs/{}icon.svg", "/health{}")
        ),
        404,
    )
    yield case(
        "files that are not public",
        (build_request("GET", f"{folder}/{each}") for folder in ("/static", "/docs") for each in FILES),
        404,
    )
    yield case(
        "another user by an absolute target", (build_request("GET", each) for each in ABSOLUTE_TO_THEM), 403, 404
    )
    yield case("a target in an invalid form", (build_request("GET", each) for each in INVALID_TARGETS), 400)


def _of_a_family(route: Route) -> Iterator[Case]:
    yield case(
        f"bytes other than digits in the id of {route.path}",
        (
            build_request(method, f"{route.path}/{text}{suffix}", body=body)
            for byte in ODD_BYTES
            for text in (f"<theirs>{quote(byte)}", f"{quote(byte)}<theirs>", quote(byte))
            for method, suffix, body in ON_A_TASK
        ),
        route.invalid,
    )
    yield case(
        f"ids past 64 bits at {route.path}",
        (
            build_request(method, f"{route.path}/{number}{suffix}", body=body)
            for number in (*PAST_64_BITS, "<2**64 + theirs>", "<2**32 + theirs>", "-<2**64 - theirs>")
            for method, suffix, body in ON_A_TASK
        ),
        404,
    )
    yield case(
        f"slashes and steps up at {route.path}",
        (build_request("GET", route.path + each) for each in ASCENTS),
        *_REJECTED,
    )


_REJECTED = (400, 403, 404, 422)
