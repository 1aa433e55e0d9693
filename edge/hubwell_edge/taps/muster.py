"""Opens the sealed muster of this device, for an evacuation with server and broker gone.

The private key is the exclusive or of two halves, so that no single officer can open it. What is opened is
brought up to date by the taps of this device's own door, printed, and never written anywhere.
"""

import sqlite3
from base64 import b64decode
from binascii import Error as NotBase64Error
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from pydantic import ValidationError

from hubwell_edge.clock import to_datetime, to_ms, to_rfc3339
from hubwell_edge.taps.files.muster_file import MusterFileError, load
from hubwell_edge.taps.files.roster import space_of
from hubwell_edge.taps.local_presence import Seen, read_since
from hubwell_edge.taps.self_check import age_in_words
from hubwell_wire.commands import Muster, MusterEntry, MusterSnapshot, RosterSpace

_KEY_DIGITS: Final = 64
HERE: Final = "tapped in here later"


@dataclass(frozen=True, slots=True)
class Inside:
    """One person who is probably inside, and whether this device saw them come after the list was made."""

    name: str
    zone: str
    space: str
    since: datetime
    later: bool = False


@dataclass(frozen=True, slots=True)
class Opened:
    """The list as of now. `nameless` counts later taps of badges that the list does not know.

    `own_taps` is False where this device's own taps could not be read: the list is then as old as it says.
    """

    at: datetime
    inside: tuple[Inside, ...]
    gone: int
    nameless: int
    own_taps: bool = True


def key_of(part_a: str, part_b: str) -> bytes:
    """Return the private key of two halves. Raises VaultError for a half that is none."""
    halves = [_half(which, part) for which, part in (("first", part_a), ("second", part_b))]
    if halves[0] == halves[1]:
        raise MusterFileError("both officers gave the same part: each has another one")
    return bytes(a ^ b for a, b in zip(*halves, strict=True))


def open_muster(folder: Path, part_a: str, part_b: str) -> Opened:
    """Open what this device keeps, and count in the taps at its own door. Raises VaultError."""
    muster = load(folder)
    if muster is None:
        raise MusterFileError(
            "this device keeps no muster: the server has sent none, or it is no muster station"
        )
    snapshot = _unsealed(muster, key_of(part_a, part_b))
    try:
        return merged(snapshot, read_since(folder, to_ms(snapshot.at)), space_of(folder))
    except sqlite3.Error:  # nothing may keep the list from being shown
        return replace(merged(snapshot, ()), own_taps=False)


def merged(snapshot: MusterSnapshot, later: Sequence[Seen], here: RosterSpace | None = None) -> Opened:
    """Return the list with later taps counted in: those who went out here, those who came in here.

    `here` is the space of this device's door, if it is known.
    """
    by_badge = {badge: entry for entry in (*snapshot.people, *snapshot.inside) for badge in entry.badges}
    last: dict[str, Seen] = {}
    nameless: dict[str, Seen] = {}
    for seen in sorted(later, key=lambda seen: seen.at.wall_ms):
        entry = by_badge.get(seen.badge)
        if entry is None:
            nameless[seen.badge] = seen
        else:
            last[_key(entry)] = seen
    was_inside = {_key(entry) for entry in snapshot.inside}
    stayed = [entry for entry in snapshot.inside if _key(entry) not in last or last[_key(entry)].inside]
    came = {_key(e): e for e in snapshot.people if _key(e) in last and last[_key(e)].inside}
    newcomers = [_here_now(entry, last[key], here) for key, entry in came.items() if key not in was_inside]
    people = [
        _here_now(entry, last[_key(entry)], here) if _moved_here(entry, last, here) else _as_listed(entry)
        for entry in stayed
    ]
    return Opened(
        at=snapshot.at,
        inside=(*people, *newcomers),
        gone=len(snapshot.inside) - len(stayed),
        nameless=sum(seen.inside for seen in nameless.values()),
    )


