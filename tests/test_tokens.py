"""Valid and borderline tokens in api/tokens.py; the forged ones are in tests/attacks."""

from __future__ import annotations

import time
from dataclasses import replace

import jwt
import pytest

from api.errors import TokenExpired, TokenInvalid
from api.jose.jwks import KeySet
from api.tokens import Identity, Tokens
from tests.support.jwks_server import serving
from tests.support.signing import SECRET, claims, make_signer, signer_for
from tests.support.waiting import wait_until

pytestmark = pytest.mark.usefixtures("patient_keys")

OTHER_SECRET = "another secret of more than 32 bytes!"
HS256 = signer_for("HS256")


def make_tokens(
    *secrets: str, issuer: str | None = None, audience: tuple[str, ...] | None = None, user_claim: str | None = None
) -> Tokens:
    return Tokens(secrets or (SECRET,), issuer=issuer, audience=audience, user_claim=user_claim)


def reason(tokens: Tokens, token: str) -> str:
    with pytest.raises(TokenInvalid) as caught:
        tokens.verify(token)
    return caught.value.reason


class TestTheUser:
    def test_is_the_claim_sub(self) -> None:
        assert make_tokens().verify(HS256.sign(claims(sub="ann"))).user_id == "ann"

    def test_is_the_claim_user_id_if_present(self) -> None:
        assert make_tokens().verify(HS256.sign(claims(user_id="bob", sub="ann"))).user_id == "bob"

    def test_is_the_claim_sub_if_user_id_is_null(self) -> None:
        assert make_tokens().verify(HS256.sign(claims(user_id=None, sub="ann"))).user_id == "ann"

    @pytest.mark.parametrize("name", ["x" * 255, "ü" * 255, "a/b", " ", "tasks", "👩‍💻", "\x01"])
    def test_may_be_any_text_of_255_characters(self, name: str) -> None:
        assert make_tokens().verify(HS256.sign(claims(sub=name))).user_id == name

    def test_has_the_email_and_name_of_the_claims(self) -> None:
        token = HS256.sign(claims(email="ann@example.com", name="Ann"))
        assert make_tokens().verify(token) == Identity("user-1", "ann@example.com", "Ann")

    @pytest.mark.parametrize("value", [7, None, ["a"], {"a": "b"}, "", "a\0b", "\ud800", "x" * 321, True])
    def test_has_no_email_or_name_if_the_claims_are_unusable(self, value: object) -> None:
        token = HS256.sign(claims(email=value, name=value))
        assert make_tokens().verify(token) == Identity("user-1", None, None)


class TestTheClaimOfTheUser:
    @pytest.mark.parametrize(
        ("claim", "members"),
        [
            ("uid", {"uid": "ann"}),
            ("user.id", {"user": {"id": "ann"}}),
            ("a.b.c", {"a": {"b": {"c": "ann"}}}),
            ("user.id", {"user.id": "ann"}),
            ("https://tasks.example/id", {"https://tasks.example/id": "ann"}),
            ("user.id", {"user.id": "ann", "user": {"id": "bob"}}),
            ("sub", {"sub": "ann", "user_id": "bob"}),
        ],
    )
    def test_may_be_nested_and_may_hold_dots_itself(self, claim: str, members: dict[str, object]) -> None:
        tokens = make_tokens(user_claim=claim)
        assert tokens.verify(HS256.sign(claims(**members))).user_id == "ann"

    @pytest.mark.parametrize(
        "members",
        [
            {},
            {"user_id": "ann"},
            {"id": "ann"},
            {"user": None},
            {"user": "ann"},
            {"user": ["ann"]},
            {"user": {}},
            {"user": {"id": None}},
            {"user": {"id": ""}},
            {"user": {"id": 7}},
            {"user": {"id": {"id": "ann"}}},
            {"user": {"id": "x" * 256}},
            {"user.id": None, "user": {"id": "ann"}},
        ],
    )
    def test_has_no_substitute(self, members: dict[str, object]) -> None:
        tokens = make_tokens(user_claim="user.id")
        assert reason(tokens, HS256.sign(claims(sub="bob", **members))) == "user_id"

    @pytest.mark.parametrize("claim", ["uid", "user.id", "email", "sub", "user_id"])
    def test_is_in_the_tokens_issued_here(self, claim: str) -> None:
        tokens = make_tokens(user_claim=claim)
        issued = tokens.issue(Identity("ann", "ann@example.com", "Ann"), 60)
        assert tokens.verify(issued).user_id == "ann"
        assert jwt.decode(issued, SECRET, ["HS256"])["sub"] == "ann"


