"""The muster in words: people by space, badges and sensors compared, progress of the officers."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from hubwell.api.evacuation_view import EvacuationView
from hubwell.evacuation.read_model import ClosedDrill, Place, RollEntry
from hubwell.evacuation.rules import Finding, Provenance, Reconciled, Sensed, State
from hubwell.web.kit.formatting import Formatter

_A_MINUTE_S: Final = 60


@dataclass(frozen=True, slots=True)
class Row:
    """One person on the list."""

    id: int
    who: str
    state: State
    said: str
    """What is known of them, in words."""
    marks: list[str]
    since: str | None


@dataclass(frozen=True, slots=True)
class SpacePart:
    """One space: its people, and and badges and sensors, at the start and now."""

    id: str
    name: str
    start: str | None
    now: str
    away: str | None
    """That a reader there is away, so that taps may be missing."""
    rows: list[Row]


@dataclass(frozen=True, slots=True)
class ZonePart:
    """One zone with its spaces."""

    zone: str
    title: str
    progress: str
    done: bool
    spaces: list[SpacePart]


@dataclass(frozen=True, slots=True)
class Sheet:
    """The open muster as one page shows it."""

    title: str
    progress: str
    missing: str | None
    unseen: str | None
    """People without a badge, counted by sensors at the start."""
    names: str
    """Whether names are shown, and why."""
    zones: list[ZonePart]
    choices: list[tuple[str, str]]
    """Zones to choose from: their key and what they are called."""
    version: str


def sheet(view: EvacuationView, words: Formatter, *, zone: str | None = None, left: bool = False) -> Sheet:
    """Put the open muster into words: all of it, or one zone, or only who is not accounted for."""
    people = [item for item in view.people if zone is None or item.zone == zone]
    places = [place for place in view.places if zone is None or place.zone == zone]
    return Sheet(
        title=_title(view, words),
        progress=_progress_of_all(people, words),
        missing=_missing(people, words),
        unseen=_unseen(view, zone, words),
        names=_names(view, words),
        zones=[
            _zone(view, name, [place for place in places if place.zone == name], words, left=left)
            for name in sorted({place.zone for place in places})
        ],
        choices=[(name, zone_name(name, words)) for name in sorted({p.zone for p in view.places})],
        version=_version(view),
    )


def _title(view: EvacuationView, words: Formatter) -> str:
    _ = words.translations.gettext
    time = words.clock(view.muster.opened_at)
    if view.muster.kind == "alarm":
        return _("Evacuation since {time}").format(time=time)
    return _("Drill since {time}").format(time=time)


def _names(view: EvacuationView, words: Formatter) -> str:
    _ = words.translations.gettext
    if view.muster.kind == "alarm":
        return _("Names are shown because this is an evacuation. Every view of them is recorded.")
    if view.names_until is not None:
        return _("Two people agreed to show names until {time}. Every view of them is recorded.").format(
            time=words.clock(view.names_until)
        )
    return _(
        "This is a drill, so people are shown as numbers. "
        "To see names, one person asks and another one agrees."
    )


def zone_name(zone: str, words: Formatter) -> str:
    """Return what a zone is called."""
    _ = words.translations.gettext
    return zone or _("Without a zone")


def _progress_of_all(people: list[RollEntry], words: Formatter) -> str:
    ngettext = words.translations.ngettext
    sentence = ngettext(
        "{done} of {n} person is accounted for", "{done} of {n} people are accounted for", len(people)
    )
    return sentence.format(done=_safe(people), n=len(people))


def _missing(people: list[RollEntry], words: Formatter) -> str | None:
    number = sum(item.state is State.MISSING for item in people)
    if not number:
        return None
    sentence = words.translations.ngettext("{n} person is missing.", "{n} people are missing.", number)
    return sentence.format(n=number)


def _unseen(view: EvacuationView, zone: str | None, words: Formatter) -> str | None:
    """Return the sentence about people that only sensors counted at the start: they cannot be ticked off."""
    start = view.muster.start.start
    number = sum(space.without_badge for space in start if zone is None or space.zone == zone)
    if not number:
        return None
    sentence = words.translations.ngettext(
        "At least {n} person was inside without a badge at the start.",
        "At least {n} people were inside without a badge at the start.",
        number,
    )
    return sentence.format(n=number)


def _safe(people: Iterable[RollEntry]) -> int:
    return sum(item.state is State.SAFE for item in people)


def _zone(view: EvacuationView, zone: str, places: list[Place], words: Formatter, *, left: bool) -> ZonePart:
    people = [item for item in view.people if item.zone == zone]
    starts = {space.space_id: space.reconciled() for space in view.muster.start.start}
    spaces = [_space(view, place, starts.get(place.id), words, left=left) for place in places]
    return ZonePart(
        zone=zone,
        title=zone_name(zone, words),
        progress=_zone_progress(zone, people, words),
        done=bool(people) and _safe(people) == len(people),
        spaces=sorted(spaces, key=lambda space: not space.rows),
    )


def _zone_progress(zone: str, people: list[RollEntry], words: Formatter) -> str:
    _, ngettext = words.translations.gettext, words.translations.ngettext
    name = zone_name(zone, words)
    if not people:
        return _("Nobody tapped in there: {zone}").format(zone=name)
    sentence = ngettext(
        "{done} of {n} person accounted for in {zone}",
        "{done} of {n} people accounted for in {zone}",
        len(people),
    )
    return sentence.format(done=_safe(people), n=len(people), zone=name)


def _space(
    view: EvacuationView, place: Place, start: Reconciled | None, words: Formatter, *, left: bool
) -> SpacePart:
    there = [item for item in view.people if item.space_id == place.id]
    rows = [_row(item, number, words, names=view.names) for number, item in enumerate(there, 1)]
    return SpacePart(
        id=place.id,
        name=place.name,
        start=None if start is None else reconciled(start, words),
        now=sensed_now(place.sensed, words),
        away=_away(place, words),
        rows=[row for row in rows if not left or row.state is not State.SAFE],
    )


def _away(place: Place, words: Formatter) -> str | None:
    _ = words.translations.gettext
    if place.reader_away_since is None:
        return None
    return _("The badge reader is away since {time}: taps may be missing.").format(
        time=words.clock(place.reader_away_since)
    )


def _row(item: RollEntry, number: int, words: Formatter, *, names: bool) -> Row:
    _ = words.translations.gettext
    return Row(
        id=item.id,
        who=_who(item, number, words, names=names),
        state=item.state,
        said=_state(item, words),
        marks=_marks(item, words),
        since=_("Tapped in at {time}.").format(time=words.clock(item.since)) if names else None,
    )


def _who(item: RollEntry, number: int, words: Formatter, *, names: bool) -> str:
    _ = words.translations.gettext
    if item.erased:
        return _("Person {n}, data erased").format(n=number)
    if not names:
        return _("Person {n}").format(n=number)
    if item.name:
        return item.name
    return item.label or _("Person {n}, no name known").format(n=number)


def _state(item: RollEntry, words: Formatter) -> str:
    _ = words.translations.gettext
    if item.state is State.EXPECTED or item.changed_at is None:
        return _("Not accounted for")
    time = words.clock(item.changed_at)
    if item.state is State.SAFE:
        return _("Safe since {time}").format(time=time)
    return _("Missing since {time}").format(time=time)


def _marks(item: RollEntry, words: Formatter) -> list[str]:
    _ = words.translations.gettext
    marks = []
    if item.late:
        marks.append(_("Tapped in after the start."))
    if item.now_in is not None:
        marks.append(_("Badge since seen in {space}.").format(space=item.now_in))
    if item.left_at is not None:
        marks.append(_("Badge tapped out at {time}.").format(time=words.clock(item.left_at)))
    return marks


def sensed_now(found: Sensed, words: Formatter) -> str:
    """Return what sensors report now, with its source."""
    _, ngettext = words.translations.gettext, words.translations.ngettext
    estimated = found.provenance is Provenance.INFERRED
    if found.provenance is Provenance.MISSING:
        return _("Not known: no sensor here detects people.")
    if found.provenance is Provenance.STALE or found.somebody is None:
        if found.at is None:
            return _("Not known: the sensor is silent.")
        return _("Not known: the sensor is silent since {time}.").format(time=words.clock(found.at))
    if not found.somebody:
        return _("The sensor estimates: nobody.") if estimated else _("Nobody is sensed.")
    if not found.people:
        return _("The sensor estimates: somebody.") if estimated else _("Somebody is sensed.")
    if estimated:
        sentence = ngettext(
            "The sensor estimates {n} person.", "The sensor estimates {n} people.", found.people
        )
    else:
        sentence = ngettext(
            "The sensor counts about {n} person.", "The sensor counts about {n} people.", found.people
        )
    return sentence.format(n=found.people)


def reconciled(found: Reconciled, words: Formatter) -> str:
    """Compare badges and sensors, with the conclusion."""
    _, ngettext = words.translations.gettext, words.translations.ngettext
    if found.finding is Finding.WITHOUT_TAP and found.sensed.people is None:
        return _("Somebody is sensed where nobody has tapped in.")
    badges = ngettext("{n} badge.", "{n} badges.", found.badges).format(n=found.badges)
    follows = {
        Finding.FEWER_SENSED: _("Some may have left without tapping out."),
        Finding.NOBODY_SENSED: _("They may have left without tapping out."),
    }.get(found.finding)
    if found.without_badge:
        sentence = ngettext(
            "At least {n} person without a badge.",
            "At least {n} people without a badge.",
            found.without_badge,
        )
        follows = sentence.format(n=found.without_badge)
    return " ".join(part for part in (badges, sensed_now(found.sensed, words), follows) if part)


def duration(seconds: int | None, words: Formatter) -> str:
    """Return a duration in words."""
    _, ngettext = words.translations.gettext, words.translations.ngettext
    if seconds is None:
        return _("Nobody was ticked off")
    if seconds < _A_MINUTE_S:
        return ngettext("{n} second", "{n} seconds", seconds).format(n=seconds)
    minutes = round(seconds / _A_MINUTE_S)
    return ngettext("{n} minute", "{n} minutes", minutes).format(n=minutes)


def kind(closed: ClosedDrill, words: Formatter) -> str:
    """Return the kind of a closed muster: evacuation or drill."""
    _ = words.translations.gettext
    if closed.report.began_as_drill:
        return _("Evacuation that began as a drill")
    return _("Evacuation") if closed.kind == "alarm" else _("Drill")


def _version(view: EvacuationView) -> str:
    """Return a word that changes with the list; the age of a fresh value does not change it."""
    places = [
        (p.id, p.sensed.somebody, p.sensed.people, p.sensed.provenance, p.reader_away_since)
        for p in view.places
    ]
    what = repr((view.muster.id, view.muster.kind, view.names, view.people, places))
    return hashlib.sha256(what.encode()).hexdigest()[:16]
