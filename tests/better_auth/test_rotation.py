"""Better Auth's keys change while the service is in use."""

from __future__ import annotations

import threading
from collections.abc import Callable

import jwt
import pytest

from tests.better_auth import recipe
from tests.better_auth.users import Setup, User
from tests.support.http import Response
from tests.support.waiting import wait_until


@pytest.fixture(scope="module")
def setup(start_setup: Callable[..., Setup]) -> Setup:
    return start_setup()


def kid_of(token: str) -> str:
    return str(jwt.get_unverified_header(token)["kid"])


class Traffic:
    """Users who call without pause, with a new token for each round."""

    def __init__(self, users: list[User]) -> None:
        self.kids: set[str] = set()
        self.responses: list[Response] = []
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._work, args=(user,)) for user in users]
        for thread in self._threads:
            thread.start()

    def _work(self, user: User) -> None:
        while not self._stop.is_set():
            self.kids.add(kid_of(user.renew_token()))
            self.responses.append(user("POST", "/api/tasks", {"title": "Buy milk"}))
            self.responses.append(user("GET", "/api/tasks?limit=5"))

    def wait_for_kids(self, count: int) -> None:
        wait_until(lambda: len(self.kids) >= count, f"{count} keys in use", 60)

    def stop(self) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join(60)


def test_a_key_rotation_under_traffic_rejects_no_request(setup: Setup) -> None:
    traffic = Traffic([setup.sign_up(f"User {number}") for number in range(4)])
    try:
        traffic.wait_for_kids(1)
        for _ in range(5):
            known = len(traffic.kids)
            setup.query(recipe.ROTATE)
            traffic.wait_for_kids(known + 1)
    finally:
        traffic.stop()
    assert len(traffic.kids) >= 6
    assert {response.status for response in traffic.responses} == {200, 201}


def test_tokens_from_before_a_rotation_stay_valid(setup: Setup) -> None:
    user = setup.sign_up()
    old = user.token
    setup.query(recipe.ROTATE)
    assert kid_of(user.renew_token()) != kid_of(old)
    assert user("GET", "/api/tasks").status == 200
    user.token = old
    assert user("GET", "/api/tasks").status == 200


def test_a_removed_key_is_no_longer_published(setup: Setup) -> None:
    user = setup.sign_up()
    before = [key["kid"] for key in setup.auth.call("GET", "/api/auth/jwks").json["keys"]]
    setup.query(recipe.REMOVE_KEYS)
    user.renew_token()
    assert user("GET", "/api/tasks").status == 200
    after = [key["kid"] for key in setup.auth.call("GET", "/api/auth/jwks").json["keys"]]
    assert after
    assert not set(before) & set(after)