class TestTimes:
    def test_a_token_expires_on_time_even_if_it_was_verified_before(self, monkeypatch: pytest.MonkeyPatch) -> None:
        tokens, expires = make_tokens(), int(time.time()) + 60
        token = HS256.sign(claims(exp=expires))
        monkeypatch.setattr(time, "time", lambda: expires - 0.001)
        assert tokens.verify(token).user_id == "user-1"
        monkeypatch.setattr(time, "time", lambda: float(expires))
        with pytest.raises(TokenExpired):
            tokens.verify(token)
        with pytest.raises(TokenExpired):
            make_tokens().verify(token)

    @pytest.mark.parametrize("claim", ["nbf", "iat"])
    def test_a_start_may_lie_at_most_30_seconds_ahead(self, claim: str, monkeypatch: pytest.MonkeyPatch) -> None:
        now = int(time.time())
        monkeypatch.setattr(time, "time", lambda: float(now))
        tokens = make_tokens()
        assert tokens.verify(HS256.sign(claims(**{claim: now + 30}))).user_id == "user-1"
        assert reason(tokens, HS256.sign(claims(**{claim: now + 30.1}))) == "not_yet_valid"

    def test_times_may_have_fractions(self) -> None:
        now = time.time()
        assert make_tokens().verify(HS256.sign(claims(exp=now + 60.5, iat=now - 0.5))).user_id == "user-1"


class TestIssuerAndAudience:
    def test_are_not_checked_unless_configured(self) -> None:
        token = HS256.sign(claims(iss="https://auth.example", aud="https://elsewhere.example"))
        assert make_tokens().verify(token).user_id == "user-1"

    @pytest.mark.parametrize("audience", ["tasks", ["other", "tasks"]])
    def test_must_be_the_configured_ones(self, audience: object) -> None:
        tokens = make_tokens(issuer="auth", audience=("tasks",))
        assert tokens.verify(HS256.sign(claims(iss="auth", aud=audience))).user_id == "user-1"
        assert reason(tokens, HS256.sign(claims(iss="auth2", aud=audience))) == "issuer"
        assert reason(tokens, HS256.sign(claims(iss="auth", aud="tasks2"))) == "audience"

    @pytest.mark.parametrize("audience", [("tasks",), ("tasks", "notes"), ()])
    def test_are_in_the_tokens_issued_here(self, audience: tuple[str, ...]) -> None:
        tokens = make_tokens(issuer="auth", audience=audience)
        issued = tokens.issue(Identity("ann"), 60)
        assert tokens.verify(issued).user_id == "ann"
        decoded = jwt.decode(issued, SECRET, ["HS256"], options={"verify_aud": False})
        assert decoded.get("aud") == (audience[0] if audience else None)

    def test_one_of_several_audiences_suffices(self) -> None:
        tokens = make_tokens(audience=("tasks", "notes"))
        for audience in ("tasks", "notes", ["notes"], ["other", "tasks"], ["tasks", "notes"]):
            assert tokens.verify(HS256.sign(claims(aud=audience))).user_id == "user-1"
        wrong: object
        for wrong in ("tasks,notes", "other", ["other"], [], "", None, ..., ["tasks", 7], ["tasks", ["notes"]], {}, 7):
            assert reason(tokens, HS256.sign(claims(aud=wrong))) == "audience"

    @pytest.mark.parametrize("audience", ["elsewhere", ["elsewhere"], None, ..., 7])
    def test_any_audience_suffices_if_none_is_checked(self, audience: object) -> None:
        signer = signer_for("EdDSA")
        with serving(signer) as server:
            jwks = KeySet(server.url)
            origin = Tokens((), issuer=None, audience=None, jwks=jwks)
            unchecked = Tokens((), issuer=None, audience=(), jwks=jwks)
            token = signer.sign(claims(iss=server.origin, aud=audience))
            assert unchecked.verify(token).user_id == "user-1"
            assert reason(origin, token) == "audience"
            jwks.close()


