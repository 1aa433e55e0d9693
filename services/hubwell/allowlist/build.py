"""Build the list of badges with which a device answers taps without the network. It holds no names."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final, Literal, cast

from psycopg import AsyncConnection

from hubwell.storage.queries import Queries
from hubwell_wire.commands import (
    Forget,
    Roster,
    RosterBadge,
    RosterEvacuation,
    RosterReader,
    RosterSpace,
    Tombstone,
)
from hubwell_wire.enumerations import Language, Verdict

SQL: Final = Queries("hubwell.allowlist")
REVOKED_SHOWN: Final = timedelta(days=90)
"""How long a revoked badge stays on the lists, so that readers do not answer as to an unknown one."""
EVACUATION_SHOWN: Final = timedelta(hours=24)
"""How long a device that hears no more shows an evacuation; lists are renewed every few minutes."""
_MOST_TOMBSTONES: Final = 1000
"""The contract's limit for one message."""


@dataclass(frozen=True, slots=True)
class Texts:
    """A reader's texts by language: for each verdict, for an entry into a full space, for evacuations.

    The last are by kind: alarm or drill.
    """

    verdicts: Mapping[Language, Mapping[Verdict, str]]
    crowded: Mapping[Language, str]
    evacuation: Mapping[str, Mapping[Language, str]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class HubContext:
    """The part of a list that is the same for every device of the hub."""

    site: str
    texts: Texts
    unknown: Literal["refuse", "count"] = "refuse"
    language: Language = "en"


@dataclass(frozen=True, slots=True)
class AllowlistInput:
    """Badges, readers and spaces from the database, as of `at`."""

    at: datetime
    badges: dict[str, RosterBadge] = field(repr=False)
    readers: dict[str, dict[str, str]]
    """Purposes of readers by device and reader name; every device that has a reader is a key."""
    spaces: dict[str, RosterSpace]
    """The space of each of these devices that has one."""
    doors: frozenset[str]
    """Those of them with a reader that is a space's door: only these need the badges."""
    evacuation: str | None = None
    """Kind of the evacuation or drill that is open."""


async def read(conn: AsyncConnection[Any], epochs: Sequence[int], now: datetime) -> AllowlistInput:
    """Read badges and devices for lists as of `now`; `epochs` are the epochs that still have a key."""
    values = {"epochs": list(epochs), "revoked_since": now - REVOKED_SHOWN}
    rows = await (await conn.execute(SQL["badges"], values)).fetchall()
    badges = {badge: RosterBadge(lang=language, revoked=revoked) for badge, language, revoked in rows}
    devices = await (await conn.execute(SQL["devices"])).fetchall()
    readers = {device: purposes for device, purposes, *_ in devices}
    spaces = {
        device: RosterSpace(id=space, zone=zone, capacity=capacity, when_full=when_full)
        for device, _, space, zone, capacity, when_full, _ in devices
        if space is not None
    }
    doors = frozenset(device for device, *_, has_door in devices if has_door)
    open_now = await (await conn.execute(SQL["evacuation"])).fetchone()
    return AllowlistInput(now, badges, readers, spaces, doors, open_now[0] if open_now else None)


def roster(register: AllowlistInput, device: str, hub: HubContext) -> Roster:
    """Return the list for one device. Raises KeyError for a device without a reader.

    Desks and kiosks ask the server for each tap, so that a device with these alone gets no badges.
    """
    purposes = register.readers[device]
    return Roster(
        site=hub.site,
        device=device,
        at=register.at,
        unknown=hub.unknown,
        badges=register.badges if device in register.doors else {},
        readers={
            name: RosterReader(purpose=cast("Any", purpose))
            for name, purpose in purposes.items()
            if purpose != "space"
        },
        texts={language: dict(texts) for language, texts in hub.texts.verdicts.items()},
        lang=hub.language,
        space=register.spaces.get(device),
        crowded=dict(hub.texts.crowded),
        evacuation=_evacuation(register, hub.texts),
    )


def _evacuation(register: AllowlistInput, texts: Texts) -> RosterEvacuation | None:
    if register.evacuation is None:
        return None
    sentences = dict(texts.evacuation.get(register.evacuation, {}))
    return RosterEvacuation(until=register.at + EVACUATION_SHOWN, texts=sentences)


async def erasures(conn: AsyncConnection[Any], now: datetime) -> list[Forget]:
    """Return the erased badges that devices must delete, as messages of at most a thousand each."""
    rows = await (await conn.execute(SQL["tombstones"], {"now": now})).fetchall()
    tombstones = [Tombstone(salt=salt, tag=tag) for salt, tag in rows]
    return [
        Forget(v=1, type="forget", badges=tuple(tombstones[start : start + _MOST_TOMBSTONES]))
        for start in range(0, len(tombstones), _MOST_TOMBSTONES)
    ]
