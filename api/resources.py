"""The Falcon resources of the tasks: each parses the request, makes one call into the core, and sets the response.

They contain no SQL and no status of an error. A `WireFormat` reads the requests and writes the bodies: no resource
knows which frontend it serves.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final
from urllib.parse import quote, urlencode

import falcon
from falcon import Response

from api.errors import FieldError, ValidationFailed
from api.ignored_input import IgnoredInput
from api.list_bodies import send_list
from api.list_queries import ListQuery
from api.postgres.database import Database
from api.preconditions import entity_tag, is_known, versions_to_match
from api.profiles.wire_format import CompletionCall, WireFormat
from api.reading import parse_task_id, read_idempotency_key, read_json
from api.request_context import Request
from api.session_cookie import SessionCookie
from api.task_list import TaskPage, list_tasks
from api.tasks import Tasks, VersionedTask


@dataclass(frozen=True, slots=True)
class Mount:
    """A wire format as one application serves it: the path before its paths, its cookie, and the log of the unknown."""

    wire_format: WireFormat
    ignored: IgnoredInput
    root: str = ""
    cookie: SessionCookie | None = None


class TaskResource:
    """What the resources of one wire format share."""

    def __init__(self, mount: Mount, tasks: Tasks) -> None:
        self.wire_format = mount.wire_format
        self.errors = mount.wire_format.errors
        self.cookie = mount.cookie
        self.root = mount.root
        self._ignored = mount.ignored
        self._tasks = tasks

    def _task_url(self, req: Request) -> Any:
        """A function for the absolute URL of a task of this request's user."""

        def url_of(task_id: int) -> str:
            path = self.wire_format.collections[0].replace("{user_id}", quote(req.context.user.user_id, safe=""))
            return f"{req.prefix}{self.root}{path}/{task_id}"

        return url_of

    def _set_task(self, req: Request, resp: Response, found: VersionedTask, message: str) -> None:
        resp.set_header("ETag", entity_tag(found.version))
        resp.data = self.wire_format.write_task(found, self._task_url(req), message)

    def _set_deleted(self, resp: Response, task_id: int | None, message: str) -> None:
        body = self.wire_format.write_deleted(task_id, message)
        resp.data = body
        resp.status = falcon.HTTP_204 if body is None else falcon.HTTP_200


class TaskCollection(TaskResource):
    """A user's tasks: GET lists them, POST creates one. DELETE, where the wire format has it, deletes them all."""

    def __init__(self, mount: Mount, tasks: Tasks, database: Database) -> None:
        super().__init__(mount, tasks)
        self._database = database
        if mount.wire_format.deletes_all:
            self.on_delete = self._delete_all

    def on_get(self, req: Request, resp: Response) -> None:
        self._ignored.note_parameters(self.wire_format, req.query_string)
        query = self.wire_format.query.parse(req.query_string)
        page = list_tasks(self._database, req.context.user.user_id, query)
        if not page.first.tasks:
            self._tasks.confirm_user(req.context.user)
        if query.limit is not None:
            self._set_links(req, resp, query, page)
        body = self.wire_format.write_list(query, page, self._task_url(req))
        send_list(req, resp, body, self.wire_format.name)

    on_head = on_get

    def on_post(self, req: Request, resp: Response) -> None:
        body = read_json(req)
        self._ignored.note_members(self.wire_format, body)
        fields = self.wire_format.fields.read_new(body)
        created, replayed = self._tasks.create(req.context.user, fields, read_idempotency_key(req))
        resp.status = self.wire_format.created_status
        resp.set_header("Location", f"{_own_path(req)}/{created.task['id']}")
        if replayed:
            resp.set_header("Idempotent-Replayed", "true")
        _set_event(req, "task_replayed" if replayed else "task_created", created.task["id"])
        resp.set_header("ETag", entity_tag(created.version))
        resp.data = self.wire_format.write_created(created, self._task_url(req))

    def _delete_all(self, req: Request, resp: Response) -> None:
        if req.query_string:
            # A filter that is not understood must not delete what it would have kept.
            raise ValidationFailed(FieldError("query", "Deleting all tasks takes no query parameters"))
        req.context.details["tasks"] = self._tasks.delete_all(req.context.user)
        req.context.event = "tasks_deleted"
        self._set_deleted(resp, None, "All tasks deleted")

    def _set_links(self, req: Request, resp: Response, query: ListQuery, page: TaskPage) -> None:
        """Set RFC 8288 links to the next and the previous page. The other known parameters stay as they are.

        Unknown parameters are left out, because with them a client could make the header longer than a proxy accepts.
        """
        if query.page is None:
            if page.next_cursor is not None:
                resp.append_link(self._page_url(req, ("cursor", page.next_cursor)), "next")
            return
        limit = ("limit", query.limit)
        if page.next_cursor is not None:
            resp.append_link(self._page_url(req, ("page", query.page + 1), limit), "next")
        if query.page > 1:
            resp.append_link(self._page_url(req, ("page", query.page - 1), limit), "prev")

    def _page_url(self, req: Request, *changed: tuple[str, object]) -> str:
        names = self.wire_format.query.names
        kept = self.wire_format.query.kept(req.query_string, {name for name, _ in changed} | {"offset"})
        return f"{_own_path(req)}?{urlencode([*kept, *((names[name], value) for name, value in changed)])}"


