"""A person's data as a file to take along: JSON for programs, CSV for a spreadsheet; both hold everything."""

import csv
import io
import json
from collections.abc import Iterator
from dataclasses import asdict
from datetime import datetime
from typing import Any, Final
from uuid import UUID
from zoneinfo import ZoneInfo

from hubwell.privacy.personal_data import PersonalData

_COLUMNS: Final = ("what", "where", "from", "until", "how", "detail")
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")
"""What makes a spreadsheet take a text for a formula."""


def as_json(found: PersonalData, made_at: datetime, zone: ZoneInfo) -> str:
    """Return everything as one JSON object, times with the hub's zone."""
    content = {"made_at": made_at, **asdict(found)}
    for visit in content["visits"]:
        visit["end_is_estimated"] = visit["ended_by"] == "inferred"

    def plain(value: object) -> Any:  # noqa: ANN401 - what json asks for
        if isinstance(value, datetime):
            return value.astimezone(zone).isoformat()
        if isinstance(value, UUID):
            return str(value)
        raise TypeError(type(value).__name__)

    return json.dumps(content, default=plain, ensure_ascii=False, indent=2) + "\n"


def as_csv(found: PersonalData, zone: ZoneInfo) -> str:
    """Return everything as one table: a row for each thing, visits first."""

    def local(moment: datetime | None) -> str:
        return "" if moment is None else moment.astimezone(zone).isoformat(timespec="seconds")

    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(_COLUMNS)
    for what, where, since, until, how, detail in _rows(found):
        cells = (what, where, local(since), local(until), how, detail)
        writer.writerow(_harmless(cell) for cell in cells)
    return out.getvalue()


_Line = tuple[str, str, datetime | None, datetime | None, str, str]


def _rows(found: PersonalData) -> Iterator[_Line]:
    person = found.person
    shown = f"shown as {person.shown_as}" if person.shown_on_site else ""
    for visit in found.visits:
        estimated = "end is estimated" if visit.ended_by == "inferred" else ""
        yield "visit", visit.space, visit.start, visit.end, visit.ended_by or "lasts", estimated
    yield "person", "", person.created_at, None, person.kind, person.name
    yield "language", "", None, None, person.language or "", shown
    for held in found.credentials:
        yield held.kind, "", held.since, held.until, held.revoked_why or "valid", held.label
    for tap in found.taps:
        yield "tap", tap.space, tap.time, None, tap.verdict, f"{tap.source} {tap.intent}"
    for session in found.sessions:
        detail = f"{session.title}: {session.purpose}"
        yield "session roll", session.space, session.start, session.end, "on the roll", detail
    for question in found.questions:
        other = f"also {question.other_space}" if question.other_space else ""
        yield "question", question.space or "", question.at, question.settled_at, question.kind, other
    for muster in found.musters:
        yield "muster", muster.space, muster.since, None, muster.state, muster.kind
    if found.has_account:
        yield "account", "", None, None, "linked", ""


def _harmless(cell: str) -> str:
    """Keep a spreadsheet from running a text, without hiding it."""
    return "'" + cell if cell.startswith(_FORMULA) else cell
