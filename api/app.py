"""Builds the WSGI application from settings and a database: one route table, one list of middleware."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, Final, NamedTuple, cast

import falcon
import orjson
from falcon import media

from api.account_addresses import AccountAddresses
from api.account_resources import AccountServices, account_routes
from api.accounts import Accounts
from api.anonymous import AnonymousUser
from api.cross_origin import CrossOrigin
from api.digests import KeyedDigests
from api.error_handlers import ErrorRenderer, add_error_handlers
from api.forwarded import ExternalUrl, client_address
from api.heads import judge_head
from api.health import Health, Readiness
from api.ignored_input import IgnoredInput
from api.jose.jwks import KeySet
from api.login_guard import LoginGuard
from api.middleware import Authentication, PrivateHeaders, RateLimiting, RequestLog
from api.openapi import DOCUMENT_PATH, build_document
from api.page_html import PageOptions
from api.pages import page_routes
from api.password_hasher import PasswordHasher
from api.postgres.database import Database
from api.profiles.reading import read_profile
from api.profiles.wire_format import WireFormat
from api.rate_limits import RateLimit, connect_storage
from api.reference import ApiDocument, reference_routes
from api.request_context import Request
from api.resources import Mount, TaskCollection, TaskCompletion, TaskItem
from api.session_cookie import SessionCookie
from api.settings import Settings
from api.task_limits import TaskLimits
from api.tasks import Tasks
from api.tokens import Tokens
from api.user_share import ConcurrencyLimiting, UserShare
from api.users_table import UserNames, Users, UsersTable

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

    from api.metrics import Metrics
    from api.server.handlers import FixedResponse
    from api.server.quotas import Quota

CANONICAL_ROOT: Final = "/canonical"
"""The path under which the canonical contract is served beside a frontend's own."""

FAMILIES: Final = ("canonical", "owner-path", "bare")
"""The profiles that are served together if no frontend is named: five specifications of this backend."""


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
    settings: Settings,
    database: Database,
    users_table: UsersTable,
    metrics: Metrics | None = None,
    jwks: KeySet | None = None,
) -> Application:
    """Build the application from resolved settings. With `metrics`, count its requests.

    `jwks` is the key set of JWKS_URL that processes share; by default the application has its own. It sends no
    statement, so it works while the database does not respond.
    """
    if jwks is None and settings.jwks_url is not None:
        jwks = KeySet(settings.jwks_url)
    tokens = Tokens(
        settings.secrets,
        issuer=settings.jwt_issuer,
        audience=settings.jwt_audience,
        user_claim=settings.user_claim,
        jwks=jwks,
    )
    storage = connect_storage(settings.rate_limit_storage)
    ignored = IgnoredInput()
    mounts = mount_formats(settings, ignored)
    anonymous = (
        None if settings.anonymous_user is None else AnonymousUser(settings.anonymous_user, settings.allowed_origins)
    )
    external_url = ExternalUrl(settings.trusted_proxy, settings.root_path)
    cross_origin = CrossOrigin(settings.allowed_origins, ignored)
    authentication = Authentication(
        tokens,
        ignored,
        uuid_users=users_table.uuid_ids,
        anonymous=anonymous,
        cookies=[mount.cookie.name for mount in mounts if mount.cookie is not None],
    )
    app = Application(
        media_type=falcon.MEDIA_JSON,
        request_type=Request,
        middleware=[
            *([external_url] if settings.root_path or settings.trusted_proxy else []),
            RequestLog(partial(client_address, networks=settings.trusted_proxy)),
            *([metrics] if metrics is not None else []),
            PrivateHeaders(),
            cross_origin,
            authentication,
            RateLimiting(RateLimit("user", settings.rate_limit, storage) if settings.rate_limit else None),
            ConcurrencyLimiting(),
        ],
    )
    app.req_options.strip_url_path_trailing_slash = True
    app.resp_options.media_handlers[falcon.MEDIA_JSON] = media.JSONHandler(dumps=orjson.dumps, loads=orjson.loads)
    add_error_handlers(app, mounts[0].wire_format.errors)
    app.add_sink(cross_origin.respond_to_unknown_path)
    table = routes(settings, database, users_table, tokens=tokens, storage=storage, mounts=mounts)
    for route in table:
        app.add_route(route.template, route.resource)
    app.share = UserShare(
        authentication.identify_caller,
        partial(client_address, networks=settings.trusted_proxy),
        concurrency=min(settings.threads, settings.pool_size),
        account_paths=[each.template for each in table if getattr(each.resource, "hashes_passwords", False)],
    )
    if metrics is not None:
        metrics.watch(database, jwks)
    return app


