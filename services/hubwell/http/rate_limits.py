"""In-process rate limits for logins and codes; they start from zero with the process.

The API is one process; several behind a balancer would each count for themselves.
"""

from collections import Counter
from dataclasses import dataclass
from datetime import timedelta
from ipaddress import IPv6Address, ip_address
from math import ceil
from time import time
from typing import Final

from fastapi import Request
from limits import RateLimitItemPerSecond
from limits.aio.storage import MemoryStorage
from limits.aio.strategies import MovingWindowRateLimiter

from hubwell.access.errors import TooManyTriesError

_NETWORK_BITS: Final = 64
"""An IPv6 customer has a whole network of addresses: the network is what counts."""


@dataclass(frozen=True, slots=True)
class Limit:
    """At most so many tries within a time that moves along."""

    name: str
    most: int
    within: timedelta


_A_WHILE: Final = timedelta(minutes=15)
SIGN_IN_OF_LOGIN: Final = Limit("sign-in-login", 10, _A_WHILE)
SIGN_IN_FROM_ADDRESS: Final = Limit("sign-in-address", 50, _A_WHILE)
CODE_FROM_ADDRESS: Final = Limit("code-address", 10, _A_WHILE)
"""Entering a code from the kiosk; a class behind one address gets in where good codes are forgotten."""
CODE_FROM_ANYWHERE: Final = Limit("code-anywhere", 200, _A_WHILE)
"""The same from all addresses together: with so few tries a code of 8 characters is not guessed."""


class Limits:
    """The counters of one application."""

    def __init__(self) -> None:
        self._windows = MovingWindowRateLimiter(MemoryStorage())
        # The storage's own `clear` meets its task that expires entries, which then fails (limits 5.8).
        self._restarts: Counter[tuple[str, str]] = Counter()

    async def count(self, limit: Limit, key: str = "") -> None:
        """Count a try. Raises TooManyTriesError, with the time to wait, when there were too many."""
        item, window = _item(limit), (limit.name, key, str(self._restarts[limit.name, key]))
        if not await self._windows.hit(item, *window):
            again = (await self._windows.get_window_stats(item, *window)).reset_time
            raise TooManyTriesError(timedelta(seconds=max(1, ceil(again - time()))))

    async def forget(self, limit: Limit, key: str = "") -> None:
        """Start again from zero: the try was a good one."""
        self._restarts[limit.name, key] += 1


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


def _item(limit: Limit) -> RateLimitItemPerSecond:
    return RateLimitItemPerSecond(limit.most, int(limit.within.total_seconds()))
