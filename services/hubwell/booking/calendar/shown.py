"""What a calendar shows of the bookings, for its address."""

import hashlib
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID, uuid5
from zoneinfo import ZoneInfo

from psycopg import AsyncConnection
from psycopg.rows import dict_row

from hubwell.booking.calendar.addresses import CalendarAddress, CalendarShows
from hubwell.booking.calendar.feed import FeedEvent, uid_of, window, write
from hubwell.storage.queries import Queries

_SQL: Final = Queries("hubwell.booking.calendar")
MOST_EVENTS: Final = 3000
"""Of one calendar; the earliest are shown."""
_FORMAT: Final = "1"
"""Changes with what is written of an event, so that programs read again."""
Conn = AsyncConnection[Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Content:
    """What a calendar has to show, read from the database; `etag` changes with it."""

    name: str
    events: tuple[FeedEvent, ...]
    zone: ZoneInfo
    now: datetime
    etag: str

    def write(self) -> bytes:
        """Return the calendar; takes a while, and is for a thread."""
        return write(self.name, self.events, self.zone, self.now)


async def content(
    conn: Conn, address: CalendarAddress, name: str, hidden: str, zone: ZoneInfo, now: datetime
) -> Content:
    """Read what a calendar shows. `hidden` is the word for a booking whose title is kept."""
    start, end = window(now, zone)
    own = address.shows == CalendarShows.OWN
    values = {
        "start": start,
        "end": end,
        "space": address.space_id,
        "owner": address.owner if own else None,
        "most": MOST_EVENTS,
    }
    cursor = conn.cursor(row_factory=dict_row)
    rows = await (await cursor.execute(_SQL["shown"], values)).fetchall()
    events = tuple(_event(row, address, hidden) for row in rows)
    year = now.astimezone(zone).year
    digest = hashlib.sha256(repr((_FORMAT, name, zone.key, year, events)).encode("utf-8", "replace"))
    return Content(name=name, events=events, zone=zone, now=now, etag=f'W/"{digest.hexdigest()[:32]}"')


def _event(row: dict[str, Any], address: CalendarAddress, hidden: str) -> FeedEvent:
    booking_id: UUID = row["id"]
    parts = "" if row["whole"] else ", ".join(row["part_names"])
    is_shown = address.shows == CalendarShows.OWN or row["shows_title"]
    place = f"{row['space']}: {parts}" if parts else row["space"]
    moments = {key: row[key] for key in ("start", "end", "version", "created_at", "changed_at")}
    if address.shows == CalendarShows.BUSY:
        # The id of the address in it: calendars of two partners are not comparable.
        uid = uid_of(uuid5(address.id, str(booking_id)))
        return FeedEvent(uid=uid, summary=hidden, location="", **moments)
    summary = (row["title"] if is_shown else "") or hidden
    return FeedEvent(uid=uid_of(booking_id), summary=summary, location=place, **moments)
