"""A person's data as a file for data portability: JSON for programs, CSV for spreadsheets, both complete."""

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
"""Beginnings that make a spreadsheet evaluate a text as a formula."""


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


def as_csv(data: PersonalData, zone: ZoneInfo) -> str:
    """Return the data as one table, a row for each item, visits first; times in the hub's zone."""

    def local(moment: datetime | None) -> str:
        return "" if moment is None else moment.astimezone(zone).isoformat(timespec="seconds")

    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(_COLUMNS)
    for what, where, since, until, how, detail in _rows(data):
        cells = (what, where, local(since), local(until), how, detail)
        writer.writerow(_harmless(cell) for cell in cells)
    return out.getvalue()


_Line = tuple[str, str, datetime | None, datetime | None, str, str]


def _rows(data: PersonalData) -> Iterator[_Line]:
    person = data.person
    shown = f"shown as {person.shown_as}" if person.shown_on_site else ""
    for visit in data.visits:
        estimated = "end is estimated" if visit.ended_by == "inferred" else ""
        yield "visit", visit.space, visit.start, visit.end, visit.ended_by or "lasts", estimated
    yield "person", "", person.created_at, None, person.kind, person.name
    yield "language", "", None, None, person.language or "", shown
    for item in data.credentials:
        yield item.kind, "", item.since, item.until, item.revoked_why or "valid", item.label
    for tap in data.taps:
        yield "tap", tap.space, tap.time, None, tap.verdict, f"{tap.source} {tap.intent}"
    for session in data.sessions:
        detail = f"{session.title}: {session.purpose}"
        yield "session roll", session.space, session.start, session.end, "on the roll", detail
    for question in data.questions:
        other = f"also {question.other_space}" if question.other_space else ""
        yield "question", question.space or "", question.at, question.settled_at, question.kind, other
    for muster in data.musters:
        yield "muster", muster.space, muster.since, None, muster.state, muster.kind
    if data.has_account:
        yield "account", "", None, None, "linked", ""


def _harmless(cell: str) -> str:
    """Return a cell that a spreadsheet does not evaluate; the text stays visible."""
    return "'" + cell if cell.startswith(_FORMULA) else cell
