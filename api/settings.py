"""Settings: the name, default and allowed values of each, read from a mapping once at start.

This module does not read the environment: `serve.py` passes it in, together with `.env`. resolved_settings.py decides
the settings that depend on the users table.
"""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Any, Final, TypeAlias
from urllib.parse import SplitResult, urlsplit

from limits import parse_many

from api.forwarded import parse_prefix
from api.origins import AllowedOrigins, allow_origins, is_loopback_host, parse_origins
from api.postgres.database_url import parse_url
from api.profiles.reading import read_profile
from api.profiles.wire_format import WireFormat
from api.secret_strength import find_weakness
from api.value_files import read_value

Network: TypeAlias = IPv4Network | IPv6Network

MIN_SECRET_BYTES: Final = 32
"""RFC 7518, section 3.2: an HS256 key has at least the size of the hash."""


class SettingsError(ValueError):
    """A setting cannot be used. The message is one line that names the setting and never contains a secret."""


def _text(value: str) -> str:
    return value


def _integer(low: int, high: int) -> Callable[[str], int]:
    def parse(value: str) -> int:
        if not value.isascii() or not value.isdigit() or len(value) > 12 or not low <= int(value) <= high:
            raise ValueError(f"must be a whole number from {low} to {high}")
        return int(value)

    return parse


def _seconds(low: float, high: float) -> Callable[[str], float]:
    def parse(value: str) -> float:
        try:
            number = float(value)
        except ValueError:
            number = float("nan")
        if not low <= number <= high:
            raise ValueError(f"must be a number of seconds from {low:g} to {high:g}")
        return number

    return parse


def _switch(value: str) -> bool:
    try:
        return {"on": True, "true": True, "1": True, "off": False, "false": False, "0": False}[value.lower()]
    except KeyError:
        raise ValueError("must be on or off") from None


def _one_of(*choices: str) -> Callable[[str], str]:
    def parse(value: str) -> str:
        if value.lower() not in choices:
            raise ValueError(f"must be one of {', '.join(choices)}")
        return value.lower()

    return parse


def _secret(value: str) -> str:
    if len(value.encode()) < MIN_SECRET_BYTES:
        raise ValueError(f"must be at least {MIN_SECRET_BYTES} bytes long")
    if weakness := find_weakness(value):
        raise ValueError(weakness)
    return value


def _versioned_secrets(value: str) -> tuple[str, ...]:
    """Parse `2:new,1:old` to the secrets, the highest version first."""
    secrets: dict[int, str] = {}
    for entry in value.split(","):
        version, colon, secret = entry.strip().partition(":")
        if not colon or not version.isascii() or not version.isdigit() or int(version[:9]) in secrets:
            raise ValueError("must look like 2:newer-secret,1:older-secret, each version once")
        secrets[int(version[:9])] = _secret(secret)
    return tuple(secrets[version] for version in sorted(secrets, reverse=True))


def _split_url(value: str) -> SplitResult:
    """`urlsplit`, which by itself accepts an invalid port, and puts passwords into its error messages."""
    try:
        parts = urlsplit(value)
        parts.port  # noqa: B018 raises ValueError unless it is a number up to 65535
    except ValueError:
        raise ValueError("must be a valid URL") from None
    return parts


def _http_url(value: str) -> str:
    parts = _split_url(value)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.username or parts.fragment:
        raise ValueError("must be an http or https URL")
    return value


def _database_url(value: str) -> str:
    parse_url(value)
    return value


def _audiences(value: str) -> tuple[str, ...]:
    """Parse `a,b`. `any` is the empty tuple: no audience is checked."""
    audiences = tuple(entry.strip() for entry in value.split(","))
    if audiences == ("any",):
        return ()
    if "" in audiences or "any" in audiences:
        raise ValueError("must be any, or audiences separated by commas")
    return audiences


def _claim(value: str) -> str:
    if value in ("exp", "nbf", "iat", "iss", "aud") or "" in value.split("."):
        raise ValueError("must be the name of a claim, or names separated by dots, such as user.id")
    return value


