"""Which keys of a JWK set are usable, and for which algorithm."""

from __future__ import annotations

from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed448, rsa

from api.jose.jwk import parse
from api.jose.jwks_download import download, parse_set
from tests.support.jwks_server import serving
from tests.support.signing import ASYMMETRIC, make_signer, signer_for

P256, ED = signer_for("ES256").jwk, signer_for("EdDSA").jwk


def public_jwk(algorithm: str, private: Any, **members: Any) -> dict[str, Any]:
    return {
        **jwt.get_algorithm_by_name(algorithm).to_jwk(private.public_key(), as_dict=True),
        "kid": "k",
        **members,
    }


@pytest.mark.parametrize("algorithm", ASYMMETRIC)
class TestAUsableKey:
    def test_verifies_only_valid_signatures(self, algorithm: str) -> None:
        key = parse(signer_for(algorithm).jwk)
        assert key is not None
        assert key.algorithm == algorithm
        signature = signer_for(algorithm).signature(b"message")
        assert key.verify(b"message", signature)
        assert not key.verify(b"another", signature)
        assert not key.verify(b"message", signature[:-1])
        assert not key.verify(b"message", b"")

    def test_may_leave_out_its_alg(self, algorithm: str) -> None:
        key = parse({name: value for name, value in signer_for(algorithm).jwk.items() if name != "alg"})
        assert key is not None
        assert key.algorithm == ("RS256" if algorithm == "PS256" else algorithm)

    def test_may_say_that_it_is_for_signatures(self, algorithm: str) -> None:
        assert parse({**signer_for(algorithm).jwk, "use": "sig", "key_ops": ["verify"]}) is not None

    def test_is_public_even_when_published_with_its_private_half(self, algorithm: str) -> None:
        signer = signer_for(algorithm)
        private = jwt.get_algorithm_by_name(algorithm).to_jwk(signer.private, as_dict=True)
        key = parse({**private, "kid": "k", "key_ops": ["sign", "verify"]})
        assert key is not None
        assert not hasattr(key._public, "sign")
        assert "d" not in key.members


@pytest.mark.parametrize(
    "jwk",
    [
        None,
        [],
        "key",
        7,
        {},
        {**ED, "kid": None},
        {**ED, "kid": ""},
        {**ED, "kid": 7},
        {**ED, "use": "enc"},
        {**ED, "key_ops": ["sign"]},
        {**ED, "key_ops": "verify"},
        {**ED, "alg": "none"},
        {**ED, "alg": "HS256"},
        {**ED, "alg": "ES256"},
        {**ED, "alg": ["EdDSA"]},
        {**ED, "crv": "X25519"},
        {**ED, "x": 7},
        {**ED, "x": ""},
        {**ED, "x": "é"},
        {**ED, "x": ED["x"][:-4]},
        {**P256, "alg": "ES512"},
        {**P256, "crv": "P-521"},
        {**P256, "y": P256["x"]},
        {**P256, "y": None},
        {"kty": "oct", "k": "c2VjcmV0", "kid": "k", "alg": "HS256"},
        {"kty": "oct", "k": "c2VjcmV0", "kid": "k"},
        {"kty": "RSA", "n": "AQAB", "e": "AQAB", "kid": "k", "alg": "RS256"},
        {"kty": "RSA", "n": "", "e": "", "kid": "k", "alg": "RS256"},
        public_jwk("RS256", rsa.generate_private_key(65537, 1024), alg="RS256"),
        public_jwk("ES384", ec.generate_private_key(ec.SECP384R1()), alg="ES384"),
        public_jwk("ES256K", ec.generate_private_key(ec.SECP256K1())),
        public_jwk("EdDSA", ed448.Ed448PrivateKey.generate(), alg="EdDSA"),
    ],
)
def test_an_unusable_key_is_ignored(jwk: object) -> None:
    assert parse(jwk) is None


class TestASet:
    def test_keeps_its_usable_keys_beside_unusable_ones(self) -> None:
        with serving(signer_for("EdDSA")) as server:
            server.keys = [None, {"kty": "oct"}, *server.keys, {**P256, "alg": "none"}]
            assert list(parse_set(download(server.url, 5))) == ["key-of-EdDSA"]

    def test_takes_the_first_of_two_keys_with_one_kid(self) -> None:
        first, second = make_signer("EdDSA", "same"), make_signer("EdDSA", "same")
        with serving(first, second) as server:
            key = parse_set(download(server.url, 5))["same"]
        assert key.verify(b"message", first.signature(b"message"))

    def test_may_be_empty(self) -> None:
        with serving() as server:
            assert parse_set(download(server.url, 5)) == {}
