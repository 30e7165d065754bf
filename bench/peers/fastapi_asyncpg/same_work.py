# ruff: noqa: D101, D103 - the peers are written as their tutorials are
"""A peer that does this service's work: its tables, task limit, entity tags and header fields. Else as main.py."""

from __future__ import annotations

import hashlib
import os
import unicodedata
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime, timezone
from functools import lru_cache
from typing import Annotated, Any

import asyncpg
import jwt
from fastapi import Depends, FastAPI, Header, HTTPException, Request, Response, status
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from pydantic import BaseModel, Field, TypeAdapter

SECRET = os.environ["BETTER_AUTH_SECRET"]
MAX_TASKS = 10_000

COLUMNS = "id, user_id, title, description, completed, due_at AS due_date, created_at, updated_at, version"
LIST = f"SELECT {COLUMNS} FROM tasks WHERE user_id = $1 ORDER BY created_at DESC, id DESC"
FIND = f"SELECT {COLUMNS} FROM tasks WHERE id = $1 AND user_id = $2"
CREATE = (
    "INSERT INTO tasks "
    "(user_id, title, description, completed, due_at, title_folded, description_folded, folded_version) "
    f"VALUES ($1, $2, $3, $4, $5, $6, $7, 1) RETURNING {COLUMNS}"
)
TOGGLE = (
    "UPDATE tasks SET completed = NOT completed, version = version + 1, folded_version = folded_version + 1, "
    "updated_at = greatest(statement_timestamp(), "
    "(updated_at AT TIME ZONE 'UTC' + interval '1 microsecond') AT TIME ZONE 'UTC') "
    f"WHERE id = $1 AND user_id = $2 RETURNING {COLUMNS}"
)
DELETE = "DELETE FROM tasks WHERE id = $1 AND user_id = $2 RETURNING id"
COUNT = "SELECT count(*) FROM (SELECT 1 FROM tasks WHERE user_id = $1 LIMIT $2) held"


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


MANY_TASKS = TypeAdapter(ManyTasks)


class TaskLimit:
    """The most tasks that a user can have, from the last count and the ids given out since."""

    def __init__(self) -> None:
        self._counts: dict[str, tuple[int, int]] = {}
        self._newest_id = 0

    def note(self, task_id: int) -> None:
        self._newest_id = max(self._newest_id, task_id)

    async def check(self, pool: asyncpg.Pool, user_id: str) -> None:
        rows, task_id = self._counts.get(user_id, (MAX_TASKS, self._newest_id))
        if rows + self._newest_id - task_id < MAX_TASKS:
            return
        task_id = self._newest_id
        rows = await pool.fetchval(COUNT, user_id, MAX_TASKS + 1)
        self._counts[user_id] = rows, task_id
        if rows >= MAX_TASKS:
            raise HTTPException(status.HTTP_409_CONFLICT, "Task limit reached")


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    async with asyncpg.create_pool(os.environ["DATABASE_URL"], min_size=10, max_size=10) as pool:
        app.state.pool = pool
        yield


bearer = HTTPBearer()
app = FastAPI(lifespan=lifespan)
limit = TaskLimit()


async def get_pool(request: Request) -> asyncpg.Pool:
    pool: asyncpg.Pool = request.app.state.pool
    return pool


@lru_cache(maxsize=2000)
def verify(token: str) -> dict[str, Any]:
    """The claims. As this service, it verifies a token's signature once."""
    return jwt.decode(token, SECRET, algorithms=["HS256"], options={"require": ["exp", "sub"]})


async def get_user_id(credentials: Annotated[HTTPAuthorizationCredentials, Depends(bearer)]) -> str:
    try:
        claims = verify(credentials.credentials)
    except jwt.InvalidTokenError as ex:
        raise HTTPException(status.HTTP_401_UNAUTHORIZED, "Invalid token") from ex
    if claims["exp"] <= datetime.now(timezone.utc).timestamp():
        raise HTTPException(status.HTTP_401_UNAUTHORIZED, "Expired token")
    return str(claims["sub"])


def set_private_headers(response: Response) -> None:
    response.headers["X-Request-ID"] = uuid.uuid4().hex
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Cache-Control"] = "no-store"
    response.headers["Vary"] = "Origin"


PoolDep = Annotated[asyncpg.Pool, Depends(get_pool)]
UserDep = Annotated[str, Depends(get_user_id)]
HeadersDep = Depends(set_private_headers)
KnownTag = Annotated[str | None, Header(alias="If-None-Match")]


def fold(text: str | None) -> str | None:
    """A copy of text that is not ASCII, for a search and sort that ignore case and diacritics."""
    if text is None or text.isascii():
        return None
    return "".join(each for each in unicodedata.normalize("NFKD", text) if not unicodedata.combining(each)).casefold()


def found(row: asyncpg.Record | None) -> asyncpg.Record:
    if row is None:
        raise HTTPException(status.HTTP_404_NOT_FOUND, "Task not found")
    return row


def one_task(response: Response, row: asyncpg.Record | None) -> object:
    response.headers["ETag"] = f'"{found(row)["version"]}"'
    return {"data": dict(found(row))}


@app.get("/api/tasks", response_model=ManyTasks, dependencies=[HeadersDep])
async def list_tasks(pool: PoolDep, user_id: UserDep, response: Response, known: KnownTag = None) -> object:
    tasks = ManyTasks(data=[Task.model_construct(**dict(row)) for row in await pool.fetch(LIST, user_id)])
    body = MANY_TASKS.dump_json(tasks, exclude={"data": {"__all__": {"version"}}})
    tag = f'W/"{hashlib.sha256(body).hexdigest()[:32]}"'
    fields = {**response.headers, "ETag": tag, "Vary": "Origin, Accept-Encoding"}
    if known == tag:
        return Response(status_code=status.HTTP_304_NOT_MODIFIED, headers=fields)
    return Response(body, media_type="application/json", headers=fields)


@app.post("/api/tasks", response_model=OneTask, status_code=status.HTTP_201_CREATED, dependencies=[HeadersDep])
async def create_task(task: TaskCreate, pool: PoolDep, user_id: UserDep, response: Response) -> object:
    await limit.check(pool, user_id)
    folded = fold(task.title), fold(task.description)
    values = user_id, task.title, task.description, task.completed, task.due_date, *folded
    row = found(await pool.fetchrow(CREATE, *values))
    limit.note(row["id"])
    response.headers["Location"] = f"/api/tasks/{row['id']}"
    return one_task(response, row)


@app.get("/api/tasks/{task_id}", response_model=OneTask, dependencies=[HeadersDep])
async def get_task(task_id: int, pool: PoolDep, user_id: UserDep, response: Response, known: KnownTag = None) -> object:
    task = one_task(response, await pool.fetchrow(FIND, task_id, user_id))
    if known == response.headers["ETag"]:
        return Response(status_code=status.HTTP_304_NOT_MODIFIED, headers=dict(response.headers))
    return task


@app.patch("/api/tasks/{task_id}/complete", response_model=OneTask, dependencies=[HeadersDep])
async def toggle_task(task_id: int, pool: PoolDep, user_id: UserDep, response: Response) -> object:
    return one_task(response, await pool.fetchrow(TOGGLE, task_id, user_id))


@app.delete("/api/tasks/{task_id}", status_code=status.HTTP_204_NO_CONTENT, dependencies=[HeadersDep])
async def delete_task(task_id: int, pool: PoolDep, user_id: UserDep) -> Response:
    found(await pool.fetchrow(DELETE, task_id, user_id))
    return Response(status_code=status.HTTP_204_NO_CONTENT)
