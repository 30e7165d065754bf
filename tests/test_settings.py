"""Settings: their valid values, and the messages for invalid ones."""

from __future__ import annotations

import os
import re
import secrets
from pathlib import Path

import pytest

from api.settings import SETTINGS, SettingsError, load_settings
from tests.support.processes import PROJECT

SECRET = "XvR0sN1dQe7yTg4uLk9pWb2mHz6cJf8a"
BASIS = {"DATABASE_URL": "postgresql://localhost/tasks", "BETTER_AUTH_SECRET": SECRET}


DEFAULTS = {
    "database_url": None,
    "data_dir": Path("data"),
    "better_auth_secret": None,
    "better_auth_secrets": (),
    "jwks_url": None,
    "jwt_issuer": None,
    "jwt_audience": None,
    "user_claim": None,
    "anonymous_user": None,
    "token_ttl": 3600,
    "bcrypt_cost": 12,
    "provision_users": None,
    "local_accounts": None,
    "users_table": "users",
    "host": "127.0.0.1",
    "port": 8000,
    "workers": os.cpu_count(),
    "threads": 4,
    "pool_size": min(4, max(1, 48 // (os.cpu_count() or 1))),
    "statement_timeout": 1.5,
    "shutdown_timeout": 10.0,
    "worker_timeout": 10.0,
    "cors_origins": None,
    "max_tasks": 10_000,
    "rate_limit": "600/minute",
    "auth_rate_limit": "20/minute",
    "rate_limit_storage": "memory",
    "trusted_proxy": (),
    "root_path": "",
    "frontend": None,
    "sign_in_url": None,
    "token_url": None,
    "web_page": True,
    "metrics_port": None,
    "log_level": "info",
    "log_format": "text",
}


def test_the_settings_have_these_defaults() -> None:
    settings = load_settings({})
    assert {name: getattr(settings, name) for name in DEFAULTS} == DEFAULTS
    assert [name.upper() for name in DEFAULTS] == list(SETTINGS)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("DATABASE_URL", "mysql://localhost/tasks"),
        ("DATABASE_URL", "tasks"),
        ("BETTER_AUTH_SECRET", "short"),
        ("BETTER_AUTH_SECRET", "é" * 15),
        ("BETTER_AUTH_SECRETS", "no-version-but-a-secret-of-32-bytes"),
        ("BETTER_AUTH_SECRETS", f"1:{SECRET},1:{SECRET}"),
        ("BETTER_AUTH_SECRETS", "2:short"),
        ("JWKS_URL", "ftp://auth.example.com/jwks"),
        ("JWKS_URL", "/jwks"),
        ("JWKS_URL", "http://auth.example.com:99999/jwks"),
        ("JWKS_URL", "http://[auth.example.com/jwks"),
        ("JWKS_URL", "https://auth.example.com;script-src/jwks"),
        ("SIGN_IN_URL", "/sign-in"),
        ("SIGN_IN_URL", "javascript:alert(1)"),
        ("SIGN_IN_URL", "https://user@app.example.com/sign-in"),
        ("TOKEN_URL", "/api/auth/token"),
        ("TOKEN_URL", "https://auth.example.com, https://evil.example/token"),
        ("TOKEN_URL", "https://auth.example.com;script-src/token"),
        *(("JWT_AUDIENCE", value) for value in (",", "a,", ",a", "a,,b", "any,a", "a, any")),
        *(("USER_CLAIM", value) for value in (".", "user.", ".id", "user..id", "exp", "nbf", "iat", "iss", "aud")),
        ("TOKEN_TTL", "0"),
        ("BCRYPT_COST", "3"),
        ("BCRYPT_COST", "31"),
        ("PROVISION_USERS", "maybe"),
        ("LOCAL_ACCOUNTS", "yes please"),
        ("USERS_TABLE", "x" * 64),
        ("USERS_TABLE", "auth."),
        ("PORT", "0"),
        ("PORT", "65536"),
        ("PORT", "http"),
        ("PORT", "8000.0"),
        ("PORT", "\uff18\uff10\uff10\uff10"),
        ("PORT", "9" * 5000),
        ("WORKERS", "0"),
        ("WORKERS", "-1"),
        ("THREADS", "many"),
        ("POOL_SIZE", "0"),
        ("POOL_SIZE", "0000000000014444444"),
        ("STATEMENT_TIMEOUT", "nan"),
        ("STATEMENT_TIMEOUT", "0"),
        ("SHUTDOWN_TIMEOUT", "inf"),
        ("CORS_ORIGINS", "*"),
        ("CORS_ORIGINS", "app.example.com"),
        ("CORS_ORIGINS", "https://app.example.com/path"),
        ("MAX_TASKS", "-1"),
        ("RATE_LIMIT", "often"),
        ("RATE_LIMIT", "0/minute"),
        ("RATE_LIMIT", "600/minute;10/second"),
        ("AUTH_RATE_LIMIT", "20"),
        ("RATE_LIMIT_STORAGE", "memcached://localhost"),
        ("RATE_LIMIT_STORAGE", "redis://localhost:abc"),
        ("DATA_DIR", "~nobody-of-this-name/data"),
        ("TRUSTED_PROXY", "the proxy"),
        *(("ROOT_PATH", value) for value in ("todo", "//todo", "/a//b", "/../b", "/a/..", "/a b", "/é", '/"', "/%2e")),
        ("ROOT_PATH", "https://example.com/todo"),
        ("ROOT_PATH", "/todo?x"),
        ("ROOT_PATH", "/todo\n"),
        ("ROOT_PATH", "/" + "x" * 200),
        ("WEB_PAGE", "2"),
        ("METRICS_PORT", "x"),
        ("LOG_LEVEL", "loud"),
        ("LOG_FORMAT", "xml"),
    ],
)
def test_an_invalid_value_is_one_line_that_names_the_setting(name: str, value: str) -> None:
    with pytest.raises(SettingsError) as caught:
        load_settings({**BASIS, name: value})
    message = str(caught.value)
    assert message.startswith(f"{name} ")
    assert "\n" not in message


