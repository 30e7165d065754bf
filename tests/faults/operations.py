"""The operations of a client: each makes one call for a user, checks it against the user's ledger and records it there.

Each returns the faults of the response. A 503 or a missing response is not a fault: the write stays open.
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
    """Run a random operation that is possible now, sometimes on another user's task."""
    sure = [task for task in ledger.tasks.values() if not task.open_writes]
    if ledger.pending_key is not None or not sure:
        return create(client, ledger, keyed=random.random() < 0.5)
    if len(sure) > MOST_TASKS:
        return delete(client, ledger, random.choice(sure))
    kinds = {"create": 25, "list": 15, "find": 18, "toggle": 18, "edit": 10, "delete": 8, "access_foreign": 6}
    kind = random.choices(list(kinds), list(kinds.values()))[0]
    if kind == "create":
        return create(client, ledger, keyed=random.random() < 0.5)
    if kind == "list":
        return list_all(client, ledger)
    if kind == "access_foreign":
        return access_foreign(client, ledger, other, random)
    on_one: dict[str, Callable[[Client, Ledger, KnownTask], list[str]]] = {
        "find": find,
        "toggle": toggle,
        "edit": edit,
        "delete": delete,
    }
    return on_one[kind](client, ledger, random.choice(sure))


def create(client: Client, ledger: Ledger, *, keyed: bool) -> list[str]:
    """Create a task, or repeat the last create with a key if it had no response."""
    title = ledger.pending_key or ledger.next_title()
    if keyed:
        ledger.pending_key = title
    headers = {"Idempotency_Key": title} if ledger.pending_key else {}
    ledger.maybe_created.add(title)
    response = client.call("POST", PATH, {"title": title}, user=ledger.user_id, **headers)
    if response.status != 201:
        return _not_done(response)
    task = response.json["data"]
    ledger.maybe_created.discard(title)
    ledger.tasks[task["id"]] = KnownTask(task["id"], title)
    if ledger.pending_key is not None:
        ledger.keys.add(title)
        ledger.pending_key = None
    return _check(ledger.tasks[task["id"]], task)


def list_all(client: Client, ledger: Ledger) -> list[str]:
    response = client.call("GET", PATH, user=ledger.user_id)
    return ledger.compare(response.json["data"]) if response.status == 200 else _not_done(response)


def find(client: Client, ledger: Ledger, known: KnownTask) -> list[str]:
    response = client.call("GET", f"{PATH}/{known.id}", user=ledger.user_id)
    return _check(known, response.json["data"]) if response.status == 200 else _not_done(response)


def toggle(client: Client, ledger: Ledger, known: KnownTask) -> list[str]:
    response = client.call("PATCH", f"{PATH}/{known.id}/complete", user=ledger.user_id)
    return _record(known, response, completed=not known.completed)


def edit(client: Client, ledger: Ledger, known: KnownTask) -> list[str]:
    description = f"{known.title}, déjà version {known.version}"
    response = client.call("PATCH", f"{PATH}/{known.id}", {"description": description}, user=ledger.user_id)
    return _record(known, response, description=description)


def delete(client: Client, ledger: Ledger, known: KnownTask) -> list[str]:
    response = client.call("DELETE", f"{PATH}/{known.id}", user=ledger.user_id)
    del ledger.tasks[known.id]
    if response.status == 204:
        ledger.deleted.add(known.id)
        return []
    ledger.maybe_deleted[known.id] = known
    return _not_done(response)


def access_foreign(client: Client, ledger: Ledger, other: Ledger, random: Random) -> list[str]:
    """Read, update or delete another user's task: it is not found."""
    tasks = list(other.tasks)
    if not tasks or other is ledger:
        return []
    path = f"{PATH}/{random.choice(tasks)}"
    body = {"description": f"written by {ledger.user_id}"}
    method = random.choice(("GET", "PATCH", "DELETE"))
    response = client.call(method, path, body if method == "PATCH" else None, user=ledger.user_id)
    return [] if response.status == 404 else _not_done(response)


def _record(known: KnownTask, response: Response, **changes: Any) -> list[str]:
    if response.status != 200:
        known.open_writes += 1
        return _not_done(response)
    known.version += 1
    for name, value in changes.items():
        setattr(known, name, value)
    return _check(known, response.json["data"])


def _check(known: KnownTask, task: dict[str, Any]) -> list[str]:
    return [] if known.agrees_with(task) else [f"{known} is {task} in the response"]


def _not_done(response: Response) -> list[str]:
    return [] if response.status in (503, BROKEN) else [f"unexpected: {response}"]
