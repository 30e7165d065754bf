"""Settings: the name, default and allowed values of each, read from a mapping once at start.

This module does not read the environment: `serve.py` passes it in, together with `.env`. resolved_settings.py decides
the settings that depend on the users table.
"""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from api.forwarded import parse_prefix
from api.installation import default_data_dir
from api.origins import AllowedOrigins, allow_origins, is_loopback_host, parse_origins
from api.profiles.wire_format import WireFormat
from api.setting_values import (
    Network,
    integer,
    one_of,
    parse_audiences,
    parse_claim,
    parse_database_url,
    parse_directory,
    parse_frontend,
    parse_http_url,
    parse_networks,
    parse_origin_url,
    parse_rate,
    parse_rate_storage,
    parse_secret,
    parse_switch,
    parse_table,
    parse_text,
    parse_versioned_secrets,
    seconds,
)
from api.value_files import read_value

MOST_CONNECTIONS: Final = 48
"""Database connections of all workers together, if POOL_SIZE is unset: a second instance, as in a rolling upgrade, has
room among the 100 that PostgreSQL allows by default. More workers than this have one each."""


class SettingsError(ValueError):
    """A setting cannot be used. The message is one line that names the setting and never contains a secret."""


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting: the parser of its text, its value if unset, its description."""

    parse: Callable[[str], Any]
    default: Any
    help: str
    may_be_empty: bool = False
    secret: bool = False
    """The value is or contains a secret, so it may also stand in a file that NAME_FILE names."""

    def unset_value(self) -> Any:
        """The value if the variable is unset. A default that depends on the machine is a function."""
        return self.default() if callable(self.default) else self.default


def _setting(
    parse: Callable[[str], Any], default: Any, help: str, *, may_be_empty: bool = False, secret: bool = False
) -> Any:
    return dataclasses.field(metadata={"setting": Setting(parse, default, help, may_be_empty, secret)})


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Settings:
    """The settings of one process. Each attribute is the environment variable of the same name in capitals."""

    database_url: str | None = _setting(
        parse_database_url, None, "PostgreSQL's URL; unset: an embedded PostgreSQL under DATA_DIR", secret=True
    )
    data_dir: Path = _setting(parse_directory, default_data_dir, "directory of the embedded PostgreSQL and its secret")
    better_auth_secret: str | None = _setting(
        parse_secret,
        None,
        "HS256 secret, at least 32 bytes; unset with the embedded database: generated once and stored",
        secret=True,
    )
    better_auth_secrets: tuple[str, ...] = _setting(
        parse_versioned_secrets, (), "several secrets, 2:newer,1:older; the newest signs, all verify", secret=True
    )
    jwks_url: str | None = _setting(parse_origin_url, None, "URL of the issuer's public keys (a JWK set); unset: none")
    jwt_issuer: str | None = _setting(parse_text, None, "the iss a token must have; unset: any (JWKS_URL: its origin)")
    jwt_audience: tuple[str, ...] | None = _setting(
        parse_audiences, None, "the aud a token must have, one of a,b, or any; unset: any (JWKS_URL: its origin)"
    )
    user_claim: str | None = _setting(
        parse_claim, None, "the claim that holds the user's id, such as user.id (nested); unset: user_id, else sub"
    )
    anonymous_user: str | None = _setting(
        parse_text, None, "for demonstrations: the user of calls without a token; needs a loopback HOST and no JWKS_URL"
    )
    token_ttl: int = _setting(integer(1, 31_536_000), 3600, "seconds a token issued here is valid")
    bcrypt_cost: int = _setting(integer(4, 16), 12, "bcrypt's work factor")
    provision_users: bool | None = _setting(
        parse_switch, None, "create a missing user's row on the first write; unset: on if the users table is ours"
    )
    local_accounts: bool | None = _setting(
        parse_switch,
        None,
        "/auth/register, /auth/login and /auth/renew; unset: on without JWKS_URL if the users table is ours",
    )
    users_table: str = _setting(
        parse_table, "users", "the table of users that tasks belong to; schema.table in another schema"
    )
    host: str = _setting(parse_text, "127.0.0.1", "address to listen on")
    port: int = _setting(integer(1, 65_535), 8000, "TCP port to listen on")
    workers: int = _setting(integer(1, 256), os.cpu_count() or 1, "processes; unset: one a core")
    threads: int = _setting(integer(1, 256), 4, "threads of a process")
    pool_size: int = _setting(
        integer(1, 1000),
        None,
        f"database connections of a process at most; unset: THREADS, with at most {MOST_CONNECTIONS} for all WORKERS",
    )
    statement_timeout: float = _setting(
        seconds(0.1, 300), 1.5, "seconds a statement may take, including its wait for a connection and one retry"
    )
    shutdown_timeout: float = _setting(seconds(0.1, 300), 10.0, "seconds to finish requests after SIGTERM")
    worker_timeout: float = _setting(
        seconds(1, 3600), 10.0, "seconds without progress after which a worker is killed and replaced"
    )
    cors_origins: tuple[str, ...] | None = _setting(
        parse_origins,
        None,
        "browser origins that may call, comma-separated, https://*.example.app included; unset: any loopback origin "
        "on a loopback HOST, else http://localhost:3000",
        may_be_empty=True,
    )
    max_tasks: int = _setting(integer(0, 10**9), 10_000, "tasks a user may hold; 0: no limit")
    rate_limit: str = _setting(parse_rate, "600/minute", "a user's task calls; empty: no limit", may_be_empty=True)
    auth_rate_limit: str = _setting(
        parse_rate,
        "20/minute",
        "/auth calls of an address; failed log-ins to an account: four times as many; empty: no limit",
        may_be_empty=True,
    )
    rate_limit_storage: str = _setting(
        parse_rate_storage,
        "memory",
        "memory (each process counts alone) or redis://… (all count together)",
        secret=True,
    )
    trusted_proxy: tuple[Network, ...] = _setting(
        parse_networks, (), "CIDR list of proxies whose X-Forwarded-… header fields are trusted", may_be_empty=True
    )
    root_path: str = _setting(
        parse_prefix,
        "",
        "path that a proxy strips from URLs, such as /todo; unset: X-Forwarded-Prefix of TRUSTED_PROXY",
    )
    frontend: WireFormat | None = _setting(
        parse_frontend,
        None,
        "the profile of your frontend: a name, or a path that ends in .toml; unset: the canonical contract",
    )
    sign_in_url: str | None = _setting(
        parse_http_url,
        None,
        "the page on which users of your auth server sign in; {return_url} in it becomes the address of our page",
    )
    token_url: str | None = _setting(
        parse_origin_url,
        None,
        "where our page gets a token of a signed-in user; unset: with SIGN_IN_URL, JWKS_URL with /token for /jwks",
    )
    web_page: bool = _setting(parse_switch, True, "serve the page at /")
    metrics_port: int | None = _setting(integer(1, 65_535), None, "port of Prometheus metrics; unset: none")
    log_level: str = _setting(one_of("debug", "info", "warning", "error"), "info", "debug, info, warning or error")
    log_format: str = _setting(one_of("text", "json"), "text", "text or json")

    @property
    def allowed_origins(self) -> AllowedOrigins:
        """The browser origins that may call."""
        return allow_origins(self.cors_origins, self.host)

    @property
    def page_token_url(self) -> str | None:
        """Where the page gets a token for the session that a browser has at the auth server. None: nowhere."""
        if self.token_url is not None or self.sign_in_url is None or self.jwks_url is None:
            return self.token_url
        base, slash, name = self.jwks_url.rpartition("/")
        return f"{base}{slash}token" if name == "jwks" else None

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
                values[name.lower()] = setting.unset_value()
                continue
            values[name.lower()] = setting.parse(text)
        except ValueError as ex:
            raise SettingsError(f"{name} {ex}") from None
    if values["pool_size"] is None:
        values["pool_size"] = min(values["threads"], max(1, MOST_CONNECTIONS // values["workers"]))
    settings = Settings(**values)
    if settings.metrics_port == settings.port:
        raise SettingsError("METRICS_PORT must be another port than PORT")
    if settings.database_url is None and str(settings.data_dir).startswith("~"):
        raise SettingsError("DATA_DIR must be set, because this account has no home directory")
    if not settings.secrets and settings.database_url is not None and settings.jwks_url is None:
        raise SettingsError(
            "BETTER_AUTH_SECRET must be set when DATABASE_URL is (at least 32 bytes, the secret of your auth server)"
        )
    if settings.anonymous_user is not None and not is_loopback_host(settings.host):
        raise SettingsError("ANONYMOUS_USER must be unset unless HOST is a loopback address: it needs no password")
    if settings.anonymous_user is not None and settings.jwks_url is not None:
        raise SettingsError("ANONYMOUS_USER must be unset with JWKS_URL: it is for demonstrations without a login")
    return settings
