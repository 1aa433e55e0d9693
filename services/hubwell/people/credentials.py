"""Enrol badges, issue codes, revoke and restore, in the caller's transaction.

Results carry the facts that the caller passes to the switchboard.
"""

import secrets
from base64 import b32encode
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, Literal, get_args
from uuid import UUID

from psycopg import AsyncConnection
from psycopg.rows import class_row

from hubwell.errors import PERSON_GONE, DomainError
from hubwell.events import AllowlistChanged, Facts
from hubwell.people import errors, persons
from hubwell.storage.queries import Queries
from hubwell_wire.pseudonym import TOKEN_PREFIX, EpochKey, token_pseudonym

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
    if len(badge.label) > _LONGEST_LABEL:
        raise DomainError(errors.LABEL_TOO_LONG, most=_LONGEST_LABEL)
    counted = await _one(conn, "release_counted", {"badge": badge.pseudonym})
    if isinstance(owner, NewPerson):
        owner = await persons.add(conn, owner.name, owner.language, now)
    values = {"person": owner, "kind": badge.kind, "label": badge.label.strip(), "now": now}
    credential = await _one(conn, "add_credential", values)
    if credential is None:
        raise DomainError(PERSON_GONE)
    await _add_pseudonym(conn, credential, badge)
    await conn.execute(_SQL["delete_desk_taps_of_badge"], {"badge": badge.pseudonym})
    return Enrolled(credential, owner, counted)


async def issue_code(
    conn: AsyncConnection[Any], owner: UUID | NewPerson, key: EpochKey, now: datetime, label: str = ""
) -> Code:
    """Create and enrol a QR code, which works like a badge; its pseudonym is stored. Raises DomainError."""
    text = TOKEN_PREFIX + b32encode(secrets.token_bytes(_TOKEN_BYTES)).decode().rstrip("=")
    badge = Badge(bytes.fromhex(token_pseudonym(text, key)), key.epoch, "qr", label)
    return Code(text, await enrol(conn, badge, owner, now))


async def revoke(conn: AsyncConnection[Any], credential: int, why: str, now: datetime) -> CredentialChanged:
    """Revoke a credential for all readers. `why` is lost, replaced or left. Raises DomainError."""
    if why not in _REVOKED:
        raise DomainError(errors.REVOKED_WHY_UNKNOWN)
    person = await _one(conn, "revoke", {"credential": credential, "why": why, "now": now})
    if person is None:
        raise await _gone_or(conn, credential, DomainError(errors.ALREADY_REVOKED))
    return CredentialChanged(person)


async def restore(conn: AsyncConnection[Any], credential: int) -> CredentialChanged:
    """Make a revoked credential valid again, for example a lost badge that was found. Raises DomainError."""
    person = await _one(conn, "restore", {"credential": credential})
    if person is None:
        raise await _gone_or(conn, credential, DomainError(errors.NOT_REVOKED))
    return CredentialChanged(person)


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


async def _add_pseudonym(conn: AsyncConnection[Any], credential: int, badge: Badge) -> None:
    values = {"badge": badge.pseudonym, "credential": credential, "epoch": badge.epoch}
    if await _one(conn, "add_pseudonym", values) is None:
        raise DomainError(errors.ALREADY_ENROLLED)


async def _gone_or(conn: AsyncConnection[Any], credential: int, otherwise: DomainError) -> DomainError:
    existing = await _one(conn, "credential", {"credential": credential})
    return DomainError(errors.CREDENTIAL_GONE) if existing is None else otherwise


async def _one(conn: AsyncConnection[Any], query: str, values: dict[str, Any]) -> Any:  # noqa: ANN401 - a column
    row = await (await conn.execute(_SQL[query], values)).fetchone()
    return None if row is None else row[0]
