"""Signs tokens of every kind, well-formed or not, as an auth server with real keys would.

For tests only. It does not use the code under test: headers and payloads are signed unchanged.
"""

from __future__ import annotations

import base64
import json
import time
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

ASYMMETRIC = ("EdDSA", "ES256", "ES512", "RS256", "PS256")
SECRET = "5Cq9lWueFzkUgXhNz5i16Hz3sYyxhkqdgQ4gMbgMD5uF"
"""The service's shared secret in all tests."""


def base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


@dataclass(frozen=True)
class Signer:
    """A signing key: `private` is the secret's text for HS256, else a private key of `cryptography`."""

    algorithm: str
    kid: str
    private: Any

    @property
    def jwk(self) -> dict[str, Any]:
        """The public half, as a JWK set would list it."""
        members = jwt.get_algorithm_by_name(self.algorithm).to_jwk(self.private.public_key(), as_dict=True)
        members.pop("key_ops", None)
        return {**members, "kid": self.kid, "alg": self.algorithm}

    @property
    def header(self) -> dict[str, Any]:
        return {"alg": self.algorithm} if self.algorithm == "HS256" else {"alg": self.algorithm, "kid": self.kid}

    def signature(self, signing_input: bytes) -> bytes:
        algorithm = jwt.get_algorithm_by_name(self.algorithm)
        return bytes(algorithm.sign(signing_input, algorithm.prepare_key(self.private)))

    def sign_bytes(self, header: bytes, payload: bytes) -> str:
        signing_input = f"{base64url(header)}.{base64url(payload)}"
        return f"{signing_input}.{base64url(self.signature(signing_input.encode()))}"

    def sign(self, claims: dict[str, Any], header: dict[str, Any] | None = None) -> str:
        """A token with exactly these claims; `header` extends the default header."""
        return self.sign_bytes(json.dumps({**self.header, **(header or {})}).encode(), json.dumps(claims).encode())


def make_signer(algorithm: str, kid: str = "key-1") -> Signer:
    """A signer with a key of its own (HS256: with SECRET)."""
    if algorithm == "HS256":
        return Signer(algorithm, kid, SECRET)
    if algorithm == "EdDSA":
        return Signer(algorithm, kid, ed25519.Ed25519PrivateKey.generate())
    if algorithm in ("ES256", "ES512"):
        curve = ec.SECP256R1() if algorithm == "ES256" else ec.SECP521R1()
        return Signer(algorithm, kid, ec.generate_private_key(curve))
    return Signer(algorithm, kid, rsa.generate_private_key(65537, 2048))


@lru_cache
def signer_for(algorithm: str) -> Signer:
    """The one signer of an algorithm in this process: RSA keys are slow to make."""
    return make_signer(algorithm, f"key-of-{algorithm}")


def claims(**changes: Any) -> dict[str, Any]:
    """The claims of a valid token, with these changes; `...` removes a claim."""
    usual = {"sub": "user-1", "exp": int(time.time()) + 900, **changes}
    return {name: value for name, value in usual.items() if value is not ...}


LIFE_SECONDS = 7200
"""Longer than a run of all tests: some tokens are made when the tests are collected."""


def token_for(user_id: str, **claims: Any) -> str:
    """A valid HS256 token as an auth server issues it, with these claims changed; None removes a claim."""
    payload = {"sub": user_id, "exp": int(time.time()) + LIFE_SECONDS, **claims}
    return jwt.encode({name: value for name, value in payload.items() if value is not None}, SECRET, "HS256")
