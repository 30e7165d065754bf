"""The only wiring: settings and a database become a WSGI application. One route table, one list of middleware."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

import falcon
import orjson
from falcon import media

from api.account_resources import AccountServices, Login, Registration
from api.accounts import (
    Accounts,
    NoProvisioning,
    PasswordHasher,
    Provisioning,
    has_uuid_ids,
    owns_users_table,
)
from api.contracts import FAMILIES
from api.errors import add_error_handlers
from api.forwarded import client_address
from api.health import Health, Readiness
from api.jose.jwks import KeySet
from api.middleware import Authentication, CrossOrigin, PrivateHeaders, RateLimiting, RequestLog
from api.openapi import build_document
from api.pages import page_routes
from api.postgres.database import Database
from api.rate_limits import RateLimit, connect_storage
from api.reference import reference_routes
from api.request_context import Request
from api.resources import TaskCollection, TaskCompletion, TaskItem
from api.settings import Settings, SettingsError
from api.tasks import Tasks, UserDirectory
from api.tokens import Tokens

if TYPE_CHECKING:
    from api.metrics import Metrics


class Route(NamedTuple):
    """A URI template and the resource behind it."""

    template: str
    resource: Any


class UsersTable(NamedTuple):
    """What is known of the users table once the schema stands: whether it is ours, and whether user ids are UUIDs."""

    ours: bool
    uuid_ids: bool


def create_app(settings: Settings, database: Database, metrics: Metrics | None = None) -> falcon.App[Any, Any]:
    """The application over a database whose schema is current; with `metrics` it is a worker's, and counted.

    Raises SettingsError for a secret that cannot be one, and where local accounts or provisioning are asked for with
    somebody else's users table.
    """
    users_table = UsersTable(
        owns_users_table(database, settings.users_table), has_uuid_ids(database, settings.users_table)
    )
    jwks = KeySet(settings.jwks_url) if settings.jwks_url else None
    tokens = _tokens(settings, jwks)
    storage = connect_storage(settings.rate_limit_storage)
    app: falcon.App[Any, Any] = falcon.App(
        media_type=falcon.MEDIA_JSON,
        request_type=Request,
        middleware=[
            RequestLog(),
            *([metrics] if metrics is not None else []),
            PrivateHeaders(),
            CrossOrigin(settings.cors_origins),
            Authentication(tokens, uuid_users=users_table.uuid_ids),
            RateLimiting(RateLimit("user", settings.rate_limit, storage) if settings.rate_limit else None),
        ],
    )
    app.req_options.strip_url_path_trailing_slash = True
    app.resp_options.media_handlers[falcon.MEDIA_JSON] = media.JSONHandler(dumps=orjson.dumps, loads=orjson.loads)
    add_error_handlers(app)
    for route in routes(settings, database, users_table, tokens, storage):
        app.add_route(route.template, route.resource)
    if metrics is not None:
        metrics.watch(database, jwks)
    return app


def routes(
    settings: Settings, database: Database, users_table: UsersTable, tokens: Tokens, storage: Any
) -> list[Route]:
    """The route table: what the router serves, the OpenAPI document describes and the tests walk."""
    users = _user_directory(settings, database, users_table.ours)
    table = [Route("/health", Health()), Route("/ready", Readiness(database))]
    for family in FAMILIES:
        tasks = Tasks(database, users, max_tasks=settings.max_tasks, tell_foreign=family.foreign_task_forbidden)
        table += [
            Route(family.collection, TaskCollection(family, tasks, database)),
            Route(family.item, TaskItem(family, tasks)),
            Route(family.completion, TaskCompletion(family, tasks)),
        ]
    local_accounts = _has_local_accounts(settings, users_table.ours)
    if local_accounts:
        services = _account_services(settings, database, tokens, storage)
        table += [Route("/auth/register", Registration(services)), Route("/auth/login", Login(services))]
    if settings.web_page:
        table += [Route(*pair) for pair in page_routes(local_accounts=local_accounts)]
    table += [Route(*pair) for pair in reference_routes(build_document(table))]
    return table


def _tokens(settings: Settings, jwks: KeySet | None) -> Tokens:
    try:
        return Tokens(
            settings.better_auth_secrets, issuer=settings.jwt_issuer, audience=settings.jwt_audience, jwks=jwks
        )
    except ValueError as ex:
        raise SettingsError(f"BETTER_AUTH_SECRET: {ex}") from ex


def _user_directory(settings: Settings, database: Database, ours: bool) -> UserDirectory:
    if settings.provision_users and not ours:
        raise SettingsError("PROVISION_USERS cannot be on: the users table is somebody else's")
    wanted = ours if settings.provision_users is None else settings.provision_users
    return Provisioning(database) if wanted else NoProvisioning()


def _has_local_accounts(settings: Settings, ours: bool) -> bool:
    if settings.local_accounts and not ours:
        raise SettingsError("LOCAL_ACCOUNTS cannot be on: the users table is somebody else's")
    if settings.local_accounts and not settings.better_auth_secrets:
        raise SettingsError("LOCAL_ACCOUNTS cannot be on without BETTER_AUTH_SECRET to sign tokens with")
    if settings.local_accounts is None:
        return ours and settings.jwks_url is None
    return settings.local_accounts


def _account_services(settings: Settings, database: Database, tokens: Tokens, storage: Any) -> AccountServices:
    hasher = PasswordHasher(settings.bcrypt_cost, threads=settings.threads)
    limit = RateLimit("auth", settings.auth_rate_limit, storage) if settings.auth_rate_limit else None
    address_of = partial(client_address, networks=settings.trusted_proxy)
    return AccountServices(
        Accounts(database, hasher),
        tokens,
        token_ttl=settings.token_ttl,
        limit=limit,
        address_of=address_of,
    )
