"""Enrol badges, issue codes, revoke and restore, in the caller's transaction.

Results carry the facts that the caller passes to the switchboard.
"""

import hashlib
import secrets
from base64 import b32encode
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final, Literal, get_args
from uuid import UUID

from psycopg import AsyncConnection
from psycopg.rows import class_row

from hubwell.errors import PERSON_GONE, DomainError, refusal_of, refuse_all
from hubwell.events import AllowlistChanged, Facts
from hubwell.people import errors, persons
from hubwell.storage.queries import Queries
from hubwell_wire.pseudonym import TOKEN_PREFIX, EpochKey, token_proof, token_pseudonym

_SQL: Final = Queries("hubwell.people")
_TAKEN_BACK_WITHIN: Final = timedelta(minutes=10)
_LONGEST_LABEL: Final = 60
_TOKEN_BYTES: Final = 16
"""Random bytes of a code, 128 bits: too many to guess."""

CredentialKind = Literal["badge", "sun", "qr"]
Revoked = Literal["lost", "replaced", "left"]
_REVOKED: Final = frozenset(get_args(Revoked))


@dataclass(frozen=True, slots=True)
class Badge:
    """A badge to enrol: its pseudonym in one epoch of keys."""

    pseudonym: bytes
    epoch: int
    kind: CredentialKind = "badge"
    label: str = ""
    proof: bytes | None = field(default=None, repr=False)
    """SHA-256 of what a kiosk proves it with, if a reader or the server knew it."""


@dataclass(frozen=True, slots=True)
class NewPerson:
    """A person to create with their first badge; the name may be empty."""

    name: str = ""
    language: str | None = None


@dataclass(frozen=True, slots=True)
class Enrolled:
    """Result of an enrolment. `counted` is the anonymous person who had the badge before, if any."""

    credential_id: int
    person_id: UUID
    counted: UUID | None = None
    facts: Facts = (AllowlistChanged(),)


@dataclass(frozen=True, slots=True)
class CredentialChanged:
    """Result of a change: the credential's person; None if undoing an enrolment deleted the person too."""

    person_id: UUID | None
    facts: Facts = (AllowlistChanged(),)


@dataclass(frozen=True, slots=True)
class Code:
    """A new QR code for a person without a badge. The text is shown once and never stored."""

    text: str
    enrolled: Enrolled


@dataclass(frozen=True, slots=True)
class Credential:
    """A person's badge, signing card or QR code; `until` is None while it is valid."""

    id: int
    kind: CredentialKind
    label: str
    since: datetime
    until: datetime | None
    revoked_why: Revoked | None


async def enrol(conn: AsyncConnection[Any], badge: Badge, owner: UUID | NewPerson, now: datetime) -> Enrolled:
    """Enrol a badge for an existing or a new person. Raises DomainError, also for an enrolled badge.

    An anonymous (counted) badge is released first: its earlier visits are not linked to the person.
    """
    name = owner.name if isinstance(owner, NewPerson) else ""
    refuse_all((refusal_of(lambda: clean_label(badge.label)), refusal_of(lambda: persons.clean_name(name))))
    counted = await _one(conn, "release_counted", {"badge": badge.pseudonym})
    if isinstance(owner, NewPerson):
        owner = await persons.add(conn, owner.name, owner.language, now)
    values = {"person": owner, "kind": badge.kind, "label": clean_label(badge.label), "now": now}
    credential = await _one(conn, "add_credential", values)
    if credential is None:
        raise DomainError(PERSON_GONE)
    await _add_pseudonym(conn, credential, badge)
    of_desk = {"credential": credential, "badge": badge.pseudonym}
    await conn.execute(_SQL["keep_counters_of_desk"], of_desk)
    await conn.execute(_SQL["delete_desk_taps_of_badge"], {"badge": badge.pseudonym})
    return Enrolled(credential, owner, counted)


async def issue_code(
    conn: AsyncConnection[Any], owner: UUID | NewPerson, key: EpochKey, now: datetime, label: str = ""
) -> Code:
    """Create and enrol a QR code, which works like a badge; its pseudonym is stored. Raises DomainError."""
    text = TOKEN_PREFIX + b32encode(secrets.token_bytes(_TOKEN_BYTES)).decode().rstrip("=")
    proof = hashlib.sha256(bytes.fromhex(token_proof(text, key))).digest()
    badge = Badge(bytes.fromhex(token_pseudonym(text, key)), key.epoch, "qr", label, proof)
    return Code(text, await enrol(conn, badge, owner, now))


