"""Fold taps into visits: a pure function of the taps, so their order of arrival cannot matter.

The first tap at a space opens a visit, a second tap there closes it, a tap at another space moves the
person. A visit that nobody closes is closed at the end of `LONGEST` and marked as inferred.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Literal

DEBOUNCE: Final = timedelta(seconds=5)
"""A second tap at the same reader within this time is the same gesture."""
LONGEST: Final = timedelta(hours=12)
"""Nobody stays longer without a tap; the end of such a visit is a guess and says so."""

End = Literal["tap", "moved", "inferred"]


@dataclass(frozen=True, slots=True, order=True)
class TapAt:
    """A tap that counts: when and in which space."""

    time: datetime
    space_id: str


@dataclass(frozen=True, slots=True)
class Visit:
    """A stay in one space. `end` is None while it lasts."""

    space_id: str
    start: datetime
    end: datetime | None
    ended_by: End | None


def fold_taps(taps: Iterable[TapAt], now: datetime) -> list[Visit]:
    """Return the visits that these taps of one badge make, as of `now`."""
    visits: list[Visit] = []
    here: TapAt | None = None
    previous: TapAt | None = None
    for tap in sorted(set(taps)):
        bounced = previous is not None and (
            tap.space_id == previous.space_id and tap.time - previous.time < DEBOUNCE
        )
        previous = tap
        if bounced:
            continue
        if here is None:
            here = tap
            continue
        if tap.time - here.time > LONGEST:
            visits.append(_forgotten(here))
            here = tap
            continue
        ended_by: End = "tap" if tap.space_id == here.space_id else "moved"
        visits.append(Visit(here.space_id, here.time, tap.time, ended_by))
        here = None if ended_by == "tap" else tap
    if here is not None:
        lasting = now - here.time <= LONGEST
        visits.append(Visit(here.space_id, here.time, None, None) if lasting else _forgotten(here))
    return [visit for visit in visits if visit.end is None or visit.end > visit.start]


def _forgotten(tap: TapAt) -> Visit:
    return Visit(tap.space_id, tap.time, tap.time + LONGEST, "inferred")
