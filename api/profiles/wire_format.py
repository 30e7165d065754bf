"""A compiled profile: how one frontend's requests are read, and its responses written. It is made once at start."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from api.profiles.account_format import AccountFormat
from api.profiles.error_bodies import ErrorBodies
from api.profiles.list_queries import QueryFormat
from api.profiles.paths import check_paths
from api.profiles.reading import Profile, ProfileError
from api.profiles.task_fields import TaskFields, UrlOf
from api.profiles.templates import Template, encode_values
from api.task_list import ListQuery, TaskPage
from api.tasks import VersionedTask

_LIST_VALUES: Final = (
    "tasks",
    "count",
    "total",
    "completed_count",
    "pending_count",
    "page",
    "pages",
    "limit",
    "offset",
    "next_cursor",
    "has_more",
    "pagination",
    "message",
)
_TASK_VALUES: Final = ("task", "id", "message")


@dataclass(frozen=True, slots=True)
class CompletionCall:
    """A call below a task: its path there, its methods, and what it does."""

    path: str
    methods: tuple[str, ...]
    does: str


class WireFormat:
    """One profile, compiled."""

    def __init__(self, profile: Profile) -> None:
        """Compile the profile. Raises ProfileError with the file, the line and the key of what is wrong."""
        self.name = profile.name
        self.summary: str = profile.document["summary"]
        try:
            self._compile(profile)
        except ProfileError as ex:
            raise profile.refuse(ex) from None

    def _compile(self, profile: Profile) -> None:
        tasks, responses = profile.table("tasks"), profile.table("responses")
        self.collections: tuple[str, ...] = (tasks["path"], *tasks["aliases"])
        self.completion = _completion_calls(profile)
        self.deletes_all: bool = tasks["delete_all"]
        self.reveals_foreign: bool = tasks["foreign_task"] == "forbidden"
        self.fields = TaskFields(profile)
        self.list_body = Template(responses["list"], _LIST_VALUES, "responses", "list")
        self.task_body = Template(responses["task"], _TASK_VALUES, "responses", "task")
        created = responses.get("created", responses["task"])
        self.created_body = Template(created, _TASK_VALUES, "responses", "created")
        self.created_status: int = responses["created_status"]
        deleted = responses.get("deleted")
        self.deleted_body = None if deleted is None else Template(deleted, ("id", "message"), "responses", "deleted")
        self.query = QueryFormat(profile, self.fields, self.list_body.names)
        self.errors = ErrorBodies.of(profile)
        self.accounts = AccountFormat(profile)
        check_paths(self.collections, list(dict.fromkeys(call.path for call in self.completion)), self.accounts.paths)

    def write_list(self, query: ListQuery, page: TaskPage, url_of: UrlOf) -> bytes:
        """The body of a list."""
        tasks = self.fields.show_all(page.tasks, page.extras, url_of)
        return self.list_body.encode(encode_values(self.list_body.names, _list_sources(query, page, tasks)))

    def write_task(self, found: VersionedTask, url_of: UrlOf, message: str) -> bytes:
        """The body of one task."""
        return self._write_task(self.task_body, found, url_of, message)

    def write_created(self, created: VersionedTask, url_of: UrlOf) -> bytes:
        """The body of a create."""
        return self._write_task(self.created_body, created, url_of, "Task created")

    def write_deleted(self, task_id: int | None, message: str) -> bytes | None:
        """The body of a delete; None for a 204. All tasks have no id."""
        if self.deleted_body is None:
            return None
        sources: Mapping[str, Callable[[], Any]] = {
            "id": lambda: None if task_id is None else self.fields.show_id(task_id),
            "message": lambda: message,
        }
        return self.deleted_body.encode(encode_values(self.deleted_body.names, sources))

    def _write_task(self, template: Template, found: VersionedTask, url_of: UrlOf, message: str) -> bytes:
        sources: Mapping[str, Callable[[], Any]] = {
            "task": lambda: self.fields.show(found.task, found.extra, url_of),
            "id": lambda: self.fields.show_id(found.task["id"]),
            "message": lambda: message,
        }
        return template.encode(encode_values(template.names, sources))


def _completion_calls(profile: Profile) -> tuple[CompletionCall, ...]:
    given = profile.document.get("completion", [{"path": "/complete"}])
    calls = tuple(
        CompletionCall(table["path"], tuple(table.get("methods", ["PATCH"])), table.get("does", "change"))
        for table in given
    )
    seen: set[tuple[str, str]] = set()
    for number, call in enumerate(calls):
        for method in call.methods:
            if (call.path, method) in seen:
                raise ProfileError(f"{method} {call.path} is there already", "completion", number, "path")
            seen.add((call.path, method))
    return calls


def _list_sources(query: ListQuery, page: TaskPage, tasks: list[dict[str, Any]]) -> dict[str, Callable[[], Any]]:
    limit, total = query.limit, page.total
    offset = query.offset + ((query.page or 1) - 1) * (limit or 0)
    return {
        "tasks": lambda: tasks,
        "count": lambda: len(tasks),
        "total": lambda: total,
        "completed_count": lambda: page.completed,
        "pending_count": lambda: (total or 0) - (page.completed or 0),
        "page": lambda: query.page or (offset // limit + 1 if limit else 1),
        "pages": lambda: _pages(total or 0, limit),
        "limit": lambda: limit,
        "offset": lambda: offset,
        "next_cursor": lambda: page.next_cursor,
        "has_more": lambda: page.next_cursor is not None,
        "pagination": lambda: _pagination(query, page),
        "message": lambda: "Tasks found",
    }


def _pages(total: int, limit: int | None) -> int:
    return -(-total // limit) if limit else min(total, 1)


def _pagination(query: ListQuery, page: TaskPage) -> dict[str, Any] | None:
    if query.limit is None:
        return None
    if query.page is None:
        return {"limit": query.limit, "next_cursor": page.next_cursor}
    return {
        "page": query.page,
        "limit": query.limit,
        "total": page.total,
        "pages": _pages(page.total or 0, query.limit),
        "next_cursor": page.next_cursor,
    }
