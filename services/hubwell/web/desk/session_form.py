"""The form of a session: read what was typed, for one session or for one each week, and show it again."""

import re
from datetime import UTC, date, datetime, time
from typing import Any, Final

from fastapi import Request
from fastapi.responses import Response
from psycopg import AsyncConnection

from hubwell.errors import DomainError
from hubwell.people import course_sessions
from hubwell.people.course_sessions import Plan
from hubwell.people.weekly import WeeklyPlan, local_moment
from hubwell.web.kit.formatting import Formatter
from hubwell.web.kit.forms import mistake
from hubwell.web.kit.respond import view

FIELDS: Final = ("title", "purpose", "space", "day", "start", "end", "days", "until", "without")
_YEARS: Final = 2
_MOST_KEPT_TYPED: Final = 1000
_LONGEST_NUMBER: Final = 4
_MOST_DAYS: Final = 400
_BETWEEN_DAYS: Final = re.compile(r"[\s,;]+")
_DAY_FIRST: Final = re.compile(r"(\d{1,2})[./](\d{1,2})[./](\d{4})", re.ASCII)

Typed = dict[str, str]
Errors = dict[str, str]


async def form_page(
    request: Request, conn: AsyncConnection[Any], typed: Typed, errors: Errors | None = None
) -> Response:
    """Show the form with what was typed."""
    rows = await course_sessions.spaces(conn)
    spaces = [(key, f"{name}, {zone}" if zone else name) for key, name, zone in rows]
    values: dict[str, Any] = {"spaces": spaces, "typed": dict.fromkeys(FIELDS, "") | typed}
    values |= {"errors": errors or {}, "here": "/sessions/new"}
    return view(request, "desk/session_new.html", status=422 if errors else 200, page="sessions", **values)


def is_weekly(typed: Typed) -> bool:
    """Return whether the form asks for a session each week."""
    return bool(typed["until"].strip() or typed["without"].strip())


def read_plan(typed: Typed, words: Formatter) -> tuple[Plan | None, Errors]:
    """Read the form: the plan, or all that is wrong, by field."""
    errors: Errors = {}
    start, end = _term(typed, words, errors)
    days = _kept_days(typed, words, errors)
    refusals = _text_refusals(typed, days)
    if start is not None and end is not None:
        refusals.append(course_sessions.term_refusal(start, end, words.now))
    for refusal in filter(None, refusals):
        errors |= mistake(refusal, words)
    if errors or start is None or end is None or days is None:
        return None, errors
    texts = {"title": typed["title"], "purpose": typed["purpose"], "space_id": typed["space"]}
    return Plan(**texts, start=start, end=end, kept_days=days), {}


def read_weekly(typed: Typed, words: Formatter) -> tuple[WeeklyPlan | None, Errors]:
    """Read the form of a session each week: the plan, or all that is wrong, by field."""
    _ = words.translations.gettext
    errors: Errors = {}
    first, start, end = _day_and_times(typed, words, errors)
    until, without = _date(typed["until"]), _dates(typed["without"])
    if until is None:
        errors["until"] = _("Choose the last day, or leave both fields empty for one session only.")
    if without is None:
        errors["without"] = _("Enter the days to leave out as dates, for example 2027-02-16 or 16.2.2027.")
    days = _kept_days(typed, words, errors)
    for refusal in filter(None, _text_refusals(typed, days)):
        errors |= mistake(refusal, words)
    if (
        errors
        or first is None
        or start is None
        or end is None
        or until is None
        or without is None
        or days is None
    ):
        return None, errors
    texts = {"title": typed["title"], "purpose": typed["purpose"], "space_id": typed["space"]}
    return WeeklyPlan(
        **texts, first=first, until=until, start=start, end=end, without=without, kept_days=days
    ), {}


def _text_refusals(typed: Typed, days: int | None) -> list[DomainError | None]:
    refusals: list[DomainError | None] = [*course_sessions.text_refusals(typed["title"], typed["purpose"])]
    refusals.append(None if days is None else course_sessions.days_refusal(days))
    return refusals


def _kept_days(typed: Typed, words: Formatter, errors: Errors) -> int | None:
    if not typed["days"].isdecimal():
        errors["days"] = words.translations.gettext("Enter for how many days the list is kept, from 1 to 30.")
        return None
    return min(int(typed["days"][:_LONGEST_NUMBER]), _MOST_KEPT_TYPED)


def _term(typed: Typed, words: Formatter, errors: Errors) -> tuple[datetime | None, datetime | None]:
    """Read day and times; what is wrong with them goes into `errors`."""
    _ = words.translations.gettext
    day, start, end = _day_and_times(typed, words, errors)
    if day is None or start is None or end is None:
        return None, None
    begins, ends = local_moment(day, start, words.zone), local_moment(day, end, words.zone)
    for field, moment in (("start", begins), ("end", ends)):
        if moment is None:
            errors[field] = _("On that day the clocks skip this time. Choose another one.")
    return begins, ends


def _day_and_times(
    typed: Typed, words: Formatter, errors: Errors
) -> tuple[date | None, time | None, time | None]:
    _ = words.translations.gettext
    day, start, end = _date(typed["day"]), _time(typed["start"]), _time(typed["end"])
    if day is None:
        errors["day"] = _("Choose the day of the session.")
    if start is None:
        errors["start"] = _("Enter when it begins, for example 09:30.")
    if end is None:
        errors["end"] = _("Enter when it ends, for example 11:00.")
    return day, start, end


def _dates(text: str) -> frozenset[date] | None:
    """Read days between blanks, commas or lines, with the year or the day first; None if one is no date."""
    parts = [part for part in _BETWEEN_DAYS.split(text) if part]
    days = [_any_date(part) for part in parts[:_MOST_DAYS]]
    return None if None in days or len(parts) > _MOST_DAYS else frozenset(day for day in days if day)


def _any_date(text: str) -> date | None:
    day_first = _DAY_FIRST.fullmatch(text)
    if day_first:
        day, month, year = day_first.groups()
        text = f"{year}-{month:>02}-{day:>02}"
    return _date(text)


def _date(text: str) -> date | None:
    try:
        day = date.fromisoformat(text.strip())
    except ValueError:
        return None
    # Years far away have no time zones, and no sessions.
    return day if abs(day.year - datetime.now(UTC).year) <= _YEARS else None


def _time(text: str) -> time | None:
    try:
        clock = time.fromisoformat(text)
    except ValueError:
        return None
    return clock if clock.tzinfo is None else None
