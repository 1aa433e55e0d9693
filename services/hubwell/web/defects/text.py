"""Defects in words: what is broken, since when, how often it was reported, and how it ended."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final
from uuid import UUID

from hubwell.defects.actions import Defect, OpenDefect
from hubwell.defects.rules import DefectKind
from hubwell.web.kit.formatting import Formatter

_OLD_AFTER: Final = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Line:
    """One defect of the list. `is_old`: open for a week or longer."""

    defect: Defect
    what: str
    since: str
    reported: str
    is_old: bool
    done: str


def kind_names(words: Formatter) -> dict[DefectKind, str]:
    """Return what each kind is called, in the order of panels and forms."""
    _ = words.translations.gettext
    return {
        DefectKind.ELECTRICITY: _("Lamp or socket"),
        DefectKind.FURNITURE: _("Furniture, door or window"),
        DefectKind.MACHINE: _("Machine or tool"),
        DefectKind.DISPLAY: _("Screen, projector or computer"),
        DefectKind.CLIMATE: _("Heating or air"),
        DefectKind.WATER: _("Water or toilet"),
        DefectKind.SENSOR: _("Sensor or badge reader"),
        DefectKind.OTHER: _("Something else"),
    }


def lines(defects: Sequence[Defect], words: Formatter, *, names: bool) -> tuple[list[Line], list[Line]]:
    """Return open and closed defects in words; with `names`, who marked them as done."""
    kinds = kind_names(words)
    every = [
        Line(
            defect=item,
            what=kinds[item.kind],
            since=words.clock(item.first_at),
            reported=_reported(item, words),
            is_old=words.now - item.first_at >= _OLD_AFTER,
            done=_done(item, words, names=names),
        )
        for item in defects
    ]
    still_open = [line for line in every if line.defect.closed_at is None]
    return still_open, [line for line in every if line.defect.closed_at is not None]


def of_space(defects: Sequence[OpenDefect], words: Formatter) -> list[tuple[UUID, str, str]]:
    """Return id, kind and since when, of the open defects of one space."""
    _ = words.translations.gettext
    kinds = kind_names(words)
    return [
        (item.id, kinds[item.kind], _("Since {time}.").format(time=words.clock(item.first_at)))
        for item in defects
    ]


def _reported(item: Defect, words: Formatter) -> str:
    _ = words.translations.gettext
    if item.reports == 1:
        return _("Once")
    sentence = words.translations.ngettext("{n} time, last {time}", "{n} times, last {time}", item.reports)
    return sentence.format(n=item.reports, time=words.clock(item.last_at))


def _done(item: Defect, words: Formatter, *, names: bool) -> str:
    _ = words.translations.gettext
    if item.closed_at is None:
        return ""
    time = words.clock(item.closed_at)
    if item.archived:
        return _("{time}, when the space was archived").format(time=time)
    if names and item.closed_by_name:
        return _("{time} by {name}").format(time=time, name=item.closed_by_name)
    return time
