"""A tap of a person, from the reader's message to visits and an answer, in the caller's transaction."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, time, timedelta
from typing import Any, Final
from uuid import UUID

from psycopg import AsyncConnection

from hubwell.events import AllowlistChanged, BadgeAtDesk, BadgeTapped, Reaction, TapAnswered
from hubwell.presence.credential_lookup import (
    CredentialHolder,
    KnownHolders,
    PresentedCard,
    Register,
    create_anonymous_person,
    flag_suspicion,
    holder_of,
    is_erased,
    known_holders,
    read_card,
)
from hubwell.presence.departure_notices import answers
from hubwell.presence.door_policy import Policy
from hubwell.presence.reader_messages import MessageVariant
from hubwell.presence.rules import Effect, TapAt, credential_status
from hubwell.presence.visit_store import tap_history_of, write
from hubwell.storage.queries import Queries
from hubwell.vocabulary import LONGEST_VISIT
from hubwell_wire.enumerations import Language, Verdict

_SQL: Final = Queries("hubwell.presence")
FRESH: Final = timedelta(seconds=60)
"""Up to this age of the tap the person still waits at the reader for the answer."""
ANSWERED: Final = timedelta(minutes=10)
"""Older taps are not answered: the person has left the reader."""
AT_DESK: Final = timedelta(minutes=2)
"""How long a tap at a desk is of use."""


@dataclass(frozen=True, slots=True)
class ReaderResponse:
    """The answer for the person at the reader. With `code_for`, a one-time code of this person is shown."""

    verdict: Verdict
    language: Language
    shade: MessageVariant = ""
    code_for: UUID | None = None


@dataclass(slots=True)
class TapResult:
    """The result of a tap. Without `response` the reader gets no answer."""

    told: ReaderResponse | None = None
    facts: list[Reaction] = field(default_factory=list)
    left: list[TapAnswered] = field(default_factory=list)
    """For devices at whose doors the person is not inside any more."""


@dataclass(frozen=True, slots=True)
class _Door:
    """A space's door: when it closes, how many have room, and whether a full space turns people away."""

    space_id: str
    closes_at: time | None
    capacity: int
    refuses: bool


@dataclass(frozen=True, slots=True)
class _Batch:
    """What is known of all the taps of a batch beforehand."""

    policy: Policy
    register: Register
    now: datetime
    known: KnownHolders
    doors: dict[str, _Door]
    purposes: dict[tuple[str, str], str]


async def tapped(
    conn: AsyncConnection[Any], taps: Sequence[BadgeTapped], policy: Policy, register: Register
) -> list[TapResult]:
    """Store taps and fold the affected visits of their people again.

    Late and repeated taps are harmless: the visits are a function of all taps, whatever their order. What
    cannot be a tap of a person who is here (unknown, revoked, forged, replayed, erased) changes no visit.
    """
    if not taps:
        return []
    cards = [read_card(tap, policy) for tap in taps]
    # What needs no answer is not waited for: people at readers are.
    async with conn.pipeline():
        batch = await _prepare(conn, taps, cards, policy, register)
        return [await _tapped(conn, tap, card, batch) for tap, card in zip(taps, cards, strict=True)]


async def _prepare(
    conn: AsyncConnection[Any],
    taps: Sequence[BadgeTapped],
    cards: Sequence[PresentedCard],
    policy: Policy,
    register: Register,
) -> _Batch:
    """Have the taps' people to ourselves until the transaction ends, and look up what all taps need."""
    badges = [badge for card in cards for badge in card.badges]
    await conn.execute(_SQL["lock_badges"], {"badges": badges})
    await conn.execute(_SQL["lock_people_of"], {"badges": badges})
    spaces = {"spaces": list({tap.space_id for tap in taps if tap.space_id is not None})}
    await conn.execute(_SQL["lock_doors"], spaces)
    doors = await conn.execute(_SQL["doors"], spaces)
    purposes = await conn.execute(_SQL["purposes"], {"devices": list({tap.device_id for tap in taps})})
    return _Batch(
        policy,
        register,
        datetime.now(UTC),
        await known_holders(conn, cards),
        {row[0]: _Door(*row) for row in await doors.fetchall()},
        {(device, name): purpose for device, name, purpose in await purposes.fetchall()},
    )


async def _tapped(
    conn: AsyncConnection[Any], tap: BadgeTapped, card: PresentedCard, batch: _Batch
) -> TapResult:
    before = len(batch.known)
    holder = await holder_of(conn, card, batch.known, tap.time, batch.register)
    is_linked = len(batch.known) > before
    result = await _at_reader(conn, tap, card, holder, batch)
    if is_linked:
        result.facts.append(AllowlistChanged())
    return result


async def _at_reader(
    conn: AsyncConnection[Any],
    tap: BadgeTapped,
    card: PresentedCard,
    holder: CredentialHolder | None,
    batch: _Batch,
) -> TapResult:
    now, policy = batch.now, batch.policy
    purpose = batch.purposes.get((tap.device_id, tap.reader), "space")
    if purpose == "desk":
        return await _at_desk(conn, tap, card, holder, batch)
    if holder is None and await _counts(conn, tap, card, purpose, policy, now):
        holder = await create_anonymous_person(conn, card, batch.known, batch.register)
    refusal = await _refusal(conn, tap, card, holder, batch.register)
    if refusal is not None or holder is None:
        return _answer(tap, batch, refusal or "unknown", holder)
    if purpose == "kiosk":
        here = now - tap.time <= FRESH
        return TapResult(
            ReaderResponse("code", _language(holder, policy), code_for=holder.person_id) if here else None
        )
    if tap.space_id is None:
        return TapResult()
    return await _at_door(conn, tap, batch.doors[tap.space_id], holder, batch)


