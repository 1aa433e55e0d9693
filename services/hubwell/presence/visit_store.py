"""Keep a person's stored visits equal to the fold of their taps, in the caller's transaction.

The caller holds the person's row (`lock_people`), so that one fold comes after the other.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from psycopg import AsyncConnection

from hubwell.events import Movement, VisitsChanged
from hubwell.presence.closing_hours import Hours
from hubwell.presence.rules import Folded, TapAt, Visit, fold_taps, forgotten_at, movements
from hubwell.storage.queries import Queries
from hubwell.vocabulary import LONGEST_VISIT, OPEN_VISIT_IGNORED_AFTER

_SQL: Final = Queries("hubwell.presence")

TapNumber = tuple[int, int]
"""Stream and number of a tap at a reader."""


@dataclass(frozen=True, slots=True)
class StoredTap:
    """A tap as it is stored; several rows may be the same `tap`. One that is not stored yet has no `id`."""

    id: int | None
    tap: TapAt
    doubtful: bool
    credential_id: int | None
    number: TapNumber | None = None


@dataclass(frozen=True, slots=True)
class Changes:
    """What a fold changed, and the taps whose door devices still count the departed person as inside."""

    facts: list[Movement | VisitsChanged]
    departures: list[TapNumber]


@dataclass(frozen=True, slots=True)
class TapHistory:
    """A person's taps since they were certainly out, and the visits that are stored from then on."""

    person_id: UUID
    since: datetime
    taps: list[StoredTap]
    stored: dict[Visit, int]
    hours: Hours

    def with_tap(self, tap: TapAt, credential_id: int, number: TapNumber) -> "TapHistory":
        """Return the story with a tap that is not stored yet."""
        new = StoredTap(None, tap, doubtful=False, credential_id=credential_id, number=number)
        return replace(self, taps=[*self.taps, new])

    def doors_in(self, visit: Visit) -> list[TapNumber]:
        """Return the taps at readers that began a visit; none if it began at the desk."""
        begin = (visit.space_id, visit.start)
        return [row.number for row in self.taps if (row.tap.space_id, row.tap.time) == begin and row.number]

    def streams_out(self, visit: Visit) -> set[int]:
        """Return the streams of the taps at readers that ended a visit there."""
        end = (visit.space_id, visit.end)
        return {row.number[0] for row in self.taps if (row.tap.space_id, row.tap.time) == end and row.number}

    def folded(self, now: datetime, *, without: TapAt | None = None) -> Folded:
        """Return what the taps make; `without` is a tap that was turned away at the door."""
        past = self.history_until(now)
        taps = [row.tap for row in self.taps if past is None or row.tap.time > past]
        taps = [replace(tap, full=True) if tap == without else tap for tap in taps]
        return fold_taps(taps, now, self.hours)

    def history(self) -> list[Visit]:
        """Return the visits whose taps are no longer retained: they stay as they are."""
        starts = {(row.tap.space_id, row.tap.time) for row in self.taps}
        return [visit for visit in self.stored if (visit.space_id, visit.start) not in starts]

    def history_until(self, now: datetime) -> datetime | None:
        """Return the end of the last of them: taps up to then were used up by it."""
        ends = [visit.end or self.forgotten(visit, now) for visit in self.history()]
        return max(ends, default=None)

    def forgotten(self, visit: Visit, now: datetime) -> datetime:
        """Return when a visit without an end ends: at the latest now."""
        return min(now, forgotten_at(visit.space_id, visit.start, self.hours))


async def tap_history_of(
    conn: AsyncConnection[Any], person_id: UUID, time: datetime, hours: Hours
) -> TapHistory:
    """Return what matters for a tap at this time, whether it is stored already or not.

    It begins at a tap before which the person was certainly out, because no visit is longer than
    `LONGEST_VISIT`: from a later one, the same taps could pair differently.
    """
    values = {"person": person_id, "time": time, "longest": LONGEST_VISIT}
    since, taps, stored, closing = time, list[StoredTap](), dict[Visit, int](), dict(hours.spaces)
    rows = await (await conn.execute(_SQL["story"], values)).fetchall()
    for key, verdict, credential, closes, at, space, intent, source, until, stream, seq in rows:
        match verdict:
            case "since":
                since = at
            case "visit":
                stored[Visit(space, at, until, intent)] = key
            case _:
                tap = TapAt(at, space, intent, source, verdict in {"full", "copied"})
                number = None if stream is None else (stream, seq)
                taps.append(StoredTap(key, tap, verdict == "doubtful", credential, number))
                if closes is not None:
                    closing[space] = closes
    return TapHistory(person_id, since, taps, stored, replace(hours, spaces=closing))


async def withdraw_copies(
    conn: AsyncConnection[Any],
    person_id: UUID,
    message: dict[str, Any],
    hours: Hours,
    now: datetime,
) -> Changes:
    """Withdraw stored taps that are copies, as a message that arrived after them proves, and fold again.

    `message` is the genuine one: `credential`, `counter` and `time`. Each copy is a question for staff.
    """
    copies = await (await conn.execute(_SQL["mark_copies"], message)).fetchall()
    if not copies:
        return Changes([], [])
    for time, space in copies:
        place = {"kind": "counter-replayed", "at": time, "space": space, "other": None}
        await conn.execute(_SQL["suspect"], message | place)
    story = await tap_history_of(conn, person_id, min(time for time, _ in copies), hours)
    return await write(conn, story, story.folded(now), now)


