"""People's entries in the register, for staff: names and badges, checking in and out. Never past visits."""

from datetime import datetime
from typing import Annotated, Final
from uuid import UUID

from fastapi import APIRouter, Path
from pydantic import BaseModel, ConfigDict, Field

from hubwell.api.responses import WRITES, refused
from hubwell.api.schemas import Created
from hubwell.errors import NAME_TOO_LONG, PERSON_GONE, SPACE_UNKNOWN, DomainError
from hubwell.http.dependencies import AppSettings, ReadConnection, Transaction
from hubwell.http.guard import require_role
from hubwell.people import credentials, errors, persons
from hubwell.people.credentials import CredentialKind, NewPerson, Revoked
from hubwell.presence.errors import NOT_CHECKED_IN
from hubwell.vocabulary import Role
from hubwell.workflows import people, visits

PersonId = Annotated[UUID, Path(description="Id of the person.")]
_ENTRY: Final = (NAME_TOO_LONG, errors.NAME_NOT_PRINTABLE, errors.LANGUAGE_UNKNOWN)
"""The refusals of what a person's entry holds."""

api = APIRouter(
    prefix="/api/v1/persons", tags=["Persons"], responses=WRITES, dependencies=[require_role(Role.STAFF)]
)


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid")


class PersonSearch(_Body):
    """What to look for. In a body, so that no name is in an address."""

    text: str = Field(description="Part of a name, at least two letters.")


class PersonFound(BaseModel):
    """A person whose name holds the text."""

    id: UUID
    name: str
    language: str | None
    badges: int = Field(description="Badges and codes in use.", validation_alias="credentials")


class PersonsFound(BaseModel):
    """At most 20, those whose name begins with the text first."""

    persons: list[PersonFound]


class PersonBody(_Body):
    """A person's entry."""

    name: str = Field("", description="Empty for a person without a name.")
    language: str | None = Field(None, description="In which readers address them; null for the hub's.")


class Badge(BaseModel):
    """What a person holds to a reader. What a reader recognises it by is never shown."""

    id: int
    kind: CredentialKind
    label: str
    since: datetime
    until: datetime | None
    revoked_why: Revoked | None


class PersonEntry(BaseModel):
    """A person as staff see them."""

    id: UUID
    name: str
    language: str | None
    shown_on_site: bool
    shown_as: str = Field(description="`mentor`, `ambassador` or empty.")
    created_at: datetime
    badges: list[Badge]


class MergeBody(_Body):
    """The entry that becomes part of the one in the address."""

    other: UUID = Field(description="Its badges, visits and account move; it is deleted.")


class CodeBody(_Body):
    """A note for a code."""

    label: str = Field("", description="By which staff recognise it.")


class CodeIssued(BaseModel):
    """A QR code's content, which is stored nowhere."""

    badge_id: int
    text: str = Field(description="To be drawn as a QR code; it is as good as a badge.")


class CheckInBody(_Body):
    """Where a person is."""

    space_id: str = Field(description="Id of the space.")


@api.post("/search", summary="Find people by name", operation_id="findPersons")
async def find(transaction: Transaction, body: PersonSearch) -> PersonsFound:
    """Return at most 20 people; the search, without its text, is in the audit log."""
    persons = await people.find(transaction.conn, transaction.principal, body.text)
    await transaction.commit()
    return PersonsFound(
        persons=[PersonFound.model_validate(person, from_attributes=True) for person in persons]
    )


@api.post(
    "",
    summary="Enter a person without a badge",
    operation_id="addPerson",
    status_code=201,
    responses=refused(*_ENTRY),
)
async def add(transaction: Transaction, body: PersonBody) -> Created:
    """For people who will get a badge or a code later."""
    person = NewPerson(body.name, body.language)
    person_id = await people.add(transaction.conn, transaction.principal, person, transaction.now)
    await transaction.commit()
    return Created(id=person_id)


@api.get("/{person_id}", summary="A person's entry", operation_id="getPerson", responses=refused(PERSON_GONE))
async def get_person(conn: ReadConnection, person_id: PersonId) -> PersonEntry:
    """Name, language and badges; never where they were."""
    person = await persons.person(conn, person_id)
    badges = await credentials.credentials_of(conn, person_id)
    return PersonEntry(
        id=person.id,
        name=person.name,
        language=person.language,
        shown_on_site=person.shown_on_site,
        shown_as=person.shown_as,
        created_at=person.created_at,
        badges=[Badge.model_validate(badge, from_attributes=True) for badge in badges],
    )


@api.put(
    "/{person_id}",
    summary="Rename a person, or set their language",
    operation_id="changePerson",
    responses=refused(PERSON_GONE, *_ENTRY),
    status_code=204,
)
async def change(transaction: Transaction, person_id: PersonId, body: PersonBody) -> None:
    """Readers get the language with their next list of badges, within a second."""
    facts = await people.change(
        transaction.conn, transaction.principal, person_id, name=body.name, language=body.language
    )
    await transaction.commit(facts)


@api.post(
    "/{person_id}/merge",
    summary="Make one person of two entries",
    operation_id="mergePersons",
    responses=refused(PERSON_GONE, errors.SAME_PERSON, errors.OWN_ENTRY),
    status_code=204,
)
async def merge(
    transaction: Transaction, settings: AppSettings, person_id: PersonId, body: MergeBody
) -> None:
    """Keep the entry in the address, delete the other. An entry of one's own is refused."""
    facts = await people.merge(
        transaction.conn, transaction.principal, settings, keep=person_id, drop=body.other
    )
    await transaction.commit(facts)


@api.post(
    "/{person_id}/codes",
    summary="Issue a QR code for a person",
    operation_id="issueCode",
    responses=refused(PERSON_GONE, errors.LABEL_TOO_LONG, errors.LABEL_NOT_PRINTABLE),
    status_code=201,
)
async def issue_code(
    transaction: Transaction, settings: AppSettings, person_id: PersonId, body: CodeBody
) -> CodeIssued:
    """Return the code's text, which is stored nowhere."""
    conn, actor, now = transaction.conn, transaction.principal, transaction.now
    code = await people.issue_code(conn, actor, settings, person_id, now, body.label)
    await transaction.commit(code.enrolled.facts)
    return CodeIssued(badge_id=code.enrolled.credential_id, text=code.text)


@api.post(
    "/{person_id}/check-in",
    summary="Check a person in to a space",
    operation_id="checkIn",
    responses=refused(PERSON_GONE, SPACE_UNKNOWN),
    status_code=204,
)
async def check_in(
    transaction: Transaction, settings: AppSettings, person_id: PersonId, body: CheckInBody
) -> None:
    """As a tap at the space's door would; from another space they move."""
    conn, actor, now = transaction.conn, transaction.principal, transaction.now
    await transaction.commit(await visits.check_in(conn, actor, settings, person_id, body.space_id, now))


@api.post(
    "/{person_id}/check-out",
    summary="Check a person out",
    operation_id="checkOut",
    responses=refused(PERSON_GONE, NOT_CHECKED_IN),
    status_code=204,
)
async def check_out(transaction: Transaction, settings: AppSettings, person_id: PersonId) -> None:
    """Out of the space where they are."""
    conn, actor, now = transaction.conn, transaction.principal, transaction.now
    facts = await visits.check_out(conn, actor, settings, person_id, now)
    if facts is None:
        raise DomainError(NOT_CHECKED_IN)
    await transaction.commit(facts)
