"""A compiled profile: how one frontend's requests are read, and its responses written. It is made once at start."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Final, NamedTuple

from api.list_queries import ListQuery
from api.profiles.account_format import AccountFormat
from api.profiles.error_bodies import ErrorBodies
from api.profiles.list_queries import QueryFormat
from api.profiles.paths import check_paths
from api.profiles.reading import Profile, ProfileError
from api.profiles.task_fields import TaskFields, UrlOf
from api.profiles.templates import Body, Context, Template
from api.task_list import Piece, TaskPage
from api.tasks import VersionedTask


class ListBody(NamedTuple):
    """The body of a list: its items come between `opening` and `closing`, in pieces if there is a `rest`."""

    opening: bytes
    first: list[dict[str, Any]]
    rest: Iterator[list[dict[str, Any]]] | None
    closing: bytes


class ShownPage(NamedTuple):
    """What the body of a list says, besides its tasks."""

    query: ListQuery
    page: TaskPage

    @property
    def offset(self) -> int:
        """The number of tasks before the first."""
        return self.query.offset + ((self.query.page or 1) - 1) * (self.query.limit or 0)


class ShownTask(NamedTuple):
    """What the body of one task says. `task` is None for a deleted one, and `task_id` for all of them."""

    task: dict[str, Any] | None
    task_id: int | str | None
    message: str


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
        self.list_body = _body(responses["list"], _LIST_VALUES, "list")
        if self.list_body.template.count(TASKS) != 1:
            raise ProfileError("must have the value $tasks once", "responses", "list")
        self.task_body = _body(responses["task"], _TASK_VALUES, "task")
        self.created_body = _body(responses.get("created", responses["task"]), _TASK_VALUES, "created")
        self.created_status: int = responses["created_status"]
        self.deleted_body = _body(responses["deleted"], _DELETED_VALUES, "deleted") if "deleted" in responses else None
        self.query = QueryFormat(profile, self.fields, self.list_body.template.names)
        self.errors = ErrorBodies.of(profile)
        self.accounts = AccountFormat(profile)
        check_paths(self.collections, list(dict.fromkeys(call.path for call in self.completion)), self.accounts.paths)

    def write_list(self, query: ListQuery, page: TaskPage, url_of: UrlOf) -> ListBody:
        """The body of a list."""
        opening, closing = self.list_body.write_around(TASKS, ShownPage(query, page))
        show = partial(self._show_piece, url_of=url_of)
        rest = None if page.rest is None else map(show, page.rest)
        return ListBody(opening + b"[", show(page.first), rest, b"]" + closing)

    def _show_piece(self, piece: Piece, url_of: UrlOf) -> list[dict[str, Any]]:
        return self.fields.show_all(piece.tasks, piece.extras, url_of)

    def write_task(self, found: VersionedTask, url_of: UrlOf, message: str) -> bytes:
        """The body of one task."""
        shown = self.fields.show(found.task, found.extra, url_of)
        return self.task_body.write(ShownTask(shown, self.fields.show_id(found.task["id"]), message))

    def write_created(self, created: VersionedTask, url_of: UrlOf) -> bytes:
        """The body of a create."""
        shown = self.fields.show(created.task, created.extra, url_of)
        return self.created_body.write(ShownTask(shown, self.fields.show_id(created.task["id"]), "Task created"))

    def write_deleted(self, task_id: int | None, message: str) -> bytes | None:
        """The body of a delete; None for a 204. All tasks have no id."""
        shown_id = None if task_id is None else self.fields.show_id(task_id)
        return None if self.deleted_body is None else self.deleted_body.write(ShownTask(None, shown_id, message))


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


MAX_ROWS: Final = 2**31

TASKS: Final = "tasks"
"""The name of the value that a list's template must have once: the items of the list."""

_LIST_VALUES: Final[Mapping[str, Callable[[ShownPage], Any]]] = {
    TASKS: lambda shown: None,
    "count": lambda shown: max(0, min(shown.query.limit or MAX_ROWS, (shown.page.total or 0) - shown.offset)),
    "total": lambda shown: shown.page.total,
    "completed_count": lambda shown: shown.page.completed,
    "pending_count": lambda shown: (shown.page.total or 0) - (shown.page.completed or 0),
    "page": lambda shown: shown.query.page or (shown.offset // shown.query.limit + 1 if shown.query.limit else 1),
    "pages": lambda shown: _pages(shown.page.total or 0, shown.query.limit),
    "limit": lambda shown: shown.query.limit,
    "offset": lambda shown: shown.offset,
    "next_cursor": lambda shown: shown.page.next_cursor,
    "has_more": lambda shown: shown.page.next_cursor is not None,
    "pagination": lambda shown: _pagination(shown.query, shown.page),
    "message": lambda shown: "Tasks found",
}
_DELETED_VALUES: Final[Mapping[str, Callable[[ShownTask], Any]]] = {
    "id": lambda shown: shown.task_id,
    "message": lambda shown: shown.message,
}
_TASK_VALUES: Final[Mapping[str, Callable[[ShownTask], Any]]] = {**_DELETED_VALUES, "task": lambda shown: shown.task}


def _body(template: Any, sources: Mapping[str, Callable[[Context], Any]], key: str) -> Body[Context]:
    return Body(Template(template, sources, "responses", key), sources)


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
