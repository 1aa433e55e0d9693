"""Dates of a series in words: when, what is in the way, what the clocks do, and what has become of each."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from hubwell.booking.local_time import at_or_after
from hubwell.booking.read_model import Booking, Reader
from hubwell.booking.series.occurrences import Note, Problem
from hubwell.booking.series.preview import LEFT_OUT, TAKEN, PreviewDate
from hubwell.booking.series.read_model import DateState, Series, SeriesDate
from hubwell.booking.taken import Conflict
from hubwell.web.booking.text import when_of
from hubwell.web.kit.formatting import Formatter


@dataclass(frozen=True, slots=True)
class DateRow:
    """A date before it is saved; `problem` is empty where it can be booked."""

    key: str
    when: str
    problem: str
    details: list[str]
    chosen: bool


@dataclass(frozen=True, slots=True)
class SeriesRow:
    """A date of a series with what has become of it."""

    key: str
    when: str
    state: str
    detail: str
    booking: Booking | None
    is_over: bool


def key_of(at: datetime) -> str:
    """Return the name of a date: its original start on the clocks."""
    return f"{at:%Y-%m-%dT%H:%M}"


def date_rows(dates: Iterable[PreviewDate], zone: ZoneInfo, words: Formatter) -> list[DateRow]:
    """Return the dates of a preview."""
    return [_date_row(date, zone, words) for date in dates]


def series_rows(series: Series, reader: Reader, words: Formatter) -> list[SeriesRow]:
    """Return the dates of a series."""
    return [_series_row(series, date, reader, words) for date in series.dates]


def coming_dates(series: Series, words: Formatter) -> list[tuple[str, str]]:
    """Return the dates to come of a series, as the options of a choice."""
    return [
        (key_of(booking.series_at), when_of(booking.start, booking.end, words))
        for booking in series.to_come(words.now)
        if booking.series_at is not None
    ]


def _date_row(date: PreviewDate, zone: ZoneInfo, words: Formatter) -> DateRow:
    occurrence = date.occurrence
    if occurrence.term is None:
        when = words.day(at_or_after(occurrence.at, zone))
    else:
        when = when_of(occurrence.term.start, occurrence.term.end, words)
    details = [_conflict(each, words) for each in date.conflicts]
    details += [_note(note, words) for note in occurrence.notes]
    problem = reason(date.problem, words) if date.problem else ""
    return DateRow(key_of(occurrence.at), when, problem, details, date.chosen)


def _series_row(series: Series, date: SeriesDate, reader: Reader, words: Formatter) -> SeriesRow:
    _ = words.translations.gettext
    planned = at_or_after(date.at, series.zone)
    booking = date.booking
    detail = reason(date.why, words) if date.why else ""
    if booking is None:
        when, over = words.clock(planned), planned <= words.now
    else:
        when, over = when_of(booking.start, booking.end, words), booking.end <= words.now
    if date.state is DateState.CHANGED and booking is not None:
        title = booking.title_for(reader)
        detail = title if title != series.title_for(reader) else ""
        if booking.start != planned:
            originally = _("planned for {time}").format(time=words.clock(planned))
            detail = ", ".join(each for each in (detail, originally) if each)
    return SeriesRow(key_of(date.at), when, _state(date.state, words), detail, booking, over)


def reason(why: str, words: Formatter) -> str:
    """Return why a date is not booked."""
    _ = words.translations.gettext
    return {
        TAKEN: _("Not free"),
        LEFT_OUT: _("Left out"),
        Problem.CLOSED.value: _("Outside the opening hours"),
        Problem.NO_SUCH_TIME.value: _("The clocks go forward past this start"),
        Problem.TOO_LONG.value: _("Longer than 24 hours, because the clocks go back"),
        Problem.PAST.value: _("In the past"),
    }[why]


def _state(state: DateState, words: Formatter) -> str:
    _ = words.translations.gettext
    return {
        DateState.PLANNED: _("As planned"),
        DateState.CHANGED: _("Changed alone"),
        DateState.CANCELLED: _("Cancelled"),
        DateState.SKIPPED: _("Left out"),
    }[state]


def _conflict(conflict: Conflict, words: Formatter) -> str:
    _ = words.translations.gettext
    when = when_of(conflict.start, conflict.end, words)
    if not conflict.title:
        return _("Booked: {when}").format(when=when)
    return _("{title}: {when}").format(title=conflict.title, when=when)


def _note(note: Note, words: Formatter) -> str:
    _ = words.translations.gettext
    return {
        Note.START_SHIFTED: _("The clocks go forward: this date begins and ends later"),
        Note.END_SHIFTED: _("The clocks go forward: this date ends later on the clock"),
        Note.START_TWICE: _("The clocks show the start twice: the first is meant"),
        Note.END_TWICE: _("The clocks show the end twice: the first is meant"),
        Note.LONGER: _("The clocks go back: this date lasts longer"),
        Note.SHORTER: _("The clocks go forward: this date is shorter"),
    }[note]


def counted(dates: Sequence[PreviewDate]) -> tuple[int, int]:
    """Return how many dates would be booked, and how many are left out or cannot be booked."""
    free = sum(date.chosen and not date.problem for date in dates)
    return free, len(dates) - free
