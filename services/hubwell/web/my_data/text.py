"""A person's own visits in words: day by day, how long, and how each ended."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from itertools import groupby

from hubwell.privacy.personal_data import OwnVisit
from hubwell.web.kit.formatting import Formatter


@dataclass(frozen=True, slots=True)
class VisitText:
    """One visit as the page shows it."""

    id: int
    space: str
    when: str
    how: str
    estimated: bool
    lasts: bool


@dataclass(frozen=True, slots=True)
class DayText:
    """The visits of one day, the latest first."""

    day: str
    visits: list[VisitText]


def as_days(words: Formatter, visits: Iterable[OwnVisit]) -> list[DayText]:
    """Put visits into words, grouped by the day on which they began, in the order in which they come."""
    return [
        DayText(day, [_visit_text(words, visit) for visit in of_day])
        for day, of_day in groupby(visits, key=lambda visit: words.date(visit.start))
    ]


def _visit_text(words: Formatter, visit: OwnVisit) -> VisitText:
    return VisitText(
        id=visit.id,
        space=visit.space,
        when=_when(words, visit),
        how=_how(words, visit),
        estimated=visit.ended_by == "inferred",
        lasts=visit.end is None,
    )


def _when(words: Formatter, visit: OwnVisit) -> str:
    _ = words.translations.gettext
    start = words.time(visit.start)
    if visit.end is None:
        return _("since {start}").format(start=start)
    end = words.time(visit.end)
    if words.date(visit.start) != words.date(visit.end):
        end = _("{day}, {time}").format(day=words.day(visit.end), time=end)
    if visit.end - visit.start < timedelta(minutes=1):
        return _("at {start}, for less than a minute").format(start=start)
    return _("{start} to {end}").format(start=start, end=end)


def _how(words: Formatter, visit: OwnVisit) -> str:
    _ = words.translations.gettext
    return {
        None: _("You are checked in."),
        "tap": _("You checked out."),
        "moved": _("You moved to another space."),
        "inferred": _("You were not checked out: the end is estimated."),
        "corrected": _("You entered when you left."),
    }[visit.ended_by]
