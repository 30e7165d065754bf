"""Attacks by the header and the key. Each entry: name, forgery, reason for the rejection.

HEADERS go against every kind of token, CONFUSION against those with a public key, SHARED against HS256.
"""

from __future__ import annotations

import json
from typing import Any

from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from tests.attacks.forge import Target, attacker_of, good_claims, hmac_signed, unsigned
from tests.support.signing import ASYMMETRIC, SECRET, make_signer, signer_for


def by_attacker(target: Target, **header: Any) -> str:
    """Signed by the attacker's key under the genuine header, with header parameters that point to that key."""
    attacker = attacker_of(target)
    return attacker.sign(good_claims(), {**target.header, "alg": attacker.algorithm, **header})


def public_key(target: Target, encoding: Encoding, form: PublicFormat = PublicFormat.SubjectPublicKeyInfo) -> bytes:
    return bytes(target.signer.private.public_key().public_bytes(encoding, form))


def as_hs256(target: Target, key: bytes, **header: Any) -> str:
    """Signed with HS256, with an encoding of the public key as the secret."""
    return hmac_signed({**target.header, "alg": "HS256", **header}, key)


def compact(jwk: object) -> bytes:
    return json.dumps(jwk, separators=(",", ":")).encode()


NONE_SPELLINGS = ("none", "None", "NONE", "nOnE", "none ", "")
NOT_TEXT: tuple[object, ...] = (None, 7, True, [], ["HS256"], {"HS256": 1})
KID_TRICKS = {
    "SQL": "x' UNION SELECT 'secret' --",
    "a path": "../../../../../../dev/null",
    "a URL": "https://attacker.example/jwks.json",
    "a shell command": "key.pem; sleep 10 |",
    "NUL": "key-of-EdDSA\0",
    "a lone surrogate": "\ud800",
    "another case": "KEY-OF-EDDSA",
    "a space more": "key-of-EdDSA ",
    "5000 characters": "k" * 5000,
    "a format string": "%s%n{0}",
}

