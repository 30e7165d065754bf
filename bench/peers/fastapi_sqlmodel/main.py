# ruff: noqa: D101, D103 - the peers are written as their tutorials are
"""A peer: FastAPI and SQLModel over psycopg2, written as both tutorials teach it.

It implements only the calls of the benchmark's scenarios, with the service's requests and responses.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import datetime, timezone
from typing import Annotated

import jwt
from fastapi import Depends, FastAPI, HTTPException, Response, status
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from pydantic import BaseModel
from sqlalchemy import Column, DateTime
from sqlmodel import Field, Session, SQLModel, create_engine, select

SECRET = os.environ["BETTER_AUTH_SECRET"]
# Name the driver: since 2.1 SQLAlchemy's default for postgresql:// is another one.
DATABASE_URL = os.environ["DATABASE_URL"].replace("postgresql://", "postgresql+psycopg2://", 1)

# One connection for each of the 40 threads in which FastAPI runs plain functions. With fewer it deadlocks: all threads
# wait for connections, and closing a session needs a thread.
engine = create_engine(DATABASE_URL, pool_size=40)
bearer = HTTPBearer()
app = FastAPI()


def now() -> datetime:
    return datetime.now(timezone.utc)


class User(SQLModel, table=True):
    __tablename__ = "users"

    id: str = Field(primary_key=True)


class TaskBase(SQLModel):
    title: str = Field(min_length=1, max_length=500)
    description: str | None = Field(default=None, max_length=10_000)
    completed: bool = False
    due_date: datetime | None = Field(default=None, sa_type=DateTime(timezone=True))


class Task(TaskBase, table=True):
    __tablename__ = "tasks"

    id: int | None = Field(default=None, primary_key=True)
    user_id: str = Field(foreign_key="users.id")
    created_at: datetime = Field(default_factory=now, sa_column=Column(DateTime(timezone=True), nullable=False))
    updated_at: datetime = Field(default_factory=now, sa_column=Column(DateTime(timezone=True), nullable=False))


class TaskCreate(TaskBase):
    pass


class TaskPublic(TaskBase):
    id: int
    user_id: str
    created_at: datetime
    updated_at: datetime


class OneTask(BaseModel):
    data: TaskPublic


class ManyTasks(BaseModel):
    data: list[TaskPublic]


def get_session() -> Iterator[Session]:
    with Session(engine) as session:
        yield session


async def get_user_id(credentials: Annotated[HTTPAuthorizationCredentials, Depends(bearer)]) -> str:
    try:
        claims = jwt.decode(credentials.credentials, SECRET, algorithms=["HS256"], options={"require": ["exp", "sub"]})
    except jwt.InvalidTokenError as ex:
        raise HTTPException(status.HTTP_401_UNAUTHORIZED, "Invalid token") from ex
    return str(claims["sub"])


SessionDep = Annotated[Session, Depends(get_session)]
UserDep = Annotated[str, Depends(get_user_id)]


def find_task(session: Session, user_id: str, task_id: int) -> Task:
    task: Task | None = session.exec(select(Task).where(Task.id == task_id, Task.user_id == user_id)).first()
    if task is None:
        raise HTTPException(status.HTTP_404_NOT_FOUND, "Task not found")
    return task


@app.get("/api/tasks", response_model=ManyTasks)
def list_tasks(session: SessionDep, user_id: UserDep) -> object:
    query = select(Task).where(Task.user_id == user_id)
    return {"data": session.exec(query.order_by(Task.created_at.desc(), Task.id.desc())).all()}  # type: ignore


@app.post("/api/tasks", response_model=OneTask, status_code=status.HTTP_201_CREATED)
def create_task(task: TaskCreate, session: SessionDep, user_id: UserDep) -> object:
    created = Task.model_validate(task, update={"user_id": user_id})
    session.add(created)
    session.commit()
    session.refresh(created)
    return {"data": created}


@app.get("/api/tasks/{task_id}", response_model=OneTask)
def get_task(task_id: int, session: SessionDep, user_id: UserDep) -> object:
    return {"data": find_task(session, user_id, task_id)}


@app.patch("/api/tasks/{task_id}/complete", response_model=OneTask)
def toggle_task(task_id: int, session: SessionDep, user_id: UserDep) -> object:
    task = find_task(session, user_id, task_id)
    task.completed = not task.completed
    task.updated_at = now()
    session.add(task)
    session.commit()
    session.refresh(task)
    return {"data": task}


@app.delete("/api/tasks/{task_id}", status_code=status.HTTP_204_NO_CONTENT)
def delete_task(task_id: int, session: SessionDep, user_id: UserDep) -> Response:
    session.delete(find_task(session, user_id, task_id))
    session.commit()
    return Response(status_code=status.HTTP_204_NO_CONTENT)
