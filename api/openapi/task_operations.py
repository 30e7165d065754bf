"""The task operations, once for all route families."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from api.errors import Code
from api.openapi.components import QUERY_PARAMETERS, schema_ref
from api.openapi.operations import OF_BODIES, OF_THE_DATABASE, Link, Operation, Success
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

_IT: Final = {"task_id": "$response.body#/data/id"}
_UNCHANGED: Final = {**_IT, "If-Match": "$response.header.ETag"}
_READ_IT: Final = Link(operation="get{}Task", description="Read this task.", parameters=_IT)
_CHANGE_IT: Final = Link(operation="update{}Task", description="Change this task.", parameters=_IT)
_LINKS: Final = {
    "get": _READ_IT,
    "update": _CHANGE_IT,
    "put": Link(operation="put{}Task", description="Change this task.", parameters=_IT),
    "complete": Link(operation="complete{}Task", description="Complete this task.", parameters=_IT),
    "delete": Link(operation="delete{}Task", description="Delete this task.", parameters=_IT),
}

_ANSWER: Final = Success(
    status=200,
    description="The task.",
    schema=_ONE_TASK,
    example={"data": _TASK},
    headers=("ETag",),
    links={
        "updateUnchanged": Link(
            operation="update{}Task",
            description="Change this task unless somebody else has since.",
            parameters=_UNCHANGED,
        ),
        "deleteUnchanged": Link(
            operation="delete{}Task",
            description="Delete this task unless somebody else has changed it since.",
            parameters=_UNCHANGED,
        ),
    },
)
_CHANGED: Final = Success(
    status=200,
    description="The task as it is now.",
    schema=_ONE_TASK,
    example={"data": _TASK},
    headers=("ETag",),
    links={"get": _READ_IT},
)

_OF_ONE_TASK: Final = (Code.VALIDATION_ERROR, Code.NOT_FOUND, *OF_THE_DATABASE)
_OF_A_CHANGE: Final = (*_OF_ONE_TASK, *OF_BODIES, Code.PRECONDITION_FAILED)

COLLECTION: Final[Mapping[str, Operation]] = {
    "get": Operation(
        name="list{}Tasks",
        summary="List the user's tasks",
        description=(
            "Newest first. Without `limit`, `page` and `cursor` every task comes back. A walk by `cursor` sees each "
            "task once whatever is added or deleted meanwhile; repeat filters and sort with each cursor."
        ),
        parameters=QUERY_PARAMETERS,
        success=(
            Success(
                status=200,
                description="The tasks; `pagination` where a limit, a page or a cursor was given.",
                schema=_TASKS,
                example={"data": [_TASK], "pagination": SCHEMAS["pagination.json"]["examples"][0]},
                headers=("Link",),
                links={
                    "next": Link(
                        operation="list{}Tasks",
                        description="What follows; repeat filters, sort and limit.",
                        parameters={"cursor": "$response.body#/pagination/next_cursor"},
                    )
                },
            ),
        ),
        errors=(Code.VALIDATION_ERROR, *OF_THE_DATABASE),
    ),
    "post": Operation(
        name="create{}Task",
        summary="Create a task",
        description="With an `Idempotency-Key` it is safe to repeat.",
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
            *OF_BODIES,
            *OF_THE_DATABASE,
        ),
    ),
}

ITEM: Final[Mapping[str, Operation]] = {
    "get": Operation(
        name="get{}Task",
        summary="Read a task",
        parameters=("IfNoneMatch",),
        success=(
            _ANSWER,
            Success(status=304, description="The task is still as If-None-Match names it.", headers=("ETag",)),
        ),
        errors=_OF_ONE_TASK,
    ),
    "put": Operation(
        name="put{}Task",
        summary="Change a task, the same as PATCH",
        description="A field that is not given keeps its value, here too: nothing is lost that was not mentioned.",
        parameters=("IfMatch",),
        body="task-update.json",
        success=(_CHANGED,),
        errors=_OF_A_CHANGE,
    ),
    "patch": Operation(
        name="update{}Task",
        summary="Change a task",
        description=(
            "At least one field. One that is not given keeps its value; null clears `description` or `due_date`."
        ),
        parameters=("IfMatch",),
        body="task-update.json",
        success=(_CHANGED,),
        errors=_OF_A_CHANGE,
    ),
    "delete": Operation(
        name="delete{}Task",
        summary="Delete a task",
        parameters=("IfMatch",),
        success=(Success(status=204, description="The task is gone."),),
        errors=(*_OF_ONE_TASK, Code.PRECONDITION_FAILED),
    ),
}

COMPLETION: Final[Mapping[str, Operation]] = {
    "patch": Operation(
        name="complete{}Task",
        summary="Complete or reopen a task",
        description="With `completed` the state is set, which is safe to repeat; without it, it is flipped.",
        parameters=("IfMatch",),
        body="task-completion.json",
        body_required=False,
        success=(_CHANGED,),
        errors=_OF_A_CHANGE,
    ),
}
