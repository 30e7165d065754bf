"""Generated tokens: verification returns an identity or raises one of two errors, for any text and any signed JSON."""

from __future__ import annotations

import contextlib
import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from api.errors import TokenExpired, TokenInvalid
from api.tokens import Identity, Tokens
from tests.attacks.forge import good_claims
from tests.support.signing import SECRET, signer_for

# No deadline per example: its duration depends on the machine's load.
unhurried = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])

TOKENS = Tokens((SECRET,), issuer=None, audience=None)
HS256 = signer_for("HS256")

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)
claim_names = st.sampled_from(["sub", "user_id", "exp", "nbf", "iat", "iss", "aud", "email", "name"])
header_names = st.sampled_from(["alg", "kid", "typ", "cty", "crit", "b64", "jwk", "zip"])


def verify(token: str) -> None:
    with contextlib.suppress(TokenInvalid, TokenExpired):
        assert isinstance(TOKENS.verify(token), Identity)


@unhurried
@given(st.text())
def test_any_text_is_verified_or_rejected(token: str) -> None:
    verify(token)


@unhurried
@given(st.text(alphabet="AZaz09-_.=+/ \0"))
def test_any_text_of_token_characters_is_verified_or_rejected(token: str) -> None:
    verify(token)


@unhurried
@given(st.binary(), st.binary())
def test_any_signed_bytes_are_verified_or_rejected(header: bytes, payload: bytes) -> None:
    verify(HS256.sign_bytes(header, payload))


@unhurried
@given(st.dictionaries(claim_names, json_values))
def test_any_signed_claims_are_verified_or_rejected(changes: dict[str, Any]) -> None:
    verify(HS256.sign({**good_claims(), **changes}))


@unhurried
@given(st.dictionaries(header_names, json_values))
def test_any_signed_header_is_verified_or_rejected(changes: dict[str, Any]) -> None:
    verify(HS256.sign(good_claims(), changes))


@unhurried
@given(st.data())
def test_a_valid_token_with_one_changed_character_is_rejected(data: st.DataObject) -> None:
    token = HS256.sign(good_claims())
    at = data.draw(st.integers(0, len(token) - 1))
    other = data.draw(st.characters().filter(lambda character: character != token[at]))
    with pytest.raises(TokenInvalid):
        TOKENS.verify(token[:at] + other + token[at + 1 :])


def test_a_valid_token_with_one_changed_bit_in_its_claims_is_rejected() -> None:
    header, payload = json.dumps(HS256.header).encode(), json.dumps(good_claims()).encode()
    signature = HS256.sign_bytes(header, payload).rpartition(".")[2]
    for bit in range(len(payload) * 8):
        changed = bytearray(payload)
        changed[bit // 8] ^= 1 << bit % 8
        forged = HS256.sign_bytes(header, bytes(changed)).rpartition(".")[0]
        with pytest.raises(TokenInvalid):
            TOKENS.verify(f"{forged}.{signature}")
