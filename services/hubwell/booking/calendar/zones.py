"""The rules of a time zone as calendars carry them (VTIMEZONE), from `zoneinfo`.

Written here, because icalendar 7.3 writes the spring change an hour late, and all later years into one line.
The library ical.js, and so Thunderbird, reads the first of these: a whole summer would be an hour off.
"""

from collections import defaultdict
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Final
from zoneinfo import ZoneInfo

from icalendar import Timezone, TimezoneDaylight, TimezoneStandard

_A_DAY: Final = timedelta(days=1)
_A_MINUTE: Final = timedelta(minutes=1)


@lru_cache(maxsize=8)
def timezone_of(key: str, year: int) -> Timezone:
    """Return the rules of a zone from the beginning of the year before to the end of the year after."""
    zone = ZoneInfo(key)
    first, last = datetime(year - 1, 1, 1, tzinfo=UTC), datetime(year + 2, 1, 1, tzinfo=UTC)
    onsets: dict[tuple[timedelta, timedelta, str, bool], list[datetime]] = defaultdict(list)
    for moment, before in ((first, first), *changes(zone, first, last)):
        local = moment.astimezone(zone)
        was, now = _offset(before, zone), _offset(moment, zone)
        kind = (was, now, local.tzname() or key, bool(local.dst()))
        # An onset is given on the clocks as they were before it (RFC 5545, 3.6.5).
        onsets[kind].append((moment + was).replace(tzinfo=None))
    timezone = Timezone()
    timezone.add("tzid", key)
    for (was, now, name, is_summer), starts in onsets.items():
        part = TimezoneDaylight() if is_summer else TimezoneStandard()
        part.add("dtstart", starts[0])
        for start in starts[1:]:  # one a line: ical.js, and so Thunderbird, reads only the first of each
            part.add("rdate", [start])
        part.add("tzname", name)
        part.add("tzoffsetfrom", was)
        part.add("tzoffsetto", now)
        timezone.add_component(part)
    return timezone


def changes(zone: ZoneInfo, first: datetime, last: datetime) -> Iterator[tuple[datetime, datetime]]:
    """Yield the moments at which clocks change, each with a moment before it."""
    day = first
    while day < last:
        if _offset(day, zone) != _offset(day + _A_DAY, zone):
            before, after = day, day + _A_DAY
            while after - before > _A_MINUTE:
                middle = before + (after - before) // 2 // _A_MINUTE * _A_MINUTE
                before, after = (
                    (middle, after) if _offset(middle, zone) == _offset(day, zone) else (before, middle)
                )
            yield after, before
        day += _A_DAY


def _offset(moment: datetime, zone: ZoneInfo) -> timedelta:
    return moment.astimezone(zone).utcoffset() or timedelta()
