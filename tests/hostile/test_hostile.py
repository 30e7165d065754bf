"""Whatever is sent, the answer is a 4xx in the envelope, or is harmless; never another user's row, nor a failure."""

from __future__ import annotations

import contextlib

import pytest

from tests.hostile import bodies, headers, queries, targets
from tests.hostile.requests import CREATES, ITEMS, LISTS, Case
from tests.hostile.world import TREASURE, World, check_envelope

CASES = [each for module in (targets, queries, headers, bodies) for each in module.cases()]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_it_is_refused_or_does_no_harm(world: World, case: Case) -> None:
    for request in case.requests:
        answer = world.send(request)
        shown = f"{request[:300]!r}: {answer.status} {answer.body[:300]!r}"
        assert answer.status in case.statuses, shown
        assert TREASURE.encode() not in answer.body, shown
        if answer.status >= 400:
            check_envelope(answer)


def test_many_slow_clients_keep_nobody_from_being_served(world: World) -> None:
    with contextlib.ExitStack() as slow:
        for number in range(400):
            connection = slow.enter_context(contextlib.closing(world.connect()))
            request = world.fill(CREATES[number % 3].ask(b"X-Long: <300 * x>"))
            # Cut in every place there is: within the head, and within the body.
            connection.send(request[: number % len(request)])
        for route in (*LISTS, *ITEMS, *CREATES) * 3:
            assert world.send(route.ask()).status in (200, 201)


def test_a_request_that_comes_in_single_bytes_is_answered_as_any_other(world: World) -> None:
    with contextlib.closing(world.connect()) as connection:
        for byte in world.fill(ITEMS[0].ask()):
            connection.send(bytes([byte]))
        assert connection.answer().status == 200
