"""The task operations of a wire format."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from api.errors import Code
from api.openapi.components import INTEGER, TEXT, component_ref, query_parameters
from api.openapi.operations import BODY_ERRORS, DATABASE_ERRORS, Link, Operation, Success
from api.profiles.names import humanize
from api.profiles.templates import Template
from api.profiles.wire_format import CompletionCall, WireFormat
from api.validation import SCHEMAS

_TASK_ERRORS: Final = (Code.VALIDATION_ERROR, Code.NOT_FOUND, *DATABASE_ERRORS)
_CHANGE_ERRORS: Final = (*_TASK_ERRORS, *BODY_ERRORS, Code.PRECONDITION_FAILED)

_WORDS_OF: Final = {
    "change": (
        "Complete or reopen a task",
        "A body sets the state, which is safe to repeat. Without a body, the call toggles the state.",
    ),
    "complete": ("Complete a task", ""),
    "reopen": ("Reopen a task", ""),
    "flip": ("Toggle a task", "An open task is completed, a completed one reopened."),
}


def collection_operations(wire: WireFormat) -> dict[str, Operation]:
    """The operations on the collection, by method."""
    operations = {"get": _list_operation(wire), "post": _create_operation(wire)}
    if wire.deletes_all:
        operations["delete"] = Operation(
            name="deleteAll{}Tasks",
            summary="Delete all tasks of the user",
            success=(_deleted(wire, "All tasks are deleted."),),
            errors=(Code.VALIDATION_ERROR, *DATABASE_ERRORS),
        )
    return operations


def item_operations(wire: WireFormat) -> dict[str, Operation]:
    """The operations on one task, by method."""
    change = Operation(
        name="update{}Task",
        summary="Change a task",
        description="Give at least one field. A field that is not given keeps its value; null clears a text or a date.",
        parameters=("IfMatch",),
        body="TaskChanges",
        success=(_changed(wire),),
        errors=_CHANGE_ERRORS,
    )
    return {
        "get": Operation(
            name="get{}Task",
            summary="Read a task",
            parameters=("IfNoneMatch",),
            success=(
                _one_task(wire, "The task.", links=_unchanged_links(wire)),
                Success(status=304, description="The task still has the version in If-None-Match.", headers=("ETag",)),
            ),
            errors=_TASK_ERRORS,
        ),
        "put": replace(
            change,
            name="put{}Task",
            summary="Change a task, the same as PATCH",
            description="A field that is not given keeps its value, as with PATCH.",
        ),
        "patch": change,
        "delete": Operation(
            name="delete{}Task",
            summary="Delete a task",
            parameters=("IfMatch",),
            success=(_deleted(wire, "The task is deleted."),),
            errors=(*_TASK_ERRORS, Code.PRECONDITION_FAILED),
        ),
    }


def completion_operations(wire: WireFormat, calls: Sequence[CompletionCall]) -> dict[str, Operation]:
    """The operations on one path that changes a task's completion, by method."""
    operations = {}
    for call in calls:
        summary, description = _WORDS_OF[call.does]
        for method in call.methods:
            operations[method.lower()] = Operation(
                name=_completion_name(wire, call, method),
                summary=summary,
                description=description,
                parameters=("IfMatch",),
                body="Completion" if call.does == "change" else None,
                body_required=False,
                success=(_changed(wire),),
                errors=_CHANGE_ERRORS if call.does == "change" else (*_TASK_ERRORS, Code.PRECONDITION_FAILED),
            )
    return operations


def _completion_name(wire: WireFormat, call: CompletionCall, method: str) -> str:
    """The operation id. The first call has the plain one, the others name their path and method."""
    if call is wire.completion[0] and method == call.methods[0]:
        return "complete{}Task"
    return f"{method.lower()}{{}}Task{humanize(call.path[1:]).title().replace(' ', '')}"


def _list_operation(wire: WireFormat) -> Operation:
    values = _list_values()
    example = wire.list_body.template.fill({**_list_example(), "tasks": [_example(wire)]})
    cursor = _cursor_pointer(wire.list_body.template)
    links = {}
    if cursor is not None:
        links["next"] = Link(
            operation="list{}Tasks",
            description="The next tasks; repeat filters, sort and limit.",
            parameters={wire.query.names["cursor"]: f"$response.body#{cursor}"},
        )
    return Operation(
        name="list{}Tasks",
        summary="List the user's tasks",
        description=(
            "Newest first. Without a limit, a page and a cursor the response has every task. A walk by cursor "
            "returns each task once, even if tasks are added or deleted meanwhile. Repeat filters and sort each time."
        ),
        parameters=(*query_parameters(wire), "IfNoneMatch"),
        success=(
            Success(
                status=200,
                description="The tasks.",
                schema=wire.list_body.template.describe(values),
                example=example,
                headers=("Link", "ListTag"),
                links=links,
            ),
            Success(status=304, description="The list is still what If-None-Match names.", headers=("ListTag",)),
        ),
        errors=(Code.VALIDATION_ERROR, *DATABASE_ERRORS),
    )


