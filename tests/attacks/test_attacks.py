"""Every forged token is rejected for the right reason, with every kind of key. The lists are beside this file."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from falcon.testing import Result, TestClient

from api.errors import TokenExpired, TokenInvalid
from api.jose.jwks import KeySet
from api.postgres.database import Database
from api.tokens import Tokens
from tests.attacks.curves import ARITHMETIC
from tests.attacks.forge import AUDIENCE, ISSUER, Target
from tests.attacks.headers import CONFUSION, HEADERS, SHARED, USELESS_KEYS, other_keys
from tests.attacks.payloads import PAYLOADS
from tests.attacks.shapes import SHAPES
from tests.support.callers import error_of
from tests.support.jwks_server import JwksServer, serving
from tests.support.signing import ASYMMETRIC, SECRET, signer_for

pytestmark = pytest.mark.usefixtures("patient_keys")

ON_EVERY_KIND = [*SHAPES, *HEADERS, *PAYLOADS]
KINDS = ("HS256", *ASYMMETRIC)


def attacks_on(algorithm: str) -> list[tuple[str, Callable[[Target], str], str]]:
    special = SHARED if algorithm == "HS256" else [*CONFUSION, *other_keys(algorithm)]
    return [*ON_EVERY_KIND, *special, *ARITHMETIC[algorithm]]


ATTACKS = [
    pytest.param(algorithm, forge, reason, id=f"{algorithm}-{name}")
    for algorithm in KINDS
    for name, forge, reason in attacks_on(algorithm)
]


@pytest.fixture(scope="module")
def auth_server() -> Iterator[JwksServer]:
    """A server with all kinds of keys, so that each attack may try those of another kind."""
    with serving(*map(signer_for, ASYMMETRIC)) as server:
        server.keys = [*USELESS_KEYS, *server.keys]
        yield server


@pytest.fixture(scope="module")
def tokens(auth_server: JwksServer) -> Iterator[Tokens]:
    keys = KeySet(auth_server.url)
    yield Tokens((SECRET,), issuer=ISSUER, audience=(AUDIENCE,), jwks=keys)
    keys.close()


@pytest.fixture(scope="module")
def call(
    auth_server: JwksServer, shared_database: Database, client_over: Callable[..., TestClient]
) -> Callable[[str], Result]:
    """A function that lists the tasks of a token's user, through the whole application."""
    settings = {"JWKS_URL": auth_server.url, "JWT_ISSUER": ISSUER, "JWT_AUDIENCE": AUDIENCE}
    client = client_over(shared_database, **settings)

    def get(token: str) -> Result:
        as_received = token.encode("utf-8", "surrogatepass").decode("latin-1")
        return client.simulate_get("/api/tasks", headers={"Authorization": f"Bearer {as_received}"})

    return get


@pytest.mark.parametrize("algorithm", KINDS)
def test_the_token_before_each_attack_is_valid(tokens: Tokens, call: Callable[[str], Result], algorithm: str) -> None:
    token = Target(signer_for(algorithm)).sign()
    assert tokens.verify(token).user_id == "user-1"
    assert call(token).status_code == 200


@pytest.mark.parametrize(("algorithm", "forge", "reason"), ATTACKS)
def test_a_forged_token_is_rejected(
    tokens: Tokens,
    call: Callable[[str], Result],
    algorithm: str,
    forge: Callable[[Target], str],
    reason: str,
) -> None:
    target = Target(signer_for(algorithm))
    tokens.verify(target.sign())
    token = forge(target)
    with pytest.raises((TokenInvalid, TokenExpired)) as caught:
        tokens.verify(token)
    assert isinstance(caught.value, TokenInvalid | TokenExpired)
    assert caught.value.reason == reason
    if "\n" in token:
        return  # ends the header line: what follows is not part of the token
    response = call(token)
    assert error_of(response) == (401, code_of(token, reason))
    assert response.headers["www-authenticate"] == "Bearer"


def code_of(token: str, reason: str) -> str:
    if token == "" or " " in token:
        return "UNAUTHORIZED"  # the header itself is not `Bearer` and one token
    return "TOKEN_EXPIRED" if reason == "expired" else "TOKEN_INVALID"


def test_the_list_is_long_enough() -> None:
    assert len(ON_EVERY_KIND) >= 60