class TaskItem(TaskResource):
    """One task of the authenticated user: GET, PUT, PATCH, DELETE."""

    def on_get(self, req: Request, resp: Response, task_id: str) -> None:
        found = self._tasks.find(req.context.user, parse_task_id(task_id))
        self._set_task(req, resp, found, "Task found")
        if is_known(req, found.version):
            resp.status = falcon.HTTP_304

    on_head = on_get

    def on_put(self, req: Request, resp: Response, task_id: str) -> None:
        number = parse_task_id(task_id)
        body = read_json(req)
        self._ignored.note_members(self.wire_format, body)
        changes = self._read_changes(req, number, body)
        changed = self._tasks.update(req.context.user, number, changes, versions_to_match(req))
        _set_event(req, "task_updated", number)
        self._set_task(req, resp, changed, "Task updated")

    # PUT keeps the fields that are not sent, too: existing frontends send partial bodies with either method.
    on_patch = on_put

    def _read_changes(self, req: Request, task_id: int, body: object) -> dict[str, Any]:
        """The changes of a body. Pages send a whole task back with one member changed.

        If the task has another name for that member, its old value is in the body too, and does not count.
        """
        fields = self.wire_format.fields
        if fields.contradicts_itself(body):
            found = self._tasks.find(req.context.user, task_id)
            body = fields.without_unchanged(body, found.task, found.extra, self._task_url(req))
        return fields.read_changes(body)

    def on_delete(self, req: Request, resp: Response, task_id: str) -> None:
        number = parse_task_id(task_id)
        self._tasks.delete(req.context.user, number, versions_to_match(req))
        _set_event(req, "task_deleted", number)
        self._set_deleted(resp, number, "Task deleted")


_FIXED: Final = {"complete": {"completed": True}, "reopen": {"completed": False}, "flip": {}}


class TaskCompletion(TaskResource):
    """The completion of one task. Each method does what its call in the wire format says."""

    def __init__(self, mount: Mount, tasks: Tasks, calls: Sequence[CompletionCall]) -> None:
        super().__init__(mount, tasks)
        self.calls = calls
        for call in calls:
            respond = self._change if call.does == "change" else self._fixed(call.does)
            for method in call.methods:
                setattr(self, f"on_{method.lower()}", respond)

    def _change(self, req: Request, resp: Response, task_id: str) -> None:
        """Set what the body says, or flip without a body."""
        number = parse_task_id(task_id)
        body = read_json(req, optional=True)
        self._ignored.note_members(self.wire_format, body)
        self._respond(req, resp, number, self.wire_format.fields.read_completion(body))

    def _fixed(self, does: str) -> Any:
        changes = _FIXED[does]

        def respond(req: Request, resp: Response, task_id: str) -> None:
            self._respond(req, resp, parse_task_id(task_id), changes)

        return respond

    def _respond(self, req: Request, resp: Response, task_id: int, changes: dict[str, Any]) -> None:
        user, versions = req.context.user, versions_to_match(req)
        if changes:
            changed = self._tasks.update(user, task_id, changes, versions)
        else:
            changed = self._tasks.toggle_completed(user, task_id, versions)
        completed = changed.task["completed"]
        _set_event(req, "task_completed" if completed else "task_reopened", task_id)
        self._set_task(req, resp, changed, "Task completed" if completed else "Task reopened")


def _set_event(req: Request, event: str, task_id: int) -> None:
    req.context.event = event
    req.context.details["task_id"] = task_id


def _own_path(req: Request) -> str:
    """The path of the request as the client sees it, percent-encoded."""
    return req.root_path + _encode_path(req.path)


# Few, for a path that a client sends may be as long as a head.
@lru_cache(maxsize=64)
def _encode_path(path: str) -> str:
    """The path, percent-encoded.

    A segment `.` or `..`, which a user may be called, is left out: clients would resolve it (RFC 3986, section 5.2.4),
    browsers even if it is percent-encoded. The path without the user leads to the same tasks.
    """
    return quote("/".join([segment for segment in path.split("/") if segment not in (".", "..")]))
