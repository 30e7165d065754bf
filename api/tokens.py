"""Verifies JSON Web Tokens and issues our own. No HTTP, no database.

PyJWT implements the signature algorithms, api/jose/jws.py parses tokens, api/jose/jwks.py keeps the keys of JWKS_URL.
Claims are checked here, because PyJWT has one leeway for all times and accepts strings as numbers.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any, NamedTuple

import jwt

from api.errors import KeysUnavailable, TokenExpired, TokenInvalid
from api.jose import jws
from api.jose.jwk import ALGORITHMS, Key, canonical_name
from api.jose.jwks import KeySet

LEEWAY = 30  # seconds that nbf and iat may be ahead of our clock; exp has none
MAX_USER_ID = 255
MAX_EMAIL = 320
MAX_NAME = 255

# Types (RFC 8725 section 3.11) of access tokens. Any other token was signed for another purpose.
_TYPES = frozenset({"jwt", "at+jwt", "application/jwt", "application/at+jwt"})
_LATEST = 253402300799  # 9999-12-31; a later time is in milliseconds, or wrong
_CACHED = 2048
_HMAC = jwt.get_algorithm_by_name("HS256")
_LOCAL_ACCOUNT = "local_account"
"""The claim that tells tokens issued here from those of an auth server that shares the secret."""


@dataclass(frozen=True, slots=True)
class Identity:
    """The user that a token names. `email` and `name` are None unless they are usable text.

    `logged_in_at` is the time of the log-in to a local account (a Unix time), in a token that this service issued.
    """

    user_id: str
    email: str | None = None
    name: str | None = None
    logged_in_at: int | None = None


def is_user_id(text: str) -> bool:
    """Whether the text can be a user's id."""
    return _text(text, MAX_USER_ID) is not None


def hmac_keys(secrets: tuple[str, ...]) -> tuple[bytes, ...]:
    """The secrets as HS256 keys. Raises ValueError for one that is a public or private key."""
    try:
        return tuple(_HMAC.prepare_key(secret) for secret in secrets)
    except jwt.InvalidKeyError as ex:
        raise ValueError("a shared secret must not be a public or private key") from ex


class Tokens:
    """Verifies tokens of every configured kind and issues HS256 ones.

    `secrets` are in order, newest first. The newest signs, and all verify HS256 tokens only. Every token must name
    `issuer`, and one of `audience`, if they are given; an empty `audience` accepts any. Otherwise tokens under `jwks`
    must name the origin of its URL as both, and HS256 tokens may name any. The user is the claim `user_claim`; see
    `_find_user`. Raises ValueError for a secret that is a public or private key.
    """

    def __init__(
        self,
        secrets: tuple[str, ...],
        *,
        issuer: str | None,
        audience: tuple[str, ...] | None,
        user_claim: str | None = None,
        jwks: KeySet | None = None,
    ) -> None:
        self._secrets = hmac_keys(secrets)
        self._issuer = issuer
        self._audience = audience
        self._user_claim = user_claim
        self._jwks = jwks
        self._cache = _Cache({})

    def verify(self, token: str) -> Identity:
        """The identity in `token`. Raises TokenExpired, TokenInvalid or KeysUnavailable, never anything else."""
        cache = self._current_cache()
        digest = blake2b(token.encode("utf-8", "surrogatepass")).digest()
        verified = cache.get(digest)
        if verified is None:
            try:
                verified = self._check(token)
            except jws.MalformedJws as ex:
                raise TokenInvalid("malformed") from ex
            verified.check_time()
            cache.put(digest, verified)
        else:
            verified.check_time()
        return verified.identity

    def issue(self, identity: Identity, ttl: int) -> str:
        """An HS256 token for the local account `identity`, signed with the newest secret, valid for `ttl` seconds."""
        now = int(time.time())
        claims = {
            "sub": identity.user_id,
            "email": identity.email,
            "name": identity.name,
            _LOCAL_ACCOUNT: True,
            "auth_time": now if identity.logged_in_at is None else identity.logged_in_at,
            "iat": now,
            "exp": now + ttl,
            "iss": self._issuer,
            "aud": self._audience[0] if self._audience else None,
        }
        if self._user_claim is not None:
            claims[self._user_claim] = identity.user_id
        present = {name: value for name, value in claims.items() if value is not None}
        return jwt.encode(present, self._secrets[0], algorithm="HS256")

    def _current_cache(self) -> _Cache:
        """The cache of tokens verified with the present keys. A new key set has a new cache."""
        if self._jwks is None:
            return self._cache
        keys = self._jwks.current()
        cache = self._cache
        if cache.keys is not keys:
            self._cache = cache = _Cache(keys)
        return cache

    def _check(self, token: str) -> _Verified:
        parts = jws.split(token)
        algorithm = _check_header(parts.header)
        if algorithm == "HS256" and self._secrets:
            expected = _Expected(self._issuer, self._audience or (), self._user_claim)
            if not any(_HMAC.verify(parts.signing_input, key, parts.signature) for key in self._secrets):
                raise TokenInvalid("signature")
        elif self._jwks is not None and algorithm in ALGORITHMS:
            audience = (self._jwks.origin,) if self._audience is None else self._audience
            expected = _Expected(self._issuer or self._jwks.origin, audience, self._user_claim)
            key = _find_key(self._jwks, parts, expected)
            if algorithm != key.algorithm:
                raise TokenInvalid("algorithm")
            if not key.verify(parts.signing_input, parts.signature):
                raise TokenInvalid("signature")
        else:
            raise TokenInvalid("algorithm")
        return _check_claims(jws.parse_object(parts.payload), expected, signed_with_secret=algorithm == "HS256")


