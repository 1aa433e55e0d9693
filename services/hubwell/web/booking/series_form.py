"""The forms of a series: how it repeats, which dates are left out, and what changes of its dates."""

import hashlib
import re
from datetime import date
from typing import Annotated, Final

from fastapi import Form, Query
from pydantic import BaseModel, Field

from hubwell.booking.actions import Request
from hubwell.booking.series.plan import SeriesChange, SeriesInput
from hubwell.booking.series.read_model import Series
from hubwell.booking.series.recurrence import read_rule
from hubwell.errors import DomainError
from hubwell.web.booking.form import BookingForm, Errors, mistakes
from hubwell.web.kit.formatting import Formatter
from hubwell.workflows.booking_series import Chosen, Scope

_LONGEST_KEY: Final = 64
_MOST_DATES: Final = 400
_WEEKDAYS: Final = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
_DAYS_A_WEEK: Final = 7
_MOST_WEEKS: Final = 4
_RULES: Final = {
    "daily": "FREQ=DAILY",
    "workdays": "FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR",
    "weekly": "FREQ=WEEKLY",
    "fortnightly": "FREQ=WEEKLY;INTERVAL=2",
    "monthly": "FREQ=MONTHLY",
    "month-end": "FREQ=MONTHLY;BYMONTHDAY=-1",
    "yearly": "FREQ=YEARLY",
}
_MONTH_WEEKDAY: Final = re.compile(r"FREQ=MONTHLY;BYDAY=(?:[1-4]|-1)(?:MO|TU|WE|TH|FR|SA|SU);WKST=MO")


class SeriesForm(BookingForm):
    """The fields of a series that is booked, as a browser sends them."""

    skip: list[str] = Field(default=[], max_length=_MOST_DATES)

    @property
    def series(self) -> SeriesInput:
        """What was entered."""
        rule = _rule_of(self.repeat, self.day)
        return SeriesInput(booking=self.given, rule=rule, last_day=self.last_day, skip=self.skip)

    @property
    def series_request(self) -> Request | None:
        """What makes a second click recognisable."""
        if not self.key:
            return None
        return Request(self.key[:_LONGEST_KEY], hashlib.sha256(self.model_dump_json().encode()).digest())


class ChangeForm(BaseModel):
    """The fields of a change of a series, as a browser sends them; those that are empty stay as they are."""

    scope: str = Scope.ALL.value
    date: str = ""
    start: str = ""
    end: str = ""
    people: str = ""
    title: str = ""
    space: str = ""
    leave: list[str] = Field(default=[], max_length=_MOST_DATES)
    version: int = Field(0, ge=0, le=2**31 - 1)

    @property
    def chosen(self) -> Chosen:
        """Which dates are meant."""
        following = self.scope == Scope.FOLLOWING.value
        return Chosen(Scope.FOLLOWING if following else Scope.ALL, self.date)

    def change_of(self, series: Series) -> SeriesChange:
        """Return what was entered."""
        return SeriesChange(
            space=self.space if self.space not in {"", series.space_id} else None,
            start_time=self.start or None,
            end_time=self.end or None,
            people=self.people or None,
            title=self.title or None,
            leave=self.leave,
        )


SeriesFields = Annotated[SeriesForm, Form()]
SeriesQuery = Annotated[SeriesForm, Query()]
ChangeFields = Annotated[ChangeForm, Form()]
ChangeQuery = Annotated[ChangeForm, Query()]


def change_form_of(series: Series) -> ChangeForm:
    """Return the form that shows what the dates of a series have in common."""
    return ChangeForm(
        start=f"{series.first_at:%H:%M}",
        end=f"{series.first_at + series.lasts:%H:%M}",
        people=str(series.people),
        title=series.title,
        space=series.space_id,
        version=series.version,
    )


def repeats(words: Formatter) -> list[tuple[str, str]]:
    """Return how a booking can be repeated on the pages, as the options of a choice."""
    _ = words.translations.gettext
    return [
        ("", _("Does not repeat")),
        ("daily", _("Each day")),
        ("workdays", _("Monday to Friday")),
        ("weekly", _("Each week")),
        ("fortnightly", _("Every two weeks")),
        ("monthly", _("Each month on the same day of the month")),
        ("month-end", _("Each month on its last day")),
        ("month-weekday", _("Each month on the same weekday")),
        ("yearly", _("Each year")),
    ]


def repeats_how(series: Series, words: Formatter) -> str:
    """Return how a series repeats; its rule as it is, where the pages have no words for it."""
    texts = dict(repeats(words))
    if _MONTH_WEEKDAY.fullmatch(series.rule):
        return texts["month-weekday"]
    known = {read_rule(rule).text: name for name, rule in _RULES.items()}
    return texts[known[series.rule]] if series.rule in known else series.rule


def series_mistakes(error: DomainError, words: Formatter) -> Errors:
    """Return a refusal by the fields of the forms."""
    names = {"rule": "repeat", "start_time": "start", "end_time": "end", "skip": ""}
    return {names.get(field, field): sentence for field, sentence in mistakes(error, words).items()}


def _rule_of(repeat: str, day: str) -> str:
    if repeat != "month-weekday":
        return _RULES.get(repeat, "")
    try:
        first = date.fromisoformat(day)
    except ValueError:
        return ""
    week = (first.day - 1) // _DAYS_A_WEEK + 1
    return f"FREQ=MONTHLY;BYDAY={week if week <= _MOST_WEEKS else -1}{_WEEKDAYS[first.weekday()]}"
