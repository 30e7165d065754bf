"""Parses the text of settings. Each parser raises ValueError with the end of a sentence that begins with the name."""

from __future__ import annotations

from collections.abc import Callable
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Final, TypeAlias
from urllib.parse import SplitResult, urlsplit

from limits import parse_many

from api.origins import origin_of
from api.postgres.database_url import parse_url
from api.profiles.reading import read_profile
from api.profiles.wire_format import WireFormat
from api.secret_strength import find_weakness

Network: TypeAlias = IPv4Network | IPv6Network

MIN_SECRET_BYTES: Final = 32
"""RFC 7518, section 3.2: an HS256 key has at least the size of the hash."""


def parse_text(value: str) -> str:
    """Any text."""
    return value


def integer(low: int, high: int) -> Callable[[str], int]:
    """A parser of whole numbers in a range."""

    def parse(value: str) -> int:
        if not value.isascii() or not value.isdigit() or len(value) > 12 or not low <= int(value) <= high:
            raise ValueError(f"must be a whole number from {low} to {high}")
        return int(value)

    return parse


def seconds(low: float, high: float) -> Callable[[str], float]:
    """A parser of seconds in a range, fractions included."""

    def parse(value: str) -> float:
        try:
            number = float(value)
        except ValueError:
            number = float("nan")
        if not low <= number <= high:
            raise ValueError(f"must be a number of seconds from {low:g} to {high:g}")
        return number

    return parse


def parse_switch(value: str) -> bool:
    """`on` or `off`, and the usual other words for them."""
    try:
        return {"on": True, "true": True, "1": True, "off": False, "false": False, "0": False}[value.lower()]
    except KeyError:
        raise ValueError("must be on or off") from None


def one_of(*choices: str) -> Callable[[str], str]:
    """A parser of one of these words, in lower case."""

    def parse(value: str) -> str:
        if value.lower() not in choices:
            raise ValueError(f"must be one of {', '.join(choices)}")
        return value.lower()

    return parse


def parse_secret(value: str) -> str:
    """A secret that is long enough and cannot be guessed."""
    if len(value.encode()) < MIN_SECRET_BYTES:
        raise ValueError(f"must be at least {MIN_SECRET_BYTES} bytes long")
    if weakness := find_weakness(value):
        raise ValueError(weakness)
    return value


def parse_versioned_secrets(value: str) -> tuple[str, ...]:
    """Parse `2:new,1:old` to the secrets, the highest version first."""
    secrets: dict[int, str] = {}
    for entry in value.split(","):
        version, colon, secret = entry.strip().partition(":")
        if not colon or not version.isascii() or not version.isdigit() or int(version[:9]) in secrets:
            raise ValueError("must look like 2:newer-secret,1:older-secret, each version once")
        secrets[int(version[:9])] = parse_secret(secret)
    return tuple(secrets[version] for version in sorted(secrets, reverse=True))


def _split_url(value: str) -> SplitResult:
    """`urlsplit`, which by itself accepts an invalid port, and puts passwords into its error messages."""
    try:
        parts = urlsplit(value)
        parts.port  # noqa: B018 raises ValueError unless it is a number up to 65535
    except ValueError:
        raise ValueError("must be a valid URL") from None
    return parts


def parse_http_url(value: str) -> str:
    """A URL of a server, without a user."""
    parts = _split_url(value)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.username or parts.fragment:
        raise ValueError("must be an http or https URL")
    return value


def parse_origin_url(value: str) -> str:
    """A URL of a server that the page calls: its origin must be one for browsers."""
    parse_http_url(value)
    try:
        origin_of(value)
    except ValueError as ex:
        raise ValueError(f"must be an http or https URL: it {ex}") from None
    return value


def parse_database_url(value: str) -> str:
    """A database's URL, unchanged."""
    parse_url(value)
    return value


def parse_audiences(value: str) -> tuple[str, ...]:
    """Parse `a,b`. `any` is the empty tuple: no audience is checked."""
    audiences = tuple(entry.strip() for entry in value.split(","))
    if audiences == ("any",):
        return ()
    if "" in audiences or "any" in audiences:
        raise ValueError("must be any, or audiences separated by commas")
    return audiences


def parse_claim(value: str) -> str:
    """The name of a claim, or names that lead into nested objects."""
    if value in ("exp", "nbf", "iat", "iss", "aud") or "" in value.split("."):
        raise ValueError("must be the name of a claim, or names separated by dots, such as user.id")
    return value


def parse_networks(value: str) -> tuple[Network, ...]:
    """Networks, also single addresses."""
    try:
        return tuple(ip_network(entry.strip()) for entry in value.split(",") if entry.strip())
    except ValueError:
        raise ValueError("must be addresses or CIDR networks, separated by commas") from None


def parse_rate(value: str) -> str:
    """One rate in the notation of the limits library; empty: none."""
    if value:
        try:
            (rate,) = parse_many(value)
            usable = rate.amount > 0
        except ValueError:
            usable = False
        if not usable:
            raise ValueError("must be one rate such as 600/minute, or empty for no limit")
    return value


def parse_rate_storage(value: str) -> str:
    """`memory`, or the URL of a Redis."""
    if value != "memory" and _split_url(value).scheme not in ("redis", "rediss"):
        raise ValueError("must be memory or a redis:// URL")
    return value


def parse_directory(value: str) -> Path:
    """A directory; `~` is a home."""
    try:
        return Path(value).expanduser()
    except RuntimeError:
        raise ValueError("must be a directory; the user after ~ has no home") from None


def parse_frontend(value: str) -> WireFormat:
    """A frontend's compiled profile."""
    return WireFormat(read_profile(value))


def parse_table(value: str) -> str:
    """The name of a table, or `schema.table`."""
    parts = value.strip().split(".")
    if len(parts) > 2 or not all(0 < len(part.encode()) <= 63 for part in parts) or set(value) & {"\0", '"'}:
        raise ValueError("must be the name of a table, or schema.table, without quotes")
    return ".".join(parts)
