"""Limits on log-ins, which stop guessing of passwords and never the owner of an account. No HTTP.

Three counters, each by AUTH_RATE_LIMIT: the calls of an address; the log-ins to one account from one address; and, four
times as many, the failed log-ins to one account from all addresses that it is not known from. A log-in past a limit is
not judged. From an address that the account has logged in from before, only the second limit holds.
"""

from __future__ import annotations

import logging
from typing import Any, Final, NamedTuple

import psycopg2

from api.account_addresses import AccountAddresses
from api.digests import KeyedDigests
from api.errors import RateLimited
from api.postgres.errors import DatabaseUnavailable, Overloaded
from api.rate_limits import Allowance, StrictRateLimit
from api.text import fold_case

logger = logging.getLogger("api.login_guard")

TIMES_FROM_EVERYWHERE: Final = 4


class CountedCall(NamedTuple):
    """A call that was counted for its address, which is that of `rate_limit_key`."""

    address: str
    allowance: Allowance


class Admission(NamedTuple):
    """A log-in that may be judged. `counted_as` is its key among the failures from unknown addresses, if it is one."""

    address: str
    counted_as: str | None


class LoginGuard:
    """The counters. In the memory of processes, `workers` of them share the limit of failures from everywhere."""

    def __init__(
        self, rate: str, storage: Any, *, workers: int, addresses: AccountAddresses, digests: KeyedDigests
    ) -> None:
        self._by_address = StrictRateLimit("auth", rate, storage)
        self._by_both = StrictRateLimit("auth", rate, storage)
        self._by_email = StrictRateLimit("auth", rate, storage, times=TIMES_FROM_EVERYWHERE, shares=workers)
        self._addresses = addresses
        self._digests = digests
        self.reported = self._by_address.reported

    def count_call(self, address: str) -> CountedCall:
        """Count a call of this address."""
        return CountedCall(address, self._by_address.take(f"address:{address}"))

    def admit(self, email: str, user_id: str | None, call: CountedCall) -> Admission:
        """Count a log-in with this e-mail, to the account `user_id` if there is one. Raises RateLimited."""
        # The same statement where there is no account: the time of a response does not tell.
        is_known = self._addresses.knows(user_id or "", call.address)
        if not is_known:
            check_allowance(call.allowance)
        folded = fold_case(email)
        check_allowance(self._by_both.take(f"email-address:{self._digests.digest(folded, call.address).hex()}"))
        if is_known:
            return Admission(call.address, None)
        key = f"email:{self._digests.digest(folded).hex()}"
        check_allowance(self._by_email.take(key))
        return Admission(call.address, key)

    def succeed(self, user_id: str, admission: Admission) -> None:
        """Take the log-in back from the failures, and remember its address for the account."""
        if admission.counted_as is not None:
            self._by_email.give_back(admission.counted_as)
        self.remember(user_id, admission.address)

    def remember(self, user_id: str, address: str) -> None:
        """Remember that the account's owner was at the address."""
        try:
            self._addresses.remember(user_id, address)
        except (DatabaseUnavailable, Overloaded, psycopg2.Error) as ex:
            # Where the database is read-only people can still log in.
            logger.warning("the address of a log-in was not stored: %s", type(ex).__name__)


def check_allowance(allowance: Allowance) -> None:
    """Raises RateLimited if the call is past the limit."""
    if not allowance.allowed:
        raise RateLimited(allowance.reset)