class _Expected(NamedTuple):
    """What the claims must be: the issuer (None: any), one of the audiences (none: any), and where the user is."""

    issuer: str | None
    audience: tuple[str, ...]
    user_claim: str | None


class _Verified(NamedTuple):
    """The result of verifying a token, and the times between which the token is valid."""

    identity: Identity
    not_before: float
    expires: float

    def check_time(self) -> None:
        now = time.time()
        if now >= self.expires:
            raise TokenExpired
        if now < self.not_before:
            raise TokenInvalid("not_yet_valid")


class _Cache:
    """Tokens verified with `keys`, by digest: two generations of `_CACHED`, the older dropped as a whole.

    It has no lock. A race loses an entry at worst, which costs one more signature check.
    """

    __slots__ = ("_old", "_young", "keys")

    def __init__(self, keys: Mapping[str, Key]) -> None:
        self.keys = keys
        self._young: dict[bytes, _Verified] = {}
        self._old: dict[bytes, _Verified] = {}

    def get(self, digest: bytes) -> _Verified | None:
        found = self._young.get(digest)
        if found is None:
            found = self._old.get(digest)
            if found is not None:
                self.put(digest, found)
        return found

    def put(self, digest: bytes, verified: _Verified) -> None:
        if len(self._young) >= _CACHED:
            self._old = self._young
            self._young = {}
        self._young[digest] = verified


def _check_header(header: Mapping[str, Any]) -> str:
    """The algorithm that the header names, whether supported or not. Raises TokenInvalid for an unusable header."""
    algorithm, typ = canonical_name(header.get("alg")), header.get("typ", "JWT")
    if not isinstance(algorithm, str):
        raise TokenInvalid("algorithm")
    if not isinstance(header.get("kid", ""), str):
        raise TokenInvalid("malformed")
    if not isinstance(typ, str) or typ.lower() not in _TYPES:
        raise TokenInvalid("type")
    if "crit" in header or "b64" in header:
        raise TokenInvalid("critical")
    return algorithm


def _find_key(jwks: KeySet, parts: jws.Jws, expected: _Expected) -> Key:
    kid = parts.header.get("kid", "")
    key = jwks.current().get(kid)
    if key is None:
        # Downloads are limited, so none is spent on a token that no key could make valid.
        _check_claims(jws.parse_object(parts.payload), expected).check_time()
        key = jwks.fetch(kid)
    if key is None and not jwks.had_keys:
        raise KeysUnavailable
    if key is None:
        raise TokenInvalid("unknown_key")
    return key


def _check_claims(claims: Mapping[str, Any], expected: _Expected, *, signed_with_secret: bool = False) -> _Verified:
    """Check the claims, except against the present time. Raises TokenInvalid."""
    if expected.issuer is not None and claims.get("iss") != expected.issuer:
        raise TokenInvalid("issuer")
    if expected.audience and not _is_for(claims.get("aud"), expected.audience):
        raise TokenInvalid("audience")
    expires = _time(claims, "exp")
    if expires is None:
        raise TokenInvalid("claims")
    not_before = max(_time(claims, "nbf") or 0, _time(claims, "iat") or 0) - LEEWAY
    user_id = _text(_find_user(claims, expected.user_claim), MAX_USER_ID)
    if user_id is None:
        raise TokenInvalid("user_id")
    is_local = signed_with_secret and claims.get(_LOCAL_ACCOUNT) is True
    identity = Identity(
        user_id,
        _text(claims.get("email"), MAX_EMAIL),
        _text(claims.get("name"), MAX_NAME),
        int(_time(claims, "auth_time") or 0) if is_local else None,
    )
    return _Verified(identity, not_before, expires)


def _find_user(claims: Mapping[str, Any], claim: str | None) -> object:
    """The value of `claim`, None if it is missing. Without a `claim` it is `user_id`, or else `sub`.

    The name may hold dots itself, as Auth0's URLs do. If no claim has this name, dots lead into nested objects.
    """
    if claim is None:
        user_id = claims.get("user_id")
        return claims.get("sub") if user_id is None else user_id
    if claim in claims:
        return claims[claim]
    value: object = claims
    for name in claim.split("."):
        value = value.get(name) if isinstance(value, dict) else None
    return value


def _is_for(claim: object, audience: tuple[str, ...]) -> bool:
    if isinstance(claim, list):
        return all(isinstance(name, str) for name in claim) and not set(audience).isdisjoint(claim)
    return claim in audience


def _time(claims: Mapping[str, Any], name: str) -> float | None:
    """A NumericDate (RFC 7519 section 2), None if absent. Raises TokenInvalid for any other value."""
    if name not in claims:
        return None
    value = claims[name]
    if type(value) not in (int, float) or not 0 <= value <= _LATEST:
        raise TokenInvalid("claims")
    return value  # type: ignore[no-any-return]


def _text(value: object, limit: int) -> str | None:
    """`value` if it is text that a database can store: not empty, not too long, no NUL, no lone surrogate."""
    if not isinstance(value, str) or not 0 < len(value) <= limit or "\0" in value:
        return None
    if any("\ud800" <= character <= "\udfff" for character in value):
        return None
    return value
