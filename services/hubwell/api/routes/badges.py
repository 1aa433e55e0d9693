"""Badges, for staff: enrol the one at the desk's reader, revoke, restore, and answer questions about them."""

from datetime import datetime
from typing import Annotated, Final, Literal
from uuid import UUID

from fastapi import APIRouter, Path
from pydantic import BaseModel, ConfigDict, Field

from hubwell.api.responses import WRITES, Responses, refused
from hubwell.errors import NAME_TOO_LONG, PERSON_GONE
from hubwell.http.dependencies import AppSettings, ReadConnection, Transaction
from hubwell.http.errors import Problem, not_found
from hubwell.http.guard import require_role
from hubwell.people import desk_taps, errors
from hubwell.people.credentials import CredentialKind, NewPerson, Revoked
from hubwell.presence import suspicions
from hubwell.vocabulary import Role
from hubwell.workflows import people

BadgeId = Annotated[int, Path(description="Id of the badge, as the person's entry has it.")]
_NO_QUESTION: Final[Responses] = {
    404: {"model": Problem, "description": "There is no open question with this id."}
}

api = APIRouter(
    prefix="/api/v1/badges", tags=["Badges"], responses=WRITES, dependencies=[require_role(Role.STAFF)]
)


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid")


class DeskTap(BaseModel):
    """A badge that was held to a desk's reader. What recognises it is never shown."""

    id: int
    device: str
    reader: str
    kind: CredentialKind
    tapped_at: datetime
    badge_id: int | None = Field(
        description="Null for a badge that is not enrolled.", validation_alias="credential_id"
    )
    label: str | None = Field(description="The note on the badge; null for one that is not enrolled.")
    revoked_why: Revoked | None
    person_id: UUID | None
    name: str | None


class DeskTaps(BaseModel):
    """The taps of the last two minutes, the newest first."""

    taps: list[DeskTap]


class KnownOwner(_Body):
    """A person of the register."""

    kind: Literal["known"]
    person_id: UUID


class NewOwner(_Body):
    """A person who is entered with the badge."""

    kind: Literal["new"]
    name: str = Field(min_length=1, description="As people read it.")
    language: str | None = Field(None, description="In which readers address them; null for the hub's.")


class NamelessOwner(_Body):
    """A new person who is known by the badge alone."""

    kind: Literal["nameless"]
    language: str | None = Field(None, description="In which readers address them; null for the hub's.")


class EnrolBody(_Body):
    """Whose badge it is."""

    owner: KnownOwner | NewOwner | NamelessOwner = Field(discriminator="kind")
    label: str = Field("", description="A note by which staff recognise it.")


class Enrolled(BaseModel):
    """What the enrolment enrolment."""

    badge_id: int
    person_id: UUID


class RevokeBody(_Body):
    """The reason."""

    why: Revoked


class NoteBody(_Body):
    """The new note."""

    label: str = Field(description="At most 60 characters, and never a name; empty for none.")


class OthersRevoked(BaseModel):
    """All badges and codes of the person but the one in their hand."""

    person_id: UUID
    kept: int = Field(description="Id of the badge that stays.")
    revoked: list[int] = Field(description="Ids of the badges and codes that no longer work.")


class BadgeChanged(BaseModel):
    """Whose badge it is; null where an enrolment was undone and its person went with it."""

    person_id: UUID | None


class Suspicion(BaseModel):
    """A question to ask a person about a badge; never a verdict."""

    id: int
    kind: str
    at: datetime
    badge_id: int = Field(validation_alias="credential_id")
    label: str = Field(description="The note on the badge.")
    person_id: UUID
    name: str


class Suspicions(BaseModel):
    """The open ones, the newest first."""

    suspicions: list[Suspicion]


@api.get("/taps", summary="Badges at the desk's readers", operation_id="listDeskTaps")
async def list_taps(transaction: Transaction) -> DeskTaps:
    """Those that were held to a desk's reader within the last two minutes."""
    taps = await desk_taps.taps(transaction.conn, transaction.now)
    return DeskTaps(taps=[DeskTap.model_validate(tap, from_attributes=True) for tap in taps])


@api.post(
    "/taps/{tap_id}/enrol",
    summary="Enrol the badge of a tap",
    operation_id="enrolBadge",
    responses=refused(
        errors.BADGE_GONE,
        PERSON_GONE,
        errors.ALREADY_ENROLLED,
        errors.LABEL_TOO_LONG,
        errors.LABEL_NOT_PRINTABLE,
        NAME_TOO_LONG,
        errors.NAME_NOT_PRINTABLE,
        errors.LANGUAGE_UNKNOWN,
    ),
    status_code=201,
)
async def enrol(
    transaction: Transaction,
    settings: AppSettings,
    tap_id: Annotated[int, Path(description="Id of the tap at the desk.")],
    body: EnrolBody,
) -> Enrolled:
    """Readers accept it with their next list of badges, within a second."""
    conn, actor, now = transaction.conn, transaction.principal, transaction.now
    enrolment = await people.enrol(conn, actor, settings, tap_id, _owner(body.owner), now, body.label)
    await transaction.commit(enrolment.facts)
    return Enrolled(badge_id=enrolment.credential_id, person_id=enrolment.person_id)