def _networks(value: str) -> tuple[Network, ...]:
    try:
        return tuple(ip_network(entry.strip()) for entry in value.split(",") if entry.strip())
    except ValueError:
        raise ValueError("must be addresses or CIDR networks, separated by commas") from None


def _rate(value: str) -> str:
    if value:
        try:
            (rate,) = parse_many(value)
            usable = rate.amount > 0
        except ValueError:
            usable = False
        if not usable:
            raise ValueError("must be one rate such as 600/minute, or empty for no limit")
    return value


def _rate_storage(value: str) -> str:
    if value != "memory" and _split_url(value).scheme not in ("redis", "rediss"):
        raise ValueError("must be memory or a redis:// URL")
    return value


def _directory(value: str) -> Path:
    try:
        return Path(value).expanduser()
    except RuntimeError:
        raise ValueError("must be a directory; the user after ~ has no home") from None


def _frontend(value: str) -> WireFormat:
    return WireFormat(read_profile(value))


def _identifier(value: str) -> str:
    if not value or len(value.encode()) > 63 or "\0" in value:
        raise ValueError("must be the name of a table")
    return value


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting: the parser of its text, its value if unset, its description."""

    parse: Callable[[str], Any]
    default: Any
    help: str
    may_be_empty: bool = False
    secret: bool = False
    """The value is or contains a secret, so it may also stand in a file that NAME_FILE names."""


def _setting(
    parse: Callable[[str], Any], default: Any, help: str, *, may_be_empty: bool = False, secret: bool = False
) -> Any:
    return dataclasses.field(metadata={"setting": Setting(parse, default, help, may_be_empty, secret)})


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Settings:
    """The settings of one process. Each attribute is the environment variable of the same name in capitals."""

    database_url: str | None = _setting(
        _database_url, None, "PostgreSQL's URL; unset: an embedded PostgreSQL under DATA_DIR", secret=True
    )
    data_dir: Path = _setting(_directory, Path("data"), "directory of the embedded PostgreSQL and its secret")
    better_auth_secret: str | None = _setting(
        _secret,
        None,
        "HS256 secret, at least 32 bytes; unset with the embedded database: generated once and stored",
        secret=True,
    )
    better_auth_secrets: tuple[str, ...] = _setting(
        _versioned_secrets, (), "several secrets, 2:newer,1:older; the newest signs, all verify", secret=True
    )
    jwks_url: str | None = _setting(_http_url, None, "URL of the issuer's public keys (a JWK set); unset: none")
    jwt_issuer: str | None = _setting(_text, None, "the iss a token must have; unset: any (JWKS_URL: its origin)")
    jwt_audience: tuple[str, ...] | None = _setting(
        _audiences, None, "the aud a token must have, one of a,b, or any; unset: any (JWKS_URL: its origin)"
    )
    user_claim: str | None = _setting(
        _claim, None, "the claim that holds the user's id, such as user.id (nested); unset: user_id, else sub"
    )
    anonymous_user: str | None = _setting(
        _text, None, "for demonstrations: the user of calls without a token; needs a loopback HOST and no JWKS_URL"
    )
    token_ttl: int = _setting(_integer(1, 31_536_000), 3600, "seconds a token issued here is valid")
    bcrypt_cost: int = _setting(_integer(4, 16), 12, "bcrypt's work factor")
    provision_users: bool | None = _setting(
        _switch, None, "create a missing user's row on the first write; unset: on if the users table is ours"
    )
    local_accounts: bool | None = _setting(
        _switch,
        None,
        "/auth/register, /auth/login and /auth/renew; unset: on without JWKS_URL if the users table is ours",
    )
    users_table: str = _setting(_identifier, "users", "the table of users that tasks belong to")
    host: str = _setting(_text, "127.0.0.1", "address to listen on")
    port: int = _setting(_integer(1, 65_535), 8000, "TCP port to listen on")
    workers: int = _setting(_integer(1, 256), os.cpu_count() or 1, "processes; unset: one a core")
    threads: int = _setting(_integer(1, 256), 4, "threads of a process")
    pool_size: int = _setting(_integer(1, 1000), 4, "database connections of a process at most")
    statement_timeout: float = _setting(
        _seconds(0.1, 300), 1.5, "seconds a statement may take, including its wait for a connection and one retry"
    )
    shutdown_timeout: float = _setting(_seconds(0.1, 300), 10.0, "seconds to finish requests after SIGTERM")
    cors_origins: tuple[str, ...] | None = _setting(
        parse_origins,
        None,
        "browser origins that may call, comma-separated, https://*.example.app included; unset: any loopback origin "
        "on a loopback HOST, else http://localhost:3000",
        may_be_empty=True,
    )
    max_tasks: int = _setting(_integer(0, 10**9), 10_000, "tasks a user may hold; 0: no limit")
    rate_limit: str = _setting(_rate, "600/minute", "a user's task calls; empty: no limit", may_be_empty=True)
    auth_rate_limit: str = _setting(
        _rate,
        "20/minute",
        "/auth calls of an address; failed log-ins to an account: four times as many; empty: no limit",
        may_be_empty=True,
    )
    rate_limit_storage: str = _setting(
        _rate_storage, "memory", "memory (each process counts alone) or redis://… (all count together)", secret=True
    )
    trusted_proxy: tuple[Network, ...] = _setting(
        _networks, (), "CIDR list of proxies whose X-Forwarded-… header fields are trusted", may_be_empty=True
    )
    root_path: str = _setting(
        parse_prefix,
        "",
        "path that a proxy strips from URLs, such as /todo; unset: X-Forwarded-Prefix of TRUSTED_PROXY",
    )
    frontend: WireFormat | None = _setting(
        _frontend,
        None,
        "the profile of your frontend: a name, or a path that ends in .toml; unset: the canonical contract",
    )
    web_page: bool = _setting(_switch, True, "serve the page at /")
    metrics_port: int | None = _setting(_integer(1, 65_535), None, "port of Prometheus metrics; unset: none")
    log_level: str = _setting(_one_of("debug", "info", "warning", "error"), "info", "debug, info, warning or error")
    log_format: str = _setting(_one_of("text", "json"), "text", "text or json")

    @property
    def allowed_origins(self) -> AllowedOrigins:
        """The browser origins that may call."""
        return allow_origins(self.cors_origins, self.host)

    @property
    def secrets(self) -> tuple[str, ...]:
        """All HS256 secrets. The first one signs. BETTER_AUTH_SECRET comes after BETTER_AUTH_SECRETS."""
        if self.better_auth_secret is None or self.better_auth_secret in self.better_auth_secrets:
            return self.better_auth_secrets
        return (*self.better_auth_secrets, self.better_auth_secret)


SETTINGS: Final[Mapping[str, Setting]] = {
    field.name.upper(): field.metadata["setting"] for field in dataclasses.fields(Settings)
}


def load_settings(environ: Mapping[str, str]) -> Settings:
    """Read the settings. An empty variable counts as unset, unless the setting accepts an empty value.

    Raises SettingsError with one line for the first variable that cannot be used.
    """
    values: dict[str, Any] = {}
    for name, setting in SETTINGS.items():
        try:
            text = read_value(name, environ) if setting.secret else environ.get(name)
            if text is None or (not text.strip() and not setting.may_be_empty):
                values[name.lower()] = setting.default
                continue
            values[name.lower()] = setting.parse(text)
        except ValueError as ex:
            raise SettingsError(f"{name} {ex}") from None
    settings = Settings(**values)
    if not settings.secrets and settings.database_url is not None and settings.jwks_url is None:
        raise SettingsError(
            "BETTER_AUTH_SECRET must be set when DATABASE_URL is (at least 32 bytes, the secret of your auth server)"
        )
    if settings.anonymous_user is not None and not is_loopback_host(settings.host):
        raise SettingsError("ANONYMOUS_USER must be unset unless HOST is a loopback address: it needs no password")
    if settings.anonymous_user is not None and settings.jwks_url is not None:
        raise SettingsError("ANONYMOUS_USER must be unset with JWKS_URL: it is for demonstrations without a login")
    return settings
