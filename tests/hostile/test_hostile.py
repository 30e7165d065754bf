"""Every hostile request is rejected with the error envelope or is harmless; none reaches another user's rows."""

from __future__ import annotations

import contextlib

import pytest

from tests.hostile import bodies, headers, queries, targets
from tests.hostile.requests import CREATES, ITEMS, LISTS, Case
from tests.hostile.world import SECRET_TITLE, World, check_envelope

CASES = [each for module in (targets, queries, headers, bodies) for each in module.cases()]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_hostile_request_is_rejected_or_harmless(world: World, case: Case) -> None:
    for request in case.requests:
        response = world.send(request)
        shown = f"{request[:300]!r}: {response.status} {response.body[:300]!r}"
        assert response.status in case.statuses, shown
        assert SECRET_TITLE.encode() not in response.body, shown
        if response.status >= 400:
            check_envelope(response)


def test_many_slow_clients_do_not_block_other_clients(world: World) -> None:
    with contextlib.ExitStack() as slow:
        for number in range(400):
            connection = slow.enter_context(contextlib.closing(world.connect()))
            request = world.fill(CREATES[number % 3].request(b"X-Long: <300 * x>"))
            # Cut at every offset: within the head, and within the body.
            connection.send(request[: number % len(request)])
        for route in (*LISTS, *ITEMS, *CREATES) * 3:
            assert world.send(route.request()).status in (200, 201)


def test_a_request_sent_byte_by_byte_is_served(world: World) -> None:
    with contextlib.closing(world.connect()) as connection:
        for byte in world.fill(ITEMS[0].request()):
            connection.send(bytes([byte]))
        assert connection.read_response().status == 200
