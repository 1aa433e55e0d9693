"""When a device was heard in the last seven days, by the hour, from its readings.

An hour before the device was registered, or of one that measures nothing, is not known: the messages of a
reader are taps, and their times are those of people.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any, Final

from psycopg import AsyncConnection

from hubwell.history.rules import HOUR, STEPS_OF_HOUR
from hubwell.storage.queries import Queries
from hubwell.vocabulary import ROLLUP_STEP

_SQL: Final = Queries("hubwell.history")
DAYS: Final = 7
_DAY: Final = timedelta(days=1)
_LATE_STEPS: Final = 1
"""Steps of five minutes that an hour may lack and still be heard as a whole."""


class State(StrEnum):
    """What is known of an hour."""

    HEARD = "heard"
    PARTLY = "partly"
    SILENT = "silent"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Hour:
    """An hour with what is known of it; `steps` are its steps of five minutes with readings."""

    start: datetime
    state: State
    steps: int


@dataclass(frozen=True, slots=True)
class Silence:
    """Hours in a row without a reading."""

    start: datetime
    end: datetime


@dataclass(frozen=True, slots=True)
class Availability:
    """The hours of seven days, the oldest first."""

    hours: Sequence[Hour]

    def count(self, state: State) -> int:
        """Return the number of hours in a state."""
        return sum(hour.state == state for hour in self.hours)

    @property
    def known(self) -> int:
        """Return the number of hours of which something is known."""
        return len(self.hours) - self.count(State.UNKNOWN)

    @property
    def longest_silence(self) -> Silence | None:
        """Return the longest time of whole hours without a reading; None without one."""
        return max(_silences(self.hours), key=lambda item: item.end - item.start, default=None)


def judge(
    steps: Mapping[datetime, int], *, since: datetime | None, every_s: float | None, now: datetime
) -> Availability:
    """Return the hours of the last seven days, the current one included.

    `steps` has a bit for each step of five minutes with readings, by hour. `since` is when the device was
    registered, None of one that measures nothing. `every_s` is the interval of the
    quickest sensor, None where it is not known: one that measures less often than each step needs one reading
    an hour; of one that measures less often than each hour, an hour without a reading is not known.
    """
    current = datetime.fromtimestamp(now.timestamp() // 3600 * 3600, UTC)
    first = None if since is None else min([*steps, since])
    hours = []
    for number in range(DAYS * 24):
        start = current - (DAYS * 24 - 1 - number) * HOUR
        elapsed = min(int((now - start) / ROLLUP_STEP), STEPS_OF_HOUR)
        bits = steps.get(start, 0).bit_count()
        is_known = first is not None and start + HOUR > first
        hours.append(Hour(start, _state(bits, elapsed, every_s, is_known=is_known), bits))
    return Availability(hours)


async def of_device(
    conn: AsyncConnection[Any], device: str, registered_at: datetime, now: datetime
) -> Availability:
    """Return when a device was heard, in whatever space it was."""
    values = {"device": device, "start": now - DAYS * _DAY - HOUR, "end": now}
    rows = await (await conn.execute(_SQL["steps_of_device"], values)).fetchall()
    row = await (await conn.execute(_SQL["quickest_of_device"], {"device": device})).fetchone()
    every_s, measures = (None, False) if row is None else row
    return judge(
        {hour.astimezone(UTC): steps for hour, steps in rows},
        since=registered_at if measures else None,
        every_s=every_s,
        now=now,
    )


def _state(bits: int, elapsed: int, every_s: float | None, *, is_known: bool) -> State:
    if bits:
        seldom = every_s is not None and every_s > ROLLUP_STEP.total_seconds()
        return State.HEARD if seldom or bits >= elapsed - _LATE_STEPS else State.PARTLY
    if not is_known or elapsed <= _LATE_STEPS or (every_s is not None and every_s > HOUR.total_seconds()):
        return State.UNKNOWN
    return State.SILENT


def _silences(hours: Sequence[Hour]) -> Iterator[Silence]:
    start: datetime | None = None
    for hour in hours:
        if hour.state == State.SILENT:
            start = start or hour.start
        elif start is not None:
            yield Silence(start, hour.start)
            start = None
    if start is not None:
        yield Silence(start, hours[-1].start + HOUR)
