"""The Falcon resources of the tasks: each parses the request, makes one call into the core, and sets the response.

They contain no SQL and no status of an error. One set of classes serves every route family, which is a parameter.
"""

from __future__ import annotations

from typing import Any, Final
from urllib.parse import quote, urlencode

import falcon
import orjson
from falcon import Response

from api.contracts import Family
from api.list_bodies import send_list
from api.list_queries import ListQuery, parse_list_query
from api.postgres.database import Database
from api.preconditions import entity_tag, is_known, versions_to_match
from api.reading import parse_query, parse_task_id, read_idempotency_key, read_json
from api.request_context import Request
from api.task_list import TaskPage, list_tasks
from api.tasks import Tasks, VersionedTask
from api.validation import Schema

_QUERY: Final = Schema("task-query.json")
_ALL_TASKS: Final = ListQuery()
"""The query of a list without parameters."""


class TaskCollection:
    """A user's tasks: GET lists them, POST creates one."""

    def __init__(self, family: Family, tasks: Tasks, database: Database) -> None:
        self.invalid_status = family.invalid_status
        self._tasks = tasks
        self._database = database
        self._schema = Schema("task-create.json")

    def on_get(self, req: Request, resp: Response) -> None:
        query = parse_list_query(_QUERY.validate_query(req.query_string)) if req.query_string else _ALL_TASKS
        page = list_tasks(self._database, req.context.user.user_id, query)
        closing = b"]}"
        if query.limit is not None:
            closing = b'],"pagination":' + orjson.dumps(_pagination(query, page)) + b"}"
            _set_links(req, resp, query, page)
        send_list(resp, page.tasks, page.rest, opening=b'{"data":[', closing=closing)

    on_head = on_get

    def on_post(self, req: Request, resp: Response) -> None:
        fields = self._schema.validate(read_json(req))
        created = self._tasks.create(req.context.user, fields, read_idempotency_key(req))
        resp.status = falcon.HTTP_201
        resp.set_header("Location", f"{quote(req.path)}/{created.task['id']}")
        if created.replayed:
            resp.set_header("Idempotent-Replayed", "true")
        _set_event(req, "task_replayed" if created.replayed else "task_created", created.task["id"])
        _set_task(resp, VersionedTask(created.task, 1))


class TaskItem:
    """One task of the authenticated user: GET, PUT, PATCH, DELETE."""

    def __init__(self, family: Family, tasks: Tasks) -> None:
        self.invalid_status = family.invalid_status
        self._tasks = tasks
        self._schema = Schema("task-update.json")

    def on_get(self, req: Request, resp: Response, task_id: str) -> None:
        found = self._tasks.find(req.context.user.user_id, parse_task_id(task_id))
        _set_task(resp, found)
        if is_known(req, found.version):
            resp.status = falcon.HTTP_304

    on_head = on_get

    def on_put(self, req: Request, resp: Response, task_id: str) -> None:
        number = parse_task_id(task_id)
        changes = self._schema.validate(read_json(req))
        changed = self._tasks.update(req.context.user.user_id, number, changes, versions_to_match(req))
        _set_event(req, "task_updated", number)
        _set_task(resp, changed)

    # PUT keeps the fields that are not sent, too: existing frontends send partial bodies with either method.
    on_patch = on_put

    def on_delete(self, req: Request, resp: Response, task_id: str) -> None:
        number = parse_task_id(task_id)
        self._tasks.delete(req.context.user.user_id, number, versions_to_match(req))
        _set_event(req, "task_deleted", number)
        resp.status = falcon.HTTP_204


class TaskCompletion:
    """The completion of one task: PATCH toggles it, or sets it to the value in the body."""

    def __init__(self, family: Family, tasks: Tasks) -> None:
        self.invalid_status = family.invalid_status
        self._tasks = tasks
        self._schema = Schema("task-completion.json")

    def on_patch(self, req: Request, resp: Response, task_id: str) -> None:
        number = parse_task_id(task_id)
        body = read_json(req, optional=True)
        wanted = self._schema.validate(body).get("completed") if body != {} else None
        user_id, versions = req.context.user.user_id, versions_to_match(req)
        if wanted is None:
            changed = self._tasks.toggle_completed(user_id, number, versions)
        else:
            changed = self._tasks.set_completed(user_id, number, wanted, versions)
        _set_event(req, "task_completed" if changed.task["completed"] else "task_reopened", number)
        _set_task(resp, changed)


def _set_task(resp: Response, found: VersionedTask) -> None:
    resp.set_header("ETag", entity_tag(found.version))
    resp.data = orjson.dumps({"data": found.task})


def _set_event(req: Request, event: str, task_id: int) -> None:
    req.context.event = event
    req.context.details["task_id"] = task_id


def _pagination(query: ListQuery, page: TaskPage) -> dict[str, Any]:
    if page.total is None:
        return {"limit": query.limit, "next_cursor": page.next_cursor}
    return {
        "page": query.page,
        "limit": query.limit,
        "total": page.total,
        "pages": -(-page.total // (query.limit or 1)),
        "next_cursor": page.next_cursor,
    }


def _set_links(req: Request, resp: Response, query: ListQuery, page: TaskPage) -> None:
    """Set RFC 8288 links to the next and the previous page. The other known parameters stay as they are.

    Unknown parameters are left out, because with them a client could make the header longer than a proxy accepts.
    """
    if query.page is None:
        if page.next_cursor is not None:
            resp.append_link(_page_url(req, cursor=page.next_cursor), "next")
        return
    if page.next_cursor is not None:
        resp.append_link(_page_url(req, page=query.page + 1, limit=query.limit), "next")
    if query.page > 1:
        resp.append_link(_page_url(req, page=query.page - 1, limit=query.limit), "prev")


def _page_url(req: Request, **changed: object) -> str:
    wanted = _QUERY.names - changed.keys()
    kept = [(name, value) for name, value in parse_query(req.query_string) if name in wanted]
    return f"{quote(req.path)}?{urlencode([*kept, *changed.items()])}"