HEADERS = [
    *((f"alg {s!r} unsigned", lambda t, s=s: unsigned({**t.header, "alg": s}), "algorithm") for s in NONE_SPELLINGS),
    ("alg none, signature kept", lambda t: t.sign({"alg": "none"}), "algorithm"),
    *((f"alg {v!r}", lambda t, v=v: t.sign({"alg": v}), "algorithm") for v in NOT_TEXT),
    *(
        (f"alg {s!r}", lambda t, s=s: t.sign({"alg": s}), "algorithm")
        for s in (
            "hs256",
            "HS256 ",
            "HS384",
            "HS512",
            "RS384",
            "ES384",
            "ES256K",
            "Ed448",
            "ed25519",
            "A256KW",
            "RS256\0",
        )
    ),
    ("no alg", lambda t: t.sign_json(header=json.dumps({"kid": t.signer.kid, "typ": "JWT"})), "algorithm"),
    *((f"kid {v!r}", lambda t, v=v: t.sign({"kid": v}), "malformed") for v in NOT_TEXT),
    ("crit with an extension", lambda t: t.sign({"crit": ["exp"]}), "critical"),
    ("crit with an unknown extension", lambda t: t.sign({"crit": ["x"], "x": 1}), "critical"),
    ("crit empty", lambda t: t.sign({"crit": []}), "critical"),
    ("crit a string", lambda t: t.sign({"crit": "exp"}), "critical"),
    ("crit null", lambda t: t.sign({"crit": None}), "critical"),
    ("b64 false and critical", lambda t: t.sign({"b64": False, "crit": ["b64"]}), "critical"),
    ("b64 false", lambda t: t.sign({"b64": False}), "critical"),
    *(
        (f"typ {v!r}", lambda t, v=v: t.sign({"typ": v}), "type")
        for v in ("JWE", "dpop+jwt", "secevent+jwt", "logout+jwt", "", None, 7, ["JWT"])
    ),
    ("another's key", by_attacker, "signature"),
    ("jwk", lambda t: by_attacker(t, jwk=attacker_of(t).jwk), "signature"),
    ("jku", lambda t: by_attacker(t, jku="http://127.0.0.1:9/jwks.json"), "signature"),
    ("x5u", lambda t: by_attacker(t, x5u="http://127.0.0.1:9/chain.pem"), "signature"),
    ("x5c", lambda t: by_attacker(t, x5c=["MIIB"], x5t="x"), "signature"),
    ("signature of zeros", lambda t: t.with_signature(lambda s: bytes(len(s))), "signature"),
    ("signature of ones", lambda t: t.with_signature(lambda s: b"\xff" * len(s)), "signature"),
    ("signature less a byte", lambda t: t.with_signature(lambda s: s[:-1]), "signature"),
    ("signature cut in half", lambda t: t.with_signature(lambda s: s[: len(s) // 2]), "signature"),
    ("signature with a byte more", lambda t: t.with_signature(lambda s: s + b"\0"), "signature"),
    ("signature with a zero before", lambda t: t.with_signature(lambda s: b"\0" + s), "signature"),
    (
        "signature with its first bit flipped",
        lambda t: t.with_signature(lambda s: bytes([s[0] ^ 128]) + s[1:]),
        "signature",
    ),
    ("signature backwards", lambda t: t.with_signature(lambda s: s[::-1]), "signature"),
    ("signature in hexadecimal", lambda t: t.with_signature(lambda s: s.hex().encode()), "signature"),
    (
        "payload of another token",
        lambda t: ".".join([t.parts()[0], t.sign(sub="admin").split(".")[1], t.parts()[2]]),
        "signature",
    ),
    (
        "header of another token",
        lambda t: ".".join([t.sign({"typ": "at+jwt"}).split(".")[0], *t.parts()[1:]]),
        "signature",
    ),
]

CONFUSION = [
    (
        "no kid",
        lambda t: t.sign_json(json.dumps({"alg": t.signer.algorithm})),
        "unknown_key",
    ),
    ("kid empty", lambda t: t.sign({"kid": ""}), "unknown_key"),
    *((f"kid with {name}", lambda t, k=kid: t.sign({"kid": k}), "unknown_key") for name, kid in KID_TRICKS.items()),
    ("kid of a key for encryption", lambda t: t.sign({"kid": "for-encryption"}), "unknown_key"),
    ("kid of a symmetric key in the set", lambda t: t.sign({"kid": "symmetric"}), "unknown_key"),
    (
        "kid of the attacker's jwk",
        lambda t: by_attacker(t, kid="mine", jwk={**attacker_of(t).jwk, "kid": "mine"}),
        "unknown_key",
    ),
    (
        "kid of the attacker's jku",
        lambda t: by_attacker(t, kid="mine", jku="http://127.0.0.1:9/"),
        "unknown_key",
    ),
    ("HS256 with the public key in PEM", lambda t: as_hs256(t, public_key(t, Encoding.PEM)), "signature"),
    (
        "HS256 with the PEM less its last line feed",
        lambda t: as_hs256(t, public_key(t, Encoding.PEM).strip()),
        "signature",
    ),
    ("HS256 with the public key in DER", lambda t: as_hs256(t, public_key(t, Encoding.DER)), "signature"),
    ("HS256 with the JWK", lambda t: as_hs256(t, compact(t.signer.jwk)), "signature"),
    ("HS256 with the JWK as printed", lambda t: as_hs256(t, json.dumps(t.signer.jwk).encode()), "signature"),
    ("HS256 with the JWK set", lambda t: as_hs256(t, compact({"keys": [t.signer.jwk]})), "signature"),
    ("HS256 with the kid as secret", lambda t: as_hs256(t, t.signer.kid.encode()), "signature"),
    ("HS256 with an empty secret", lambda t: as_hs256(t, b"", kid="/dev/null"), "signature"),
    (
        "HS256 with the symmetric key of the set",
        lambda t: as_hs256(t, b"symmetric key that was published", kid="symmetric"),
        "signature",
    ),
    ("the shared secret under the key's alg", lambda t: hmac_signed(t.header, SECRET.encode()), "signature"),
]


def other_keys(algorithm: str) -> list[tuple[str, Any, str]]:
    """Attacks with the genuine keys of the other algorithms."""
    others = [other for other in ASYMMETRIC if other != algorithm]
    return [
        *((f"alg of {a}", lambda t, a=a: t.sign({"alg": a}), "algorithm") for a in others),
        *((f"key of {a}", lambda t, a=a: signer_for(a).sign(good_claims(), t.header), "signature") for a in others),
    ]


SHARED = [
    (
        "another secret",
        lambda t: hmac_signed(t.header, b"another secret of more than 32 bytes!"),
        "signature",
    ),
    ("an empty secret", lambda t: hmac_signed(t.header, b""), "signature"),
    ("the secret less a byte", lambda t: hmac_signed(t.header, SECRET.encode()[:-1]), "signature"),
    ("the secret with a line feed", lambda t: hmac_signed(t.header, SECRET.encode() + b"\n"), "signature"),
    ("the first 16 bytes of the MAC", lambda t: t.with_signature(lambda s: s[:16]), "signature"),
    *(
        (
            f"under a public key's alg and kid, {a}",
            lambda t, a=a: t.sign({"alg": a, "kid": f"key-of-{a}"}),
            "signature",
        )
        for a in ASYMMETRIC
    ),
    *((f"under {a} without kid", lambda t, a=a: t.sign({"alg": a}), "unknown_key") for a in ASYMMETRIC),
]

# Published beside the genuine keys; neither may verify a token.
USELESS_KEYS = [
    {**make_signer("EdDSA", "for-encryption").jwk, "use": "enc"},
    {"kty": "oct", "kid": "symmetric", "alg": "HS256", "k": "c3ltbWV0cmljIGtleSB0aGF0IHdhcyBwdWJsaXNoZWQ"},
]