class TestSharedSecrets:
    def test_the_newest_signs_and_all_verify(self) -> None:
        rotated = make_tokens(OTHER_SECRET, SECRET)
        assert rotated.verify(HS256.sign(claims())).user_id == "user-1"
        issued = rotated.issue(Identity("ann"), 60)
        assert make_tokens(OTHER_SECRET).verify(issued).user_id == "ann"
        assert reason(make_tokens(SECRET), issued) == "signature"

    def test_a_public_key_is_rejected_as_a_secret(self) -> None:
        with pytest.raises(ValueError, match="must not be a public or private key"):
            make_tokens("-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEA\n-----END PUBLIC KEY-----")

    def test_an_issued_token_is_valid_for_pyjwt(self) -> None:
        identity = Identity("ann", "ann@example.com", "Änn")
        token = make_tokens().issue(identity, 60)
        decoded = jwt.decode(token, SECRET, algorithms=["HS256"], options={"require": ["exp", "iat", "sub"]})
        assert decoded["exp"] - decoded["iat"] == 60
        assert make_tokens().verify(token) == replace(identity, logged_in_at=decoded["auth_time"])
        assert decoded["auth_time"] == decoded["iat"]

    def test_an_issued_token_keeps_the_time_of_the_log_in(self) -> None:
        token = make_tokens().issue(Identity("ann", logged_in_at=1_700_000_000), 60)
        assert make_tokens().verify(token).logged_in_at == 1_700_000_000

    @pytest.mark.parametrize("changes", [{}, {"local_account": 1}, {"local_account": "true"}, {"local_account": None}])
    def test_an_auth_servers_token_is_of_no_local_account(self, changes: dict[str, object]) -> None:
        token = HS256.sign(claims(auth_time=int(time.time()), **changes))
        assert make_tokens().verify(token).logged_in_at is None

    def test_without_a_secret_no_hs256_token_is_valid(self) -> None:
        assert reason(Tokens((), issuer=None, audience=None), HS256.sign(claims())) == "algorithm"


class TestTheShapeOfAToken:
    @pytest.mark.parametrize("typ", ["JWT", "jwt", "at+jwt", "application/at+JWT"])
    def test_the_types_of_access_tokens_are_accepted(self, typ: str) -> None:
        assert make_tokens().verify(HS256.sign(claims(), {"typ": typ})).user_id == "user-1"

    def test_a_token_may_be_as_long_as_a_header_line_through_a_proxy(self) -> None:
        room = 8192 - len(HS256.sign(claims(image="")))
        assert make_tokens().verify(HS256.sign(claims(image="x" * (room * 3 // 4 - 4)))).user_id == "user-1"
        assert reason(make_tokens(), HS256.sign(claims(image="x" * (room * 3 // 4 + 4)))) == "malformed"


class TestRepeatedTokens:
    def test_cost_one_signature_check_each(self, monkeypatch: pytest.MonkeyPatch) -> None:
        signer = make_signer("EdDSA")
        with serving(signer) as server:
            jwks = KeySet(server.url)
            tokens = Tokens((), issuer=None, audience=None, jwks=jwks)
            token = signer.sign(claims(iss=server.origin, aud=server.origin))
            for _ in range(2):  # the first may be verified before the keys are fetched, with the empty set
                tokens.verify(token)
            monkeypatch.setattr("api.jose.jwk.Key.verify", lambda *args: pytest.fail("checked again"))
            assert tokens.verify(token).user_id == "user-1"
            jwks.close()

    def test_are_removed_from_the_cache_with_their_key(self) -> None:
        with serving(signer_for("EdDSA"), signer_for("ES256")) as server:
            jwks = KeySet(server.url, refresh_after=0.02)
            tokens = Tokens((), issuer=None, audience=None, jwks=jwks)
            at_origin = claims(iss=server.origin, aud=server.origin)
            removed, kept = signer_for("EdDSA").sign(at_origin), signer_for("ES256").sign(at_origin)
            for _ in range(2):
                assert tokens.verify(removed) == tokens.verify(kept)
            del server.keys[0]
            wait_until(lambda: len(jwks.current()) == 1, "a key to go")
            assert reason(tokens, removed) == "unknown_key"
            assert tokens.verify(kept).user_id == "user-1"
            jwks.close()

    def test_are_cached_in_bounded_number(self) -> None:
        tokens = make_tokens()
        issued = [HS256.sign(claims(sub=f"user-{number}")) for number in range(5000)]
        for number, token in enumerate(issued):
            assert tokens.verify(token).user_id == f"user-{number}"
        assert len(tokens._cache._young) + len(tokens._cache._old) <= 4096
        assert tokens.verify(issued[-2048]).user_id == "user-2952"
        assert tokens.verify(issued[0]).user_id == "user-0"
