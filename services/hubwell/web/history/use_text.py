"""The use of all spaces in a week, in words: rows, sums, the busiest hours, what was never used."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta

from hubwell.history.read_model import HubUse, SpaceUse, Week
from hubwell.history.rules import STEPS_OF_HOUR
from hubwell.vocabulary import SpaceKind
from hubwell.web.kit.formatting import Formatter

_LEVELS = 5


@dataclass(frozen=True, slots=True)
class UseRow:
    """A space, a zone or a kind: hours, shares in percent, and people where the gate published a number."""

    id: str | None
    name: str
    used: int
    free: int
    unknown: int
    share: int | None
    before: int | None
    stuffy: int | None
    """Hours with CO2 at the limit of the rule or above; None where air was not measured."""
    people: int | None = None

    @property
    def change(self) -> int | None:
        """Percentage points more than in the weeks before; None where one of them is not known."""
        return None if self.share is None or self.before is None else self.share - self.before


@dataclass(frozen=True, slots=True)
class BookedRow:
    """A space: booked hours, what sensors saw in them, and hours in use without a booking."""

    id: str
    name: str
    booked: int
    used: int
    empty: int
    unknown: int
    share: int | None
    unbooked: int


@dataclass(frozen=True, slots=True)
class UsePage:
    """Everything that the page shows."""

    finding: str
    spaces: list[UseRow]
    booked: list[BookedRow]
    zones: list[UseRow]
    kinds: list[UseRow]
    never: list[str]
    busiest: str
    days: list[str]
    hours: list[tuple[str, list[tuple[str, int]]]]
    """Time, and of each day the spaces in use on average with a tint."""


def use_page(use: HubUse, words: Formatter, opens: int, closes: int) -> UsePage:
    """Put the week into words."""
    _ = words.translations.gettext
    kinds = {
        SpaceKind.WORKSHOP: _("Workshops"),
        SpaceKind.COLLABORATION: _("Collaboration"),
        SpaceKind.RELAXATION: _("Relaxation"),
    }
    return UsePage(
        _finding(use, words),
        [_row(space.name, [space], space.id) for space in use.spaces],
        [_booked_row(space) for space in use.spaces],
        _groups(use.spaces, lambda space: space.zone or _("Without a zone")),
        _groups(use.spaces, lambda space: kinds[SpaceKind(space.kind)]),
        [space.name for space in use.spaces if space.week.known and not space.week.used],
        _busiest(use, words),
        [words.weekday(day) for day in range(1, 8)],
        [
            (f"{hour:02}:00", [_cell(use.busy.get((day, hour), 0), len(use.spaces)) for day in range(1, 8)])
            for hour in range(opens, closes)
        ],
    )


def _groups(spaces: Sequence[SpaceUse], name_of: Callable[[SpaceUse], str]) -> list[UseRow]:
    groups: dict[str, list[SpaceUse]] = {}
    for space in spaces:
        groups.setdefault(name_of(space), []).append(space)
    return [_row(name, of_group) for name, of_group in groups.items()]


def _row(name: str, spaces: Sequence[SpaceUse], space_id: str | None = None) -> UseRow:
    weeks = [space.week for space in spaces]
    measured = [week for week in weeks if week.air_known]
    return UseRow(
        space_id,
        name,
        _hours(sum(week.used for week in weeks)),
        _hours(sum(week.free for week in weeks)),
        _hours(sum(week.unknown for week in weeks)),
        _share(weeks),
        _share([week for space in spaces for week in space.before]),
        _hours(sum(week.air_raised for week in measured)) if measured else None,
        spaces[0].people if space_id is not None else None,
    )


def _booked_row(space: SpaceUse) -> BookedRow:
    booked = space.booked
    return BookedRow(
        space.id,
        space.name,
        _hours(booked.steps),
        _hours(booked.used),
        _hours(booked.empty),
        _hours(booked.unknown),
        None if booked.share is None else round(100 * booked.share),
        _hours(booked.used_unbooked),
    )


def _hours(steps: int) -> int:
    return round(steps / STEPS_OF_HOUR)


def _share(weeks: Sequence[Week]) -> int | None:
    known_steps = sum(week.known for week in weeks)
    return round(100 * sum(week.used for week in weeks) / known_steps) if known_steps else None


def _finding(use: HubUse, words: Formatter) -> str:
    _ = words.translations.gettext
    share = _share([space.week for space in use.spaces])
    before = _share([week for space in use.spaces for week in space.before])
    if share is None:
        return _("It is not known how much the spaces were used in this week.")
    if before is None:
        return _("The spaces were in use for {share} % of the known time.").format(share=share)
    return _(
        "The spaces were in use for {share} % of the known time, against {before} % in the four weeks before."
    ).format(share=share, before=before)


def _busiest(use: HubUse, words: Formatter) -> str:
    _ = words.translations.gettext
    if not any(use.busy.values()):
        return _("No space was seen in use.")
    day, hour = max(use.busy, key=lambda key: use.busy[key])
    return _("Busiest hour: {day}, {start}, with about {spaces} of {all} spaces in use.").format(
        day=words.weekday(day),
        start=f"{hour:02}:00",
        spaces=words.number(use.busy[day, hour] / STEPS_OF_HOUR, ".1f"),
        all=len(use.spaces),
    )


def _cell(steps: int, spaces: int) -> tuple[str, int]:
    in_use = steps / STEPS_OF_HOUR
    level = min(int(in_use / max(spaces, 1) * _LEVELS + 0.999), _LEVELS)
    return f"{in_use:.1f}" if 0 < in_use < 10 else f"{in_use:.0f}", level  # noqa: PLR2004 (two digits)


def week_name(use: HubUse, words: Formatter) -> tuple[str, str]:
    """Return the first and the last day of the week."""
    first = words.noon(use.monday)
    return words.date(first), words.date(first + timedelta(days=6))
