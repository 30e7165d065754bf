"""Attacks by claims under a genuine signature. Each entry: name, forgery, reason for the rejection."""

from __future__ import annotations

import time

from tests.attacks.forge import AUDIENCE, ISSUER, Target, json_claims

NO_TIMES = (
    "1e30",
    "1e400",
    "-1",
    "true",
    '"9999999999"',
    '"soon"',
    "[9999999999]",
    "{}",
    "null",
    "9" * 400,
    '""',
)
NO_NAMES: tuple[object, ...] = (
    7,
    0,
    True,
    False,
    1.5,
    [],
    ["user-1"],
    {},
    {"user_id": "user-1"},
    "",
    "a\0",
    "\0",
    "\ud800",
    "\udfff",
    "x" * 256,
)


def with_time(claim: str, spelling: str) -> tuple[str, object, str]:
    def forge(target: Target) -> str:
        payload = json_claims(f'"{claim}": {spelling}')
        first, _, rest = payload.partition(f'"{claim}": ')
        if claim in rest:
            payload = first + rest.partition(", ")[2]
        return target.sign_json(payload=payload)

    return f"{claim} {spelling[:20]}", forge, "claims"


PAYLOADS = [
    ("no claims", lambda t: t.sign_json(payload="{}"), "issuer"),
    ("no exp", lambda t: t.sign(exp=...), "claims"),
    *(with_time("exp", spelling) for spelling in NO_TIMES),
    *(with_time("nbf", spelling) for spelling in NO_TIMES),
    *(with_time("iat", spelling) for spelling in NO_TIMES),
    ("exp in milliseconds", lambda t: t.sign(exp=int(time.time() * 1000)), "claims"),
    ("exp past", lambda t: t.sign(exp=int(time.time()) - 1), "expired"),
    ("exp this very second", lambda t: t.sign(exp=int(time.time())), "expired"),
    ("exp 0", lambda t: t.sign(exp=0), "expired"),
    ("exp a little past, as a fraction", lambda t: t.sign(exp=time.time() - 0.001), "expired"),
    ("nbf ahead", lambda t: t.sign(nbf=int(time.time()) + 60), "not_yet_valid"),
    ("iat ahead", lambda t: t.sign(iat=int(time.time()) + 60), "not_yet_valid"),
    ("no user", lambda t: t.sign(sub=...), "user_id"),
    ("user null", lambda t: t.sign(sub=None, user_id=None), "user_id"),
    *((f"sub {str(v)[:9]!a} ({type(v).__name__})", lambda t, v=v: t.sign(sub=v), "user_id") for v in NO_NAMES),
    *((f"user_id {str(v)[:9]!a} ({type(v).__name__})", lambda t, v=v: t.sign(user_id=v), "user_id") for v in NO_NAMES),
    ("no iss", lambda t: t.sign(iss=...), "issuer"),
    ("no aud", lambda t: t.sign(aud=...), "audience"),
    *(
        (f"iss {v!r}", lambda t, v=v: t.sign(iss=v), "issuer")
        for v in (
            "",
            ISSUER + "/",
            ISSUER.upper(),
            ISSUER + ".evil.example",
            [ISSUER],
            {"iss": ISSUER},
            None,
            7,
            True,
        )
    ),
    *(
        (f"aud {v!r}", lambda t, v=v: t.sign(aud=v), "audience")
        for v in (
            "",
            AUDIENCE + "/",
            "tasks",
            [],
            [[AUDIENCE]],
            [AUDIENCE, 7],
            [None],
            {AUDIENCE: 1},
            None,
            7,
            True,
        )
    ),
]
