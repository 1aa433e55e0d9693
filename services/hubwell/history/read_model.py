"""Read the past of a space and of the hub, in closed steps of five minutes only."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from psycopg import AsyncConnection

from hubwell.history.rules import HOUR, STEPS_OF_HOUR, Stretch, UseHour
from hubwell.storage.queries import Queries
from hubwell.vocabulary import CO2, ROLLUP_STEP

_SQL: Final = Queries("hubwell.history")
QUANTITIES: Final = (CO2, "noise", "temp", "rh", "light")
"""Quantities with a plot, in the order of the page."""
_DAY: Final = timedelta(days=1)
_WIDTHS: Final = {1: 2 * ROLLUP_STEP, 7: HOUR, 30: 3 * HOUR}
SPANS: Final = tuple(_WIDTHS)
"""Days that a page can show."""
WEEKS_BEFORE: Final = 4
"""Weeks that a week is compared with."""


@dataclass(frozen=True, slots=True)
class SpaceHistory:
    """A space from `start` until `end`; stretches of each quantity that it has, of one width."""

    start: datetime
    end: datetime
    width: timedelta
    quantities: dict[str, list[Stretch]]
    use: list[UseHour]
    has_people_sensor: bool
    over_limit: timedelta
    """Steps of five minutes in which the air was at the rule's limit or above on average."""


