"""Rate limits for passwords and codes, in memory; they start from zero with the process.

Only failures count. Past a limit nothing is refused for its own sake, because one visitor could then lock out
everybody behind the same address or proxy: tries are answered one after another, with a pause before each.
Against guessing that is enough: common and short passwords are not accepted, and at a guess every two
seconds the others are out of reach. The API is one process; several behind a balancer count each for itself.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from ipaddress import IPv6Address, ip_address
from time import monotonic
from typing import Final

from fastapi import Request

from hubwell.access.errors import TooManyTriesError

_NETWORK_BITS: Final = 64
"""An IPv6 customer has a whole network of addresses: the network is what counts."""
_MOST_COUNTERS: Final = 20_000
"""Counters kept; with more, those without a recent failure go first, then the oldest."""


@dataclass(frozen=True, slots=True)
class Limit:
    """Failures within a time that moves along, after which tries take turns."""

    name: str
    most: int
    within: timedelta
    pause: timedelta
    """Before each try past the limit."""
    waiting: int
    """Tries that may wait for their turn; a further one is refused, for a moment."""


_A_WHILE: Final = timedelta(minutes=15)
_SECOND: Final = timedelta(seconds=1)
PASSWORD_OF_LOGIN_FROM_ADDRESS: Final = Limit("password-login-address", 10, _A_WHILE, 2 * _SECOND, 5)
PASSWORD_OF_LOGIN: Final = Limit("password-login", 100, _A_WHILE, 2 * _SECOND, 20)
"""From all addresses together (NIST SP 800-63B, 3.2.2: at most 100 without further measures)."""
PASSWORD_FROM_ADDRESS: Final = Limit("password-address", 50, _A_WHILE, _SECOND / 2, 60)
"""Of all logins together. A class behind one address still gets in, at two a second."""
CODE_FROM_ADDRESS: Final = Limit("code-address", 10, _A_WHILE, _SECOND, 30)
"""Entering a code from the kiosk, or for the first administrator."""
CODE_FROM_ANYWHERE: Final = Limit("code-anywhere", 200, _A_WHILE, _SECOND / 2, 60)
"""The same from all addresses together: at two a second a code of 8 characters is not guessed in its time."""

WAITING_SCREEN_FROM_ADDRESS: Final = Limit("waiting-screen-address", 30, _A_WHILE, 2 * _SECOND, 5)
"""Codes for screens that wait to be paired: each one given counts, for there is no wrong try."""
VIRTUAL_TAP_FROM_ADDRESS: Final = Limit("virtual-tap-address", 120, _A_WHILE, _SECOND, 5)
"""Taps of virtual cards in the demonstration; each one counts."""
DEFECT_FROM_SENDER: Final = Limit("defect-sender", 30, _A_WHILE, 0 * _SECOND, 5)
"""Reports of defects by one screen, account or program, and reports taken back; each one counts."""


def password_limits(login: str, address: str) -> tuple[tuple[Limit, str], ...]:
    """Return the limits of a try to sign in with a password."""
    return (
        (PASSWORD_OF_LOGIN_FROM_ADDRESS, f"{login} {address}"),
        (PASSWORD_OF_LOGIN, login),
        (PASSWORD_FROM_ADDRESS, address),
    )


def passkey_limits(address: str) -> tuple[tuple[Limit, str], ...]:
    """Return the limits of a try to sign in with a passkey, whose login is not known before it succeeds."""
    return (PASSWORD_OF_LOGIN_FROM_ADDRESS, f"passkey {address}"), (PASSWORD_FROM_ADDRESS, address)


def code_limits(address: str) -> tuple[tuple[Limit, str], ...]:
    """Return the limits of a try to enter a code."""
    return (CODE_FROM_ADDRESS, address), (CODE_FROM_ANYWHERE, "")


@dataclass(slots=True)
class _Counter:
    """Failures of one key, tries under way, and the turn of those past the limit."""

    failures: deque[float]
    under_way: int = 0
    waiting: int = 0
    turn: asyncio.Lock = field(default_factory=asyncio.Lock)

    def count(self, since: float) -> int:
        while self.failures and self.failures[0] <= since:
            self.failures.popleft()
        return len(self.failures) + self.under_way


@dataclass(slots=True)
class Try:
    """One try; it counts as a failure only where `fail` is called."""

    is_held_up: bool
    """Whether there were too many failures before it."""
    _counters: list[_Counter]
    _clock: Callable[[], float]

    def fail(self) -> None:
        """Count a failure in every limit of this try."""
        for counter in self._counters:
            counter.failures.append(self._clock())

    def succeed(self) -> None:
        """Forget the failures of the first limit, whose key only the right person can succeed with."""
        self._counters[0].failures.clear()


class Limits:
    """The counters of one application."""

    def __init__(self, clock: Callable[[], float] = monotonic) -> None:
        self._clock = clock
        self._counters: dict[tuple[str, str], _Counter] = {}

    @asynccontextmanager
    async def attempt(self, *keys: tuple[Limit, str]) -> AsyncIterator[Try]:
        """Make a try within all of these limits; waits for its turn where failures were too many.

        Raises TooManyTriesError when too many tries wait already.
        """
        counters = [self._counter(limit, key) for limit, key in keys]
        is_held_up = False
        async with AsyncExitStack() as stack:
            for (limit, _), counter in zip(keys, counters, strict=True):
                if counter.count(self._clock() - limit.within.total_seconds()) >= limit.most:
                    is_held_up = True
                    await _take_turn(counter, limit)
                counter.under_way += 1
                stack.callback(_ended, counter)
            yield Try(is_held_up, counters, self._clock)

    def _counter(self, limit: Limit, key: str) -> _Counter:
        counter = self._counters.get((limit.name, key))
        if counter is None:
            if len(self._counters) >= _MOST_COUNTERS:
                self._discard()
            counter = self._counters[limit.name, key] = _Counter(deque(maxlen=limit.most))
        return counter

    def _discard(self) -> None:
        idle = [key for key, counter in self._counters.items() if not counter.under_way + counter.waiting]
        since = self._clock() - _A_WHILE.total_seconds()
        past = [key for key in idle if not self._counters[key].count(since)]
        for key in past or idle[: _MOST_COUNTERS // 10]:
            del self._counters[key]


async def _take_turn(counter: _Counter, limit: Limit) -> None:
    if counter.waiting >= limit.waiting:
        raise TooManyTriesError(limit.pause * limit.waiting)
    counter.waiting += 1
    try:
        async with counter.turn:
            await asyncio.sleep(limit.pause.total_seconds())
    finally:
        counter.waiting -= 1


def _ended(counter: _Counter) -> None:
    counter.under_way -= 1


async def count_report(limits: Limits, sender: str) -> None:
    """Count a report of a defect, or one that is taken back. Raises TooManyTriesError past the limit.

    Reports are refused then and do not wait: a sender is one screen or account, and locks out no other.
    """
    async with limits.attempt((DEFECT_FROM_SENDER, sender)) as attempt:
        if attempt.is_held_up:
            raise TooManyTriesError(DEFECT_FROM_SENDER.within)
        attempt.fail()


def address_of(request: Request) -> str:
    """Return where a request comes from, as it is counted; never stored."""
    host = request.client.host if request.client else ""
    try:
        address = ip_address(host)
    except ValueError:
        return host
    if isinstance(address, IPv6Address) and address.ipv4_mapped:
        return str(address.ipv4_mapped)  # all of them are in one network of IPv6
    if isinstance(address, IPv6Address):
        return str(IPv6Address(int(address) >> (128 - _NETWORK_BITS) << (128 - _NETWORK_BITS)))
    return host
