"""What the three targets of a panel open: where to hold a badge, which spaces are free, what is broken.

A part is shown for half a minute; then the panel is its state again. Until when is in the part's address, so
that a page without a script returns as well.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Annotated, Any, Final
from urllib.parse import urlencode

from fastapi import Depends
from psycopg import AsyncConnection

from hubwell.access.errors import NOT_ALLOWED, TOO_MANY_TRIES
from hubwell.api import live_state
from hubwell.api.schemas import SpaceNow
from hubwell.defects import actions as defects
from hubwell.defects.actions import RecentReport
from hubwell.defects.errors import DEFECT_KIND_UNKNOWN, DEFECT_UNDO_LATE
from hubwell.defects.rules import DefectKind, ReportKey
from hubwell.http.rate_limits import DEFECT_FROM_SENDER
from hubwell.screens.actions import DoorReader
from hubwell.web.board.panel_walk_ins import (
    SHOWN_FOR,
    WalkIn,
    asked_part,
    change_part,
    refused_part,
    take_part,
)
from hubwell.web.board.text import summary
from hubwell.web.defects.text import kind_names
from hubwell.web.kit.formatting import Formatter
from hubwell.web.kit.spaces import shape

RETURNS_AFTER: Final = timedelta(seconds=30)
_MOST_FREE: Final = 6
_REFUSALS: Final = {
    kind.code: kind for kind in (DEFECT_KIND_UNKNOWN, DEFECT_UNDO_LATE, NOT_ALLOWED, TOO_MANY_TRIES)
}
"""Why a report can be refused at a door, by the word in the part's address."""
_LONGEST_MOMENT: Final = 10
Conn = AsyncConnection[Any]


class PartName(StrEnum):
    """A part of a panel, as its address names it."""

    BADGE = "badge"
    FREE = "free"
    BROKEN = "broken"
    REPORTED = "reported"
    UNDONE = "undone"
    REFUSED = "refused"
    TAKE = "take"
    CHANGE = "change"
    ASKED = "asked"


@dataclass(frozen=True, slots=True)
class Asked:
    """What the address of a panel asks for: texts as a browser sends them."""

    part: str = ""
    until: str = ""
    report: str = ""
    why: str = ""
    request: str = ""

    @property
    def name(self) -> PartName | None:
        """The part that is asked for; None for the state, and for what is no part."""
        return PartName(self.part) if self.part in set(PartName) else None

    def ends(self, now: datetime) -> datetime:
        """Return until when the part is shown: half a minute from now, or less; a press for longer."""
        latest = now + (SHOWN_FOR if self.name is PartName.ASKED else RETURNS_AFTER)
        if not (self.until.isascii() and self.until.isdigit() and len(self.until) <= _LONGEST_MOMENT):
            return latest
        return min(latest, datetime.fromtimestamp(int(self.until), UTC))


async def _asked(
    part: str = "", until: str = "", report: str = "", why: str = "", request: str = ""
) -> Asked:
    return Asked(part, until, report, why, request)


PartAsked = Annotated[Asked, Depends(_asked)]
"""The part of a panel that an address asks for."""


@dataclass(frozen=True, slots=True)
class Door:
    """Where a panel is shown: `/screen` of a paired screen, or `/panel/SPACE` in any browser."""

    home: str
    may_report: bool
    may_take: bool = False
    """Whether presses here wait for a badge: at a paired screen only, which stands beside the reader."""

    def address_of(self, part: str, **more: str) -> str:
        """Return the address of a part."""
        return f"{self.home}?{urlencode({'part': part} | more)}"


@dataclass(frozen=True, slots=True)
class FreeSpace:
    """A free space in words."""

    name: str
    state: str
    zone: str
    capacity: str
    is_near: bool
    """Whether it is in the zone of the panel."""


