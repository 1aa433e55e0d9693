"""Everything that is stored of one person, read for that person's own pages and export."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, Literal, TypeVar
from uuid import UUID

from psycopg import AsyncConnection
from psycopg.rows import class_row

from hubwell.storage.queries import Queries

_SQL: Final = Queries("hubwell.privacy", "personal_data.sql")
_Row = TypeVar("_Row")

ShownAs = Literal["", "mentor", "ambassador"]


@dataclass(frozen=True, slots=True)
class OwnPerson:
    """The person. `kind` is enrolled, or counted for an anonymous badge."""

    id: UUID
    kind: str
    name: str
    language: str | None
    shown_on_site: bool
    shown_as: ShownAs
    created_at: datetime


@dataclass(frozen=True, slots=True)
class OwnVisit:
    """A visit of a space; `end` is None while it lasts, `ended_by` is how it ended."""

    id: int
    space_id: str
    space: str
    start: datetime
    end: datetime | None
    ended_by: Literal["tap", "moved", "inferred", "corrected"] | None


@dataclass(frozen=True, slots=True)
class OwnCredential:
    """A badge, card or QR code, by its number and note, without the pseudonym."""

    id: int
    kind: str
    label: str
    since: datetime | None
    until: datetime | None
    revoked_why: str | None


@dataclass(frozen=True, slots=True)
class OwnTap:
    """One tap; taps are kept for days only."""

    time: datetime
    space_id: str
    space: str
    source: str
    intent: str
    verdict: str


@dataclass(frozen=True, slots=True)
class OwnSession:
    """A session on whose roll the person is."""

    title: str
    purpose: str
    space: str
    start: datetime
    end: datetime
    roll_until: datetime


@dataclass(frozen=True, slots=True)
class OwnBooking:
    """A booking that the person has taken with a badge, or made with their account."""

    space: str
    start: datetime
    end: datetime
    title: str
    walk_in: bool
    cancelled_at: datetime | None


@dataclass(frozen=True, slots=True)
class OwnQuestion:
    """A suspicion: an inconsistency about a badge."""

    kind: str
    at: datetime
    space: str | None
    other_space: str | None
    settled_at: datetime | None


@dataclass(frozen=True, slots=True)
class OwnMuster:
    """An entry on the list of an open evacuation."""

    kind: str
    opened_at: datetime
    space: str
    since: datetime
    state: str


@dataclass(frozen=True, slots=True)
class PersonalData:
    """All data of a person."""

    person: OwnPerson
    credentials: list[OwnCredential] = field(default_factory=list)
    visits: list[OwnVisit] = field(default_factory=list)
    taps: list[OwnTap] = field(default_factory=list)
    sessions: list[OwnSession] = field(default_factory=list)
    bookings: list[OwnBooking] = field(default_factory=list)
    questions: list[OwnQuestion] = field(default_factory=list)
    musters: list[OwnMuster] = field(default_factory=list)
    has_account: bool = False


async def everything(conn: AsyncConnection[Any], person_id: UUID, now: datetime) -> PersonalData | None:
    """Return all that is stored of a person; None if the person does not exist."""
    values = {"person": person_id, "now": now}
    persons = await _all(conn, "person", OwnPerson, values)
    if not persons:
        return None
    account = await (await conn.execute(_SQL["has_account"], values)).fetchone()
    return PersonalData(
        person=persons[0],
        credentials=await _all(conn, "credentials", OwnCredential, values),
        visits=await _all(conn, "visits", OwnVisit, values),
        taps=await _all(conn, "taps", OwnTap, values),
        sessions=await _all(conn, "sessions", OwnSession, values),
        bookings=await _all(conn, "bookings", OwnBooking, values),
        questions=await _all(conn, "questions", OwnQuestion, values),
        musters=await _all(conn, "musters", OwnMuster, values),
        has_account=bool(account and account[0]),
    )


async def of_badge(conn: AsyncConnection[Any], data: PersonalData, credential_id: int) -> PersonalData:
    """Return the part of a person's data that belongs to one badge: the visits that its taps began."""
    rows = await (await conn.execute(_SQL["visits_of_badge"], {"credential": credential_id})).fetchall()
    own = {row[0] for row in rows}
    return PersonalData(person=data.person, visits=[visit for visit in data.visits if visit.id in own])


async def visit(conn: AsyncConnection[Any], person_id: UUID, visit_id: int) -> OwnVisit | None:
    """Return a visit of this person; None for another person's or an unknown one."""
    visits = await _all(conn, "visit", OwnVisit, {"person": person_id, "visit": visit_id})
    return visits[0] if visits else None


async def _all(
    conn: AsyncConnection[Any], query: str, kind: type[_Row], values: dict[str, Any]
) -> list[_Row]:
    async with conn.cursor(row_factory=class_row(kind)) as cursor:
        await cursor.execute(_SQL[query], values)
        return await cursor.fetchall()
