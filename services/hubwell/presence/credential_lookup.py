"""Whose tap is it: from what a reader heard to a credential, in the caller's transaction."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Final, Literal, Protocol
from uuid import UUID

from psycopg import AsyncConnection

from hubwell.errors import DomainError
from hubwell.events import BadgeTapped
from hubwell.presence.door_policy import Policy
from hubwell.presence.ntag424 import ForgedError, read_sun
from hubwell.presence.rules import credential_status
from hubwell.storage.queries import Queries
from hubwell_wire.enumerations import Language
from hubwell_wire.pseudonym import EpochKey, pseudonym

_SQL: Final = Queries("hubwell.presence")

Suspicion = Literal["two-places", "counter-replayed", "revoked-used", "sun-forged"]


class Register(Protocol):
    """The register of people, which owns persons, credentials and desk taps, as taps change it."""

    async def link_pseudonym(
        self, conn: AsyncConnection[Any], credential_id: int, badge: bytes, epoch: int
    ) -> bool:
        """Give a credential its pseudonym of a new epoch; return False where it has another one already."""

    async def add_counted(self, conn: AsyncConnection[Any], badge: bytes, epoch: int) -> tuple[int, UUID]:
        """Add a person without a name for a badge; return the credential and the person."""

    async def note_signed_message(
        self, conn: AsyncConnection[Any], credential_id: int, counter: int, time: datetime
    ) -> bool:
        """Keep when a signing card's message was presented; return False for a copy."""

    async def learn_proof(self, conn: AsyncConnection[Any], badge: bytes, proof: bytes) -> None:
        """Keep what a kiosk has to prove a badge with, unless something is kept already."""

    async def link_told(self, conn: AsyncConnection[Any], person_id: UUID) -> None:
        """Keep that a person heard of an account that was tied to them."""

    async def add_desk_tap(
        self,
        conn: AsyncConnection[Any],
        device_id: str,
        reader: str,
        badge: bytes,
        epoch: int,
        kind: str,
        tapped_at: datetime,
        counter: int | None,
        proof: bytes | None,
    ) -> int:
        """Keep a badge that was held to a desk's reader; return the id."""


@dataclass(frozen=True, slots=True)
class PresentedCard:
    """What a reader heard. `names` are its pseudonyms with their epochs, the newest first.

    `counter` is that of a signed tap; `genuine` is false for a message that its card cannot have signed.
    `proof` is the SHA-256 of what shows that the card itself was there.
    """

    names: tuple[tuple[bytes, int], ...]
    counter: int | None = None
    genuine: bool = True
    proof: bytes | None = field(default=None, repr=False)

    @property
    def badges(self) -> list[bytes]:
        """The pseudonyms alone."""
        return [badge for badge, _ in self.names]


@dataclass(frozen=True, slots=True)
class CredentialHolder:
    """The credential of a card, and its person. It is valid from `since` until `until`."""

    credential_id: int
    person_id: UUID
    kind: Literal["badge", "sun", "qr"]
    since: datetime | None
    until: datetime | None
    enrolled: bool
    language: Language | None
    proof: bytes | None = field(default=None, repr=False)
    """What a kiosk has to prove the card with (SHA-256), as far as a reader has given it."""
    link_untold: bool = False
    """Whether the person has to hear that an account was tied to them."""


def read_card(tap: BadgeTapped, policy: Policy) -> PresentedCard:
    """Return what the reader heard. A card's own number, where its message holds one, ends here."""
    plain = () if tap.badge is None else ((tap.badge, tap.epoch),)
    if tap.sun is None:
        older = () if tap.was is None else ((tap.was, tap.epoch - 1),)
        proof = None if tap.proof is None else hashlib.sha256(tap.proof).digest()
        return PresentedCard(plain + older, proof=proof)
    try:
        key, epochs = policy.keys.sun_key(), policy.keys.epochs()
    except DomainError:
        key, epochs = None, []
    if key is None or not epochs:
        return PresentedCard(plain, genuine=False)  # nobody here can tell
    try:
        read = read_sun(tap.sun.picc, tap.sun.mac, key)
    except ForgedError as error:
        claimed = () if error.uid is None else _names(error.uid, epochs)
        return PresentedCard(claimed or plain, genuine=False)
    return PresentedCard(_names(read.uid, epochs), read.counter)


def _names(uid: bytes, epochs: list[EpochKey]) -> tuple[tuple[bytes, int], ...]:
    return tuple((bytes.fromhex(pseudonym(uid, key)), key.epoch) for key in epochs)


KnownHolders = dict[bytes, CredentialHolder]
"""Pseudonym -> whose it is: what is known of the cards of one batch."""


async def known_holders(conn: AsyncConnection[Any], cards: Iterable[PresentedCard]) -> KnownHolders:
    """Look up all the cards of a batch."""
    badges = [badge for card in cards for badge in card.badges]
    rows = await (await conn.execute(_SQL["recognise"], {"badges": badges})).fetchall()
    return {bytes(badge): CredentialHolder(*holder) for badge, *holder in rows}


async def holder_of(
    conn: AsyncConnection[Any], card: PresentedCard, known: KnownHolders, at: datetime, register: Register
) -> CredentialHolder | None:
    """Return the holder of a card, None where it is unknown.

    A pseudonym of a new epoch is linked to the one before for people who are enrolled, and only for them.
    """
    holders = [known[badge] for badge in card.badges if badge in known]
    if not holders or card.badges[0] in known:
        return holders[0] if holders else None
    older = holders[0]
    if not older.enrolled:
        return None
    if card.genuine and credential_status(older.since, older.until, at) == "valid":
        badge, epoch = card.names[0]
        if not await register.link_pseudonym(conn, older.credential_id, badge, epoch):
            return None  # the credential has another pseudonym of this epoch: this card is not it
        known[badge] = older = replace(older, proof=None)  # that of the new epoch is another one
    return older


async def is_erased(conn: AsyncConnection[Any], card: PresentedCard, now: datetime) -> bool:
    """Return whether the card belonged to an erased person: its message is then dropped unread."""
    row = await (await conn.execute(_SQL["is_erased"], {"badges": card.badges, "now": now})).fetchone()
    return bool(row and row[0])


async def create_anonymous_person(
    conn: AsyncConnection[Any], card: PresentedCard, known: KnownHolders, register: Register
) -> CredentialHolder:
    """Return a new person without a name, for a badge that is only counted."""
    badge, epoch = card.names[0]
    credential, person = await register.add_counted(conn, badge, epoch)
    known[badge] = CredentialHolder(credential, person, "badge", None, None, enrolled=False, language=None)
    return known[badge]


async def flag_suspicion(
    conn: AsyncConnection[Any], holder: CredentialHolder, kind: Suspicion, tap: BadgeTapped
) -> None:
    """Note something that does not fit together: a question to ask, never a verdict on a person."""
    values = {
        "credential": holder.credential_id,
        "kind": kind,
        "at": tap.time,
        "space": tap.space_id,
        "other": None,
    }
    await conn.execute(_SQL["suspect"], values)