async def revoke(conn: AsyncConnection[Any], credential: int, why: str, now: datetime) -> CredentialChanged:
    """Revoke a credential for all readers. `why` is lost, replaced or left. Raises DomainError."""
    if why not in _REVOKED:
        raise DomainError(errors.REVOKED_WHY_UNKNOWN)
    person = await _one(conn, "revoke", {"credential": credential, "why": why, "now": now})
    if person is None:
        raise await _gone_or(conn, credential, DomainError(errors.ALREADY_REVOKED))
    return CredentialChanged(person)


async def others_in_use(conn: AsyncConnection[Any], credential: int) -> list[int]:
    """Lock and return the other valid credentials of the person who has this one.

    Raises DomainError if this one is not valid itself.
    """
    rows = await (await conn.execute(_SQL["lock_in_use"], {"credential": credential})).fetchall()
    in_use = [row[0] for row in rows]
    if credential not in in_use:
        raise DomainError(errors.IN_HAND_REVOKED)
    return [other for other in in_use if other != credential]


async def valid_since(conn: AsyncConnection[Any], credential: int) -> datetime | None:
    """Return since when a credential was valid; None for an open bound."""
    row = await (await conn.execute(_SQL["credential"], {"credential": credential})).fetchone()
    return None if row is None else row[4]


async def restore(conn: AsyncConnection[Any], credential: int) -> CredentialChanged:
    """Make a revoked credential valid again, for example a lost badge that was found. Raises DomainError."""
    person = await _one(conn, "restore", {"credential": credential})
    if person is None:
        raise await _gone_or(conn, credential, DomainError(errors.NOT_REVOKED))
    return CredentialChanged(person)


async def set_label(conn: AsyncConnection[Any], credential: int, label: str) -> CredentialChanged:
    """Change the note on a credential; an empty one takes it away. Raises DomainError."""
    values = {"credential": credential, "label": clean_label(label)}
    person = await _one(conn, "set_label", values)
    if person is None:
        raise DomainError(errors.CREDENTIAL_GONE)
    return CredentialChanged(person, facts=())


async def undo_enrolment(conn: AsyncConnection[Any], credential: int, now: datetime) -> CredentialChanged:
    """Undo an enrolment within ten minutes, and delete the person that it created. Raises DomainError.

    The person stays if they have another credential or a tap.
    """
    values = {"credential": credential, "since": now - _TAKEN_BACK_WITHIN}
    row = await (await conn.execute(_SQL["take_back"], values)).fetchone()
    if row is None:
        raise DomainError(errors.TOO_LATE, most=_TAKEN_BACK_WITHIN // timedelta(minutes=1))
    return CredentialChanged(None if row[1] else row[0])


async def credentials_of(conn: AsyncConnection[Any], person: UUID) -> list[Credential]:
    """Return a person's credentials, the valid ones first."""
    async with conn.cursor(row_factory=class_row(Credential)) as cursor:
        await cursor.execute(_SQL["credentials_of"], {"person": person})
        return await cursor.fetchall()


def clean_label(label: str) -> str:
    """Return a note as it is stored, with single spaces. Raises DomainError."""
    cleaned = " ".join(label.split())
    if len(cleaned) > _LONGEST_LABEL:
        raise DomainError(errors.LABEL_TOO_LONG, most=_LONGEST_LABEL)
    if not persons.printable(cleaned):
        raise DomainError(errors.LABEL_NOT_PRINTABLE)
    return cleaned


async def _add_pseudonym(conn: AsyncConnection[Any], credential: int, badge: Badge) -> None:
    values: dict[str, Any] = {"badge": badge.pseudonym, "credential": credential}
    values |= {"epoch": badge.epoch, "proof": badge.proof}
    if await _one(conn, "add_pseudonym", values) is None:
        raise DomainError(errors.ALREADY_ENROLLED)


async def _gone_or(conn: AsyncConnection[Any], credential: int, otherwise: DomainError) -> DomainError:
    existing = await _one(conn, "credential", {"credential": credential})
    return DomainError(errors.CREDENTIAL_GONE) if existing is None else otherwise


async def _one(conn: AsyncConnection[Any], query: str, values: dict[str, Any]) -> Any:  # noqa: ANN401 - a column
    row = await (await conn.execute(_SQL[query], values)).fetchone()
    return None if row is None else row[0]
