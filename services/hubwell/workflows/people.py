"""People and their badges: find, enter, enrol, issue codes, revoke, merge."""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from psycopg import AsyncConnection

from hubwell.access import accounts, links
from hubwell.access.principal import Principal
from hubwell.audit import log
from hubwell.booking.door import walk_ins
from hubwell.errors import DomainError
from hubwell.evacuation import actions as evacuation
from hubwell.events import Facts
from hubwell.keys import Keys
from hubwell.people import credentials, desk_taps, errors, persons
from hubwell.people.credentials import Code, CredentialChanged, Enrolled, NewPerson
from hubwell.people.persons import Found
from hubwell.presence import actions as presence
from hubwell.presence import suspicions, visit_store
from hubwell.presence.closing_hours import hub_hours
from hubwell.settings import Settings

Conn = AsyncConnection[Any]


@dataclass(frozen=True, slots=True)
class OthersRevoked:
    """Result of revoking all but one: whose they are, the one that stays, and the others."""

    person_id: UUID
    kept: int
    revoked: list[int]
    facts: Facts


async def find(conn: Conn, actor: Principal, text: str) -> list[Found]:
    """Return at most 20 people whose name holds a text of two letters or more."""
    people = await persons.find(conn, text)
    await log.record(conn, actor=actor.actor, action="person.searched", detail={"found": len(people)})
    return people


async def add(conn: Conn, actor: Principal, person: NewPerson, now: datetime) -> UUID:
    """Enter a person without a badge. Raises DomainError."""
    person_id = await persons.add(conn, person.name, person.language, now)
    await _note(conn, actor, "person.entered", person_id)
    return person_id


async def change(conn: Conn, actor: Principal, person_id: UUID, *, name: str, language: str | None) -> Facts:
    """Rename a person and set the language in which readers address them. Raises DomainError."""
    facts = await persons.change(conn, person_id, name=name, language=language)
    await _note(conn, actor, "person.changed", person_id)
    return facts


def named(name: str, language: str | None) -> NewPerson:
    """Return a new person with a name. Raises DomainError for a blank one."""
    if not name.strip():
        raise DomainError(errors.NAME_MISSING)
    return NewPerson(name, language)


async def enrol(
    conn: Conn,
    actor: Principal,
    settings: Settings,
    tap_id: int,
    owner: UUID | NewPerson,
    now: datetime,
    label: str = "",
) -> Enrolled:
    """Give the badge of a tap at a desk's reader to a person, known or new. Raises DomainError."""
    tap = await desk_taps.tap(conn, tap_id, now)
    enrolment = await credentials.enrol(conn, tap.as_badge(label), owner, now)
    ended = await _end_counted(conn, settings, enrolment, now)
    detail = {"credential": enrolment.credential_id, "kind": tap.kind, "new": isinstance(owner, NewPerson)}
    await _note(conn, actor, "badge.enrolled", enrolment.person_id, **detail)
    return replace(enrolment, facts=[*enrolment.facts, *ended])


async def _end_counted(conn: Conn, settings: Settings, enrolment: Enrolled, now: datetime) -> Facts:
    """Check out the anonymous person that the badge was counted as: no tap of the badge would."""
    space = await persons.space_of(conn, enrolment.counted) if enrolment.counted else None
    if enrolment.counted is None or space is None:
        return []
    return await presence.check_out(conn, enrolment.counted, space, now, hours=hub_hours(settings))


async def issue_code(
    conn: Conn,
    actor: Principal,
    settings: Settings,
    owner: UUID | NewPerson,
    now: datetime,
    label: str = "",
) -> Code:
    """Make a QR code that is as good as a badge, for a person known or new. Raises DomainError."""
    key = Keys(settings.keys_dir).newest_epoch()
    code = await credentials.issue_code(conn, owner, key, now, label)
    is_new = isinstance(owner, NewPerson)
    await _note(conn, actor, "code.issued", code.enrolled.person_id, new=is_new)
    return code