async def _counts(
    conn: AsyncConnection[Any],
    tap: BadgeTapped,
    card: PresentedCard,
    purpose: str,
    policy: Policy,
    now: datetime,
) -> bool:
    """Return whether an unknown badge becomes an anonymous person."""
    at_door = purpose == "space" and tap.space_id is not None
    if policy.unknown != "count" or not at_door or not card.genuine or not card.names:
        return False
    return not await is_erased(conn, card, now)


async def _refusal(
    conn: AsyncConnection[Any],
    tap: BadgeTapped,
    card: PresentedCard,
    holder: CredentialHolder | None,
    register: Register,
) -> Verdict | None:
    """Return why a tap is refused, and flag it where staff should ask."""
    if not card.genuine:
        if holder is not None:
            await flag_suspicion(conn, holder, "sun-forged", tap)
        return "refused"
    if holder is None:
        return "unknown"
    match credential_status(holder.since, holder.until, tap.time):
        case "revoked":
            await flag_suspicion(conn, holder, "revoked-used", tap)
            return "revoked"
        case "not-yet":
            return "unknown"
        case "valid":
            return await _copied(conn, tap, card, holder, register)


async def _copied(
    conn: AsyncConnection[Any],
    tap: BadgeTapped,
    card: PresentedCard,
    holder: CredentialHolder,
    register: Register,
) -> Verdict | None:
    """Refuse a copy: of a signing card's number, or of one of its messages."""
    if card.counter is None and holder.kind == "sun":
        await flag_suspicion(conn, holder, "sun-forged", tap)
        return "refused"
    if card.counter is not None and not await register.raise_counter(
        conn, holder.credential_id, card.counter
    ):
        await flag_suspicion(conn, holder, "counter-replayed", tap)
        return "refused"
    return None


async def _at_desk(
    conn: AsyncConnection[Any],
    tap: BadgeTapped,
    card: PresentedCard,
    holder: CredentialHolder | None,
    batch: _Batch,
) -> TapResult:
    """Show a badge to staff for two minutes; a tap at the desk is never a visit."""
    refused = not card.genuine or not card.names
    if refused or (holder is not None and await _copied(conn, tap, card, holder, batch.register) is not None):
        return _answer(tap, batch, "refused", holder)
    result = _answer(tap, batch, "desk", holder)
    if batch.now - tap.time <= AT_DESK:
        badge, epoch = card.names[0]
        kind = "badge" if card.counter is None else "sun"
        desk_tap = await batch.register.add_desk_tap(
            conn, tap.device_id, tap.reader, badge, epoch, kind, min(tap.time, batch.now)
        )
        result.facts.append(BadgeAtDesk(desk_tap_id=desk_tap))
    return result


async def _at_door(
    conn: AsyncConnection[Any], tap: BadgeTapped, door: _Door, holder: CredentialHolder, batch: _Batch
) -> TapResult:
    at = TapAt(tap.time, door.space_id, full=tap.said == "full")
    hours = batch.policy.hours
    if door.closes_at is not None:
        hours = replace(hours, spaces={door.space_id: door.closes_at})
    story = await tap_history_of(conn, holder.person_id, tap.time, hours)
    story = story.with_tap(at, holder.credential_id, (tap.stream_id, tap.seq))
    folded = story.folded(batch.now)
    effect = folded.effects.get(at, "again")
    shade: MessageVariant = "two-places" if effect == "doubtful" else ""
    if effect in {"in", "moved"} and await _is_full(conn, door, holder, tap, batch):
        shade = "crowded"
        if door.refuses and _stands_outside(tap, batch.now):
            folded, effect, shade = story.folded(batch.now, without=at), "full", ""
    await _store(conn, tap, at, holder, effect)
    changes = await write(conn, story, folded, batch.now)
    told = _answer(tap, batch, "refused" if effect == "doubtful" else effect, holder, shade).told
    return TapResult(told, [*changes.facts], await answers(conn, changes.departures))


def _stands_outside(tap: BadgeTapped, now: datetime) -> bool:
    """Return whether the person still waits at the door: not let in yet, and the tap is fresh."""
    return now - tap.time <= FRESH and tap.said in {None, "noted"}


async def _is_full(
    conn: AsyncConnection[Any], door: _Door, holder: CredentialHolder, tap: BadgeTapped, batch: _Batch
) -> bool:
    """Return whether the space has no room for another person; False once no answer is awaited."""
    if batch.now - tap.time > ANSWERED:
        return False
    values = {"space": door.space_id, "person": holder.person_id, "now": batch.now, "longest": LONGEST_VISIT}
    row = await (await conn.execute(_SQL["others_inside"], values)).fetchone()
    return row is not None and row[0] >= door.capacity


async def _store(
    conn: AsyncConnection[Any], tap: BadgeTapped, at: TapAt, holder: CredentialHolder, effect: Effect
) -> None:
    values = {
        "person": holder.person_id,
        "space": at.space_id,
        "time": at.time,
        "source": at.source,
        "intent": at.intent,
        "verdict": effect if effect in {"full", "doubtful"} else "counts",
        "stream": tap.stream_id,
        "seq": tap.seq,
        "reader": tap.reader,
        "credential": holder.credential_id,
    }
    await conn.execute(_SQL["add_tap"], values)


def _answer(
    tap: BadgeTapped,
    batch: _Batch,
    verdict: Verdict,
    holder: CredentialHolder | None,
    shade: MessageVariant = "",
) -> TapResult:
    if batch.now - tap.time > ANSWERED:
        return TapResult()
    return TapResult(ReaderResponse(verdict, _language(holder, batch.policy), shade))


def _language(holder: CredentialHolder | None, policy: Policy) -> Language:
    return holder.language if holder is not None and holder.language is not None else policy.language
