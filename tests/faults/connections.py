"""Finds the worker that serves a connection, by the sockets of its process."""

from __future__ import annotations

import psutil

from tests.faults.client import Client
from tests.faults.figures import Outcome
from tests.support.processes import Service
from tests.support.waiting import wait_until


def ports_of_clients(worker: int, port: int) -> set[int]:
    """The client ports of a worker's open connections; `port` is the service's port."""
    connections = psutil.Process(worker).net_connections("tcp4")
    return {each.raddr.port for each in connections if each.raddr and each.laddr.port == port}


def connect_to(service: Service, worker: int, outcomes: list[Outcome]) -> Client:
    """A client with a connection to this worker."""

    def connect() -> Client | None:
        client = Client(service.port, outcomes)
        client.call("GET", "/health")
        if client.open() in ports_of_clients(worker, service.port):
            return client
        client.close()
        return None

    return wait_until(connect, f"a connection to worker {worker}")
