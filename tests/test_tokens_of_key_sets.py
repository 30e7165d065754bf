"""Tokens whose keys come from an issuer's key set, also beside shared secrets. The forged ones are in tests/attacks."""

from __future__ import annotations

import time

import pytest

from api.errors import KeysUnavailable, TokenExpired, TokenInvalid
from api.jose.jwk import parse
from api.jose.jwks import KeySet
from api.tokens import Tokens
from tests.support.jwks_server import serving
from tests.support.signing import ASYMMETRIC, SECRET, claims, make_signer, signer_for
from tests.support.waiting import wait_until

pytestmark = pytest.mark.usefixtures("patient_keys")

HS256 = signer_for("HS256")


def reason(tokens: Tokens, token: str) -> str:
    with pytest.raises(TokenInvalid) as caught:
        tokens.verify(token)
    return caught.value.reason


class TestTheNameEd25519:
    @pytest.mark.parametrize("of_token", ["EdDSA", "Ed25519"])
    @pytest.mark.parametrize("of_key", [{"alg": "EdDSA"}, {"alg": "Ed25519"}, {}])
    def test_means_eddsa(self, of_token: str, of_key: dict[str, str]) -> None:
        signer = signer_for("EdDSA")
        published = {**{name: value for name, value in signer.jwk.items() if name != "alg"}, **of_key}
        with serving() as server:
            server.keys = [published]
            jwks = KeySet(server.url)
            tokens = Tokens((), issuer=None, audience=None, jwks=jwks)
            token = signer.sign(claims(iss=server.origin, aud=server.origin), {"alg": of_token})
            assert tokens.verify(token).user_id == "user-1"
            jwks.close()

    @pytest.mark.parametrize("algorithm", ["ed25519", "Ed448", "ED25519", " Ed25519"])
    def test_has_one_spelling(self, algorithm: str) -> None:
        signer = signer_for("EdDSA")
        with serving(signer) as server:
            jwks = KeySet(server.url)
            tokens = Tokens((), issuer=None, audience=None, jwks=jwks)
            token = signer.sign(claims(iss=server.origin, aud=server.origin), {"alg": algorithm})
            assert reason(tokens, token) == "algorithm"
            jwks.close()

    def test_is_no_algorithm_of_another_key(self) -> None:
        assert parse({**signer_for("ES256").jwk, "alg": "Ed25519"}) is None


class TestTwoKindsOfKeys:
    def test_a_key_behind_jwks_url_names_no_local_account(self) -> None:
        signer = make_signer("EdDSA")
        with serving(signer) as server:
            jwks = KeySet(server.url)
            tokens = Tokens((SECRET,), issuer=None, audience=None, jwks=jwks)
            origin = jwks.origin
            token = signer.sign(claims(iss=origin, aud=origin, local_account=True, auth_time=int(time.time())))
            assert tokens.verify(token).logged_in_at is None
            jwks.close()

    @pytest.mark.parametrize("algorithm", ASYMMETRIC)
    def test_each_verify_only_their_own_tokens(self, algorithm: str) -> None:
        signer = signer_for(algorithm)
        with serving(signer) as server:
            jwks = KeySet(server.url)
            tokens = Tokens((SECRET,), issuer=None, audience=None, jwks=jwks)
            at_origin = claims(sub="ann", iss=server.origin, aud=server.origin)
            assert tokens.verify(signer.sign(at_origin)).user_id == "ann"
            assert tokens.verify(HS256.sign(claims(iss="x", aud="y"))).user_id == "user-1"
            assert reason(tokens, signer.sign(claims())) == "issuer"
            assert reason(tokens, signer.sign({**at_origin, "aud": "elsewhere"})) == "audience"
            assert reason(tokens, HS256.sign(claims(), {"alg": algorithm, "kid": signer.kid})) != "algorithm"
            jwks.close()

    def test_an_expired_token_is_reported_before_the_first_key_fetch(self) -> None:
        with serving(signer_for("EdDSA")) as server:
            jwks = KeySet(server.url)
            tokens = Tokens((), issuer=None, audience=None, jwks=jwks)
            expired = signer_for("EdDSA").sign(claims(iss=server.origin, aud=server.origin, exp=1))
            with pytest.raises(TokenExpired):
                tokens.verify(expired)
            jwks.close()

    def test_a_token_of_another_issuer_is_reported_as_such_before_the_first_key_fetch(self) -> None:
        signer = signer_for("EdDSA")
        with serving(signer) as server:
            jwks = KeySet(server.url)
            tokens = Tokens((), issuer=None, audience=None, jwks=jwks)
            assert reason(tokens, signer.sign(claims(iss="elsewhere", aud=server.origin))) == "issuer"
            assert reason(tokens, signer.sign(claims(iss=server.origin, aud="elsewhere"))) == "audience"
            assert reason(tokens, signer.sign(claims(iss=server.origin, aud=server.origin, exp="soon"))) == "claims"
            jwks.close()

    def test_a_token_cannot_be_judged_while_there_has_never_been_a_key(self) -> None:
        signer = signer_for("EdDSA")
        with serving() as server:
            jwks = KeySet(server.url)
            tokens = Tokens((SECRET,), issuer=None, audience=None, jwks=jwks)
            token = signer.sign(claims(iss=server.origin, aud=server.origin))
            with pytest.raises(KeysUnavailable):
                tokens.verify(token)
            assert tokens.verify(HS256.sign(claims())).user_id == "user-1"
            server.keys.append({**signer.jwk, "kid": "another"})
            wait_until(lambda: jwks.fetch("another"))
            assert reason(tokens, token) == "unknown_key"
            jwks.close()

    def test_a_configured_issuer_replaces_the_origin(self) -> None:
        signer = signer_for("EdDSA")
        with serving(signer) as server:
            jwks = KeySet(server.url)
            tokens = Tokens((SECRET,), issuer="https://auth.example", audience=("tasks",), jwks=jwks)
            token = signer.sign(claims(iss="https://auth.example", aud="tasks"))
            assert tokens.verify(token).user_id == "user-1"
            assert reason(tokens, signer.sign(claims(iss=server.origin, aud="tasks"))) == "issuer"
            assert reason(tokens, HS256.sign(claims(aud="tasks"))) == "issuer"
            jwks.close()