def served_errors(settings: Settings) -> ErrorRenderer:
    """Writes the errors of requests that reach no resource."""
    frontend = settings.frontend or WireFormat(read_profile(FAMILIES[0]))
    return frontend.errors


def mount_formats(settings: Settings, ignored: IgnoredInput) -> list[Mount]:
    """The wire formats to serve, the frontend's first. Beside a frontend's own, the canonical one has another root."""
    if settings.frontend is None:
        return [_mount(settings, ignored, WireFormat(read_profile(name))) for name in FAMILIES]
    canonical = WireFormat(read_profile(FAMILIES[0]))
    return [_mount(settings, ignored, settings.frontend), _mount(settings, ignored, canonical, CANONICAL_ROOT)]


def _mount(settings: Settings, ignored: IgnoredInput, wire_format: WireFormat, root: str = "") -> Mount:
    table = wire_format.accounts.cookie
    cookie = SessionCookie(table, settings.allowed_origins.__contains__) if table is not None else None
    return Mount(wire_format, ignored, root, cookie)


def routes(
    settings: Settings,
    database: Database,
    users_table: UsersTable,
    *,
    tokens: Tokens,
    storage: Any,
    mounts: Sequence[Mount],
) -> list[Route]:
    """The route table. The router serves it, and the OpenAPI document describes it."""
    users = Users(database, settings.users_table, ours=users_table.ours, provision=bool(settings.provision_users))
    services = _account_services(settings, database, tokens, storage) if settings.local_accounts else None
    names = UserNames(database, settings.users_table)
    limits = TaskLimits(database, max_tasks=settings.max_tasks)
    table = [Route("/health", Health()), Route("/ready", Readiness(database))]
    for mount in mounts:
        tasks = Tasks(database, users, limits, reveal_foreign=mount.wire_format.reveals_foreign)
        own = [
            *_task_routes(mount, tasks, database),
            *(Route(*pair) for pair in account_routes(mount, services, users, names)),
        ]
        table += own
    if settings.web_page:
        root = f"{mounts[-1].root}/".lstrip("/")
        options = PageOptions(
            local_accounts=bool(settings.local_accounts),
            api_root=root,
            sign_in_url=settings.sign_in_url,
            token_url=settings.page_token_url,
        )
        table += [Route(*pair) for pair in page_routes(options)]
    return [*table, *_reference_routes(table, mounts, web_page=settings.web_page)]


def _reference_routes(table: Sequence[Route], mounts: Sequence[Mount], *, web_page: bool) -> list[Route]:
    """The document of the frontend's wire format; where it has its own, the canonical one's as well."""
    documents: dict[str, list[Route]] = {root: [] for root in dict.fromkeys(mount.root for mount in mounts)}
    for route in table:
        documents[getattr(route.resource, "root", "")].append(route)
    own = [(f"{root}{DOCUMENT_PATH}", ApiDocument(build_document(listed))) for root, listed in documents.items()]
    return [Route(*pair) for pair in (*own, *reference_routes(web_page=web_page))]


def _task_routes(mount: Mount, tasks: Tasks, database: Database) -> list[Route]:
    calls = mount.wire_format.completion
    table = []
    for path in mount.wire_format.collections:
        collection = f"{mount.root}{path}"
        item = f"{collection}/{{task_id}}"
        table += [Route(collection, TaskCollection(mount, tasks, database)), Route(item, TaskItem(mount, tasks))]
        for below in dict.fromkeys(call.path for call in calls):
            own = [call for call in calls if call.path == below]
            table.append(Route(f"{item}{below}", TaskCompletion(mount, tasks, own)))
    return table


def _account_services(settings: Settings, database: Database, tokens: Tokens, storage: Any) -> AccountServices:
    hasher = PasswordHasher(settings.bcrypt_cost, threads=settings.threads)
    digests = KeyedDigests(settings.secrets)
    guard = None
    if settings.auth_rate_limit:
        guard = LoginGuard(
            settings.auth_rate_limit,
            storage,
            workers=settings.workers,
            addresses=AccountAddresses(database, digests),
            digests=digests,
        )
    accounts = Accounts(database, hasher, guard)
    return AccountServices(accounts, tokens, token_ttl=settings.token_ttl, guard=guard, digests=digests)
