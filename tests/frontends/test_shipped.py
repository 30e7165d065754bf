"""Every client whose facts are known is served by a profile that ships, and each such profile is short."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.processes import PROJECT

PROFILES = PROJECT / "api" / "profiles"

CLIENTS = {
    "A": "camel",
    "B": "plain",
    "C": "success-cookie",
    "D": "tasks-total",
    "E": "owner-camel",
    "F": "is-complete",
    "G": "success-data",
    "H": "description",
    "I": "status",
    "J": "starred",
    "K": "laravel",
    "L": "nest",
    "Todo-Backend": "todo-backend",
}
"""The profile of each client. The tests of this folder name the client that they speak for."""

FAMILIES = {"canonical", "owner-path", "bare"}


def test_every_profile_that_ships_serves_a_client_or_a_route_family() -> None:
    assert {path.stem for path in PROFILES.glob("*.toml")} == {*CLIENTS.values(), *FAMILIES}


@pytest.mark.parametrize("client", CLIENTS)
def test_a_profile_has_at_most_60_lines(client: str) -> None:
    assert len((PROFILES / f"{CLIENTS[client]}.toml").read_text(encoding="utf-8").splitlines()) <= 60


@pytest.mark.parametrize("client", CLIENTS)
def test_a_client_has_tests_that_name_it(client: str) -> None:
    others = set(Path(__file__).parent.glob("test_*.py")) - {Path(__file__)}
    assert any(f'"{CLIENTS[client]}"' in path.read_text(encoding="utf-8") for path in others)
