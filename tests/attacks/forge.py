"""Tools to forge tokens: a target's genuine signer, to sign invalid content, and its public key.

The attacks are in the lists beside this file.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tests.support.signing import Signer, base64url, claims, make_signer, signer_for

ISSUER = "https://auth.example"
AUDIENCE = "https://tasks.example"


@dataclass(frozen=True)
class Target:
    """A kind of token that the service under attack accepts, and the tools to forge one."""

    signer: Signer

    @property
    def symmetric(self) -> bool:
        return self.signer.algorithm == "HS256"

    @property
    def header(self) -> dict[str, Any]:
        return self.signer.header

    def sign(self, header: dict[str, Any] | None = None, **changes: Any) -> str:
        """Sign with the genuine key, so that only the changes can cause the rejection."""
        return self.signer.sign(good_claims(**changes), header)

    def sign_json(self, header: str | None = None, payload: str | None = None) -> str:
        """Sign with the genuine key, over exactly this text of header and payload."""
        header_bytes = json.dumps(self.header) if header is None else header
        payload_bytes = json.dumps(good_claims()) if payload is None else payload
        return self.signer.sign_bytes(header_bytes.encode(), payload_bytes.encode())

    def parts(self) -> list[str]:
        return self.sign().split(".")

    def with_signature(self, change: Callable[[bytes], bytes]) -> str:
        """A valid token with a changed signature."""
        header, payload, _ = self.parts()
        signature = self.signer.signature(f"{header}.{payload}".encode())
        return f"{header}.{payload}.{base64url(change(signature))}"


def good_claims(**changes: Any) -> dict[str, Any]:
    return claims(**{"iss": ISSUER, "aud": AUDIENCE, "iat": int(time.time()), **changes})


def json_claims(member: str) -> str:
    """The JSON text of valid claims with the text `member` at the end."""
    return json.dumps(good_claims())[:-1] + f", {member}}}"


def unsigned(header: dict[str, Any], signature: bytes = b"") -> str:
    encoded = [base64url(json.dumps(part).encode()) for part in (header, good_claims())]
    return ".".join([*encoded, base64url(signature)])


def hmac_signed(header: dict[str, Any], key: bytes) -> str:
    signing_input = unsigned(header).rpartition(".")[0]
    return f"{signing_input}.{base64url(hmac.new(key, signing_input.encode(), hashlib.sha256).digest())}"


def attacker_of(target: Target) -> Signer:
    """A key of the attacker's own, of the target's algorithm and with its kid (for HS256: an EdDSA key)."""
    algorithm = "EdDSA" if target.symmetric else target.signer.algorithm
    if algorithm not in _ATTACKERS:
        _ATTACKERS[algorithm] = make_signer(algorithm, signer_for(algorithm).kid)
    return _ATTACKERS[algorithm]


_ATTACKERS: dict[str, Signer] = {}
