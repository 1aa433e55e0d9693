"""The open evacuation as the current user may see it; views of names are audited.

In an alarm officers see names at once; in a drill only for the hour for which two people agreed. All other
users see none, administrators included.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from psycopg import AsyncConnection

from hubwell.access.principal import Principal
from hubwell.api.schemas import Evacuation
from hubwell.evacuation import actions, break_glass, read_model
from hubwell.evacuation.announcement import Announcement
from hubwell.evacuation.read_model import Muster, Place, RollEntry
from hubwell.http.dependencies import OpenTransaction
from hubwell.settings import Settings
from hubwell.vocabulary import Role
from hubwell.workflows import evacuation

_ONE_VIEW: Final = timedelta(minutes=5)
"""Views of one principal within this time are one audit entry: an open page asks every few seconds."""


@dataclass(frozen=True, slots=True)
class EvacuationView:
    """The open muster as its principal may see it. `names`: whether `people` have names."""

    muster: Muster
    people: list[RollEntry]
    places: list[Place]
    names: bool
    names_until: datetime | None
    """In a drill: until when two people agreed to show names."""
    now: datetime


@dataclass(slots=True)
class NameViewLog:
    """When each principal's view of names was last noted, in this process; at worst one is noted twice."""

    _noted: dict[tuple[str, UUID], datetime] = field(default_factory=dict)

    def is_new(self, principal: Principal, muster: UUID, now: datetime) -> bool:
        """Return whether a view needs an audit entry."""
        noted = self._noted.get((principal.actor, muster))
        return noted is None or now - noted >= _ONE_VIEW

    def remember(self, principal: Principal, muster: UUID, now: datetime) -> None:
        """Remember a view whose audit entry is committed; those of earlier musters are forgotten."""
        self._noted = {key: at for key, at in self._noted.items() if key[1] == muster}
        self._noted[principal.actor, muster] = now


def open_evacuation(open_now: Announcement | None, settings: Settings) -> Evacuation | None:
    """Return what everybody may know of the open evacuation or drill."""
    if open_now is None:
        return None
    return Evacuation(kind=open_now.kind, since=open_now.since, assembly_point=settings.assembly_point)


async def view_of(transaction: OpenTransaction, views: NameViewLog) -> EvacuationView | None:
    """Return the open muster for this principal, committed with its audit entry; None where none is open."""
    principal, now = transaction.principal, transaction.now
    muster = await read_model.open_muster(transaction.conn)
    if muster is None:
        return None
    view = await _view(transaction.conn, muster, principal, now)
    is_new = view.names and views.is_new(principal, muster.id, now)
    if is_new:
        await evacuation.note(transaction.conn, principal, "muster.names-seen", muster.id, kind=muster.kind)
    await transaction.commit()
    if is_new:
        views.remember(principal, muster.id, now)
    return view


async def _view(
    conn: AsyncConnection[Any], muster: Muster, principal: Principal, now: datetime
) -> EvacuationView:
    await actions.follow(conn, muster.id)
    until = None if muster.kind == "alarm" else await break_glass.names_until(conn, muster, now)
    names = principal.may(Role.OSH) and (muster.kind == "alarm" or until is not None)
    people = await read_model.people(conn, muster.id, names=names)
    return EvacuationView(muster, people, await read_model.places(conn, now), names, until, now)
