"""Times on the clocks of a zone: a time that is skipped is refused, one that comes twice means the first.

Both happen on the days on which clocks change. `zoneinfo` itself answers without saying either.
"""

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from typing import Final
from zoneinfo import ZoneInfo

_LOCAL: Final = re.compile(r"(\d{4}-\d{2}-\d{2})[T ](\d{2}):(\d{2})(?::00)?", re.ASCII)
_A_MINUTE: Final = timedelta(minutes=1)
_LONGEST_GAP: Final = timedelta(hours=25)
"""Clocks skip an hour at most places; islands at the date line have skipped a day."""


@dataclass(frozen=True, slots=True)
class Skipped:
    """A time that the clocks do not show; `next_shown` is the first one after it that they do."""

    next_shown: datetime


def read_local(text: str) -> datetime | None:
    """Read 2026-12-01T09:30, without an offset; None for anything else."""
    match = _LOCAL.fullmatch(text.strip())
    if match is None:
        return None
    try:
        return datetime.combine(date.fromisoformat(match[1]), time(int(match[2]), int(match[3])))
    except ValueError:
        return None


@lru_cache(maxsize=4096)  # pages of many bookings ask for the same hours over and over
def as_local(moment: datetime, zone: ZoneInfo) -> str:
    """Return the time of an instant on the clocks of a zone, as `read_local` reads it."""
    return f"{moment.astimezone(zone):%Y-%m-%dT%H:%M}"


def resolve(local: datetime, zone: ZoneInfo) -> datetime | Skipped:
    """Return the instant of a time on the clocks of a zone; the first, where there are two."""
    if not _is_shown(local, zone):
        later = local
        while not _is_shown(later, zone) and later - local < _LONGEST_GAP:
            later += _A_MINUTE
        return Skipped(later)
    return local.replace(tzinfo=zone).astimezone(UTC)


def shifted(local: datetime, zone: ZoneInfo) -> datetime:
    """Return the time instead of one that clocks skip: as much later as they are put forward."""
    return local.replace(tzinfo=zone).astimezone(UTC).astimezone(zone).replace(tzinfo=None, fold=0)


def comes_twice(moment: datetime, zone: ZoneInfo) -> bool:
    """Return whether the clocks show the time of an instant a second time after it."""
    local = moment.astimezone(zone)
    return local.fold == 0 and local.utcoffset() != local.replace(fold=1).utcoffset()


def at_or_after(local: datetime, zone: ZoneInfo) -> datetime:
    """Return the instant of a time on the clocks; of a skipped one, the first instant after it."""
    moment = resolve(local, zone)
    return at_or_after(moment.next_shown, zone) if isinstance(moment, Skipped) else moment


def day_bounds(day: date, zone: ZoneInfo) -> tuple[datetime, datetime]:
    """Return the first instants of a day and of the next; a day has 23 to 25 hours."""
    begins = datetime.combine(day, time())
    return at_or_after(begins, zone), at_or_after(begins + timedelta(days=1), zone)


def _is_shown(local: datetime, zone: ZoneInfo) -> bool:
    there = local.replace(tzinfo=zone).astimezone(UTC).astimezone(zone)
    return there.replace(tzinfo=None, fold=0) == local.replace(fold=0)
