"""What a client does for a user: one call of the API each, checked against the user's ledger and entered there.

Each returns what is wrong with the answer. One of 503, or none, is never wrong here: a write stays open.
"""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Any

from tests.faults.client import Client
from tests.faults.figures import BROKEN
from tests.faults.ledger import KnownTask, Ledger
from tests.support.http import Response

PATH = "/api/tasks"
MOST_TASKS = 12


def act(client: Client, ledger: Ledger, other: Ledger, random: Random) -> list[str]:
    """Any operation that can be done now, now and then on another user's task."""
    sure = [task for task in ledger.tasks.values() if not task.open_writes]
    if ledger.pending_key is not None or not sure:
        return create(client, ledger, keyed=random.random() < 0.5)
    if len(sure) > MOST_TASKS:
        return delete(client, ledger, random.choice(sure))
    kinds = {"create": 25, "list": 15, "find": 18, "toggle": 18, "edit": 10, "delete": 8, "intrude": 6}
    kind = random.choices(list(kinds), list(kinds.values()))[0]
    if kind == "create":
        return create(client, ledger, keyed=random.random() < 0.5)
    if kind == "list":
        return list_all(client, ledger)
    if kind == "intrude":
        return intrude(client, ledger, other, random)
    on_one: dict[str, Callable[[Client, Ledger, KnownTask], list[str]]] = {
        "find": find,
        "toggle": toggle,
        "edit": edit,
        "delete": delete,
    }
    return on_one[kind](client, ledger, random.choice(sure))


def create(client: Client, ledger: Ledger, *, keyed: bool) -> list[str]:
    """A new task; where the last create with a key had no answer, that one again."""
    title = ledger.pending_key or ledger.next_title()
    if keyed:
        ledger.pending_key = title
    headers = {"Idempotency_Key": title} if ledger.pending_key else {}
    ledger.maybe_created.add(title)
    answer = client.call("POST", PATH, {"title": title}, user=ledger.user_id, **headers)
    if answer.status != 201:
        return _not_done(answer)
    task = answer.json["data"]
    ledger.maybe_created.discard(title)
    ledger.tasks[task["id"]] = KnownTask(task["id"], title)
    if ledger.pending_key is not None:
        ledger.keys.add(title)
        ledger.pending_key = None
    return _check(ledger.tasks[task["id"]], task)


def list_all(client: Client, ledger: Ledger) -> list[str]:
    answer = client.call("GET", PATH, user=ledger.user_id)
    return ledger.compare(answer.json["data"]) if answer.status == 200 else _not_done(answer)


def find(client: Client, ledger: Ledger, known: KnownTask) -> list[str]:
    answer = client.call("GET", f"{PATH}/{known.id}", user=ledger.user_id)
    return _check(known, answer.json["data"]) if answer.status == 200 else _not_done(answer)


def toggle(client: Client, ledger: Ledger, known: KnownTask) -> list[str]:
    answer = client.call("PATCH", f"{PATH}/{known.id}/complete", user=ledger.user_id)
    return _enter(known, answer, completed=not known.completed)


def edit(client: Client, ledger: Ledger, known: KnownTask) -> list[str]:
    description = f"{known.title} as of version {known.version}"
    answer = client.call("PATCH", f"{PATH}/{known.id}", {"description": description}, user=ledger.user_id)
    return _enter(known, answer, description=description)


def delete(client: Client, ledger: Ledger, known: KnownTask) -> list[str]:
    answer = client.call("DELETE", f"{PATH}/{known.id}", user=ledger.user_id)
    del ledger.tasks[known.id]
    if answer.status == 204:
        ledger.deleted.add(known.id)
        return []
    ledger.maybe_deleted[known.id] = known
    return _not_done(answer)


def intrude(client: Client, ledger: Ledger, other: Ledger, random: Random) -> list[str]:
    """Another user's task, asked for, written and deleted: it is not there."""
    tasks = list(other.tasks)
    if not tasks or other is ledger:
        return []
    path = f"{PATH}/{random.choice(tasks)}"
    body = {"description": f"written by {ledger.user_id}"}
    method = random.choice(("GET", "PATCH", "DELETE"))
    answer = client.call(method, path, body if method == "PATCH" else None, user=ledger.user_id)
    return [] if answer.status == 404 else _not_done(answer)


def _enter(known: KnownTask, answer: Response, **changes: Any) -> list[str]:
    if answer.status != 200:
        known.open_writes += 1
        return _not_done(answer)
    known.version += 1
    for name, value in changes.items():
        setattr(known, name, value)
    return _check(known, answer.json["data"])


def _check(known: KnownTask, task: dict[str, Any]) -> list[str]:
    return [] if known.agrees_with(task) else [f"{known} was answered with {task}"]


def _not_done(answer: Response) -> list[str]:
    return [] if answer.status in (503, BROKEN) else [f"unexpected: {answer}"]
