"""A lock on a row: writes to that row get a 503 while it lasts and do not affect other users."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from statistics import median

from tests.faults.client import Client, ask_what_needs_no_database
from tests.faults.figures import Outcome, longest_wait, report
from tests.faults.load import LONGEST_WAIT, STATEMENT_TIMEOUT, Load
from tests.faults.stored import read_stored
from tests.support.postgres import Server
from tests.support.processes import Service
from tests.support.waiting import wait_until

MakeLoad = Callable[..., Load]

PAUSE = 0.1
"""Seconds between two requests of a client."""


class RowWriters:
    """Within its `with` block `clients` write one task of `user`, again and again."""

    def __init__(self, service: Service, user: str, clients: int) -> None:
        self.outcomes: list[Outcome] = []
        self._user = user
        self._clients = [Client(service.port, self.outcomes) for _ in range(clients)]
        task = self._clients[0].call("POST", "/api/tasks", {"title": f"{user}/wanted"}, user=user)
        self.task_id: int = task.json["data"]["id"]
        self.outcomes.clear()
        self._stopped = threading.Event()
        self._threads = [threading.Thread(target=self._write, args=(client,)) for client in self._clients]

    def __enter__(self) -> RowWriters:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._stopped.set()
        for thread in self._threads:
            thread.join()

    def wait_until_served(self, since: float) -> None:
        """Return when a request that began after `since` has got a 2xx."""
        wait_until(lambda: any(client.served_at > since for client in self._clients), "one to be served")

    def wait_for_503(self, since: float) -> None:
        """Return when a request that began after `since` has got a 503."""
        wait_until(lambda: self.have_got_503(since), "a 503")

    def have_got_503(self, since: float) -> bool:
        return any(each.status == 503 and each.began > since for each in self.outcomes)

    def check(self, title: str, server: Server) -> None:
        """Print the figures; each acknowledged write was done once, and no request took too long."""
        [task] = read_stored(server, self._user)[0][self._user]
        acknowledged = sum(each.is_good for each in self.outcomes)
        report(title, self.outcomes, max(0, acknowledged - (task["version"] - 1)))
        assert {each.status for each in self.outcomes} <= {200, 429, 503}
        assert acknowledged <= task["version"] - 1 <= len(self.outcomes)
        assert longest_wait(self.outcomes) < LONGEST_WAIT
        refused = [each.wait for each in self.outcomes if each.status == 503]
        # The longest ones are the machine's.
        assert median(refused) < STATEMENT_TIMEOUT + 1

    def _write(self, client: Client) -> None:
        while not self._stopped.is_set():
            client.call("PATCH", f"/api/tasks/{self.task_id}/complete", {"completed": True}, user=self._user)
            time.sleep(PAUSE)
        client.close()


def test_a_row_lock_does_not_affect_other_users(server: Server, service: Service, make_load: MakeLoad) -> None:
    writers = RowWriters(service, f"three-{time.monotonic_ns()}", 3)
    with make_load(service, 10, pause=PAUSE) as others, writers:
        with server.locked(writers.task_id):
            locked = time.monotonic()
            writers.wait_for_503(locked)
            others.wait_until_all_are_served(locked)
            unlocked = time.monotonic()
        writers.wait_until_served(unlocked)
    meanwhile = [each.status for each in writers.outcomes if locked < each.began and each.ended < unlocked]
    assert 503 in meanwhile
    # One of the three may wait for its turn, if all are at one worker.
    assert set(meanwhile) <= {429, 503}
    assert [each for each in others.outcomes if each.code == "DATABASE_UNAVAILABLE"] == []
    writers.check("a row locked, 3 clients want it", server)
    others.check("a row locked, the others meanwhile", server)


def test_more_clients_wait_for_a_locked_row_than_the_pool_has_connections(
    server: Server, service: Service, make_load: MakeLoad
) -> None:
    writers = RowWriters(service, f"twelve-{time.monotonic_ns()}", 12)
    bystander = Client(service.port)

    def have_got_503() -> bool:
        ask_what_needs_no_database(bystander)
        return writers.have_got_503(locked)

    with make_load(service, 10, pause=PAUSE) as others, writers:
        with server.locked(writers.task_id):
            locked = time.monotonic()
            wait_until(have_got_503, "a 503")
            others.wait_until_all_are_served(locked)
            unlocked = time.monotonic()
        others.recover(unlocked)
        writers.wait_until_served(unlocked)
    bystander.close()
    writers.check("a row locked, 12 clients want it", server)
    others.check("a row locked, which 12 clients want, the others", server)
    assert [each for each in others.outcomes if each.status >= 500] == []
    report("a row locked, which 12 clients want, what needs no database", bystander.outcomes, 0)
    assert longest_wait(bystander.outcomes) < LONGEST_WAIT
