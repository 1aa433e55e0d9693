"""The opened muster as text for officers and as JSON for programs.

Text is in the hub's language and local time with the names of spaces, as far as the sealed list carries them:
lists of an older server are in English and UTC, with the ids of spaces. JSON has ids and UTC in all cases.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, tzinfo
from typing import Any, Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from hubwell_edge.clock import to_ms, to_rfc3339
from hubwell_edge.muster.opening import OpenedMuster, PersonInside
from hubwell_edge.taps.self_check import age_in_units
from hubwell_wire.commands import MusterSnapshot

_ENGLISH: Final = {
    "title": "List of {time} ({zone}), {age}: probably inside",
    "age": "{age} old",
    "age_unknown": "of unknown age: the clock of this device is behind",
    "no_zone": "No zone",
    "person": "{name}, {space}, since {time}",
    "later": "tapped in here later",
    "total": "In all {n}; {gone} went out here after the list was made.",
    "no_own_taps": "The taps at this door could not be read: later comings and goings are not in this list.",
    "nameless": "And {n} who tapped in here later with badges that the list does not know.",
}


class _Sheet:
    """Sentences and times of one list."""

    def __init__(self, snapshot: MusterSnapshot) -> None:
        self._texts = _ENGLISH | snapshot.texts
        self._spaces = snapshot.spaces
        self.zone = _time_zone(snapshot.zone)

    def text(self, name: str, /, **values: object) -> str:
        """Return a sentence with its values; `str.format` would read attributes that a text names."""
        text = self._texts[name]
        for key, value in values.items():
            text = text.replace(f"{{{key}}}", str(value))
        return text

    def time(self, moment: datetime) -> str:
        return f"{moment.astimezone(self.zone):%Y-%m-%d %H:%M}"

    def person(self, person: PersonInside) -> str:
        space = self._spaces.get(person.space, person.space) or "-"
        line = self.text("person", time=self.time(person.since), space=space, name=person.name)
        return f"  [ ] {line}" + (f" ({self.text('later')})" if person.later else "")


def as_text(opened: OpenedMuster, now: datetime) -> Iterator[str]:
    """Yield the list as lines of text: its age, then the people by zone."""
    sheet, at = _Sheet(opened.snapshot), opened.snapshot.at
    age = age_in_units(now - at)
    phrase = sheet.text("age", age=age) if age else sheet.text("age_unknown")
    yield sheet.text("title", time=sheet.time(at), zone=sheet.zone, age=phrase)
    for zone, people in by_zone(opened.inside):
        yield ""
        yield f"{zone or sheet.text('no_zone')}: {len(people)}"
        yield from map(sheet.person, people)
    yield ""
    yield sheet.text("total", n=len(opened.inside), gone=opened.gone)
    if not opened.own_taps:
        yield sheet.text("no_own_taps")
    if opened.nameless:
        yield sheet.text("nameless", n=opened.nameless)


def as_json(opened: OpenedMuster, now: datetime) -> dict[str, Any]:
    """Return the list as JSON values."""
    at, spaces = opened.snapshot.at, opened.snapshot.spaces
    return {
        "at": to_rfc3339(to_ms(at)),
        "age_s": round((now - at).total_seconds()),
        "people": len(opened.inside),
        "gone": opened.gone,
        "nameless": opened.nameless,
        "own_taps": opened.own_taps,
        "zones": [
            {"zone": zone, "people": [_person_json(person, spaces) for person in people]}
            for zone, people in by_zone(opened.inside)
        ],
    }


def _person_json(person: PersonInside, spaces: dict[str, str]) -> dict[str, Any]:
    return {
        "name": person.name,
        "space": person.space,
        "space_name": spaces.get(person.space, ""),
        "since": to_rfc3339(to_ms(person.since)),
        "later": person.later,
    }


def by_zone(inside: Iterable[PersonInside]) -> list[tuple[str, list[PersonInside]]]:
    """Return the people of each zone, sorted by name."""
    zones: defaultdict[str, list[PersonInside]] = defaultdict(list)
    for person in inside:
        zones[person.zone].append(person)
    return [(zone, sorted(zones[zone], key=lambda p: (p.name.casefold(), p.since))) for zone in sorted(zones)]


def _time_zone(name: str) -> tzinfo:
    try:
        return ZoneInfo(name)
    except (
        ZoneInfoNotFoundError,
        ValueError,
        OSError,
    ):  # this device's database of zones may be older, or absent
        return UTC
