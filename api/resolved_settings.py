"""The settings that depend on the users table: their defaults, and the values that it excludes."""

from __future__ import annotations

from dataclasses import replace

from api.settings import Settings, SettingsError
from api.tokens import hmac_keys, is_user_id
from api.users_table import UsersTable, is_canonical_uuid


def resolve_settings(settings: Settings, users_table: UsersTable) -> Settings:
    """The settings with `provision_users` and `local_accounts` decided.

    Raises SettingsError if either is on but the users table is not ours, if a secret cannot sign tokens, or if the
    anonymous user's id cannot be one.
    """
    wanted = {"PROVISION_USERS": settings.provision_users, "LOCAL_ACCOUNTS": settings.local_accounts}
    for name, on in wanted.items():
        if on and not users_table.ours:
            raise SettingsError(
                f"{name} cannot be on: the table {settings.users_table} was not created by this service; unset {name}"
            )
    # With the embedded database (no DATABASE_URL) the start creates a secret.
    if settings.local_accounts and not settings.secrets and settings.database_url is not None:
        raise SettingsError("LOCAL_ACCOUNTS cannot be on without a secret to sign tokens with; set BETTER_AUTH_SECRET")
    try:
        hmac_keys(settings.secrets)
    except ValueError as ex:
        raise SettingsError(f"BETTER_AUTH_SECRET: {ex}") from ex
    anonymous = settings.anonymous_user
    if anonymous is not None and not is_user_id(anonymous):
        raise SettingsError("ANONYMOUS_USER must be a user's id: at most 255 characters, without NUL")
    if anonymous is not None and users_table.uuid_ids and not is_canonical_uuid(anonymous):
        raise SettingsError(f"ANONYMOUS_USER must be a UUID, as the ids in the table {settings.users_table} are")
    return replace(
        settings,
        provision_users=_decided(settings.provision_users, users_table.ours),
        local_accounts=_decided(settings.local_accounts, users_table.ours and settings.jwks_url is None),
    )


def _decided(setting: bool | None, default: bool) -> bool:
    return default if setting is None else setting
