"""The form that moves a booking: another time, another space; from the timeline with instants."""

import re
from datetime import UTC, date, datetime, timedelta
from typing import Annotated, Final
from zoneinfo import ZoneInfo

from fastapi import Form

from hubwell.booking.local_time import as_local
from hubwell.booking.read_model import Booking
from hubwell.booking.rules import BookableSpace, BookingInput
from hubwell.web.booking.form import BookingForm, form_at
from hubwell.web.booking.text import name_of
from hubwell.web.kit.formatting import Formatter

_PLACE: Final = re.compile(r"([^:]+)(?::([\d ]+))?", re.ASCII)
_PART: Final = re.compile(r"\d{1,9}", re.ASCII)
_A_SECOND: Final = timedelta(seconds=1)


class MoveForm(BookingForm):
    """The fields as a browser sends them; `place` is a space or space:parts, and empty for the same."""

    place: str = ""
    exact_start: str = ""
    """An instant in place of day and time: a drag knows which of two times that the clocks show is meant."""
    exact_end: str = ""

    @property
    def instants(self) -> tuple[datetime, datetime] | None:
        """The exact times, if both are there."""
        start, end = _instant(self.exact_start), _instant(self.exact_end)
        return None if start is None or end is None else (start, end)

    def on_clocks(self, zone: ZoneInfo) -> "MoveForm":
        """Return the form with exact times as day and times too, so that it can be shown."""
        if self.instants is None:
            return self
        shown = form_at(*self.instants, zone)
        times = {name: getattr(shown, name) for name in ("day", "start", "end", "end_day")}
        return self.model_copy(update=times)

    def moved(self, booking: Booking, zone: ZoneInfo) -> BookingInput:
        """Return a booking with times and space of this form; what is as before stays the same."""
        starts, ends = self.instants or (self.starts, self.ends)
        space, parts = booking.space_id, () if booking.whole else booking.parts
        if match := _PLACE.fullmatch(self.place):
            space, parts = match[1], tuple(map(int, _PART.findall(match[2] or "")))
        return BookingInput(
            space=space,
            parts=parts,
            start=_as_before(starts, booking.start, zone),
            end=_as_before(ends, booking.end, zone),
            people=str(booking.people),
            title=booking.title or booking.space,  # that of an erased account is empty
            shows_title=booking.shows_title,
        )


MoveFields = Annotated[MoveForm, Form()]


def place_choices(spaces: list[BookableSpace], words: Formatter) -> list[tuple[str, str]]:
    """Return where a booking can be moved to: the same, each space, and each part of one."""
    _ = words.translations.gettext
    choices = [("", _("As it is"))]
    for space in spaces:
        name = name_of(space, words)
        choices.append((space.id, name))
        if len(space.parts) > 1:
            text = _("{space}: {parts}")
            choices += [
                (f"{space.id}:{part.id}", text.format(space=name, parts=part.name)) for part in space.parts
            ]
    return choices


def _instant(text: str) -> datetime | None:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    if moment.tzinfo is None or not date.min.year < moment.year < date.max.year:
        return None
    return moment.astimezone(UTC)


def _as_before(given: str | datetime, before: datetime, zone: ZoneInfo) -> str | datetime:
    if isinstance(given, datetime):
        return before if abs(given - before) < _A_SECOND else given
    return before if given == as_local(before, zone) else given