async def move_person(conn: AsyncConnection[Any], *, keep: UUID, drop: UUID) -> int:
    """Give the visits and taps of one person to another; return how many taps moved.

    Where taps moved, the caller has the visits folded again.
    """
    values = {"keep": keep, "drop": drop}
    await conn.execute(_SQL["move_visits"], values)
    return (await conn.execute(_SQL["move_taps"], values)).rowcount


async def open_spaces(conn: AsyncConnection[Any], person_id: UUID) -> list[str]:
    """Return the spaces that a person is in."""
    rows = await (await conn.execute(_SQL["open_spaces"], {"person": person_id})).fetchall()
    return [row[0] for row in rows]


async def write(conn: AsyncConnection[Any], story: TapHistory, folded: Folded, now: datetime) -> Changes:
    """Make what is stored equal to the fold; return what changed."""
    await _mark_doubtful(conn, story, folded)
    expected = [*folded.visits, *(_ended(visit, story, now) for visit in story.history())]
    outdated = [visit for visit in story.stored if visit not in expected]
    missing = [visit for visit in expected if visit not in story.stored]
    await _replace(conn, story, outdated, missing)
    departures = _left(story, expected, outdated, missing, now)
    return Changes(movements(story.stored, expected), departures)


def _left(
    story: TapHistory, expected: list[Visit], outdated: list[Visit], missing: list[Visit], now: datetime
) -> list[TapNumber]:
    """Return the taps whose door devices count the person as inside, although the fold does not.

    A door's device keeps its own state for times without the network, and knows only the taps at its readers.
    If a visit ended elsewhere (at another space, at closing time, by a correction), the device has to be
    notified with the tap that began the visit; else the next tap there would be taken for leaving.
    """
    here = {visit.space_id for visit in expected if visit.end is None}
    last = max((visit.start for visit in expected), default=None)
    over = [visit for visit in missing if visit.end is not None]
    over += [visit for visit in outdated if visit.end is None and not _has(expected, visit)]
    return [
        number
        for visit in over
        # A newer open visit of the space makes the device's state right; too old ones it ignores itself.
        if visit.space_id not in here and now - visit.start <= OPEN_VISIT_IGNORED_AFTER
        # After closing time the next tap is the person leaving: for it the device keeps its state.
        if visit.start != last or not _may_leave_late(visit, now)
        for number in story.doors_in(visit)
        # A device that read the tap out has the right state already.
        if number[0] not in story.streams_out(visit)
    ]


def _has(visits: Iterable[Visit], one: Visit) -> bool:
    return any((visit.space_id, visit.start) == (one.space_id, one.start) for visit in visits)


def _may_leave_late(visit: Visit, now: datetime) -> bool:
    """Return whether a tap at its door would still end this visit, although closing time has ended it."""
    return visit.ended_by == "inferred" and now - visit.start <= LONGEST_VISIT


def _ended(visit: Visit, story: TapHistory, now: datetime) -> Visit:
    if visit.end is not None:
        return visit
    end = story.forgotten(visit, now)
    return replace(visit, end=end, ended_by="inferred") if end < now else visit


async def _replace(
    conn: AsyncConnection[Any], story: TapHistory, outdated: list[Visit], missing: list[Visit]
) -> None:
    """Change visits that only end otherwise, so that they keep their ids; delete and add the others.

    What becomes shorter comes before what becomes longer: the database refuses two places at once, also in
    between.
    """
    lasting = {(visit.space_id, visit.start): visit for visit in missing}
    removed = [visit for visit in outdated if (visit.space_id, visit.start) not in lasting]
    if removed:
        await conn.execute(_SQL["delete_visits"], {"ids": [story.stored[visit] for visit in removed]})
    changed = [(old, lasting[old.space_id, old.start]) for old in outdated if old not in removed]
    changed.sort(key=lambda pair: _longer(*pair))
    for old, new in changed:
        ending = {"id": story.stored[old], "end": new.end, "ended_by": new.ended_by}
        await conn.execute(_SQL["end_visit"], ending)
    retained = {(old.space_id, old.start) for old, _ in changed}
    for visit in missing:
        if (visit.space_id, visit.start) not in retained:
            values: dict[str, Any] = {
                "person": story.person_id,
                "space": visit.space_id,
                "start": visit.start,
                "end": visit.end,
                "ended_by": visit.ended_by,
            }
            await conn.execute(_SQL["add_visit"], values)


def _longer(old: Visit, new: Visit) -> bool:
    return old.end is not None and (new.end is None or new.end > old.end)


async def _mark_doubtful(conn: AsyncConnection[Any], story: TapHistory, folded: Folded) -> None:
    """Store which taps are two places at once, with a question to ask; withdraw it where it is explained."""
    for row in story.taps:
        effect = folded.effects.get(row.tap)
        values = {"tap": row.id, "credential": row.credential_id, "at": row.tap.time}
        if effect == "doubtful" and not row.doubtful:
            if row.id is not None:
                await conn.execute(_SQL["doubtful"], values)
            if row.credential_id is not None:
                other = folded.elsewhere[row.tap]
                place = {"kind": "two-places", "space": row.tap.space_id, "other": other}
                await conn.execute(_SQL["suspect"], values | place)
        elif row.doubtful and effect not in {"doubtful", None}:
            await conn.execute(_SQL["no_longer_doubtful"], values)
