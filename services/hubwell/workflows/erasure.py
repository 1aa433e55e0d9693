"""Erase a person or an account; the rows that are left of a person are counted, as the proof."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from psycopg import AsyncConnection

from hubwell.access import accounts
from hubwell.access.errors import OWN_ACCOUNT
from hubwell.access.principal import Principal
from hubwell.audit import log
from hubwell.booking import actions as bookings
from hubwell.booking.calendar import addresses as calendars
from hubwell.booking.series import actions as booking_series
from hubwell.errors import DomainError
from hubwell.events import AllowlistChanged, BadgesErased, Facts, VisitsChanged
from hubwell.people import persons
from hubwell.presence import visit_store
from hubwell.privacy import erasure
from hubwell.privacy.erasure import Proof, Traces

Conn = AsyncConnection[Any]


@dataclass(frozen=True, slots=True)
class PersonErased:
    """The proof. Readers need new lists, and devices have to delete what waits on them."""

    proof: Proof
    facts: Facts


@dataclass(frozen=True, slots=True)
class AccountErased:
    """The person of the account, if any, and the proof where they were erased with it."""

    person_id: UUID | None
    proof: Proof | None = None
    facts: Facts = ()


async def erase_person(
    conn: Conn, actor: Principal, person_id: UUID, *, with_account: bool = False
) -> PersonErased:
    """Erase a person, enrolled or counted, and if asked the accounts linked to them.

    An account that stays is only no longer linked. Raises DomainError for an unknown person and for
    the account of the last administrator.
    """
    marks = await persons.lock_to_erase(conn, person_id)
    linked = await accounts.of_person(conn, person_id) if with_account else []
    traces = Traces(
        person_id=person_id,
        badges=marks.badges,
        credentials=marks.credentials,
        signing=marks.signing,
        accounts=linked,
    )
    spaces = await visit_store.open_spaces(conn, person_id)
    proof = await _erase(conn, traces)
    detail = {
        "proof": proof.number,
        "rows": proof.rows,
        "left_over": proof.left_over,
        "account": with_account,
    }
    subject = f"person:{person_id}"
    await log.record(conn, actor=actor.actor, action="person.erased", subject=subject, detail=detail)
    return PersonErased(proof, [VisitsChanged(space_ids=tuple(spaces)), AllowlistChanged(), BadgesErased()])


async def _erase(conn: Conn, traces: Traces) -> Proof:
    now = datetime.now(UTC)
    deleted = await erasure.holdings(conn, traces)
    for account_id in traces.accounts:
        await accounts.erase(conn, account_id)
    deleted |= {"account": len(traces.accounts)} | await erasure.erase_rows(conn, traces)
    await erasure.add_tombstones(conn, traces.badges, now)
    return await erasure.prove(conn, traces, deleted, now)


async def erase_account(
    conn: Conn, actor: Principal, account_id: UUID, *, with_person: bool = False
) -> AccountErased:
    """Erase an account with its roles, identities and sign-ins, and if asked the person it belongs to.

    Raises DomainError, for the last administrator too.
    """
    await bookings.forget_owner(conn, account_id)
    await calendars.forget_owner(conn, account_id)
    await booking_series.forget_owner(conn, account_id)
    person_id = await accounts.erase(conn, account_id)
    await log.record(conn, actor=actor.actor, action="account.erased", subject=f"account:{account_id}")
    if person_id is None or not with_person:
        return AccountErased(person_id)
    erased = await erase_person(conn, actor, person_id)
    return AccountErased(person_id, erased.proof, erased.facts)


async def erase_other_account(
    conn: Conn, actor: Principal, account_id: UUID, *, with_person: bool = False
) -> AccountErased:
    """Erase an account as an administrator does: as `erase_account`, and never the own account by a slip.

    Raises DomainError for the actor's own account too; who wants to leave erases what is theirs on My visits.
    """
    if actor.account_id == account_id:
        raise DomainError(OWN_ACCOUNT)
    return await erase_account(conn, actor, account_id, with_person=with_person)