def _create_operation(wire: WireFormat) -> Operation:
    created = _one_task(wire, "The new task.", body=wire.created_body.template, status=wire.created_status)
    return Operation(
        name="create{}Task",
        summary="Create a task",
        description="Safe to repeat with an `Idempotency-Key`.",
        parameters=("IdempotencyKey",),
        body="NewTask",
        success=(replace(created, headers=("ETag", "Location", "Idempotent-Replayed"), links=_created_links(wire)),),
        errors=(
            Code.VALIDATION_ERROR,
            Code.TASK_LIMIT_REACHED,
            Code.IDEMPOTENCY_KEY_REUSED,
            *BODY_ERRORS,
            *DATABASE_ERRORS,
        ),
    )


def _one_task(
    wire: WireFormat,
    description: str,
    *,
    body: Template | None = None,
    status: int = 200,
    links: Mapping[str, Link] | None = None,
) -> Success:
    template = body or wire.task_body.template
    return Success(
        status=status,
        description=description,
        schema=template.describe({"task": component_ref("Task"), "id": _id_schema(wire), "message": TEXT}),
        example=template.fill({"task": _example(wire), "id": wire.fields.show_id(7), "message": "Task created"}),
        headers=("ETag",),
        links=links or {},
    )


def _changed(wire: WireFormat) -> Success:
    read = _link(wire, wire.task_body.template, "get{}Task", "Read this task.")
    return _one_task(wire, "The changed task.", links={"get": read} if read else {})


def _deleted(wire: WireFormat, description: str) -> Success:
    if wire.deleted_body is None:
        return Success(status=204, description=description)
    schemas = {"id": {"type": [_id_schema(wire)["type"], "null"]}, "message": TEXT}
    example = wire.deleted_body.template.fill({"id": wire.fields.show_id(7), "message": "Task deleted"})
    return Success(
        status=200, description=description, schema=wire.deleted_body.template.describe(schemas), example=example
    )


def _created_links(wire: WireFormat) -> dict[str, Link]:
    names = {"get": "Read", "update": "Change", "put": "Change", "complete": "Complete", "delete": "Delete"}
    links = {
        name: _link(wire, wire.created_body.template, f"{name}{{}}Task", f"{verb} this task.")
        for name, verb in names.items()
    }
    return {name: link for name, link in links.items() if link is not None}


def _unchanged_links(wire: WireFormat) -> dict[str, Link]:
    links = {}
    for name, verb in (("update", "Change"), ("delete", "Delete")):
        link = _link(wire, wire.task_body.template, f"{name}{{}}Task", f"{verb} this task unless it has changed since.")
        if link is not None:
            parameters = {**link.parameters, "If-Match": "$response.header.ETag"}
            links[f"{name}Unchanged"] = replace(link, parameters=parameters)
    return links


def _link(wire: WireFormat, template: Template, operation: str, description: str) -> Link | None:
    """A link to an operation on the task in a body. None if the body does not have the task's id."""
    task, names = template.pointer("task"), wire.fields.names.of("id")
    if task is None or not names:
        return None
    return Link(
        operation=operation, description=description, parameters={"task_id": f"$response.body#{task}/{names[0]}"}
    )


def _cursor_pointer(body: Template) -> str | None:
    pagination = body.pointer("pagination")
    return f"{pagination}/next_cursor" if pagination is not None else body.pointer("next_cursor")


def _example(wire: WireFormat) -> Any:
    return wire.fields.task_schema()["examples"][0]


def _list_values() -> dict[str, Any]:
    nullable_text = {"type": ["string", "null"]}
    return {
        "tasks": {"type": "array", "items": component_ref("Task")},
        **dict.fromkeys(("count", "total", "completed_count", "pending_count", "page", "pages", "offset"), INTEGER),
        "limit": {"type": ["integer", "null"]},
        "next_cursor": nullable_text,
        "has_more": {"type": "boolean"},
        "pagination": component_ref("Pagination"),
        "message": TEXT,
    }


def _list_example() -> dict[str, Any]:
    counts = {"count": 1, "total": 1, "completed_count": 0, "pending_count": 1}
    place = {"page": 1, "pages": 1, "limit": 50, "offset": 0, "next_cursor": None, "has_more": False}
    return {**counts, **place, "pagination": SCHEMAS["pagination.json"]["examples"][0], "message": "Tasks found"}


def _id_schema(wire: WireFormat) -> dict[str, str]:
    return {"type": "integer" if isinstance(wire.fields.show_id(7), int) else "string"}
