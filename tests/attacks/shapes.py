"""Attacks with malformed or differently encoded JWS. Each entry: name, forgery, reason for the rejection."""

from __future__ import annotations

import base64
import json
import zlib

from tests.attacks.forge import Target, good_claims, json_claims, unsigned
from tests.support.signing import base64url


def swap_alphabet(target: Target) -> str:
    """A valid token in the plain base64 alphabet instead of base64url."""
    while True:
        token = target.sign(jti="?" * 30 + "~" * 30)
        if "-" in token or "_" in token:
            return token.replace("-", "+").replace("_", "/")


def last_character_moved(target: Target, part: int) -> str:
    """Set the unused low bits of a part: another encoding of the same bytes."""
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    for filler in ("", "x", "xx"):
        header = json.dumps({**target.header, "x": filler}).encode()
        payload = json.dumps(good_claims(x=filler)).encode()
        parts = target.signer.sign_bytes(header, payload).split(".")
        if len(parts[part]) % 4:
            parts[part] = parts[part][:-1] + alphabet[alphabet.index(parts[part][-1]) + 1]
            return ".".join(parts)
    raise AssertionError("one of three lengths in a row has unused bits")


def deep(levels: int) -> str:
    return "[" * levels + "]" * levels


SHAPES = [
    ("nothing", lambda t: "", "malformed"),
    ("a dot", lambda t: ".", "malformed"),
    ("two dots", lambda t: "..", "malformed"),
    ("a word", lambda t: "token", "malformed"),
    ("one part", lambda t: t.parts()[0], "malformed"),
    ("two parts", lambda t: ".".join(t.parts()[:2]), "malformed"),
    ("no header", lambda t: "." + ".".join(t.parts()[1:]), "malformed"),
    ("no payload", lambda t: "{0}..{2}".format(*t.parts()), "malformed"),
    ("no signature", lambda t: "{}.{}.".format(*t.parts()), "signature"),
    ("four parts", lambda t: t.sign() + ".e30", "malformed"),
    ("five parts", lambda t: t.sign() + ".e30.e30", "malformed"),
    (
        "a JWE",
        lambda t: base64url(b'{"alg":"dir","enc":"A256GCM"}') + "..aaaaaaaaaaaaaaaa.e30.aaaaaaaa",
        "malformed",
    ),
    (
        "a JWE of three parts",
        lambda t: unsigned({**t.header, "alg": "dir", "enc": "A256GCM"}, b"x"),
        "algorithm",
    ),
    (
        "JSON serialization",
        lambda t: json.dumps(dict(zip(("protected", "payload", "signature"), t.parts(), strict=True))),
        "malformed",
    ),
    ("padding on the header", lambda t: "{}=.{}.{}".format(*t.parts()), "malformed"),
    ("padding on the payload", lambda t: "{}.{}==.{}".format(*t.parts()), "malformed"),
    ("padding on the signature", lambda t: t.sign() + "=", "malformed"),
    ("the other base64 alphabet", swap_alphabet, "malformed"),
    ("unused bits of the header", lambda t: last_character_moved(t, 0), "malformed"),
    ("unused bits of the payload", lambda t: last_character_moved(t, 1), "malformed"),
    ("a part of impossible length", lambda t: "{}.{}.aaaaa".format(*t.parts()), "malformed"),
    ("a space inside", lambda t: t.sign().replace(".", ". ", 1), "malformed"),
    ("a line feed at the end", lambda t: t.sign() + "\n", "malformed"),
    ("a NUL at the end", lambda t: t.sign() + "\0", "malformed"),
    ("a NUL inside", lambda t: t.sign().replace(".", "\0.", 1), "malformed"),
    ("a second token after a comma", lambda t: f"{t.sign()},{t.sign()}", "malformed"),
    ("percent-encoded dots", lambda t: t.sign().replace(".", "%2E"), "malformed"),
    ("full-width letters", lambda t: "\uff21" + t.sign(), "malformed"),
    ("a letter that folds to ASCII", lambda t: t.sign() + "\u017f", "malformed"),
    ("a lone surrogate", lambda t: t.sign() + "\udcff", "malformed"),
    ("an emoji", lambda t: "🙂.🙂.🙂", "malformed"),
    ("a megabyte", lambda t: t.sign() + "A" * 1_000_000, "malformed"),
    ("a signed megabyte", lambda t: t.sign(image="A" * 1_000_000), "malformed"),
    ("thousands of dots", lambda t: "." * 8000, "malformed"),
    (
        "header in UTF-16",
        lambda t: t.signer.sign_bytes(json.dumps(t.header).encode("utf-16"), b"{}"),
        "malformed",
    ),
    (
        "header with a byte order mark",
        lambda t: t.sign_json(header="\ufeff" + json.dumps(t.header)),
        "malformed",
    ),
    ("header that is not UTF-8", lambda t: t.signer.sign_bytes(b'{"alg":"\xff"}', b"{}"), "malformed"),
    (
        "payload that is not UTF-8",
        lambda t: t.signer.sign_bytes(json.dumps(t.header).encode(), b'{"sub":"\xff"}'),
        "malformed",
    ),
    (
        "payload with an overlong character",
        lambda t: t.signer.sign_bytes(json.dumps(t.header).encode(), b'{"sub":"\xc0\x80"}'),
        "malformed",
    ),
    ("header a list", lambda t: t.sign_json(header="[]"), "malformed"),
    ("header a string", lambda t: t.sign_json(header='"alg"'), "malformed"),
    ("header null", lambda t: t.sign_json(header="null"), "malformed"),
    ("header a number", lambda t: t.sign_json(header="1"), "malformed"),
    ("header no JSON", lambda t: t.sign_json(header="{alg:1}"), "malformed"),
    (
        "header with something after it",
        lambda t: t.sign_json(header=json.dumps(t.header) + "{}"),
        "malformed",
    ),
    (
        "header twice alg",
        lambda t: t.sign_json(header=json.dumps(t.header)[:-1] + ', "alg": "none"}'),
        "malformed",
    ),
    (
        "header twice alg, escaped",
        lambda t: t.sign_json(header='{"\\u0061lg": "none", ' + json.dumps(t.header)[1:]),
        "malformed",
    ),
    (
        "header twice kid",
        lambda t: t.sign_json(header='{"kid": "a", "kid": "b", "alg": "HS256"}'),
        "malformed",
    ),
    (
        "header nested deeply",
        lambda t: t.sign_json(header=f'{{"alg": "HS256", "x": {deep(2500)}}}'),
        "malformed",
    ),
    ("payload a list", lambda t: t.sign_json(payload=f"[{json.dumps(good_claims())}]"), "malformed"),
    ("payload a string", lambda t: t.sign_json(payload='"sub"'), "malformed"),
    ("payload null", lambda t: t.sign_json(payload="null"), "malformed"),
    ("payload a number", lambda t: t.sign_json(payload="1e999"), "malformed"),
    ("payload no JSON", lambda t: t.sign_json(payload="sub=user-1"), "malformed"),
    ("payload with a comment", lambda t: t.sign_json(payload=json_claims('/* */ "a": 1')), "malformed"),
    (
        "payload with a trailing comma",
        lambda t: t.sign_json(payload=json.dumps(good_claims())[:-1] + ",}"),
        "malformed",
    ),
    ("payload twice sub", lambda t: t.sign_json(payload=json_claims('"sub": "user-2"')), "malformed"),
    ("payload twice exp", lambda t: t.sign_json(payload=json_claims('"exp": 99999999999')), "malformed"),
    (
        "payload twice a nested member",
        lambda t: t.sign_json(payload=json_claims('"x": {"a": 1, "a": 2}')),
        "malformed",
    ),
    ("payload nested deeply", lambda t: t.sign_json(payload=json_claims(f'"x": {deep(2500)}')), "malformed"),
    ("payload with NaN", lambda t: t.sign_json(payload=json_claims('"x": NaN')), "malformed"),
    ("payload with -Infinity", lambda t: t.sign_json(payload=json_claims('"x": -Infinity')), "malformed"),
    (
        "payload with a number of 5000 digits",
        lambda t: t.sign_json(payload=json_claims(f'"x": {"9" * 5000}')),
        "malformed",
    ),
    (
        "payload with a raw line feed in a string",
        lambda t: t.sign_json(payload=json_claims('"x": "\n"')),
        "malformed",
    ),
    (
        "payload compressed",
        lambda t: t.signer.sign_bytes(
            json.dumps({**t.header, "zip": "DEF"}).encode(), zlib.compress(json.dumps(good_claims()).encode())
        ),
        "malformed",
    ),
    (
        "a token inside a token",
        lambda t: t.signer.sign_bytes(json.dumps({**t.header, "cty": "JWT"}).encode(), t.sign().encode()),
        "malformed",
    ),
    ("payload base64 twice", lambda t: t.sign_json(payload=base64.b64encode(b"{}").decode()), "malformed"),
]
