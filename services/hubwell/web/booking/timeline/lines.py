"""The lines of the timeline: each space, and each part of a space that has parts, with its day or week."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, time
from typing import Literal

from hubwell.booking.free_time import Held, gaps, open_terms
from hubwell.booking.local_time import as_local, day_bounds
from hubwell.booking.read_model import Booking, Reader
from hubwell.booking.rules import BookableSpace, Term
from hubwell.web.booking.form import address_of
from hubwell.web.booking.text import name_of
from hubwell.web.booking.timeline.scale import Scale
from hubwell.web.kit.formatting import Formatter

Kind = Literal["booking", "partly", "prepare", "closed", "free"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """A stretch of a track. `at` are the classes of its place, `when` its time in words."""

    kind: Kind
    at: str
    start: datetime
    end: datetime
    when: str = ""
    title: str = ""
    detail: str = ""
    href: str = ""
    booking: Booking | None = None
    is_own: bool = False
    can_move: bool = False


@dataclass(frozen=True, slots=True)
class Line:
    """A space, or a part of one, with one track for each day. `place` names it in the form that moves."""

    place: str
    space_id: str
    name: str
    part: str
    hours: str
    tracks: list[list[Block]]

    @property
    def full_name(self) -> str:
        """The name with that of the part."""
        return f"{self.name}: {self.part}" if self.part else self.name


@dataclass(frozen=True, slots=True)
class Wish:
    """Which spaces and bookings are shown."""

    kind: str = ""
    people: int = 0
    mine: bool = False


@dataclass(frozen=True, slots=True)
class Viewer:
    """Who looks, in which words."""

    reader: Reader
    words: Formatter


def lines_of(
    spaces: Sequence[BookableSpace],
    held: Iterable[Held],
    scales: Sequence[Scale],
    viewer: Viewer,
    wish: Wish,
) -> list[Line]:
    """Return the lines that fit a wish, in the order of the board."""
    by_space: dict[str, list[Held]] = defaultdict(list)
    for each in held:
        by_space[each.booking.space_id].append(each)
    lines: list[Line] = []
    for space in spaces:
        if wish.kind and space.kind != wish.kind:
            continue
        of_space = list(_lines_of_space(space, by_space[space.id], scales, viewer))
        if wish.mine:
            of_space = _kept(of_space, [line for line in of_space if _has_own(line)])
        if wish.people:
            of_space = _kept(of_space, [line for line in of_space if _is_free_for(line, space, wish.people)])
        lines += of_space
    return lines


def _lines_of_space(
    space: BookableSpace, held: Sequence[Held], scales: Sequence[Scale], viewer: Viewer
) -> Iterator[Line]:
    name, hours = name_of(space, viewer.words), hours_text(space, viewer.words)
    tracks = [list(_track(space, (), held, scale, viewer)) for scale in scales]
    yield Line(space.id, space.id, name, "", hours, tracks)
    if len(space.parts) == 1:
        return
    for part in space.parts:
        of_part = [each for each in held if part.id in each.booking.parts]
        tracks = [list(_track(space, (part.id,), of_part, scale, viewer)) for scale in scales]
        yield Line(f"{space.id}:{part.id}", space.id, name, part.name, "", tracks)


def _track(
    space: BookableSpace, parts: tuple[int, ...], held: Sequence[Held], scale: Scale, viewer: Viewer
) -> Iterator[Block]:
    """Yield what a track shows, in the order of time."""
    words = viewer.words
    day = Term(*day_bounds(scale.day, words.zone))
    within = [each for each in held if each.until > scale.start and each.booking.start < scale.end]
    shown = Term(max(scale.start, day.start), min(scale.end, day.end))
    open_time = open_terms(space, scale.day, shown, words.zone)
    taken = [Term(each.booking.start, each.until) for each in held]
    blocks = [*_closed(open_time, scale)]
    free = gaps(open_time, taken, space.turnaround, words.now)
    blocks += [_free(space, parts, gap, scale, words) for gap in free]
    whole = [each for each in within if parts or each.booking.whole]
    blocks += [_booked(each.booking, scale, viewer) for each in whole]
    blocks += [_prepared(each, scale, words) for each in whole if each.until > each.booking.end]
    partly = [each.booking for each in within if not parts and not each.booking.whole]
    blocks += _partly(partly, scale, words)
    yield from sorted((block for block in blocks if block.at), key=lambda block: (block.start, block.end))


def _closed(open_time: Sequence[Term], scale: Scale) -> Iterator[Block]:
    reached = scale.start
    for term in [*open_time, Term(scale.end, scale.end)]:
        if reached < term.start:
            place = scale.place(reached, term.start)
            yield Block(kind="closed", at=place, start=reached, end=term.start)
        reached = term.end


def _free(space: BookableSpace, parts: tuple[int, ...], gap: Term, scale: Scale, words: Formatter) -> Block:
    _ = words.translations.gettext
    return Block(
        kind="free",
        at=scale.place(gap.start, gap.end),
        start=gap.start,
        end=gap.end,
        title=_("Book from {time}").format(time=_clock(gap.start, words)),
        href=address_of(space, parts, gap, words.zone),
    )


def _booked(booking: Booking, scale: Scale, viewer: Viewer) -> Block:
    _ = viewer.words.translations.gettext
    details = ["" if booking.whole else ", ".join(booking.part_names), booking.owner_name]
    return Block(
        kind="booking",
        at=scale.place(booking.start, booking.end),
        start=booking.start,
        end=booking.end,
        when=_when(booking.start, booking.end, viewer.words),
        title=booking.title_for(viewer.reader) or _("Booked"),
        detail=" · ".join(detail for detail in details if detail),
        href=f"/bookings/{booking.id}",
        booking=booking,
        is_own=bool(viewer.reader.actor) and booking.owner == viewer.reader.actor,
        can_move=booking.may_change(viewer.reader) and booking.end > viewer.words.now,
    )


def _prepared(each: Held, scale: Scale, words: Formatter) -> Block:
    _ = words.translations.gettext
    start, end = each.booking.end, each.until
    title = _("Prepared until {time}").format(time=_clock(end, words))
    return Block(kind="prepare", at=scale.place(start, end), start=start, end=end, title=title)


def _partly(bookings: Iterable[Booking], scale: Scale, words: Formatter) -> Iterator[Block]:
    """Yield when some parts of a space are booked, each time once."""
    _ = words.translations.gettext
    merged: list[Term] = []
    for booking in bookings:
        if merged and booking.start <= merged[-1].end:
            merged[-1] = replace(merged[-1], end=max(merged[-1].end, booking.end))
        else:
            merged.append(Term(booking.start, booking.end))
    for term in merged:
        yield Block(
            kind="partly",
            at=scale.place(term.start, term.end),
            start=term.start,
            end=term.end,
            when=_when(term.start, term.end, words),
            title=_("Partly booked"),
        )


def _when(start: datetime, end: datetime, words: Formatter) -> str:
    _ = words.translations.gettext
    return _("{start} to {end}").format(start=_clock(start, words), end=_clock(end, words))


def _clock(moment: datetime, words: Formatter) -> str:
    return as_local(moment, words.zone).partition("T")[2]


def hours_text(space: BookableSpace, words: Formatter) -> str:
    """Return the opening hours of a space in words; empty without stated ones."""
    if space.opens_at is None and space.closes_at is None:
        return ""
    _ = words.translations.gettext
    opens, closes = space.opens_at or time.min, space.closes_at or time.min
    return _("Open {start} to {end}").format(start=f"{opens:%H:%M}", end=f"{closes:%H:%M}")


def _kept(of_space: list[Line], fitting: list[Line]) -> list[Line]:
    """Return the lines that fit, below that of the whole space, which names it."""
    return fitting if not fitting or fitting[0] is of_space[0] else [of_space[0], *fitting]


def _has_own(line: Line) -> bool:
    return any(block.is_own for track in line.tracks for block in track)


def _is_free_for(line: Line, space: BookableSpace, people: int) -> bool:
    _whole, _sign, part = line.place.partition(":")
    room = space.room_for([int(part)] if part else [each.id for each in space.parts])
    return room >= people and any(block.kind == "free" for track in line.tracks for block in track)