async def undo_enrolment(conn: Conn, actor: Principal, credential: int, now: datetime) -> CredentialChanged:
    """Undo an enrolment of the last ten minutes. Raises DomainError."""
    change = await credentials.undo_enrolment(conn, credential, now)
    await _note(conn, actor, "badge.taken-back", change.person_id, credential=credential)
    return change


async def revoke(conn: Conn, actor: Principal, credential: int, why: str, now: datetime) -> CredentialChanged:
    """End a credential at every reader; `why` is lost, replaced or left. Raises DomainError."""
    change = await credentials.revoke(conn, credential, why, now)
    await _note(conn, actor, "badge.revoked", change.person_id, credential=credential, why=why)
    if change.person_id is not None:
        since = await credentials.valid_since(conn, credential)
        for account in await links.end_with_badge(conn, change.person_id, credential, since):
            await log.record(conn, actor=actor.actor, action="account.unlinked", subject=f"account:{account}")
    return change


async def revoke_others(conn: Conn, actor: Principal, tap_id: int, why: str, now: datetime) -> OthersRevoked:
    """Revoke all badges and codes of a person but the one that was just held to a desk's reader.

    Raises DomainError.
    """
    tap = await desk_taps.tap(conn, tap_id, now)
    if tap.credential_id is None or tap.person_id is None:
        raise DomainError(errors.NOT_ENROLLED)
    others = await credentials.others_in_use(conn, tap.credential_id)
    if not others:
        raise DomainError(errors.NO_OTHER_BADGE)
    changes = [await revoke(conn, actor, other, why, now) for other in others]
    return OthersRevoked(tap.person_id, tap.credential_id, others, changes[0].facts)


async def restore(conn: Conn, actor: Principal, credential: int) -> CredentialChanged:
    """Let a revoked credential work again. Raises DomainError."""
    change = await credentials.restore(conn, credential)
    await _note(conn, actor, "badge.restored", change.person_id, credential=credential)
    return change


async def change_note(conn: Conn, actor: Principal, credential: int, label: str) -> CredentialChanged:
    """Change the note on a badge or code, which the audit log does not hold. Raises DomainError."""
    change = await credentials.set_label(conn, credential, label)
    await _note(conn, actor, "badge.note-changed", change.person_id, credential=credential)
    return change


async def merge(conn: Conn, actor: Principal, settings: Settings, *, keep: UUID, drop: UUID) -> Facts:
    """Make one person of two entries; `keep` stays. Raises DomainError.

    An actor's own entry is refused: merging would show them the visits of another person.
    """
    if actor.person_id in {keep, drop}:
        raise DomainError(errors.OWN_ENTRY)
    await persons.absorb(conn, keep=keep, drop=drop)
    await accounts.move_person(conn, keep=keep, drop=drop)
    await evacuation.move_person(conn, keep=keep, drop=drop)
    await walk_ins.move_person(conn, keep=keep, drop=drop)
    taps = await visit_store.move_person(conn, keep=keep, drop=drop)
    facts = await persons.delete_absorbed(conn, drop)
    folded = await presence.refold_person(conn, keep, hours=hub_hours(settings)) if taps else []
    await _note(conn, actor, "person.merged", keep, other=drop)
    return [*facts, *folded]


async def resolve_suspicion(conn: Conn, actor: Principal, suspicion: int, now: datetime) -> bool:
    """Close a suspicion that staff asked about; return whether it was open."""
    credential = await suspicions.resolve(conn, suspicion, now)
    if credential is not None:
        detail = {"credential": credential}
        await log.record(conn, actor=actor.actor, action="question.settled", detail=detail)
    return credential is not None


async def _note(conn: Conn, actor: Principal, action: str, person: UUID | None, **detail: log.Value) -> None:
    subject = f"person:{person}" if person else ""
    await log.record(conn, actor=actor.actor, action=action, subject=subject, detail=detail)
