"""Builds the WSGI application from settings and a database: one route table, one list of middleware."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple, cast

import falcon
import orjson
from falcon import media

from api.account_resources import AccountServices, Login, Registration
from api.accounts import Accounts, PasswordHasher
from api.contracts import FAMILIES
from api.errors import add_error_handlers
from api.forwarded import client_address
from api.heads import judge_head
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
from api.settings import Settings
from api.task_limits import TaskLimits
from api.tasks import Tasks
from api.tokens import Tokens
from api.user_share import ConcurrencyLimiting, UserShare
from api.users_table import NoProvisioning, Provisioning, UsersTable

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

    from api.metrics import Metrics
    from api.server.handlers import FixedResponse
    from api.server.quotas import Quota


class Route(NamedTuple):
    """A URI template and the resource behind it."""

    template: str
    resource: Any


class Application(falcon.App[Any, Any]):
    """The WSGI application, with what its server asks before it calls it."""

    share: UserShare

    def judge_head(self, environ: dict[str, Any]) -> FixedResponse | None:
        """The response to a request that its head decides; see `api.heads`."""
        return judge_head(self.as_wsgi(), environ)

    def quota_of(self, environ: dict[str, Any]) -> Quota:
        """The quota that a request counts against; see `api.user_share`."""
        return self.share.quota_of(environ)

    def as_wsgi(self) -> WSGIApplication:
        """Itself. For Python 3.10 Falcon declares start_response without its third argument."""
        return cast("WSGIApplication", self)


def create_app(
    settings: Settings, database: Database, users_table: UsersTable, metrics: Metrics | None = None
) -> Application:
    """Build the application from resolved settings. With `metrics`, count its requests.

    It sends no statement, so it works while the database does not respond.
    """
    jwks = KeySet(settings.jwks_url) if settings.jwks_url else None
    tokens = Tokens(settings.secrets, issuer=settings.jwt_issuer, audience=settings.jwt_audience, jwks=jwks)
    storage = connect_storage(settings.rate_limit_storage)
    authentication = Authentication(tokens, uuid_users=users_table.uuid_ids)
    app = Application(
        media_type=falcon.MEDIA_JSON,
        request_type=Request,
        middleware=[
            RequestLog(),
            *([metrics] if metrics is not None else []),
            PrivateHeaders(),
            CrossOrigin(settings.cors_origins),
            authentication,
            RateLimiting(RateLimit("user", settings.rate_limit, storage) if settings.rate_limit else None),
            ConcurrencyLimiting(),
        ],
    )
    app.req_options.strip_url_path_trailing_slash = True
    app.resp_options.media_handlers[falcon.MEDIA_JSON] = media.JSONHandler(dumps=orjson.dumps, loads=orjson.loads)
    add_error_handlers(app)
    table = routes(settings, database, tokens, storage)
    for route in table:
        app.add_route(route.template, route.resource)
    app.share = UserShare(
        authentication.identify,
        partial(client_address, networks=settings.trusted_proxy),
        concurrency=min(settings.threads, settings.pool_size),
        account_paths=[each.template for each in table if getattr(each.resource, "hashes_passwords", False)],
    )
    if metrics is not None:
        metrics.watch(database, jwks)
    return app


def routes(settings: Settings, database: Database, tokens: Tokens, storage: Any) -> list[Route]:
    """The route table. The router serves it, and the OpenAPI document describes it."""
    users = Provisioning(database) if settings.provision_users else NoProvisioning()
    table = [Route("/health", Health()), Route("/ready", Readiness(database))]
    limits = TaskLimits(database, max_tasks=settings.max_tasks)
    for family in FAMILIES:
        tasks = Tasks(database, users, limits, reveal_foreign=family.foreign_task_forbidden)
        table += [
            Route(family.collection, TaskCollection(family, tasks, database)),
            Route(family.item, TaskItem(family, tasks)),
            Route(family.completion, TaskCompletion(family, tasks)),
        ]
    if settings.local_accounts:
        services = _account_services(settings, database, tokens, storage)
        table += [Route("/auth/register", Registration(services)), Route("/auth/login", Login(services))]
    if settings.web_page:
        table += [Route(*pair) for pair in page_routes(local_accounts=bool(settings.local_accounts))]
    table += [Route(*pair) for pair in reference_routes(build_document(table))]
    return table


def _account_services(settings: Settings, database: Database, tokens: Tokens, storage: Any) -> AccountServices:
    hasher = PasswordHasher(settings.bcrypt_cost, threads=settings.threads)
    limit = RateLimit("auth", settings.auth_rate_limit, storage) if settings.auth_rate_limit else None
    address_of = partial(client_address, networks=settings.trusted_proxy)
    accounts = Accounts(database, hasher)
    return AccountServices(accounts, tokens, token_ttl=settings.token_ttl, limit=limit, address_of=address_of)
