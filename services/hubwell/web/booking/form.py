"""The form of a booking: read what was typed, and show it again with what is free or what is wrong."""

import hashlib
import re
from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from typing import Annotated, Final
from urllib.parse import quote
from zoneinfo import ZoneInfo

from fastapi import Form, Query
from pydantic import BaseModel, Field

from hubwell.booking.actions import Request
from hubwell.booking.free_time import STEP
from hubwell.booking.local_time import as_local
from hubwell.booking.read_model import Booking
from hubwell.booking.rules import BookableSpace, BookingInput, Term
from hubwell.errors import DomainError
from hubwell.web.kit.formatting import Formatter
from hubwell.web.kit.forms import mistake

_CLOCK: Final = re.compile(r"\d{2}:\d{2}", re.ASCII)
_PART: Final = re.compile(r"\d{1,9}", re.ASCII)
_A_DAY: Final = timedelta(days=1)
_USUAL_LENGTH: Final = timedelta(hours=1)
"""A link to free time asks for this long, or for less where less is free."""
_MIDNIGHT: Final = "00:00"
_LONGEST_KEY: Final = 64
_MOST_DAYS_AWAY: Final = 3660
Errors = dict[str, str]


class BookingForm(BaseModel):
    """The fields as a browser sends them."""

    day: str = ""
    start: str = ""
    end: str = ""
    end_day: str = ""
    """The day of the end, where it is another; an end at midnight is that of the next day anyway."""
    people: str = ""
    title: str = ""
    space: str = ""
    parts: str = ""
    hide: str = ""
    key: str = ""
    repeat: str = ""
    """How it repeats, by its name on the pages; empty where it does not."""
    last_day: str = ""
    version: int = Field(0, ge=0, le=2**31 - 1)
    """Of a booking that is moved: the version that was shown."""

    @property
    def is_empty(self) -> bool:
        """Whether nothing was asked for yet."""
        return not (self.start or self.end or self.people)

    @property
    def is_from_link(self) -> bool:
        """Whether a link filled in the time, and people and purpose were not asked for yet."""
        return bool(self.start) and {"people", "title"}.isdisjoint(self.model_fields_set)

    @property
    def starts(self) -> str:
        """The start with its day."""
        return f"{self.day}T{self.start}"

    @property
    def ends(self) -> str:
        """The end with its day."""
        day = _date(self.day)
        if not self.end_day and day is not None and self.end == _MIDNIGHT:
            return f"{day + _A_DAY}T{self.end}"
        return f"{self.end_day or self.day}T{self.end}"

    @property
    def given(self) -> BookingInput:
        """What was entered."""
        return BookingInput(
            space=self.space,
            parts=[int(part) for part in _PART.findall(self.parts)],
            start=self.starts,
            end=self.ends,
            people=self.people,
            title=self.title,
            shows_title=not self.hide,
        )

    @property
    def request(self) -> Request | None:
        """What makes a second click recognisable."""
        if not self.key:
            return None
        return Request(self.key[:_LONGEST_KEY], hashlib.sha256(self.model_dump_json().encode()).digest())


BookingFields = Annotated[BookingForm, Form()]
BookingQuery = Annotated[BookingForm, Query()]


def form_of(booking: Booking, zone: ZoneInfo) -> BookingForm:
    """Return the form that shows when a booking is."""
    return form_at(booking.start, booking.end, zone)


def form_at(begins: datetime, ends: datetime, zone: ZoneInfo) -> BookingForm:
    """Return the form with these instants on the clocks."""
    day, start = as_local(begins, zone).split("T")
    end_day, end = as_local(ends, zone).split("T")
    return BookingForm(day=day, start=start, end=end, end_day="" if end_day == day else end_day)


def address_of(space: BookableSpace, parts: Sequence[int], gap: Term, zone: ZoneInfo) -> str:
    """Return the address of the form that books the beginning of free time."""
    start = gap.start
    while start.astimezone(zone).fold and start < gap.end:
        start += STEP  # of a time that comes twice, forms mean the first
    day, begins = as_local(start, zone).split("T")
    end_day, ends = as_local(min(start + _USUAL_LENGTH, gap.end), zone).split("T")
    later = f"&end_day={end_day}" if end_day != day and ends != _MIDNIGHT else ""
    named = f"&parts={'+'.join(map(str, parts))}" if parts else ""
    return f"/bookings/new?day={day}&start={begins}&end={ends}{later}&space={quote(space.id)}{named}"


def unreadable(form: BookingForm, words: Formatter) -> Errors:
    """Return which of day and times cannot be read, by field."""
    _ = words.translations.gettext
    errors: Errors = {}
    if _date(form.day) is None:
        errors["day"] = _("Choose the day.")
    if not _is_clock(form.start):
        errors["start"] = _("Enter the start, for example 09:30.")
    if not _is_clock(form.end):
        errors["end"] = _("Enter the end, for example 11:00.")
    if form.end_day and _date(form.end_day) is None:
        errors["end_day"] = _("Choose the day.")
    return errors


def mistakes(error: DomainError, words: Formatter) -> Errors:
    """Return a refusal by the fields of the form, which has none for parts."""
    return {
        {"parts": "space", "zone": "start"}.get(field, field): sentence
        for field, sentence in mistake(error, words).items()
    }


def rounded_now(words: Formatter) -> dict[str, str]:
    """Return a day and times to begin with: the next full hour, for an hour."""
    begins = (words.now + timedelta(hours=1)).astimezone(words.zone).replace(minute=0)
    ends = begins + timedelta(hours=1)
    return {"day": begins.date().isoformat(), "start": f"{begins:%H:%M}", "end": f"{ends:%H:%M}"}


def day_in(text: str, words: Formatter) -> date:
    """Return the day of an address; today's for anything that is no day near today."""
    today = words.now.astimezone(words.zone).date()
    day = _date(text)
    return day if day is not None and abs((day - today).days) <= _MOST_DAYS_AWAY else today


def _date(text: str) -> date | None:
    try:
        day = date.fromisoformat(text.strip())
    except ValueError:
        return None
    return day if date.min + 2 * _A_DAY < day < date.max - 2 * _A_DAY else None


def _is_clock(text: str) -> bool:
    try:
        return _CLOCK.fullmatch(text) is not None and time.fromisoformat(text) is not None
    except ValueError:
        return False
