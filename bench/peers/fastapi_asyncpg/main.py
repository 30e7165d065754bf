# ruff: noqa: D101, D103 - the peers are written as their tutorials are
"""A peer: FastAPI over an asyncpg pool, every operation `async def` and one statement.

Responses use response models, the fastest way according to FastAPI's documentation: Pydantic serializes the JSON.
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Annotated

import asyncpg
import jwt
from fastapi import Depends, FastAPI, HTTPException, Request, Response, status
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from pydantic import BaseModel, Field

SECRET = os.environ["BETTER_AUTH_SECRET"]

COLUMNS = "id, user_id, title, description, completed, due_date, created_at, updated_at"
LIST = f"SELECT {COLUMNS} FROM tasks WHERE user_id = $1 ORDER BY created_at DESC, id DESC"
FIND = f"SELECT {COLUMNS} FROM tasks WHERE id = $1 AND user_id = $2"
CREATE = (
    "INSERT INTO tasks (user_id, title, description, completed, due_date) "
    f"VALUES ($1, $2, $3, $4, $5) RETURNING {COLUMNS}"
)
TOGGLE = (
    "UPDATE tasks SET completed = NOT completed, updated_at = clock_timestamp() "
    f"WHERE id = $1 AND user_id = $2 RETURNING {COLUMNS}"
)
DELETE = "DELETE FROM tasks WHERE id = $1 AND user_id = $2 RETURNING id"


class TaskCreate(BaseModel):
    title: str = Field(min_length=1, max_length=500)
    description: str | None = Field(default=None, max_length=10_000)
    completed: bool = False
    due_date: datetime | None = None


class Task(BaseModel):
    id: int
    user_id: str
    title: str
    description: str | None
    completed: bool
    due_date: datetime | None
    created_at: datetime
    updated_at: datetime


class OneTask(BaseModel):
    data: Task


class ManyTasks(BaseModel):
    data: list[Task]


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    async with asyncpg.create_pool(os.environ["DATABASE_URL"], min_size=10, max_size=10) as pool:
        app.state.pool = pool
        yield


bearer = HTTPBearer()
app = FastAPI(lifespan=lifespan)


async def get_pool(request: Request) -> asyncpg.Pool:
    pool: asyncpg.Pool = request.app.state.pool
    return pool


async def get_user_id(credentials: Annotated[HTTPAuthorizationCredentials, Depends(bearer)]) -> str:
    try:
        claims = jwt.decode(credentials.credentials, SECRET, algorithms=["HS256"], options={"require": ["exp", "sub"]})
    except jwt.InvalidTokenError as ex:
        raise HTTPException(status.HTTP_401_UNAUTHORIZED, "Invalid token") from ex
    return str(claims["sub"])


PoolDep = Annotated[asyncpg.Pool, Depends(get_pool)]
UserDep = Annotated[str, Depends(get_user_id)]


def found(row: asyncpg.Record | None) -> asyncpg.Record:
    if row is None:
        raise HTTPException(status.HTTP_404_NOT_FOUND, "Task not found")
    return row


@app.get("/api/tasks", response_model=ManyTasks)
async def list_tasks(pool: PoolDep, user_id: UserDep) -> object:
    return {"data": [dict(row) for row in await pool.fetch(LIST, user_id)]}


@app.post("/api/tasks", response_model=OneTask, status_code=status.HTTP_201_CREATED)
async def create_task(task: TaskCreate, pool: PoolDep, user_id: UserDep) -> object:
    row = await pool.fetchrow(CREATE, user_id, task.title, task.description, task.completed, task.due_date)
    return {"data": dict(row)}


@app.get("/api/tasks/{task_id}", response_model=OneTask)
async def get_task(task_id: int, pool: PoolDep, user_id: UserDep) -> object:
    return {"data": dict(found(await pool.fetchrow(FIND, task_id, user_id)))}


@app.patch("/api/tasks/{task_id}/complete", response_model=OneTask)
async def toggle_task(task_id: int, pool: PoolDep, user_id: UserDep) -> object:
    return {"data": dict(found(await pool.fetchrow(TOGGLE, task_id, user_id)))}


@app.delete("/api/tasks/{task_id}", status_code=status.HTTP_204_NO_CONTENT)
async def delete_task(task_id: int, pool: PoolDep, user_id: UserDep) -> Response:
    found(await pool.fetchrow(DELETE, task_id, user_id))
    return Response(status_code=status.HTTP_204_NO_CONTENT)
