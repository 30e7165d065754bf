"""The task operations, which are the same in all route families."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from api.errors import Code
from api.openapi.components import QUERY_PARAMETERS, schema_ref
from api.openapi.operations import BODY_ERRORS, DATABASE_ERRORS, Link, Operation, Success
from api.validation import SCHEMAS

_TASK: Final = SCHEMAS["task.json"]["examples"][0]

_ONE_TASK: Final[Mapping[str, Any]] = {
    "type": "object",
    "required": ["data"],
    "properties": {"data": schema_ref("task.json")},
}
_TASKS: Final[Mapping[str, Any]] = {
    "type": "object",
    "required": ["data"],
    "properties": {
        "data": {"type": "array", "items": schema_ref("task.json")},
        "pagination": schema_ref("pagination.json"),
    },
}

_TASK_ID: Final = {"task_id": "$response.body#/data/id"}
_THIS_VERSION: Final = {**_TASK_ID, "If-Match": "$response.header.ETag"}
_READ_LINK: Final = Link(operation="get{}Task", description="Read this task.", parameters=_TASK_ID)
_CHANGE_LINK: Final = Link(operation="update{}Task", description="Change this task.", parameters=_TASK_ID)
_LINKS: Final = {
    "get": _READ_LINK,
    "update": _CHANGE_LINK,
    "put": Link(operation="put{}Task", description="Change this task.", parameters=_TASK_ID),
    "complete": Link(operation="complete{}Task", description="Complete this task.", parameters=_TASK_ID),
    "delete": Link(operation="delete{}Task", description="Delete this task.", parameters=_TASK_ID),
}

_TASK_RESPONSE: Final = Success(
    status=200,
    description="The task.",
    schema=_ONE_TASK,
    example={"data": _TASK},
    headers=("ETag",),
    links={
        "updateUnchanged": Link(
            operation="update{}Task",
            description="Change this task unless it has changed since.",
            parameters=_THIS_VERSION,
        ),
        "deleteUnchanged": Link(
            operation="delete{}Task",
            description="Delete this task unless it has changed since.",
            parameters=_THIS_VERSION,
        ),
    },
)
_CHANGED_RESPONSE: Final = Success(
    status=200,
    description="The changed task.",
    schema=_ONE_TASK,
    example={"data": _TASK},
    headers=("ETag",),
    links={"get": _READ_LINK},
)

_TASK_ERRORS: Final = (Code.VALIDATION_ERROR, Code.NOT_FOUND, *DATABASE_ERRORS)
_CHANGE_ERRORS: Final = (*_TASK_ERRORS, *BODY_ERRORS, Code.PRECONDITION_FAILED)

COLLECTION: Final[Mapping[str, Operation]] = {
    "get": Operation(
        name="list{}Tasks",
        summary="List the user's tasks",
        description=(
            "Newest first. Without `limit`, `page` and `cursor` the response has every task. A walk by `cursor` "
            "returns each task once, even if tasks are added or deleted meanwhile. Repeat filters and sort each time."
        ),
        parameters=QUERY_PARAMETERS,
        success=(
            Success(
                status=200,
                description="The tasks, with `pagination` if a limit, a page or a cursor is given.",
                schema=_TASKS,
                example={"data": [_TASK], "pagination": SCHEMAS["pagination.json"]["examples"][0]},
                headers=("Link",),
                links={
                    "next": Link(
                        operation="list{}Tasks",
                        description="The next tasks; repeat filters, sort and limit.",
                        parameters={"cursor": "$response.body#/pagination/next_cursor"},
                    )
                },
            ),
        ),
        errors=(Code.VALIDATION_ERROR, *DATABASE_ERRORS),
    ),
    "post": Operation(
        name="create{}Task",
        summary="Create a task",
        description="Safe to repeat with an `Idempotency-Key`.",
        parameters=("IdempotencyKey",),
        body="task-create.json",
        success=(
            Success(
                status=201,
                description="The new task.",
                schema=_ONE_TASK,
                example={"data": _TASK},
                headers=("ETag", "Location", "Idempotent-Replayed"),
                links=_LINKS,
            ),
        ),
        errors=(
            Code.VALIDATION_ERROR,
            Code.TASK_LIMIT_REACHED,
            Code.IDEMPOTENCY_KEY_REUSED,
            *BODY_ERRORS,
            *DATABASE_ERRORS,
        ),
    ),
}

ITEM: Final[Mapping[str, Operation]] = {
    "get": Operation(
        name="get{}Task",
        summary="Read a task",
        parameters=("IfNoneMatch",),
        success=(
            _TASK_RESPONSE,
            Success(status=304, description="The task still has the version in If-None-Match.", headers=("ETag",)),
        ),
        errors=_TASK_ERRORS,
    ),
    "put": Operation(
        name="put{}Task",
        summary="Change a task, the same as PATCH",
        description="A field that is not given keeps its value, as with PATCH.",
        parameters=("IfMatch",),
        body="task-update.json",
        success=(_CHANGED_RESPONSE,),
        errors=_CHANGE_ERRORS,
    ),
    "patch": Operation(
        name="update{}Task",
        summary="Change a task",
        description=(
            "Give at least one field. Other fields keep their values; null clears `description` or `due_date`."
        ),
        parameters=("IfMatch",),
        body="task-update.json",
        success=(_CHANGED_RESPONSE,),
        errors=_CHANGE_ERRORS,
    ),
    "delete": Operation(
        name="delete{}Task",
        summary="Delete a task",
        parameters=("IfMatch",),
        success=(Success(status=204, description="The task is deleted."),),
        errors=(*_TASK_ERRORS, Code.PRECONDITION_FAILED),
    ),
}

COMPLETION: Final[Mapping[str, Operation]] = {
    "patch": Operation(
        name="complete{}Task",
        summary="Complete or reopen a task",
        description="With `completed` it sets the state, which is safe to repeat. Without it, it toggles the state.",
        parameters=("IfMatch",),
        body="task-completion.json",
        body_required=False,
        success=(_CHANGED_RESPONSE,),
        errors=_CHANGE_ERRORS,
    ),
}