def test_an_invalid_secret_or_url_is_not_shown() -> None:
    for name, value in (("BETTER_AUTH_SECRET", "hunter2"), ("DATABASE_URL", "postgresql+x://a:hunter2@b/c")):
        with pytest.raises(SettingsError) as caught:
            load_settings({**BASIS, name: value})
        assert "hunter2" not in str(caught.value)


def test_an_external_database_needs_a_secret_or_a_key_set() -> None:
    with pytest.raises(SettingsError, match=r"^BETTER_AUTH_SECRET "):
        load_settings({"DATABASE_URL": "postgresql://localhost/tasks"})
    with_keys = load_settings(
        {"DATABASE_URL": "postgresql://localhost/tasks", "JWKS_URL": "http://localhost:3000/api/auth/jwks"}
    )
    assert with_keys.secrets == ()


def test_secrets_are_ordered_by_version_and_the_unversioned_one_still_verifies() -> None:
    old, new = secrets.token_hex(16), secrets.token_hex(16)
    settings = load_settings({**BASIS, "BETTER_AUTH_SECRETS": f"1:{old},12:{new}"})
    assert settings.secrets == (new, old, SECRET)


def test_an_empty_setting_counts_as_unset_unless_it_accepts_an_empty_value() -> None:
    settings = load_settings({**BASIS, "PORT": "", "RATE_LIMIT": "", "CORS_ORIGINS": ""})
    assert (settings.port, settings.rate_limit, settings.cors_origins) == (8000, "", ())


def test_settings_do_not_show_their_secrets_when_printed() -> None:
    assert SECRET not in repr(load_settings(BASIS))


def test_every_setting_in_the_example_file_exists_and_shows_its_default_or_an_example() -> None:
    example = (PROJECT / ".env.example").read_text(encoding="utf-8")
    shown = dict(re.findall(r"^#?([A-Z_]+)=(.*)$", example, re.MULTILINE))
    examples = {"DATABASE_URL", "BETTER_AUTH_SECRET", "JWKS_URL", "USERS_TABLE", "CORS_ORIGINS"}
    assert shown.keys() - examples == {"HOST", "PORT"}
    for name in shown.keys() - examples:
        assert SETTINGS[name].parse(shown[name]) == SETTINGS[name].default, name


def test_a_tilde_in_data_dir_is_expanded(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    assert load_settings({"DATA_DIR": "~/tasks"}).data_dir == tmp_path / "tasks"


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        *(("tasks", ("tasks",)), ("a,b", ("a", "b")), (" a , https://b.example ", ("a", "https://b.example"))),
        *(("any", ()), (" any ", ()), ("anyone", ("anyone",)), ("ANY", ("ANY",)), ("", None)),
    ],
)
def test_an_audience_is_one_of_a_list_or_any(value: str, expected: tuple[str, ...] | None) -> None:
    assert load_settings({"JWT_AUDIENCE": value}).jwt_audience == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        *(("/todo", "/todo"), ("/todo/", "/todo"), ("/", ""), ("/a/b", "/a/b"), ("/~ada/x-1_2.3", "/~ada/x-1_2.3")),
        *(("/...", "/..."), ("/.a", "/.a"), ("/" + "x" * 199, "/" + "x" * 199)),
    ],
)
def test_a_root_path_has_no_slash_at_its_end(value: str, expected: str) -> None:
    assert load_settings({"ROOT_PATH": value}).root_path == expected


