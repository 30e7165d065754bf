"""Attacks on the arithmetic of signatures, by algorithm. Each entry: name, forgery, reason for the rejection."""

from __future__ import annotations

from collections.abc import Callable

from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA1, SHA256, SHA512

from tests.attacks.forge import Target
from tests.support.signing import base64url

P256_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
ED25519_ORDER = 2**252 + 27742317777372353535851937790883648493


def halves(change: Callable[[bytes, bytes], bytes]) -> Callable[[bytes], bytes]:
    return lambda signature: change(signature[: len(signature) // 2], signature[len(signature) // 2 :])


def in_der(target: Target) -> str:
    """An ECDSA signature in the DER encoding of TLS, which JWS does not allow."""
    return target.with_signature(
        halves(lambda r, s: encode_dss_signature(int.from_bytes(r, "big"), int.from_bytes(s, "big")))
    )


def plus_order(signature: bytes) -> bytes:
    scalar = int.from_bytes(signature[32:], "little") + ED25519_ORDER
    return signature[:32] + scalar.to_bytes(32, "little")


def rsa_signed(target: Target, scheme: padding.AsymmetricPadding, digest: SHA1 | SHA256 | SHA512) -> str:
    header, payload, _ = target.parts()
    signing_input = f"{header}.{payload}"
    return f"{signing_input}.{base64url(target.signer.private.sign(signing_input.encode(), scheme, digest))}"


ELLIPTIC = [
    ("r = s = 0", lambda t: t.with_signature(lambda s: bytes(len(s))), "signature"),
    ("r = 0", lambda t: t.with_signature(halves(lambda r, s: bytes(len(r)) + s)), "signature"),
    ("s = 0", lambda t: t.with_signature(halves(lambda r, s: r + bytes(len(s)))), "signature"),
    ("r and s exchanged", lambda t: t.with_signature(halves(lambda r, s: s + r)), "signature"),
    (
        "r = s = 1",
        lambda t: t.with_signature(halves(lambda r, s: (bytes(len(r) - 1) + b"\1") * 2)),
        "signature",
    ),
    (
        "r = s = the order",
        lambda t: t.with_signature(lambda s: P256_ORDER.to_bytes(len(s) // 2, "big") * 2),
        "signature",
    ),
    ("the signature in DER", in_der, "signature"),
]

EDWARDS = [
    ("S plus the order", lambda t: t.with_signature(plus_order), "signature"),
    ("the neutral point and S = 0", lambda t: t.with_signature(lambda s: b"\1" + bytes(63)), "signature"),
    (
        "a point of small order",
        lambda t: t.with_signature(lambda s: bytes(31) + b"\x80" + bytes(32)),
        "signature",
    ),
]

RSA = [
    ("signature 1", lambda t: t.with_signature(lambda s: bytes(len(s) - 1) + b"\1"), "signature"),
    (
        "signature the modulus",
        lambda t: t.with_signature(lambda s: t.signer.private.public_key().public_numbers().n.to_bytes(len(s), "big")),
        "signature",
    ),
    ("SHA-1", lambda t: rsa_signed(t, padding.PKCS1v15(), SHA1()), "signature"),
    ("SHA-512", lambda t: rsa_signed(t, padding.PKCS1v15(), SHA512()), "signature"),
    (
        "a salt of no bytes",
        lambda t: rsa_signed(t, padding.PSS(padding.MGF1(SHA256()), 0), SHA256()),
        "signature",
    ),
]

ARITHMETIC = {"EdDSA": EDWARDS, "ES256": ELLIPTIC, "ES512": ELLIPTIC, "RS256": RSA, "PS256": RSA, "HS256": []}
