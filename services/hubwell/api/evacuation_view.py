"""What somebody may see of the open muster: the one place where names are given out, and every look noted.

In an alarm officers see names at once; in a drill only for the hour for which two people agreed. Everybody
else sees none, administrators included.
"""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from uuid import UUID

from fastapi import Request
from psycopg import AsyncConnection

from hubwell.access.principal import Role, Visitor
from hubwell.audit import log
from hubwell.evacuation import actions, break_glass, read_model
from hubwell.evacuation.read_model import Listed, Muster, Place
from hubwell.http.database import Database
from hubwell.http.guard import visitor_of

_ONE_LOOK: Final = timedelta(minutes=5)
"""Looks of one visitor that are closer together are one entry: an open page asks every few seconds."""


@dataclass(frozen=True, slots=True)
class Sight:
    """The open muster as its visitor may see it. `names` tells whether names are in `people`."""

    muster: Muster
    people: list[Listed]
    places: list[Place]
    names: bool
    names_until: datetime | None
    """In a drill: until when two people agreed to show names."""
    now: datetime


@dataclass(slots=True)
class Looks:
    """When each visitor's look at names was noted last, in this process: at worst one is noted too often."""

    _noted: dict[tuple[str, UUID], datetime] = field(default_factory=dict)

    def is_new(self, visitor: Visitor, muster: UUID, now: datetime) -> bool:
        """Tell whether a look has to be noted."""
        noted = self._noted.get((visitor.actor, muster))
        return noted is None or now - noted >= _ONE_LOOK

    def remember(self, visitor: Visitor, muster: UUID, now: datetime) -> None:
        """Remember a look that was noted and committed; those of earlier musters are forgotten."""
        self._noted = {key: at for key, at in self._noted.items() if key[1] == muster}
        self._noted[visitor.actor, muster] = now


async def sight_of(request: Request) -> Sight | None:
    """Return the open muster for this visitor; None where none is open."""
    database: Database = request.app.state.database
    looks: Looks = request.app.state.looks
    visitor, now = visitor_of(request), datetime.now(UTC)
    async with database.connection() as conn, conn.transaction():
        muster = await read_model.open_muster(conn)
        if muster is None:
            return None
        seen = await _sight(conn, muster, visitor, now)
        is_new = seen.names and looks.is_new(visitor, muster.id, now)
        if is_new:
            await note(conn, visitor, "muster.names-seen", muster.id, kind=muster.kind)
    if is_new:
        looks.remember(visitor, muster.id, now)
    return seen


async def _sight(conn: AsyncConnection[Any], muster: Muster, visitor: Visitor, now: datetime) -> Sight:
    await actions.follow(conn, muster.id)
    until = None if muster.kind == "alarm" else await break_glass.names_until(conn, muster, now)
    names = visitor.may(Role.OSH) and (muster.kind == "alarm" or until is not None)
    people = await read_model.people(conn, muster.id, names=names)
    return Sight(muster, people, await read_model.places(conn, now), names, until, now)


async def note(
    conn: AsyncConnection[Any], visitor: Visitor, action: str, muster: UUID, **detail: str | int | bool
) -> None:
    """Write into the audit log what was done with a muster."""
    await log.record(conn, actor=visitor.actor, action=action, subject=f"muster:{muster}", detail=detail)


async def begin(request: Request, kind: actions.Kind) -> actions.Opened:
    """Open a muster for this visitor and note it. Raises MusterError."""
    database: Database = request.app.state.database
    visitor = visitor_of(request)
    async with database.connection() as conn, conn.transaction():
        opened = await actions.open_muster(conn, kind, visitor.account_id, datetime.now(UTC))
        action = "muster.became-alarm" if opened.was_drill else "muster.opened"
        await note(conn, visitor, action, opened.id, kind=kind)
    return opened
