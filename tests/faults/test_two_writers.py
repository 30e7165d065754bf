"""Several clients write the same task: with If-Match one of two edits succeeds and no edit is lost.

With one Idempotency-Key they create one task, even if the database crashes in between.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier, Event

from tests.faults.client import Client
from tests.faults.connections import connect_to, ports_of_clients
from tests.faults.figures import Outcome, first_served_after, longest_wait, report
from tests.faults.load import LONGEST_WAIT, RECOVERY, Load
from tests.faults.stored import read_stored
from tests.support.http import Response
from tests.support.postgres import Server
from tests.support.processes import Service
from tests.support.waiting import WAIT_TIMEOUT, wait_until

MakeLoad = Callable[..., Load]

ROUNDS = 60
REPEATS = 20
KEYS = 40


def test_of_two_concurrent_edits_one_succeeds_and_no_edit_is_lost(
    server: Server, service: Service, make_load: MakeLoad
) -> None:
    outcomes: list[Outcome] = []
    editors = [connect_to(service, worker, outcomes) for worker in service.children()]
    outcomes.clear()
    user = f"edited-{time.monotonic_ns()}"
    made = editors[0].call("POST", "/api/tasks", {"title": f"{user}/0"}, user=user)
    path = f"/api/tasks/{made.json['data']['id']}"
    start = Barrier(2, timeout=WAIT_TIMEOUT)

    def edit(editor: Client, text: str) -> Response:
        seen = editor.call("GET", path, user=user)
        start.wait()
        response = editor.call("PUT", path, {"title": text}, user=user, If_Match=seen.headers["etag"])
        # After OVERLOADED the statement did not run. After any other 503 it may have, and a repeat would be a 412.
        while response.code == "OVERLOADED":
            response = editor.call("PUT", path, {"title": text}, user=user, If_Match=seen.headers["etag"])
        start.wait()
        return response

    wins = []
    with make_load(service, 10) as load, ThreadPoolExecutor(2) as pool:
        for number in range(1, ROUNDS + 1):
            responses = list(pool.map(edit, editors, (f"{user}/{number} first", f"{user}/{number} second")))
            assert sorted(response.status for response in responses) == [200, 412]
            wins.append(next(response.json["data"]["title"] for response in responses if response.status == 200))
    [task] = read_stored(server, user)[0][user]
    report(f"two editors on two workers, {ROUNDS} rounds", outcomes, ROUNDS + 1 - task["version"])
    assert (task["version"], task["title"]) == (ROUNDS + 1, wins[-1])
    assert longest_wait(outcomes) < LONGEST_WAIT
    load.check("two editors, the others meanwhile", server)
    for editor in editors:
        editor.close()


def test_twenty_repeats_of_a_create_make_one_task_across_a_crash(server: Server, service: Service) -> None:
    user = f"repeated-{time.monotonic_ns()}"
    outcomes: list[Outcome] = []
    responses: dict[str, list[Response]] = defaultdict(list)
    workers = service.children()
    clients = [connect_to(service, workers[number % 2], outcomes) for number in range(REPEATS)]
    outcomes.clear()
    killed = Event()

    def repeat(client: Client) -> None:
        for number in range(KEYS):
            if number == KEYS - 5:
                # The crash must find each client at work.
                killed.wait(WAIT_TIMEOUT)
            key = f"{user}/{number}"
            while (response := client.call("POST", "/api/tasks", {"title": key}, user=user, Idempotency_Key=key)).code:
                assert response.status in (429, 503), response
                time.sleep(0.02)
            responses[key].append(response)
            time.sleep(0.02)
        client.close()

    with ThreadPoolExecutor(REPEATS) as pool:
        done = [pool.submit(repeat, client) for client in clients]
        wait_until(lambda: len(responses) > KEYS // 4, "the first keys")
        assert all(ports_of_clients(worker, service.port) for worker in workers)
        server.kill()
        killed.set()
        wait_until(lambda: any(each.status == 503 for each in outcomes), "a 503")
        returned = server.start()
        for future in done:
            future.result()
    recovered = first_served_after(returned, outcomes)
    tasks, keys = read_stored(server, user)
    stored = [task["title"] for task in tasks[user]]
    lost = [key for key in responses if stored.count(key) != 1]
    report(f"{REPEATS} repeats of {KEYS} creates across a crash", outcomes, len(lost), recovered)
    assert lost == []
    assert set(stored) == keys[user] == set(responses)
    assert len(responses) == KEYS
    for each in responses.values():
        assert [response.status for response in each] == [201] * REPEATS
        assert len({response.json["data"]["id"] for response in each}) == 1
        # Zero if the response to the creating request was lost.
        assert sum("idempotent-replayed" not in response.headers for response in each) <= 1
    assert longest_wait(outcomes) < LONGEST_WAIT
    assert recovered < RECOVERY