@pytest.mark.parametrize(
    ("workers", "threads", "connections"),
    [(1, 4, 4), (12, 4, 4), (13, 4, 3), (64, 4, 1), (2, 8, 8), (6, 8, 8), (7, 8, 6), (2, 32, 24)],
)
def test_an_instance_opens_half_of_the_usual_100_connections_at_most(
    workers: int, threads: int, connections: int
) -> None:
    environ = {"WORKERS": str(workers), "THREADS": str(threads)}
    assert load_settings(environ).pool_size == connections
    assert load_settings({**environ, "POOL_SIZE": "90"}).pool_size == 90


BOUNDS = [
    ("WORKERS", 1, 256, 1),
    ("THREADS", 1, 256, 1),
    ("POOL_SIZE", 1, 1000, 1),
    ("PORT", 1, 65_535, 1),
    ("METRICS_PORT", 1, 65_535, 1),
    ("BCRYPT_COST", 4, 16, 1),
    ("TOKEN_TTL", 1, 31_536_000, 1),
    ("MAX_TASKS", 0, 1_000_000_000, 1),
    ("STATEMENT_TIMEOUT", 0.1, 300, 0.01),
    ("SHUTDOWN_TIMEOUT", 0.1, 300, 0.01),
    ("WORKER_TIMEOUT", 1, 3600, 0.01),
]


@pytest.mark.parametrize(("name", "low", "high", "step"), BOUNDS)
def test_a_number_is_taken_up_to_its_bounds_and_not_beyond(name: str, low: float, high: float, step: float) -> None:
    for number in (low, high):
        assert getattr(load_settings({name: str(number)}), name.lower()) == number
    for number in (low - step, high + step):
        with pytest.raises(SettingsError, match=f"^{name} must be"):
            load_settings({name: str(number)})


@pytest.mark.parametrize(
    ("value", "expected"), [("on", True), ("true", True), ("1", True), ("off", False), ("FALSE", False), ("0", False)]
)
def test_a_switch_has_three_spellings_of_each_state(value: str, expected: bool) -> None:
    assert load_settings({"WEB_PAGE": value}).web_page is expected


@pytest.mark.parametrize(
    ("name", "accepted", "refused"),
    [
        ("USERS_TABLE", "é" * 31 + "x", "é" * 32),
        ("RATE_LIMIT", "1/minute", "0/minute"),
        ("AUTH_RATE_LIMIT", "", "0/minute"),
        ("RATE_LIMIT_STORAGE", "rediss://host/0", "https://host/0"),
        ("CORS_ORIGINS", "http://a.example", "ftp://a.example"),
    ],
)
def test_what_is_just_valid_is_taken_and_what_is_not_is_refused(name: str, accepted: str, refused: str) -> None:
    load_settings({name: accepted})
    with pytest.raises(SettingsError, match=f"^{name} must be"):
        load_settings({name: refused})


@pytest.mark.parametrize(
    ("environ", "url"),
    [
        ({}, None),
        ({"JWKS_URL": "https://auth.example.com/api/auth/jwks"}, None),
        ({"SIGN_IN_URL": "https://app.example.com/sign-in"}, None),
        (
            {"SIGN_IN_URL": "https://app.example.com/in", "JWKS_URL": "https://auth.example.com/api/auth/jwks"},
            "https://auth.example.com/api/auth/token",
        ),
        ({"SIGN_IN_URL": "https://app.example.com/in", "JWKS_URL": "https://id.example.com/keys.json"}, None),
        (
            {
                "SIGN_IN_URL": "https://app.example.com/in",
                "JWKS_URL": "http://auth:3001/api/auth/jwks",
                "TOKEN_URL": "https://auth.example.com/api/auth/token",
            },
            "https://auth.example.com/api/auth/token",
        ),
        ({"TOKEN_URL": "https://auth.example.com/token"}, "https://auth.example.com/token"),
    ],
)
def test_the_page_gets_tokens_beside_the_keys_if_a_sign_in_page_is_named(
    environ: dict[str, str], url: str | None
) -> None:
    assert load_settings(environ).page_token_url == url
