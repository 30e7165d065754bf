"""Whatever text arrives, and whatever JSON is signed, verifying gives an identity or one of two refusals."""

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

# How long an example takes is the machine's business here.
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
def test_any_text(token: str) -> None:
    verify(token)


@unhurried
@given(st.text(alphabet="AZaz09-_.=+/ \0"))
def test_any_text_of_tokenlike_characters(token: str) -> None:
    verify(token)


@unhurried
@given(st.binary(), st.binary())
def test_any_bytes_signed(header: bytes, payload: bytes) -> None:
    verify(HS256.sign_bytes(header, payload))


@unhurried
@given(st.dictionaries(claim_names, json_values))
def test_any_claims_signed(changes: dict[str, Any]) -> None:
    verify(HS256.sign({**good_claims(), **changes}))


@unhurried
@given(st.dictionaries(header_names, json_values))
def test_any_header_signed(changes: dict[str, Any]) -> None:
    verify(HS256.sign(good_claims(), changes))


@unhurried
@given(st.data())
def test_a_good_token_with_any_one_character_changed_is_refused(data: st.DataObject) -> None:
    token = HS256.sign(good_claims())
    at = data.draw(st.integers(0, len(token) - 1))
    other = data.draw(st.characters().filter(lambda character: character != token[at]))
    with pytest.raises(TokenInvalid):
        TOKENS.verify(token[:at] + other + token[at + 1 :])


def test_a_good_token_with_any_one_bit_of_its_claims_changed_is_refused() -> None:
    header, payload = json.dumps(HS256.header).encode(), json.dumps(good_claims()).encode()
    signature = HS256.sign_bytes(header, payload).rpartition(".")[2]
    for bit in range(len(payload) * 8):
        changed = bytearray(payload)
        changed[bit // 8] ^= 1 << bit % 8
        forged = HS256.sign_bytes(header, bytes(changed)).rpartition(".")[0]
        with pytest.raises(TokenInvalid):
            TOKENS.verify(f"{forged}.{signature}")
