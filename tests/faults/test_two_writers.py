"""Several clients write the same: with If-Match one of two wins and nothing is overwritten unseen; with one
Idempotency-Key there is one task, though the database crashes in between.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

from tests.faults.client import Client
from tests.faults.connections import connect_to, ports_of_clients
from tests.faults.figures import Outcome, first_served_after, longest_wait, report
from tests.faults.load import LONGEST_WAIT, RECOVERY, Load
from tests.faults.stored import read_stored
from tests.support.http import Response
from tests.support.postgres import Server
from tests.support.processes import Service
from tests.support.waiting import wait_until

MakeLoad = Callable[..., Load]

ROUNDS = 60
REPEATS = 20
KEYS = 40


def test_of_two_editors_one_wins_each_round_and_nothing_is_overwritten_unseen(
    server: Server, service: Service, make_load: MakeLoad
) -> None:
    outcomes: list[Outcome] = []
    editors = [connect_to(service, worker, outcomes) for worker in service.children()]
    outcomes.clear()
    user = f"edited-{time.monotonic_ns()}"
    made = editors[0].call("POST", "/api/tasks", {"title": f"{user}/0"}, user=user)
    path = f"/api/tasks/{made.json['data']['id']}"
    start = Barrier(2, timeout=20)

    def edit(editor: Client, text: str) -> Response:
        seen = editor.call("GET", path, user=user)
        start.wait()
        answer = editor.call("PUT", path, {"title": text}, user=user, If_Match=seen.headers["etag"])
        # Surely not done; any other 503 may not be repeated, for it might meet the version it made itself.
        while answer.code == "OVERLOADED":
            answer = editor.call("PUT", path, {"title": text}, user=user, If_Match=seen.headers["etag"])
        start.wait()
        return answer

    wins = []
    with make_load(service, 10) as load, ThreadPoolExecutor(2) as pool:
        for number in range(1, ROUNDS + 1):
            answers = list(pool.map(edit, editors, (f"{user}/{number} first", f"{user}/{number} second")))
            assert sorted(answer.status for answer in answers) == [200, 412]
            wins.append(next(answer.json["data"]["title"] for answer in answers if answer.status == 200))
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
    answers: dict[str, list[Response]] = defaultdict(list)
    clients = [Client(service.port, outcomes) for _ in range(REPEATS)]

    def repeat(client: Client) -> None:
        for number in range(KEYS):
            key = f"{user}/{number}"
            while (answer := client.call("POST", "/api/tasks", {"title": key}, user=user, Idempotency_Key=key)).code:
                assert answer.status == 503, answer
                time.sleep(0.02)
            answers[key].append(answer)
            time.sleep(0.02)
        client.close()

    with ThreadPoolExecutor(REPEATS) as pool:
        done = [pool.submit(repeat, client) for client in clients]
        wait_until(lambda: len(answers) > KEYS // 4, "the first keys")
        assert all(ports_of_clients(worker, service.port) for worker in service.children())
        server.kill()
        wait_until(lambda: any(each.status == 503 for each in outcomes[-REPEATS:]), "a 503")
        returned = server.start()
        for future in done:
            future.result()
    recovered = first_served_after(returned, outcomes)
    tasks, keys = read_stored(server, user)
    stored = [task["title"] for task in tasks[user]]
    lost = [key for key in answers if stored.count(key) != 1]
    report(f"{REPEATS} repeats of {KEYS} creates across a crash", outcomes, len(lost), recovered)
    assert lost == []
    assert set(stored) == keys[user] == set(answers)
    assert len(answers) == KEYS
    for each in answers.values():
        assert [answer.status for answer in each] == [201] * REPEATS
        assert len({answer.json["data"]["id"] for answer in each}) == 1
        # None where the answer to the one that made it was lost.
        assert sum("idempotent-replayed" not in answer.headers for answer in each) <= 1
    assert longest_wait(outcomes) < LONGEST_WAIT
    assert recovered < RECOVERY
