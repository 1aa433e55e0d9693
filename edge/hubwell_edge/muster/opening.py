"""Opens the sealed muster of this device, for an evacuation without server and broker.

The private key is made of two parts, so that no officer can open the muster alone. The opened list is
brought up to date by the taps at this device's own door, printed, and never written to disk.
"""

import sqlite3
from base64 import b64decode
from binascii import Error as NotBase64Error
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from pydantic import ValidationError

from hubwell_edge.clock import to_datetime, to_ms
from hubwell_edge.muster.key_parts import combine_parts
from hubwell_edge.taps.files.muster_file import MusterFileError, load
from hubwell_edge.taps.files.roster import space_of
from hubwell_edge.taps.local_presence import BadgeState, read_since
from hubwell_wire.commands import Muster, MusterEntry, MusterSnapshot, RosterSpace


@dataclass(frozen=True, slots=True)
class PersonInside:
    """One person who is probably inside; `later` marks a tap here after the list was made."""

    name: str
    zone: str
    space: str
    since: datetime
    later: bool = False


@dataclass(frozen=True, slots=True)
class OpenedMuster:
    """The list brought up to date.

    `gone` counts people on the list who have tapped out here since; `nameless` counts later taps in of badges
    that the list does not contain. `own_taps` is False where this device's own taps could not be read, so
    that the list is as old as the snapshot.
    """

    snapshot: MusterSnapshot
    inside: tuple[PersonInside, ...]
    gone: int
    nameless: int
    own_taps: bool = True


def open_muster(folder: Path, part_a: str, part_b: str) -> OpenedMuster:
    """Decrypt the stored muster and bring it up to date with the taps at this door.

    Raises MusterFileError.
    """
    muster = load(folder)
    if muster is None:
        raise MusterFileError(
            "this device has no muster: the server has not sent one, or it is not a muster station"
        )
    snapshot = unseal(muster, combine_parts(part_a, part_b))
    try:
        return merge_taps(snapshot, read_since(folder, to_ms(snapshot.at)), space_of(folder))
    except sqlite3.Error:  # the list must be shown even so
        return replace(merge_taps(snapshot, ()), own_taps=False)


def merge_taps(
    snapshot: MusterSnapshot, later: Sequence[BadgeState], here: RosterSpace | None = None
) -> OpenedMuster:
    """Return the list with later taps applied: people who went out here are removed, arrivals added.

    `here` is the space of this device's door, if the device has it from its list of badges.
    """
    by_badge = {badge: entry for entry in (*snapshot.people, *snapshot.inside) for badge in entry.badges}
    last: dict[str, BadgeState] = {}
    nameless: dict[str, BadgeState] = {}
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
    return OpenedMuster(
        snapshot=snapshot,
        inside=(*people, *newcomers),
        gone=len(snapshot.inside) - len(stayed),
        nameless=sum(seen.inside for seen in nameless.values()),
    )


def unseal(muster: Muster, key: bytes) -> MusterSnapshot:
    """Return the snapshot that a sealed muster contains. Raises MusterFileError if the key does not fit."""
    from nacl.exceptions import CryptoError  # noqa: PLC0415 - needed only to open a muster
    from nacl.public import PrivateKey, SealedBox  # noqa: PLC0415

    try:
        text = SealedBox(PrivateKey(key)).decrypt(b64decode(muster.sealed, validate=True))
    except (CryptoError, NotBase64Error, ValueError):
        raise MusterFileError(
            "these two parts do not open the list: check both, they belong to one key"
        ) from None
    try:
        return MusterSnapshot.model_validate_json(text)
    except ValidationError:  # pydantic's message would repeat names
        raise MusterFileError("the list cannot be understood: update this device") from None


def _key(entry: MusterEntry) -> str:
    """Return what identifies a person: the first badge; without badges, name, space and time."""
    return min(entry.badges, default=f"{entry.name}|{entry.space}|{entry.since}")


def _as_listed(entry: MusterEntry) -> PersonInside:
    return PersonInside(entry.name, entry.zone, entry.space, entry.since)


def _moved_here(entry: MusterEntry, last: Mapping[str, BadgeState], here: RosterSpace | None) -> bool:
    return here is not None and here.id != entry.space and _key(entry) in last


def _here_now(entry: MusterEntry, seen: BadgeState, here: RosterSpace | None) -> PersonInside:
    zone, space = (here.zone, here.id) if here is not None else (entry.zone, entry.space or seen.reader)
    return PersonInside(entry.name, zone, space, to_datetime(seen.at.wall_ms), later=True)