@dataclass(frozen=True, slots=True)
class Part:
    """A part that is shown instead of the state. What it is not about is empty."""

    name: PartName
    address: str
    remaining: timedelta
    headline: str = ""
    free: list[FreeSpace] = field(default_factory=list)
    further: int = 0
    """Free spaces that are not listed."""
    readers: list[DoorReader] = field(default_factory=list)
    kinds: list[tuple[DefectKind, str]] = field(default_factory=list)
    recent: RecentReport | None = None
    what: str = ""
    walk_in: WalkIn | None = None

    @property
    def returns_ms(self) -> int:
        """Milliseconds until the panel is its state again."""
        remaining = self.walk_in.shown_for(self.remaining) if self.walk_in else self.remaining
        return max(0, round(remaining / timedelta(milliseconds=1)))


async def part_of(
    conn: Conn, words: Formatter, space: SpaceNow, readers: list[DoorReader], door: Door, asked: Asked
) -> Part | None:
    """Return the part that is asked for; None where it is over, or not for who asks."""
    name, ends = asked.name, asked.ends(words.now)
    if name is None or ends <= words.now:
        return None
    more = {key: text for key in ("report", "why", "request") if (text := getattr(asked, key))}
    address = door.address_of(name, until=str(int(ends.timestamp())), **more)
    frame = (name, address, ends - words.now)
    match name:
        case PartName.BADGE if readers:
            shown = Part(*frame, readers=readers)
        case PartName.FREE:
            others = [item for item in await live_state.spaces(conn, words.zone) if item.id != space.id]
            shown = _free(frame, space, others, words)
        case PartName.BROKEN if door.may_report:
            shown = Part(*frame, kinds=list(kind_names(words).items()))
        case PartName.REPORTED if door.may_report:
            return await _reported(conn, frame, space, asked, words)
        case PartName.UNDONE:
            shown = Part(*frame)
        case PartName.REFUSED if asked.why in _REFUSALS:
            shown = Part(*frame, headline=_refusal(asked.why, words))
        case PartName.TAKE | PartName.CHANGE | PartName.ASKED if (
            door.may_take and readers and not space.personal
        ):
            walk_in = await _walk_in(conn, name, space.id, asked, words)
            if walk_in is None:
                return None
            shown = Part(*frame, walk_in=walk_in, readers=readers)
        case _:
            return None
    return shown


async def _walk_in(
    conn: Conn, name: PartName, space_id: str, asked: Asked, words: Formatter
) -> WalkIn | None:
    if name is PartName.TAKE:
        return await take_part(conn, space_id, words)
    if name is PartName.CHANGE:
        return change_part(words)
    if asked.why:
        return refused_part(asked.why, words)
    return await asked_part(conn, space_id, asked.request, words)


def _refusal(code: str, words: Formatter) -> str:
    minutes = DEFECT_FROM_SENDER.within // timedelta(minutes=1)
    return words.translations.gettext(_REFUSALS[code].text).format(minutes=minutes)


def _free(
    frame: tuple[PartName, str, timedelta], space: SpaceNow, others: Sequence[SpaceNow], words: Formatter
) -> Part:
    named = [item.named(words.language) for item in others if not item.personal]
    free = [item for item in named if shape(item) == "free"]
    free.sort(key=lambda item: (item.zone != space.zone, item.check_outs_missing))
    listed = [
        FreeSpace(
            item.name,
            words.state(item),
            item.zone,
            words.capacity(item),
            bool(item.zone) and item.zone == space.zone,
        )
        for item in free
    ]
    _ = words.translations.gettext
    headline = summary(named, words).headline if named else _("No space is free right now")
    return Part(*frame, headline=headline, free=listed[:_MOST_FREE], further=max(0, len(listed) - _MOST_FREE))


async def _reported(
    conn: Conn, frame: tuple[PartName, str, timedelta], space: SpaceNow, asked: Asked, words: Formatter
) -> Part | None:
    key = ReportKey.parse(asked.report)
    recent = await defects.recent_report(conn, space.id, key, words.now) if key else None
    if recent is None:
        return None
    return Part(*frame, recent=recent, what=kind_names(words)[recent.kind])
