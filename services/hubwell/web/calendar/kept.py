"""Keep the calendars that were read, so that programs have an answer while the database is away.

In the memory of this process: after a restart there is none until the database answers.
"""

import asyncio
import hashlib
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from time import monotonic
from typing import Final

_MOST: Final = 500
_MOST_BYTES: Final = 32 * 1024 * 1024
_KEPT_FOR: Final = timedelta(hours=24)
"""Another process may have revoked the address meanwhile: a copy is not given for longer."""
_AT_ONCE: Final = 4
"""Calendars that are read at one time: programs must not take every connection of the database."""


@dataclass(frozen=True, slots=True)
class Kept:
    """A calendar as it was written."""

    etag: str
    body: bytes


class KeptCalendars:
    """The calendars that were read last, by the hash of their token."""

    def __init__(self, clock: Callable[[], float] = monotonic) -> None:
        self.turn = asyncio.Semaphore(_AT_ONCE)
        self._clock = clock
        self._kept: OrderedDict[bytes, tuple[float, Kept]] = OrderedDict()
        self._bytes = 0

    def get(self, token: str) -> Kept | None:
        """Return the copy of a calendar; None for one that is not kept, or for too long."""
        found = self._kept.get(_key(token))
        if found is None or self._clock() - found[0] > _KEPT_FOR.total_seconds():
            return None
        return found[1]

    def put(self, token: str, calendar: Kept) -> None:
        """Keep a calendar that was just checked; those that were not read for longest make room."""
        self.forget(token)
        self._kept[_key(token)] = (self._clock(), calendar)
        self._bytes += len(calendar.body)
        while len(self._kept) > _MOST or (self._bytes > _MOST_BYTES and len(self._kept) > 1):
            _, (_, oldest) = self._kept.popitem(last=False)
            self._bytes -= len(oldest.body)

    def forget(self, token: str) -> None:
        """Drop a copy: its address is revoked, or there is a newer one."""
        found = self._kept.pop(_key(token), None)
        if found is not None:
            self._bytes -= len(found[1].body)


def _key(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()
