"""A tap of a person, from the reader's message to visits and an answer, in the caller's transaction."""

import hmac
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, time, timedelta
from typing import Any, Final, Literal, TypeGuard
from uuid import UUID

from psycopg import AsyncConnection

from hubwell.events import AllowlistChanged, BadgeAtDesk, BadgeTapped, KioskRefused, Reaction, TapAnswered
from hubwell.presence.credential_lookup import (
    CredentialHolder,
    KnownHolders,
    PresentedCard,
    Register,
    Suspicion,
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
from hubwell.presence.rules import Effect, Intent, TapAt, credential_status
from hubwell.presence.visit_store import Changes, tap_history_of, withdraw_copies, write
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
TapKey = tuple[int, int]
"""Stream and number of a tap."""


@dataclass(frozen=True, slots=True)
class ReaderResponse:
    """The answer for the person at the reader.

    With `code_for`, a one-time code of this person is shown; `credential_id` is the badge that they held.
    """

    verdict: Verdict
    language: Language
    shade: MessageVariant = ""
    code_for: UUID | None = None
    credential_id: int | None = None
    linked: bool = False
    """Whether to say that an account was tied to the person."""


@dataclass(slots=True)
class TapResult:
    """The result of a tap. Without `response` the reader gets no answer."""

    response: ReaderResponse | None = None
    facts: list[Reaction] = field(default_factory=list)
    left: list[TapAnswered] = field(default_factory=list)
    """For devices at whose doors the person is not inside any more."""
    answered_by: UUID | None = None
    """The person of a tap that a panel waits for; None where it was refused."""


@dataclass(frozen=True, slots=True)
class Expected:
    """A tap that a panel waits for: what it means for a visit, of any person or of `people` only."""

    intent: Intent
    people: frozenset[UUID] | None

    def of(self, person_id: UUID) -> Intent | None:
        """Return what the tap means for a person; None for one of whom it is not expected."""
        return self.intent if self.people is None or person_id in self.people else None


_NONE: Final[Mapping[TapKey, Expected]] = {}


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
    expected: Mapping[TapKey, Expected]


async def tapped(
    conn: AsyncConnection[Any],
    taps: Sequence[BadgeTapped],
    policy: Policy,
    register: Register,
    expected: Mapping[TapKey, Expected] = _NONE,
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
        batch = await _prepare(conn, taps, cards, policy, register, expected)
        return [await _tapped(conn, tap, card, batch) for tap, card in zip(taps, cards, strict=True)]


async def _prepare(
    conn: AsyncConnection[Any],
    taps: Sequence[BadgeTapped],
    cards: Sequence[PresentedCard],
    policy: Policy,
    register: Register,
    expected: Mapping[TapKey, Expected],
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
        expected,
    )


async def _tapped(
    conn: AsyncConnection[Any], tap: BadgeTapped, card: PresentedCard, batch: _Batch
) -> TapResult:
    before = len(batch.known)
    holder = await holder_of(conn, card, batch.known, tap.time, batch.register)
    is_linked = len(batch.known) > before
    purpose = batch.purposes.get((tap.device_id, tap.reader), "space")
    if holder is None and await _counts(conn, tap, card, purpose, batch):
        holder = await create_anonymous_person(conn, card, batch.known, batch.register)
    copied, exposed = await _check_copies(conn, tap, card, holder, batch)
    result = await _at_reader(conn, tap, card, holder, purpose, copied, batch)
    if holder is not None and holder.link_untold and _is_heard(result.response, tap, batch):
        result.response = replace(result.response, linked=True)
        await batch.register.link_told(conn, holder.person_id)
    result.facts[:0] = exposed.facts
    result.left += await answers(conn, exposed.departures)
    if is_linked:
        result.facts.append(AllowlistChanged())
    return result


def _is_heard(response: ReaderResponse | None, tap: BadgeTapped, batch: _Batch) -> TypeGuard[ReaderResponse]:
    """Return whether a person whose tap counted still stands at the reader."""
    counted = response is not None and response.verdict in {"in", "out", "moved"}
    return counted and batch.now - tap.time <= FRESH


async def _at_reader(
    conn: AsyncConnection[Any],
    tap: BadgeTapped,
    card: PresentedCard,
    holder: CredentialHolder | None,
    purpose: str,
    copied: Suspicion | None,
    batch: _Batch,
) -> TapResult:
    if purpose == "desk":
        return await _at_desk(conn, tap, card, holder, copied, batch)
    refusal = await _refusal(conn, tap, card, holder, copied)
    if refusal is not None or holder is None:
        return _answer(tap, batch, refusal or "unknown", holder)
    if purpose == "kiosk":
        return _at_kiosk(tap, card, holder, batch)
    await _learn_proof(conn, tap, card, holder, batch)
    if tap.space_id is None:
        return TapResult()
    return await _at_door(conn, tap, batch.doors[tap.space_id], card, holder, batch)


def _at_kiosk(tap: BadgeTapped, card: PresentedCard, holder: CredentialHolder, batch: _Batch) -> TapResult:
    """Let a code be shown for a card that was proven: a pseudonym alone may come from a list of badges."""
    if batch.now - tap.time > FRESH:
        return TapResult()
    language = _language(holder, batch.policy)
    why: Literal["unproven", "no-proof", "wrong-proof"] | None = None
    if card.counter is None:  # a signature that was checked proves the card
        if card.proof is None:
            why = "no-proof"
        elif holder.proof is None:
            why = "unproven"
        elif not hmac.compare_digest(card.proof, holder.proof):
            why = "wrong-proof"
    if why is None:
        response = ReaderResponse(
            "code", language, code_for=holder.person_id, credential_id=holder.credential_id
        )
        return TapResult(response)
    shade: MessageVariant = "door-first" if why == "unproven" else "no-code"
    refused = KioskRefused(device_id=tap.device_id, why=why)
    return TapResult(ReaderResponse("refused", language, shade), [refused])


async def _learn_proof(
    conn: AsyncConnection[Any],
    tap: BadgeTapped,
    card: PresentedCard,
    holder: CredentialHolder,
    batch: _Batch,
) -> None:
    """Keep what a kiosk will have to prove the card with, from a device that is not a kiosk itself."""
    is_kiosk = any(
        device == tap.device_id and purpose == "kiosk" for (device, _), purpose in batch.purposes.items()
    )
    if card.proof is not None and holder.proof is None and not is_kiosk:
        await batch.register.learn_proof(conn, card.badges[0], card.proof)
        batch.known[card.badges[0]] = replace(holder, proof=card.proof)


async def _counts(
    conn: AsyncConnection[Any], tap: BadgeTapped, card: PresentedCard, purpose: str, batch: _Batch
) -> bool:
    """Return whether an unknown badge becomes an anonymous person."""
    at_door = purpose == "space" and tap.space_id is not None
    if batch.policy.unknown != "count" or not at_door or not card.genuine or not card.names:
        return False
    return not await is_erased(conn, card, batch.now)


async def _check_copies(
    conn: AsyncConnection[Any],
    tap: BadgeTapped,
    card: PresentedCard,
    holder: CredentialHolder | None,
    batch: _Batch,
) -> tuple[Suspicion | None, Changes]:
    """Return why a tap is a copy, if it is one: of a signing card's number, or of one of its messages.

    A genuine message may expose stored taps as copies, also one of a revoked card: they are withdrawn.
    """
    nothing = Changes([], [])
    if holder is None or not card.genuine:
        return None, nothing
    if card.counter is None:
        return ("sun-forged" if holder.kind == "sun" else None), nothing
    message = {"credential": holder.credential_id, "counter": card.counter, "time": tap.time}
    if not await batch.register.note_signed_message(conn, holder.credential_id, card.counter, tap.time):
        return "counter-replayed", nothing
    return None, await withdraw_copies(conn, holder.person_id, message, batch.policy.hours, batch.now)


async def _refusal(
    conn: AsyncConnection[Any],
    tap: BadgeTapped,
    card: PresentedCard,
    holder: CredentialHolder | None,
    copied: Suspicion | None,
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
        case "valid" if copied is not None:
            await flag_suspicion(conn, holder, copied, tap)
            return "refused"
        case "valid":
            return None


async def _at_desk(
    conn: AsyncConnection[Any],
    tap: BadgeTapped,
    card: PresentedCard,
    holder: CredentialHolder | None,
    copied: Suspicion | None,
    batch: _Batch,
) -> TapResult:
    """Show a badge to staff for two minutes; a tap at the desk is never a visit."""
    if holder is not None and copied is not None:
        await flag_suspicion(conn, holder, copied, tap)
    if not card.genuine or not card.names or copied is not None:
        return _answer(tap, batch, "refused", holder)
    if holder is not None and card.genuine:
        await _learn_proof(conn, tap, card, holder, batch)
    result = _answer(tap, batch, "desk", holder)
    if batch.now - tap.time <= AT_DESK:
        badge, epoch = card.names[0]
        kind = "badge" if card.counter is None else "sun"
        desk_tap = await batch.register.add_desk_tap(
            conn,
            tap.device_id,
            tap.reader,
            badge,
            epoch,
            kind,
            min(tap.time, batch.now),
            card.counter,
            card.proof,
        )
        result.facts.append(BadgeAtDesk(desk_tap_id=desk_tap))
    return result


async def _at_door(
    conn: AsyncConnection[Any],
    tap: BadgeTapped,
    door: _Door,
    card: PresentedCard,
    holder: CredentialHolder,
    batch: _Batch,
) -> TapResult:
    expected = batch.expected.get((tap.stream_id, tap.seq))
    meant = None if expected is None else expected.of(holder.person_id)
    at = TapAt(tap.time, door.space_id, meant or "toggle", full=tap.said == "full")
    hours = batch.policy.hours
    if door.closes_at is not None:
        hours = replace(hours, spaces={door.space_id: door.closes_at})
    story = await tap_history_of(conn, holder.person_id, tap.time, hours)
    story = story.with_tap(at, holder.credential_id, (tap.stream_id, tap.seq))
    folded = story.folded(batch.now)
    effect = folded.effects.get(at, "again")
    shade: MessageVariant = "two-places" if effect == "doubtful" else ""
    if meant is not None and effect == "again":
        shade = "panel"
    if effect in {"in", "moved"} and await _is_full(conn, door, holder, tap, batch):
        shade = "crowded"
        if door.refuses and _stands_outside(tap, batch.now):
            folded, effect, shade = story.folded(batch.now, without=at), "full", ""
    await _store(conn, tap, at, card, holder, effect)
    changes = await write(conn, story, folded, batch.now)
    response = _answer(tap, batch, "refused" if effect == "doubtful" else effect, holder, shade).response
    counts = expected is not None and effect not in {"full", "doubtful"}
    person_id = holder.person_id if counts else None
    return TapResult(response, [*changes.facts], await answers(conn, changes.departures), person_id)


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
    conn: AsyncConnection[Any],
    tap: BadgeTapped,
    at: TapAt,
    card: PresentedCard,
    holder: CredentialHolder,
    effect: Effect,
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
        "counter": card.counter,
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