def span_of(days: int, now: datetime) -> tuple[datetime, datetime]:
    """Return the time that a page shows, to its last closed stretch; stretches of a day keep to the hours."""
    step = min(_WIDTHS[days], HOUR)
    end = datetime.fromtimestamp(now.timestamp() // step.total_seconds() * step.total_seconds(), UTC)
    return end - days * _DAY, end


async def of_space(conn: AsyncConnection[Any], space: str, days: int, now: datetime) -> SpaceHistory:
    """Return the last `days` of a space, one of `SPANS`."""
    start, end = span_of(days, now)
    series_in = await conn.execute(_SQL["series_of_space"], {"space": space, "quantities": list(QUANTITIES)})
    quantity_of: dict[int, str] = {}
    people: list[int] = []
    for series, quantity, sees_people in await series_in.fetchall():
        if sees_people:
            people.append(series)
        else:
            quantity_of[series] = quantity
    width = _WIDTHS[days]
    values = {"series": list(quantity_of), "start": start, "end": end, "width": width}
    stretches: dict[str, list[Stretch]] = defaultdict(list)
    rows = await (await conn.execute(_SQL["steps" if days == 1 else "hours"], values)).fetchall()
    for quantity, begin, count, mean, low, high in rows:
        stretches[quantity].append(Stretch(begin, count, mean or 0.0, low or 0.0, high or 0.0))
    air = await _use(conn, [series for series, name in quantity_of.items() if name == CO2], start, end)
    return SpaceHistory(
        start,
        end,
        width,
        {name: stretches[name] for name in QUANTITIES if name in quantity_of.values()},
        await _use(conn, people, start, end),
        bool(people),
        sum(hour.used.bit_count() for hour in air) * ROLLUP_STEP,
    )


async def _use(
    conn: AsyncConnection[Any], series: Sequence[int], start: datetime, end: datetime
) -> list[UseHour]:
    """Return the masks of series of people: known and used; of series of CO2: known and over the limit."""
    values = {"series": list(series), "start": start, "end": end}
    rows = await (await conn.execute(_SQL["use_of_space"], values)).fetchall()
    return [_within(UseHour(*row), start, end) for row in rows]


def _within(hour: UseHour, start: datetime, end: datetime) -> UseHour:
    """Leave out the steps of the first and the last hour that are not in the span."""
    first = max((start - hour.start) // ROLLUP_STEP, 0)
    last = min((end - hour.start) // ROLLUP_STEP, STEPS_OF_HOUR)
    mask = ((1 << last) - 1) & ~((1 << first) - 1)
    return UseHour(hour.start, hour.known & mask, hour.used & mask)


@dataclass(frozen=True, slots=True)
class Week:
    """Steps of five minutes of a space in a week, within the hours that count; `of` is all of them."""

    of: int
    known: int = 0
    used: int = 0
    air_known: int = 0
    air_raised: int = 0

    @property
    def free(self) -> int:
        """Steps in which sensors saw nobody."""
        return self.known - self.used

    @property
    def unknown(self) -> int:
        """Steps without a reading of a sensor of people."""
        return max(self.of - self.known, 0)

    @property
    def share(self) -> float | None:
        """The share of the known time that was used; None where nothing is known."""
        return self.used / self.known if self.known else None


@dataclass(frozen=True, slots=True)
class Booked:
    """Steps of five minutes of a space in a week that were booked, and what sensors saw in them."""

    steps: int = 0
    used: int = 0
    empty: int = 0
    used_unbooked: int = 0
    """Steps in use without a booking."""

    @property
    def unknown(self) -> int:
        """Booked steps without a reading of a sensor of people."""
        return self.steps - self.used - self.empty

    @property
    def share(self) -> float | None:
        """The share of the booked and known time that was used; None where nothing is known of it."""
        known_steps = self.used + self.empty
        return self.used / known_steps if known_steps else None


@dataclass(frozen=True, slots=True)
class SpaceUse:
    """A space in a week and in the weeks before, the newest first; `people` is the gate's largest number."""

    id: str
    name: str
    kind: str
    zone: str
    week: Week
    before: tuple[Week, ...]
    people: int | None
    booked: Booked


@dataclass(frozen=True, slots=True)
class HubUse:
    """All spaces in a week that begins on `monday`; `busy` has steps used by (day 1 to 7, hour)."""

    monday: date
    spaces: list[SpaceUse]
    busy: dict[tuple[int, int], int]


async def of_hub(
    conn: AsyncConnection[Any], monday: date, zone: ZoneInfo, hours: tuple[int, int], language: str
) -> HubUse:
    """Return the use of all spaces in a week, in these hours of its days; names are in the language."""
    opens, closes = hours
    mondays = [monday - timedelta(weeks=n) for n in range(WEEKS_BEFORE + 1)]
    start, end = _midnight(mondays[-1], zone), _midnight(monday + timedelta(weeks=1), zone)
    series = [row[0] for row in await (await conn.execute(_SQL["series_of_hub"], {"co2": CO2})).fetchall()]
    values = {"series": series, "start": start, "end": end, "zone": zone.key, "co2": CO2}
    values |= {"opens": opens, "closes": closes}
    whole = 7 * (closes - opens) * STEPS_OF_HOUR
    weeks: dict[tuple[str, date], Week] = {}
    busy: dict[tuple[int, int], int] = {}
    for space, week, day, hour, *sums in await (await conn.execute(_SQL["use_of_hub"], values)).fetchall():
        if space is not None:
            weeks[space, week] = Week(whole, *sums)
        elif week == monday:
            busy[day, hour] = sums[1]
    span = {"start": _midnight(monday, zone), "end": end}
    people = dict(await (await conn.execute(_SQL["most_people"], span)).fetchall())
    bookings = await (await conn.execute(_SQL["booked_of_hub"], values | span)).fetchall()
    booked = {space: Booked(*steps) for space, *steps in bookings}
    spaces = await (await conn.execute(_SQL["spaces"], {"language": language})).fetchall()
    empty = Week(whole)
    return HubUse(
        monday,
        [
            SpaceUse(
                space,
                name,
                kind,
                of_zone,
                weeks.get((space, monday), empty),
                tuple(weeks.get((space, earlier), empty) for earlier in mondays[1:]),
                people.get(space),
                booked.get(space, Booked()),
            )
            for space, name, kind, of_zone in spaces
        ],
        busy,
    )


def _midnight(day: date, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, time(), zone)
