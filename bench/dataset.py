"""The rows in every service's database, and the users and tokens of the load.

filling.py copies the rows into a database.
"""

from __future__ import annotations

import random
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from pathlib import Path

import jwt

TITLES = ("Buy groceries for the week", "Call the landlord", "Renew the passport", "Prepare the talk for Monday")
DESCRIPTION = 'Milk, bread, and whatever else is on the list that hangs on the "fridge".'
FIRST_DAY = datetime(2025, 1, 1, tzinfo=timezone.utc)
TOKEN_LIFE_SECONDS = 86_400
MAX_CALLERS = 2000


@dataclass(frozen=True)
class Group:
    """Users who hold the same number of tasks. Task ids are numbered as if the users had created them in turns."""

    name: str
    users: int
    tasks_each: int

    def user_id(self, user: int) -> str:
        return f"{self.name}-{user:06d}"


# Of few users, 64 connections would send more requests at a time than a worker takes of one user (api/user_share.py).
GROUPS = (
    Group("twenty", 1000, 20),
    Group("hundred", 100, 100),
    Group("thousand", 100, 1000),
    # So few that a process soon knows them: it counts a user's tasks once (api/task_limits.py).
    Group("creators", 200, 20),
    Group("mixers", 1000, 20),
)


def user_ids(groups: Sequence[Group] = GROUPS) -> Iterator[str]:
    """The ids of all users."""
    for group in groups:
        for user in range(group.users):
            yield group.user_id(user)


def task_rows(groups: Sequence[Group] = GROUPS) -> Iterator[str]:
    """Lines in COPY's text format: id, user_id, title, description, completed, due date, created_at, updated_at."""
    randomness = random.Random(6)
    task_id = 0
    for group in groups:
        for number in range(group.tasks_each):
            for user in range(group.users):
                task_id += 1
                created = FIRST_DAY + timedelta(seconds=task_id, microseconds=randomness.randrange(1_000_000))
                description = DESCRIPTION if randomness.random() < 0.7 else r"\N"
                due = (created + timedelta(days=30)).isoformat() if randomness.random() < 0.4 else r"\N"
                yield (
                    f"{task_id}\t{group.user_id(user)}\t{TITLES[number % len(TITLES)]}\t{description}\t"
                    f"{number % 3 == 0}\t{due}\t{created.isoformat()}\t{created.isoformat()}\n"
                )


def token_for(user_id: str, secret: str) -> str:
    """A token as Better Auth signs it with a shared secret."""
    now = int(time.time())
    claims = {
        "sub": user_id,
        "email": f"{user_id}@example.com",
        "name": "Bench",
        "iat": now,
        "exp": now + TOKEN_LIFE_SECONDS,
    }
    return jwt.encode(claims, secret, algorithm="HS256")


def count(groups: Sequence[Group]) -> int:
    """The number of tasks that the groups' users hold."""
    return sum(group.users * group.tasks_each for group in groups)


def write_users(file: Path, secret: str, groups: Sequence[Group] = GROUPS) -> None:
    """Write the file that load.lua reads: a line for each group (first task id, users, tasks a user), then its tokens.

    In a large group only the first MAX_CALLERS users get a token, and only they send requests.
    """
    first_id = 1
    with file.open("w") as out:
        for group in groups:
            out.write(f"group {group.name} {first_id} {group.users} {group.tasks_each}\n")
            calling = range(min(group.users, MAX_CALLERS))
            out.writelines(f"{token_for(group.user_id(user), secret)}\n" for user in calling)
            first_id += group.users * group.tasks_each
