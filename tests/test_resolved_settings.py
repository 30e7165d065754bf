"""Settings that depend on the users table: their defaults, and the values that stop the start."""

from __future__ import annotations

import secrets

import pytest

from api.resolved_settings import resolve_settings
from api.settings import SettingsError, load_settings
from api.users_table import UsersTable

OURS = UsersTable(exists=True, ours=True, uuid_ids=False)
ANOTHERS = UsersTable(exists=True, ours=False, uuid_ids=True)
SECRET = {"BETTER_AUTH_SECRET": "XvR0sN1dQe7yTg4uLk9pWb2mHz6cJf8a"}
KEYS = {"JWKS_URL": "http://localhost:3000/api/auth/jwks"}
DATABASE = {"DATABASE_URL": "postgresql://localhost/tasks"}
PUBLIC_KEY = f"-----BEGIN PUBLIC KEY-----\n{secrets.token_urlsafe(48)} not a secret\n-----END PUBLIC KEY-----"


@pytest.mark.parametrize(
    ("environ", "table", "local_accounts", "provision_users"),
    [
        ({**DATABASE, **SECRET}, OURS, True, True),
        ({**DATABASE, **SECRET}, ANOTHERS, False, False),
        ({**DATABASE, **KEYS}, OURS, False, True),
        ({**DATABASE, **KEYS}, ANOTHERS, False, False),
        ({**DATABASE, **SECRET, **KEYS, "LOCAL_ACCOUNTS": "on"}, OURS, True, True),
        ({**DATABASE, **SECRET, "LOCAL_ACCOUNTS": "off", "PROVISION_USERS": "off"}, OURS, False, False),
        ({**KEYS, "LOCAL_ACCOUNTS": "on"}, OURS, True, True),
        ({}, OURS, True, True),
    ],
)
def test_unset_settings_follow_the_users_table(
    environ: dict[str, str], table: UsersTable, local_accounts: bool, provision_users: bool
) -> None:
    resolved = resolve_settings(load_settings(environ), table)
    assert (resolved.local_accounts, resolved.provision_users) == (local_accounts, provision_users)


@pytest.mark.parametrize(
    ("environ", "table", "named"),
    [
        ({"LOCAL_ACCOUNTS": "on", **SECRET}, ANOTHERS, "LOCAL_ACCOUNTS"),
        ({"PROVISION_USERS": "on", **SECRET}, ANOTHERS, "PROVISION_USERS"),
        ({"LOCAL_ACCOUNTS": "on", **KEYS}, OURS, "LOCAL_ACCOUNTS"),
        ({"BETTER_AUTH_SECRET": PUBLIC_KEY}, OURS, "BETTER_AUTH_SECRET"),
        *(({"ANONYMOUS_USER": name, **SECRET}, OURS, "ANONYMOUS_USER") for name in ("x" * 256, "a\0b", "\udcff")),
        ({"ANONYMOUS_USER": "demo", **SECRET}, ANOTHERS, "ANONYMOUS_USER"),
        ({"ANONYMOUS_USER": "6F2C1B52-0E0B-4C3B-9F39-7B0D3A1C9E11", **SECRET}, ANOTHERS, "ANONYMOUS_USER"),
        ({"BETTER_AUTH_SECRETS": f"2:{PUBLIC_KEY},1:{secrets.token_hex(16)}"}, OURS, "BETTER_AUTH_SECRET"),
    ],
)
def test_a_setting_that_does_not_fit_the_users_table_is_named_in_one_line(
    environ: dict[str, str], table: UsersTable, named: str
) -> None:
    with pytest.raises(SettingsError) as caught:
        resolve_settings(load_settings({**DATABASE, **environ}), table)
    assert str(caught.value).startswith(named)
    assert "\n" not in str(caught.value)
    assert "not a secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "table"),
    [("demo", OURS), ("é" * 255, OURS), ("6f2c1b52-0e0b-4c3b-9f39-7b0d3a1c9e11", ANOTHERS)],
)
def test_an_anonymous_user_has_an_id_that_the_users_table_can_hold(name: str, table: UsersTable) -> None:
    settings = load_settings({**DATABASE, **SECRET, "ANONYMOUS_USER": name})
    assert resolve_settings(settings, table).anonymous_user == name
