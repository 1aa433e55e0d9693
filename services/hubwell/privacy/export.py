"""A person's data for data portability: JSON for programs, a table for spreadsheets, both complete."""

import json
from collections.abc import Iterator
from dataclasses import asdict
from datetime import datetime
from typing import Any, Final
from uuid import UUID
from zoneinfo import ZoneInfo

from hubwell.privacy.personal_data import PersonalData

TABLE_COLUMNS: Final = ("what", "where", "from", "until", "how", "detail")


def as_json(data: PersonalData, made_at: datetime, zone: ZoneInfo) -> str:
    """Return the data as one JSON object, with times in the hub's zone."""
    content = {"made_at": made_at, **asdict(data)}
    for visit in content["visits"]:
        visit["end_is_estimated"] = visit["ended_by"] == "inferred"

    def plain(value: object) -> Any:  # noqa: ANN401 - what json asks for
        if isinstance(value, datetime):
            return value.astimezone(zone).isoformat()
        if isinstance(value, UUID):
            return str(value)
        raise TypeError(type(value).__name__)

    return json.dumps(content, default=plain, ensure_ascii=False, indent=2) + "\n"


_Line = tuple[str, str, datetime | None, datetime | None, str, str]


def table_rows(data: PersonalData) -> Iterator[_Line]:
    """Yield the data as rows of one table, one for each item, visits first, with `TABLE_COLUMNS`."""
    person = data.person
    shown = f"shown as {person.shown_as}" if person.shown_on_site else ""
    for visit in data.visits:
        estimated = "end is estimated" if visit.ended_by == "inferred" else ""
        yield "visit", visit.space, visit.start, visit.end, visit.ended_by or "lasts", estimated
    yield "person", "", person.created_at, None, person.kind, person.name
    yield "language", "", None, None, person.language or "", shown
    for item in data.credentials:
        yield (
            item.kind,
            "",
            item.since,
            item.until,
            item.revoked_why or "valid",
            f"{item.id} {item.label}".rstrip(),
        )
    for tap in data.taps:
        yield "tap", tap.space, tap.time, None, tap.verdict, f"{tap.source} {tap.intent}"
    for session in data.sessions:
        detail = f"{session.title}: {session.purpose}"
        yield "session roll", session.space, session.start, session.end, "on the roll", detail
    for booking in data.bookings:
        how = "cancelled" if booking.cancelled_at else "taken with a badge" if booking.walk_in else "booked"
        yield "booking", booking.space, booking.start, booking.end, how, booking.title
    for question in data.questions:
        other = f"also {question.other_space}" if question.other_space else ""
        yield "question", question.space or "", question.at, question.settled_at, question.kind, other
    for muster in data.musters:
        yield "muster", muster.space, muster.since, None, muster.state, muster.kind
    if data.has_account:
        yield "account", "", None, None, "linked", ""
