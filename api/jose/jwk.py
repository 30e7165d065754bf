"""Parses one public key of a JWK set: whether it is usable, and for which algorithm.

No network and no state: jwks.py downloads and keeps the sets. A key that cannot be used is None, never an error,
because one odd key must not make the others unusable.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import jwt
from cryptography.exceptions import UnsupportedAlgorithm

# The key that each algorithm needs: type, curve ("" if the type has none), and the members of the public half.
# Other members are never read, so a private key published by mistake still works as a public one.
_SHAPES = {
    "EdDSA": ("OKP", "Ed25519", ("x",)),
    "ES256": ("EC", "P-256", ("x", "y")),
    "ES512": ("EC", "P-521", ("x", "y")),
    "RS256": ("RSA", "", ("n", "e")),
    "PS256": ("RSA", "", ("n", "e")),
}
ALGORITHMS = frozenset(_SHAPES)
_MIN_RSA_BITS = 2048
_MAX_RSA_BITS = 8192  # with a larger key a single verification is expensive


@dataclass(frozen=True, slots=True)
class Key:
    """A public key bound to one algorithm. Two keys are equal when their published members are."""

    kid: str
    algorithm: str
    members: Mapping[str, str]
    _public: Any = field(compare=False, repr=False)

    def verify(self, signing_input: bytes, signature: bytes) -> bool:
        """Whether this key signed that input (RFC 7515, section 5.2)."""
        return bool(jwt.get_algorithm_by_name(self.algorithm).verify(signing_input, self._public, signature))


def parse(jwk: object) -> Key | None:
    """The key in one member of a JWK set (RFC 7517). None if it cannot verify any of our algorithms.

    The algorithm is the key's `alg`. Without one it follows from the type and the curve: RS256 for RSA.
    """
    if not isinstance(jwk, dict) or not _may_verify(jwk):
        return None
    kid, algorithm = jwk.get("kid"), _algorithm(jwk)
    if not isinstance(kid, str) or not kid or algorithm is None:
        return None
    kty, curve, names = _SHAPES[algorithm]
    members = {"kty": kty, "crv": curve} | {name: jwk[name] for name in names if isinstance(jwk.get(name), str)}
    try:
        public = jwt.get_algorithm_by_name(algorithm).from_jwk(members)
    except (jwt.InvalidKeyError, ValueError, UnsupportedAlgorithm):
        return None
    if kty == "RSA" and not _MIN_RSA_BITS <= public.key_size <= _MAX_RSA_BITS:
        return None
    return Key(kid, algorithm, members, public)


def canonical_name(algorithm: object) -> object:
    """The name of an `alg` here: RFC 9864 calls EdDSA with our only curve for it Ed25519."""
    return "EdDSA" if algorithm == "Ed25519" else algorithm


def _may_verify(jwk: Mapping[str, Any]) -> bool:
    key_ops = jwk.get("key_ops", ["verify"])
    return jwk.get("use", "sig") == "sig" and isinstance(key_ops, list) and "verify" in key_ops


def _algorithm(jwk: Mapping[str, Any]) -> str | None:
    """The first algorithm that fits the key's type, curve and, if present, `alg`."""
    for algorithm, (kty, curve, _) in _SHAPES.items():
        fits = jwk.get("kty") == kty and (not curve or jwk.get("crv") == curve)
        if fits and canonical_name(jwk.get("alg", algorithm)) == algorithm:
            return algorithm
    return None
