"""Clients of the real service that write and read without pause, each for some of 200 users.

operations.py has the operations of a client, ledger.py the checks of the responses; this module has the figures.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Collection
from functools import partial
from random import Random
from statistics import median
from types import TracebackType

from tests.faults.client import Client
from tests.faults.figures import BROKEN, Outcome, first_served_after, longest_wait, report
from tests.faults.ledger import Ledger
from tests.faults.operations import act, create, list_all
from tests.faults.stored import DatabaseServer, read_stored
from tests.support.processes import UNLIMITED, Service
from tests.support.waiting import wait_until

STATEMENT_TIMEOUT = 3.0

ENVIRON = {
    **UNLIMITED,
    "WORKERS": "2",
    # More than the default: a busy machine may stand still for that, and then a request gets a 503 without a fault.
    "STATEMENT_TIMEOUT": f"{STATEMENT_TIMEOUT:g}",
}
"""Settings of a service under load."""

USERS = 200
PAUSE = 0.06
"""Mean seconds between two requests of a client, so that the clients themselves are not the bottleneck."""

LONGEST_WAIT = 15.0
"""Seconds: the deadline of a statement, and time for a machine on which clients and service wait for a core.

So it finds a request that hangs, and so do the tests that let a fault last until each client has got its response.
"""

PROMISED_WAIT = 2.0
"""Seconds in which a 503 comes. Half of them must: single ones may meet a machine that stands still.

The promise is for the default STATEMENT_TIMEOUT. With a longer one it holds where only the first 503s are a statement's
deadline: a worker knows then that its database is away.
"""

RECOVERY = 15.0
"""Seconds from the end of a fault until all clients are served; three are promised, the others are the machine's."""


class Load:
    """Within its `with` block the clients call; `name` is the prefix of their users' ids and unique to this load.

    `connect` makes a client of a port and the list of outcomes.
    """

    def __init__(
        self,
        service: Service,
        name: str,
        clients: int,
        pause: float = PAUSE,
        connect: Callable[[int, list[Outcome]], Client] = Client,
    ) -> None:
        self.name = name
        self.outcomes: list[Outcome] = []
        self.ledgers = [Ledger(f"{name}-{number}") for number in range(USERS)]
        self.recoveries: list[float] = []
        self._wrong: list[str] = []
        self._begun: list[Client] = []
        self._refused: list[Client] = []
        self._pause = pause
        self._service = service
        self._stopped = threading.Event()
        self._clients = [connect(service.port, self.outcomes) for _ in range(clients)]
        self._threads = [
            threading.Thread(target=self._call, args=(client, self.ledgers[number::clients], Random(number)))
            for number, client in enumerate(self._clients)
        ]

    def __enter__(self) -> Load:
        for thread in self._threads:
            thread.start()
        try:
            wait_until(lambda: len(self._begun) == len(self._clients), "every user to have a task")
        except AssertionError:
            self.stop()
            raise
        self.run(0.3)
        return self

    def __exit__(self, kind: type[BaseException] | None, ex: BaseException | None, trace: TracebackType | None) -> None:
        self.stop()

    def run(self, seconds: float) -> None:
        """Let the clients call for some seconds."""
        time.sleep(seconds)

    def stop(self) -> None:
        """Stop each client after its current request."""
        self._stopped.set()
        for thread in self._threads:
            thread.join()

    def wait_until_connections_are_refused(self) -> None:
        """Return when all clients have ended because the port no longer accepts connections."""
        wait_until(lambda: len(self._refused) == len(self._clients), "the clients to end")

    def wait_until_all_are_served(self, since: float) -> None:
        """Return when each client has got a 2xx for a request that began after `since`."""
        wait_until(lambda: all(client.served_at > since for client in self._clients), "all to be served")

    def wait_for_503(self, since: float) -> None:
        """Return when a request that began after `since` has got a 503."""
        wait_until(lambda: any(each.status == 503 and each.began > since for each in self.outcomes), "a 503")

    def wait_until_all_are_refused(self, since: float) -> None:
        """Return when each client has got a 503 for a request that began after `since`: no request hangs."""
        wait_until(lambda: all(client.refused_at > since for client in self._clients), "all to be refused")

    def recover(self, since: float) -> None:
        """Check that all clients are served again within RECOVERY of `since`, the end of the fault."""
        self.wait_until_all_are_served(since)
        assert time.monotonic() - since < RECOVERY, "not all served again in time"
        self.recoveries.append(first_served_after(since, self.outcomes))

    def check(
        self,
        title: str,
        server: DatabaseServer,
        *,
        may_break: Collection[int] | None = (),
        within: float = LONGEST_WAIT,
        refused_within: float = PROMISED_WAIT,
        recovered_within: float = RECOVERY,
    ) -> None:
        """Print the figures; no task is lost, duplicated or another user's.

        No request took longer than `within` seconds, and half of all 503s at most `refused_within`. `may_break` holds
        the client ports of the connections that may have ended before the response; None means all.
        """
        if self._service.process.poll() is None:
            self._read_back_through_the_api()
        lost = self._compare_with(server)
        report(title, self.outcomes, len(lost), max(self.recoveries, default=None))
        assert not self._wrong, self._wrong
        assert not lost, lost
        broken = [each for each in self.outcomes if each.status == BROKEN]
        assert may_break is None or not self._refused
        assert may_break is None or not [each for each in broken if each.port not in may_break], broken
        assert longest_wait(self.outcomes) < within, longest_wait(self.outcomes)
        refusals = [each.wait for each in self.outcomes if each.status == 503]
        assert not refusals or median(refusals) < refused_within, median(refusals)
        assert all(seconds < recovered_within for seconds in self.recoveries), self.recoveries

    def _read_back_through_the_api(self) -> None:
        client = Client(self._service.port)
        for ledger in self.ledgers:
            wait_until(partial(self._is_read_back, client, ledger), "a list")
        client.close()

    def _is_read_back(self, client: Client, ledger: Ledger) -> bool:
        self._wrong.extend(list_all(client, ledger))
        return client.outcomes[-1].is_good

    def _compare_with(self, server: DatabaseServer) -> list[str]:
        tasks, keys = read_stored(server, f"{self.name}-")
        wrong: list[str] = []
        for ledger in self.ledgers:
            stored = tasks.pop(ledger.user_id, [])
            wrong += ledger.compare(stored) + ledger.compare_keys(keys.get(ledger.user_id, set()), stored)
        return wrong + [f"of no known user: {tasks}"] * bool(tasks)

    def _call(self, client: Client, ledgers: list[Ledger], random: Random) -> None:
        try:
            for ledger in ledgers:
                # Spread out: the burst of first connections and user rows is not part of the scenario.
                time.sleep(random.uniform(0, 2 / len(ledgers)))
                self._wrong.extend(create(client, ledger, keyed=True))
            self._begun.append(client)
            while not self._stopped.is_set():
                mine, anybody = random.choice(ledgers), random.choice(self.ledgers)
                self._wrong.extend(act(client, mine, anybody, random))
                time.sleep(self._pause * random.uniform(0.5, 1.5))
        except ConnectionRefusedError:
            self._refused.append(client)
        except Exception as ex:
            self._wrong.append(repr(ex))
        finally:
            client.close()
