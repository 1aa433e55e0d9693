"""Write a calendar (RFC 5545) that Thunderbird, Outlook, Google and Apple read.

Cancelled bookings are left out, because programs keep listing what is marked as cancelled. Each event is
written and read back alone: one that does not come back the same is left out, because programs drop a whole
calendar for one broken event. Times are local ones with their zone, but UTC around an hour that comes twice,
which programs place differently.
"""

import logging
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Final
from uuid import UUID
from zoneinfo import ZoneInfo

from icalendar import Calendar, Component, Event, vText

from hubwell.booking.calendar.zones import timezone_of
from hubwell.booking.local_time import day_bounds

_log: Final = logging.getLogger(__name__)
SHOWN_BEFORE: Final = timedelta(days=30)
SHOWN_AHEAD: Final = timedelta(days=365)
REFRESH: Final = timedelta(hours=1)
"""How often programs are asked to read again; Google reads when it wants."""
_PRODUCT: Final = "-//Hubwell//Bookings//EN"
_END: Final = b"END:VCALENDAR\r\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedEvent:
    """A booking as a calendar shows it."""

    uid: str
    start: datetime
    end: datetime
    summary: str
    location: str
    version: int
    created_at: datetime
    changed_at: datetime


def window(now: datetime, zone: ZoneInfo) -> tuple[datetime, datetime]:
    """Return the time that calendars show: whole days on the hub's clocks."""
    today = now.astimezone(zone).date()
    return day_bounds(today - SHOWN_BEFORE, zone)[0], day_bounds(today + SHOWN_AHEAD, zone)[1]


def uid_of(booking_id: UUID) -> str:
    """Return the UID of a booking's event, which never changes."""
    return f"booking-{booking_id}@hubwell"


def write(name: str, events: Iterable[FeedEvent], zone: ZoneInfo, now: datetime) -> bytes:
    """Return a calendar with the events that can be written."""
    calendar = Calendar()
    calendar.add("prodid", _PRODUCT)
    calendar.add("version", "2.0")
    calendar.add("calscale", "GREGORIAN")
    for key in ("name", "x-wr-calname"):
        calendar.add(key, vText(_one_line(name)))
    calendar.add("x-wr-timezone", zone.key)
    # No METHOD: it would make this a message of iTIP (RFC 5546), which needs an organizer.
    calendar.add("refresh-interval", REFRESH, parameters={"VALUE": "DURATION"})
    calendar.add("x-published-ttl", "PT1H")
    if zone.key != "UTC":
        calendar.add_component(timezone_of(zone.key, now.astimezone(zone).year))
    begin, end = calendar.to_ical().removesuffix(_END), _END
    return b"".join((begin, *(_checked(event, zone) for event in events), end))


@lru_cache(maxsize=8192)
def _checked(event: FeedEvent, zone: ZoneInfo) -> bytes:
    """Return an event as text; nothing, with a line in the log, for one that does not come back as it is.

    Kept for the next writing: an event costs about a millisecond, and most stay as they are.
    """
    try:
        written = _event(event, zone)
        text = bytes(written.to_ical())
        read = Event.from_ical(text)
        came_back = _read_again(read)
    except Exception as error:  # noqa: BLE001 (whatever is wrong with one event must not end the calendar)
        _left_out(event, type(error).__name__)
        return b""
    if came_back != (event.uid, event.start, event.end, _one_line(event.summary)):
        _left_out(event, "differs")
        return b""
    return text


def _read_again(read: Component) -> tuple[str, object, object, str]:
    if not isinstance(read, Event):
        raise TypeError("no event came back")
    return str(read["uid"]), read.start, read.end, str(read["summary"])


def _left_out(event: FeedEvent, why: str) -> None:
    _log.warning(
        "a booking is left out of a calendar: %s (%s)",
        event.uid,
        why,
        extra={"action": "calendar-event-left-out", "why": why},
    )


def _event(event: FeedEvent, zone: ZoneInfo) -> Event:
    written = Event()
    written.add("uid", event.uid)
    written.add("summary", _one_line(event.summary))
    both = (event.start, event.end)
    place = UTC if any(_is_on_repeated_hour(moment, zone) for moment in both) else zone
    written.add("dtstart", event.start.astimezone(place))
    written.add("dtend", event.end.astimezone(place))
    # Without METHOD, DTSTAMP is the time of the last change (RFC 5545, 3.8.7.2): the text stays the same.
    written.add("dtstamp", event.changed_at.astimezone(UTC))
    written.add("last-modified", event.changed_at.astimezone(UTC))
    written.add("created", event.created_at.astimezone(UTC))
    written.add("sequence", event.version)
    written.add("status", "CONFIRMED")
    written.add("transp", "OPAQUE")
    if event.location:
        written.add("location", _one_line(event.location))
    return written


def _one_line(text: str) -> str:
    """Return a text without characters that calendar programs refuse."""
    return " ".join("".join(char if char.isprintable() else " " for char in text).split())


def _is_on_repeated_hour(moment: datetime, zone: ZoneInfo) -> bool:
    local = moment.astimezone(zone).replace(tzinfo=zone)
    return local.replace(fold=0).utcoffset() != local.replace(fold=1).utcoffset()
