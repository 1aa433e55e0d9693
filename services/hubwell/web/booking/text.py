"""Bookings in words: when, of what, why a space is offered, and the lines at a door."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import uuid4

from psycopg import AsyncConnection

from hubwell.api.free_spaces import Offer
from hubwell.booking import read_model
from hubwell.booking.local_time import comes_twice
from hubwell.booking.read_model import PUBLIC_READER, Booking, Reader
from hubwell.booking.rules import BookableSpace, Term
from hubwell.web.kit.formatting import Formatter


@dataclass(frozen=True, slots=True)
class Entry:
    """A booking in a table or list; `detail` are its parts and who booked, `title` is never empty."""

    booking: Booking
    when: str
    title: str
    detail: str
    yours: bool


@dataclass(frozen=True, slots=True)
class OfferText:
    """A space that is offered; `key` makes a second click on its button harmless."""

    offer: Offer
    name: str
    reasons: list[str]
    button: str
    parts: str
    key: str


def entry(booking: Booking, reader: Reader, words: Formatter, *, day: date | None = None) -> Entry:
    """Return a booking in words; on the page of a `day` its times need no date."""
    _ = words.translations.gettext
    when = _within(booking, day, words) if day else when_of(booking.start, booking.end, words)
    details = [", ".join(booking.part_names) if not booking.whole else "", booking.owner_name]
    return Entry(
        booking,
        when,
        booking.title_for(reader) or (_("Taken at the door") if booking.walk_in else _("Booked")),
        " · ".join(detail for detail in details if detail),
        booking.may_change(reader),
    )


def when_of(start: datetime, end: datetime, words: Formatter) -> str:
    """Return a term with its day, and the day of the end where that is another."""
    _ = words.translations.gettext
    until = words.time(end)
    if start.astimezone(words.zone).date() != end.astimezone(words.zone).date():
        until = _("{day}, {time}").format(day=words.day(end), time=until)
    return _("{day}, {start} to {end}").format(day=words.day(start), start=words.time(start), end=until)


def _within(booking: Booking, day: date, words: Formatter) -> str:
    if any(moment.astimezone(words.zone).date() != day for moment in (booking.start, booking.end)):
        return when_of(booking.start, booking.end, words)
    _ = words.translations.gettext
    return _("{start} to {end}").format(start=words.time(booking.start), end=words.time(booking.end))


def name_of(space: BookableSpace, words: Formatter) -> str:
    """Return the name of a space in the reader's language."""
    return space.names.get(words.language) or space.name


def twice_notes(term: Term, words: Formatter) -> list[str]:
    """Return which of two times is booked, where the clocks show one twice on that day."""
    text = words.translations.gettext(
        "On this day the clocks are put back and show {time} twice. The first is meant."
    )
    moments = [moment for moment in (term.start, term.end) if comes_twice(moment, words.zone)]
    return [text.format(time=words.time(moment)) for moment in moments]


def offer_texts(offers: Sequence[Offer], words: Formatter) -> list[OfferText]:
    """Return offers in words."""
    _ = words.translations.gettext
    texts = []
    for offer in offers:
        choice = offer.choice
        name = name_of(choice.space, words)
        if not choice.whole:
            name = _("{space}: {parts}").format(space=name, parts=", ".join(choice.part_names))
        label = _("Book {space}, {start} to {end}").format(
            space=name, start=words.time(choice.term.start), end=words.time(choice.term.end)
        )
        parts = "" if choice.whole else " ".join(map(str, choice.parts))
        texts.append(OfferText(offer, name, _reasons(offer, words), label, parts, str(uuid4())))
    return texts


def _reasons(offer: Offer, words: Formatter) -> list[str]:
    _, ngettext = words.translations.gettext, words.translations.ngettext
    choice = offer.choice
    room = ngettext("Room for {n} person", "Room for {n} people", choice.room).format(n=choice.room)
    later = "" if choice.free_until is None else _later(choice.free_until, choice.term, words)
    sentences = {
        "smallest": _("the smallest that fits"),
        "free-now": _("nobody is there now"),
        "in-use-now": _("in use right now"),
        "not-known-now": _("not known whether it is in use now"),
        "free-until": _("booked again at {time}").format(time=later),
        "free-all-day": _("nothing is booked after it for a day"),
    }
    return [room, *(sentences[reason] for reason in offer.reasons)]


def _later(moment: datetime, term: Term, words: Formatter) -> str:
    """Return a time after a term, with its day where it is another than that of the term's end."""
    same_day = moment.astimezone(words.zone).date() == term.end.astimezone(words.zone).date()
    return words.time(moment) if same_day else words.clock(moment)


async def door_lines(conn: AsyncConnection[Any], space_id: str, words: Formatter) -> list[str]:
    """Return what is booked of a space now and next, as everybody may read it at its door."""
    current, following = await read_model.now_and_next(conn, space_id, words.now)
    lines = [
        line
        for booking in current
        for line in (_current(booking, words), release_line(booking, words))
        if line
    ]
    if following is not None:
        lines.append(_following(following, words))
    return lines


def _current(booking: Booking, words: Formatter) -> str:
    _ = words.translations.gettext
    time, title = words.clock(booking.end), booking.title_for(PUBLIC_READER)
    if not booking.whole and booking.part_names:
        parts = ", ".join(booking.part_names)
        text = _("{parts} booked until {time}: {title}") if title else _("{parts} booked until {time}")
        return text.format(parts=parts, time=time, title=title)
    text = _("Booked until {time}: {title}") if title else _("Booked until {time}")
    return text.format(time=time, title=title)


def release_line(booking: Booking, words: Formatter) -> str:
    """Return when a booking is released if nobody comes; empty where it is not, or that time has passed."""
    _ = words.translations.gettext
    if booking.release_at is None or booking.release_at <= words.now or booking.cancelled_at is not None:
        return ""
    return _("If nobody comes, it is released at {time}.").format(time=words.clock(booking.release_at))


def _following(booking: Booking, words: Formatter) -> str:
    _ = words.translations.gettext
    time, title = words.clock(booking.start), booking.title_for(PUBLIC_READER)
    text = _("Next: {time}, {title}") if title else _("Next: {time}")
    return text.format(time=time, title=title)
