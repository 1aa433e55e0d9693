"""The muster in words: people by space, badges and sensors compared, progress of the officers."""

import hashlib
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC
from typing import Final

from hubwell.api.evacuation_view import EvacuationView
from hubwell.evacuation.read_model import ClosedDrill, Place, RollEntry
from hubwell.evacuation.rules import Reconciled, State
from hubwell.web.evacuation.chosen import plain
from hubwell.web.evacuation.sensor_text import reconciled, sensed_now
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
    is_visitor: bool


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
    waiting: int
    """Number of people who are not ticked off yet, and are marked safe with one press."""
    together: "Together | None"


@dataclass(frozen=True, slots=True)
class Together:
    """People of a space who were marked safe with one press, which can be taken back."""

    said: str
    at: str


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
    count: str
    """The same as two numbers."""
    whole: str | None
    """The progress of the whole hub, where one zone is shown."""
    missing: str | None
    unseen: str | None
    """People without a badge, counted by sensors at the start."""
    names: str
    """Whether names are shown, and why."""
    zones: list[ZonePart]
    choices: list[tuple[str, str]]
    """Zones to choose from: their key and what they are called."""
    hits: int | None
    """Number of people that the search found; None without one."""
    version: str


def sheet(
    view: EvacuationView, words: Formatter, *, zone: str | None = None, left: bool = False, search: str = ""
) -> Sheet:
    """Put the open muster into words: all of it, one zone, or only who is not accounted for or searched."""
    people = [item for item in view.people if zone is None or item.zone == zone]
    places = [place for place in view.places if zone is None or place.zone == zone]
    zones = [
        _zone(view, name, [place for place in places if place.zone == name], words, left=left)
        for name in sorted({place.zone for place in places})
    ]
    if search:
        zones = [part for part in (_searched(part, plain(search)) for part in zones) if part.spaces]
    return Sheet(
        title=_title(view, words),
        progress=_progress_of_all(people, words),
        count=_count(people, words),
        whole=None if zone is None else _whole(view.people, words),
        missing=_missing(people, words),
        unseen=_unseen(view, zone, words),
        names=_names(view, words),
        zones=zones,
        hits=sum(len(space.rows) for part in zones for space in part.spaces) if search else None,
        choices=[(name, zone_name(name, words)) for name in sorted({p.zone for p in view.places})],
        version=_version(view),
    )


def _searched(part: ZonePart, wanted: str) -> ZonePart:
    """Return the people of a zone whose name, or whose space, holds a text."""
    spaces = []
    for space in part.spaces:
        rows = [row for row in space.rows if wanted in plain(f"{row.who} {space.name}")]
        if rows:
            spaces.append(replace(space, rows=rows))
    return replace(part, spaces=spaces)


def spaces_to_choose(view: EvacuationView, zone: str | None) -> list[tuple[str, str]]:
    """Return id and name of the spaces where a visitor may have been, those of the zone first."""
    places = sorted(view.places, key=lambda place: place.zone != zone)
    return [(place.id, f"{place.name}, {place.zone}" if place.zone else place.name) for place in places]


def _count(people: list[RollEntry], words: Formatter) -> str:
    return words.translations.gettext("{done} of {n}").format(done=_safe(people), n=len(people))


def _whole(people: list[RollEntry], words: Formatter) -> str:
    sentence = words.translations.ngettext(
        "In the whole hub: {done} of {n} person", "In the whole hub: {done} of {n} people", len(people)
    )
    return sentence.format(done=_safe(people), n=len(people))


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
        waiting=sum(item.state is State.EXPECTED for item in there),
        together=_together(there, words),
    )


def _together(people: list[RollEntry], words: Formatter) -> Together | None:
    """Return the newest press that marked several people of a space at one time."""
    times = Counter(item.changed_at for item in people if item.state is State.SAFE and item.changed_at)
    newest = max((at for at, number in times.items() if number > 1), default=None)
    if newest is None:
        return None
    sentence = words.translations.ngettext(
        "{n} person was marked safe together at {time}.",
        "{n} people were marked safe together at {time}.",
        times[newest],
    )
    newest_sentence = sentence.format(n=times[newest], time=words.clock(newest))
    return Together(newest_sentence, newest.astimezone(UTC).isoformat())


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
        since=_since(item, words) if names or item.is_visitor else None,
        is_visitor=item.is_visitor,
    )


def _since(item: RollEntry, words: Formatter) -> str:
    _ = words.translations.gettext
    time = words.clock(item.since)
    if item.is_visitor:
        return _("Visitor, entered at {time}.").format(time=time)
    return _("Tapped in at {time}.").format(time=time)


def _who(item: RollEntry, number: int, words: Formatter, *, names: bool) -> str:
    _ = words.translations.gettext
    if item.is_visitor and not item.name:
        return _("Visitor {n}").format(n=number)
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
        (p.id, p.sensed.somebody, p.sensed.left, p.sensed.people, p.sensed.provenance, p.reader_away_since)
        for p in view.places
    ]
    what = repr((view.muster.id, view.muster.kind, view.names, view.people, places))
    return hashlib.sha256(what.encode()).hexdigest()[:16]