def _owner(owner: KnownOwner | NewOwner | NamelessOwner) -> UUID | NewPerson:
    match owner:
        case KnownOwner():
            return owner.person_id
        case NewOwner():
            return people.named(owner.name, owner.language)
        case NamelessOwner():
            return NewPerson("", owner.language)


@api.post(
    "/taps/{tap_id}/revoke-others",
    summary="Revoke all badges of a person but the one in their hand",
    operation_id="revokeOtherBadges",
    responses=refused(errors.BADGE_GONE, errors.NOT_ENROLLED, errors.IN_HAND_REVOKED, errors.NO_OTHER_BADGE),
)
async def revoke_others(
    transaction: Transaction,
    tap_id: Annotated[int, Path(description="Id of the tap at the desk.")],
    body: RevokeBody,
) -> OthersRevoked:
    """For a person who found one badge and lost track of the others; QR codes are revoked too."""
    conn, actor, now = transaction.conn, transaction.principal, transaction.now
    result = await people.revoke_others(conn, actor, tap_id, body.why, now)
    await transaction.commit(result.facts)
    return OthersRevoked(person_id=result.person_id, kept=result.kept, revoked=result.revoked)


@api.post(
    "/{badge_id}/undo-enrolment",
    summary="Undo an enrolment of the last ten minutes",
    operation_id="undoEnrolment",
    responses=refused(errors.TOO_LATE),
)
async def undo_enrolment(transaction: Transaction, badge_id: BadgeId) -> BadgeChanged:
    """Delete the person too, where the enrolment entered them and nothing was added since."""
    conn, actor, now = transaction.conn, transaction.principal, transaction.now
    change = await people.undo_enrolment(conn, actor, badge_id, now)
    await transaction.commit(change.facts)
    return BadgeChanged(person_id=change.person_id)


@api.post(
    "/{badge_id}/revoke",
    summary="Revoke a badge",
    operation_id="revokeBadge",
    responses=refused(errors.CREDENTIAL_GONE, errors.ALREADY_REVOKED),
)
async def revoke(transaction: Transaction, badge_id: BadgeId, body: RevokeBody) -> BadgeChanged:
    """At once: readers that are online refuse it within a second."""
    conn, actor, now = transaction.conn, transaction.principal, transaction.now
    change = await people.revoke(conn, actor, badge_id, body.why, now)
    await transaction.commit(change.facts)
    return BadgeChanged(person_id=change.person_id)


@api.post(
    "/{badge_id}/restore",
    summary="Restore a revoked badge",
    operation_id="restoreBadge",
    responses=refused(errors.CREDENTIAL_GONE, errors.NOT_REVOKED),
)
async def restore(transaction: Transaction, badge_id: BadgeId) -> BadgeChanged:
    """For a badge that was found again."""
    change = await people.restore(transaction.conn, transaction.principal, badge_id)
    await transaction.commit(change.facts)
    return BadgeChanged(person_id=change.person_id)


@api.put(
    "/{badge_id}/note",
    summary="Change the note on a badge",
    operation_id="changeBadgeNote",
    responses=refused(errors.CREDENTIAL_GONE, errors.LABEL_TOO_LONG, errors.LABEL_NOT_PRINTABLE),
)
async def change_note(transaction: Transaction, badge_id: BadgeId, body: NoteBody) -> BadgeChanged:
    """By it staff tell a person's badges apart; the audit log holds that it was changed, not the note."""
    change = await people.change_note(transaction.conn, transaction.principal, badge_id, body.label)
    await transaction.commit(change.facts)
    return BadgeChanged(person_id=change.person_id)


@api.get("/suspicions", summary="Questions about badges", operation_id="listSuspicions")
async def list_suspicions(conn: ReadConnection) -> Suspicions:
    """List what does not fit together, such as one badge in two places; without the places."""
    rows = await suspicions.open_suspicions(conn)
    return Suspicions(suspicions=[Suspicion.model_validate(item, from_attributes=True) for item in rows])


@api.post(
    "/suspicions/{suspicion_id}/resolve",
    summary="Close a question about a badge",
    operation_id="resolveSuspicion",
    responses=_NO_QUESTION,
    status_code=204,
)
async def resolve_suspicion(
    transaction: Transaction, suspicion_id: Annotated[int, Path(description="Id of the question.")]
) -> None:
    """Once the person was asked and it is explained."""
    conn, actor, now = transaction.conn, transaction.principal, transaction.now
    if not await people.resolve_suspicion(conn, actor, suspicion_id, now):
        do = "GET /api/v1/badges/suspicions lists the open ones."
        raise not_found("path.suspicion_id", str(suspicion_id), "open question", do)
    await transaction.commit()
