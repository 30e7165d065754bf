"""An account is known from the addresses that its owner was at: there nobody elsewhere can lock the owner out."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from falcon.testing import Result, TestClient

from api.postgres.database import Database
from tests.support.callers import error_of
from tests.support.signing import SECRET

EMAIL, PASSWORD = "ada@example.com", "correct horse"
LIMIT = "3/year"
"""A year: no window ends while a test runs."""

HOME, OFFICE = "192.0.2.1", "192.0.2.2"

BREAK_ADDRESSES = """
CREATE FUNCTION break_addresses() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'broken'; END $$;
CREATE TRIGGER break_addresses BEFORE INSERT ON account_addresses EXECUTE FUNCTION break_addresses()
"""


def log_in(client: TestClient, address: str, email: str = EMAIL, password: str = PASSWORD) -> Result:
    result: Result = client.simulate_post(
        "/auth/login", json={"email": email, "password": password}, remote_addr=address
    )
    return result


def register(client: TestClient, address: str, email: str = EMAIL) -> Result:
    result: Result = client.simulate_post(
        "/auth/register", json={"email": email, "password": PASSWORD}, remote_addr=address
    )
    return result


def guess_from_everywhere(client: TestClient, times: int = 20) -> list[int]:
    """The statuses of wrong passwords, each from another address."""
    return [log_in(client, f"198.51.100.{number}", password="wrong").status_code for number in range(times)]


@pytest.fixture
def limited(make_client: Callable[..., TestClient]) -> TestClient:
    return make_client(AUTH_RATE_LIMIT=LIMIT, WORKERS="1")


@pytest.fixture
def owner(client: TestClient, database: Database) -> Iterator[None]:
    """Ada's account, made where nothing is counted or remembered."""
    assert register(client, HOME).status_code == 201
    yield
    database.run("DELETE FROM users")


def count_addresses(database: Database) -> int:
    return int(database.run("SELECT count(*) FROM account_addresses")[0][0])


@pytest.mark.usefixtures("owner")
class TestOwner:
    def test_while_a_password_is_guessed_from_everywhere_its_owner_logs_in_from_a_known_address(
        self, limited: TestClient
    ) -> None:
        assert log_in(limited, HOME).status_code == 200

        assert guess_from_everywhere(limited) == [401] * 12 + [429] * 8
        assert log_in(limited, HOME).status_code == 200
        # Not even the right password is judged from elsewhere.
        assert error_of(log_in(limited, OFFICE)) == (429, "RATE_LIMITED")

    def test_guesses_at_the_same_instant_are_all_counted(self, limited: TestClient) -> None:
        with ThreadPoolExecutor(8) as pool:
            statuses = list(
                pool.map(
                    lambda number: log_in(limited, f"198.51.100.{number}", password="wrong").status_code, range(60)
                )
            )

        assert set(statuses) == {401, 429}
        assert statuses.count(401) <= 12

    def test_other_people_at_a_known_address_do_not_lock_the_owner_out(self, limited: TestClient) -> None:
        log_in(limited, HOME)
        for name in ("ben", "cleo", "dan"):
            register(limited, HOME, f"{name}@example.com")

        assert register(limited, HOME, "eve@example.com").status_code == 429
        assert log_in(limited, HOME, "nobody@example.com").status_code == 429
        assert log_in(limited, HOME).status_code == 200

    def test_guesses_from_a_known_address_are_limited(self, limited: TestClient) -> None:
        log_in(limited, HOME)

        guesses = [log_in(limited, HOME, password="wrong").status_code for _ in range(5)]

        assert guesses == [401, 401, 429, 429, 429]

    def test_an_address_is_known_for_the_account_that_logged_in_there_only(self, limited: TestClient) -> None:
        register(limited, OFFICE, "ben@example.com")
        guess_from_everywhere(limited)

        assert log_in(limited, OFFICE).status_code == 429

    def test_a_failed_log_in_makes_no_address_known(self, limited: TestClient, database: Database) -> None:
        log_in(limited, OFFICE, password="wrong")

        assert count_addresses(database) == 0

    def test_attempts_to_register_the_e_mail_lock_nobody_out(self, limited: TestClient) -> None:
        for number in range(20):
            assert error_of(register(limited, f"198.51.100.{number}")) == (400, "EMAIL_TAKEN")

        assert log_in(limited, HOME).status_code == 200

    def test_log_ins_that_succeed_do_not_count_as_failures(self, limited: TestClient) -> None:
        assert {log_in(limited, f"198.51.100.{number}").status_code for number in range(30)} == {200}

        assert log_in(limited, OFFICE).status_code == 200

    def test_addresses_of_one_ipv6_network_are_one(self, limited: TestClient, database: Database) -> None:
        log_in(limited, "2001:db8:0:1::1")
        guess_from_everywhere(limited)

        assert log_in(limited, "2001:db8:0:1::2").status_code == 200
        assert log_in(limited, "2001:db8:0:2::1").status_code == 429
        assert count_addresses(database) == 1

    def test_the_last_20_addresses_are_kept(self, limited: TestClient, database: Database) -> None:
        for number in range(1, 22):
            log_in(limited, f"203.0.113.{number}")
        guess_from_everywhere(limited)

        assert count_addresses(database) == 20
        assert log_in(limited, "203.0.113.1").status_code == 429
        assert log_in(limited, "203.0.113.2").status_code == 200

    @pytest.mark.parametrize(("days", "status"), [(89, 200), (91, 429)])
    def test_an_address_is_kept_for_90_days(
        self, limited: TestClient, database: Database, days: int, status: int
    ) -> None:
        log_in(limited, HOME)
        guess_from_everywhere(limited)
        database.run("UPDATE account_addresses SET seen_at = now() - make_interval(days => %s)", (days,))

        assert log_in(limited, HOME).status_code == status

    def test_a_change_of_the_secret_forgets_no_address(self, make_client: Callable[..., TestClient]) -> None:
        log_in(make_client(AUTH_RATE_LIMIT=LIMIT), HOME)
        both = f"2:{secrets.token_hex(32)},1:{SECRET}"
        rotated = make_client(AUTH_RATE_LIMIT=LIMIT, WORKERS="1", BETTER_AUTH_SECRETS=both)
        guess_from_everywhere(rotated)

        assert log_in(rotated, HOME).status_code == 200

    def test_what_is_stored_is_a_digest_that_no_other_account_shares(
        self, limited: TestClient, database: Database
    ) -> None:
        register(limited, HOME, "ben@example.com")
        log_in(limited, HOME)

        digests = [bytes(digest) for (digest,) in database.run("SELECT digest FROM account_addresses")]
        assert [len(digest) for digest in digests] == [32, 32]
        assert digests[0] != digests[1]

    def test_an_address_that_cannot_be_stored_keeps_nobody_out(self, limited: TestClient, database: Database) -> None:
        database.run(BREAK_ADDRESSES)
        try:
            assert log_in(limited, HOME).status_code == 200
        finally:
            database.run("DROP FUNCTION break_addresses CASCADE")


def test_the_address_of_a_registration_is_known(limited: TestClient) -> None:
    register(limited, HOME)
    guess_from_everywhere(limited)

    assert log_in(limited, HOME).status_code == 200


def test_an_unknown_e_mail_is_throttled_like_a_known_one(limited: TestClient) -> None:
    assert guess_from_everywhere(limited) == [401] * 12 + [429] * 8