def in_words(opened: Opened, now: datetime) -> Iterator[str]:
    """Yield the list as lines: how old it is, then zone by zone."""
    yield f"List of {to_rfc3339(to_ms(opened.at))} ({age_in_words(now - opened.at)}): probably inside"
    for zone, people in by_zone(opened.inside):
        yield ""
        yield f"{zone or 'No zone'}: {len(people)}"
        for person in people:
            since = to_rfc3339(to_ms(person.since))[:16].replace("T", " ")
            where = f", {person.space}" if person.space else ""
            note = f" ({HERE})" if person.later else ""
            yield f"  [ ] {person.name}{where}, since {since} UTC{note}"
    yield ""
    yield f"In all {len(opened.inside)}; {opened.gone} went out here after the list was made."
    if not opened.own_taps:
        yield "The taps at this door could not be read: later comings and goings are not in this list."
    if opened.nameless:
        yield f"And {opened.nameless} who tapped in here later with badges that the list does not know."


def as_json(opened: Opened, now: datetime) -> dict[str, Any]:
    """Return the list for programs."""
    return {
        "at": to_rfc3339(to_ms(opened.at)),
        "age_s": round((now - opened.at).total_seconds()),
        "people": len(opened.inside),
        "gone": opened.gone,
        "nameless": opened.nameless,
        "own_taps": opened.own_taps,
        "zones": [
            {
                "zone": zone,
                "people": [
                    {"name": p.name, "space": p.space, "since": to_rfc3339(to_ms(p.since)), "later": p.later}
                    for p in people
                ],
            }
            for zone, people in by_zone(opened.inside)
        ],
    }


def by_zone(inside: Iterable[Inside]) -> list[tuple[str, list[Inside]]]:
    """Return the people of each zone in the order of their names."""
    zones: defaultdict[str, list[Inside]] = defaultdict(list)
    for person in inside:
        zones[person.zone].append(person)
    return [(zone, sorted(zones[zone], key=lambda p: (p.name.casefold(), p.since))) for zone in sorted(zones)]


def _half(which: str, part: str) -> bytes:
    digits = "".join(part.split())
    try:
        half = bytes.fromhex(digits)
    except ValueError:
        half = b""
    if len(half) * 2 != _KEY_DIGITS:
        raise MusterFileError(f"the {which} part is no key: it has {_KEY_DIGITS} hex digits")
    return half


def _unsealed(muster: Muster, key: bytes) -> MusterSnapshot:
    from nacl.exceptions import CryptoError  # noqa: PLC0415 - only here
    from nacl.public import PrivateKey, SealedBox  # noqa: PLC0415

    try:
        text = SealedBox(PrivateKey(key)).decrypt(b64decode(muster.sealed, validate=True))
    except (CryptoError, NotBase64Error, ValueError):
        raise MusterFileError(
            "these two parts do not open the list: check both, they belong to one key"
        ) from None
    try:
        return MusterSnapshot.model_validate_json(text)
    except ValidationError:  # its words would repeat names
        raise MusterFileError("the list cannot be understood: update this device") from None


def _key(entry: MusterEntry) -> str:
    """Return what makes a person one: their badges, or their name where they came without one."""
    return min(entry.badges, default=f"{entry.name}|{entry.space}|{entry.since}")


def _as_listed(entry: MusterEntry) -> Inside:
    return Inside(entry.name, entry.zone, entry.space, entry.since)


def _moved_here(entry: MusterEntry, last: Mapping[str, Seen], here: RosterSpace | None) -> bool:
    return here is not None and here.id != entry.space and _key(entry) in last


def _here_now(entry: MusterEntry, seen: Seen, here: RosterSpace | None) -> Inside:
    zone, space = (here.zone, here.id) if here is not None else (entry.zone, entry.space or seen.reader)
    return Inside(entry.name, zone, space, to_datetime(seen.at.wall_ms), later=True)
