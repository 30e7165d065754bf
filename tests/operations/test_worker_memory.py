"""What is needed once takes no memory of a worker afterwards."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import psutil

from tests.support.processes import PATIENT, Service, running
from tests.support.signing import SECRET

WORD_LISTS = 12 * 2**20
"""Bytes of the lists that secrets and new passwords are compared with."""


def largest_worker(service: Service) -> int:
    return max(psutil.Process(child).memory_info().rss for child in service.children())


def test_no_worker_keeps_the_lists_of_words(tmp_path: Path, create_database: Callable[[], str]) -> None:
    basis = {"DATABASE_URL": create_database(), "WORKERS": "2", "BCRYPT_COST": "4", "AUTH_RATE_LIMIT": "", **PATIENT}
    with running(tmp_path / "without", **basis, JWKS_URL="https://issuer.example/jwks") as service:
        without = largest_worker(service)
    with running(tmp_path / "with", **basis, BETTER_AUTH_SECRET=SECRET) as service:
        started = largest_worker(service)
        for number in range(8):
            account = {"email": f"{number}@example.com", "password": "correct horse"}
            assert service.call("POST", "/auth/register", account).status == 201
        registered = largest_worker(service)
    print(f"\na worker's memory grew by {started - without} and then by {registered - started} bytes")
    assert started < without + WORD_LISTS / 2
    assert registered < started + WORD_LISTS / 2
