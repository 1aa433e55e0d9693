"""Make the list of badges that a device needs to answer taps with the network gone. It holds no names."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final, Literal, cast

from psycopg import AsyncConnection

from hubwell.storage.queries import Queries
from hubwell_wire.commands import Forget, Roster, RosterBadge, RosterReader, RosterSpace, Tombstone
from hubwell_wire.fields import Language, Verdict

SQL: Final = Queries("hubwell.allowlist")
REVOKED_SHOWN: Final = timedelta(days=90)
"""How long a reader tells a revoked badge from an unknown one."""
_MOST_TOMBSTONES: Final = 1000
"""As many as one message may hold."""


@dataclass(frozen=True, slots=True)
class Texts:
    """What a reader says, by language: a sentence for each verdict, and one for "in, though it is full"."""

    verdicts: Mapping[Language, Mapping[Verdict, str]]
    crowded: Mapping[Language, str]


@dataclass(frozen=True, slots=True)
class HubContext:
    """What is the same for every device of the hub."""

    site: str
    texts: Texts
    unknown: Literal["refuse", "count"] = "refuse"
    language: Language = "en"


@dataclass(frozen=True, slots=True)
class AllowlistInput:
    """What the database knows, read at one time."""

    at: datetime
    badges: dict[str, RosterBadge] = field(repr=False)
    readers: dict[str, dict[str, str]]
    """Purposes of readers by device; every device that has a reader is in it."""
    spaces: dict[str, RosterSpace]
    """The space of each of these devices that has one."""


async def read(conn: AsyncConnection[Any], epochs: Sequence[int], now: datetime) -> AllowlistInput:
    """Read badges and devices for lists that are true at `now`; `epochs`: those that still have a key."""
    values = {"epochs": list(epochs), "revoked_since": now - REVOKED_SHOWN}
    rows = await (await conn.execute(SQL["badges"], values)).fetchall()
    badges = {badge: RosterBadge(lang=language, revoked=revoked) for badge, language, revoked in rows}
    devices = await (await conn.execute(SQL["devices"])).fetchall()
    readers = {device: purposes for device, purposes, *_ in devices}
    spaces = {
        device: RosterSpace(id=space, zone=zone, capacity=capacity, when_full=when_full)
        for device, _, space, zone, capacity, when_full in devices
        if space is not None
    }
    return AllowlistInput(now, badges, readers, spaces)


def roster(register: AllowlistInput, device: str, house: HubContext) -> Roster:
    """Return the list for one device."""
    purposes = register.readers[device]
    return Roster(
        site=house.site,
        device=device,
        at=register.at,
        unknown=house.unknown,
        badges=register.badges,
        readers={
            name: RosterReader(purpose=cast("Any", purpose))
            for name, purpose in purposes.items()
            if purpose != "space"
        },
        texts={language: dict(said) for language, said in house.texts.verdicts.items()},
        lang=house.language,
        space=register.spaces.get(device),
        crowded=dict(house.texts.crowded),
    )


async def erasures(conn: AsyncConnection[Any], now: datetime) -> list[Forget]:
    """Return what devices have to forget, in messages of at most a thousand badges."""
    rows = await (await conn.execute(SQL["tombstones"], {"now": now})).fetchall()
    graves = [Tombstone(salt=salt, tag=tag) for salt, tag in rows]
    return [
        Forget(v=1, type="forget", badges=tuple(graves[start : start + _MOST_TOMBSTONES]))
        for start in range(0, len(graves), _MOST_TOMBSTONES)
    ]
