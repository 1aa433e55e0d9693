"""Course sessions, for the account that owns them: enter, read the roll, delete. Not for programs."""

from datetime import datetime
from typing import Annotated, Final
from uuid import UUID

from fastapi import APIRouter, Path
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from hubwell.api.responses import WRITES, refused
from hubwell.api.schemas import Created
from hubwell.errors import SPACE_UNKNOWN, DomainError
from hubwell.http.dependencies import Transaction
from hubwell.http.guard import require_role
from hubwell.people import course_sessions, errors
from hubwell.people.course_sessions import KEPT_DAYS, Plan
from hubwell.vocabulary import Role
from hubwell.workflows import course_sessions as workflow
from hubwell.workflows.accounts import own_account

SessionId = Annotated[UUID, Path(description="Id of a session of one's own.")]

_REFUSED: Final = refused(
    SPACE_UNKNOWN,
    errors.TITLE_MISSING,
    errors.TITLE_TOO_LONG,
    errors.PURPOSE_MISSING,
    errors.PURPOSE_TOO_LONG,
    errors.SESSION_ENDS_FIRST,
    errors.SESSION_TOO_LONG,
    errors.SESSION_LONG_AGO,
    errors.SESSIONS_OVERLAP,
    errors.ROLL_TOO_SHORT,
    errors.ROLL_TOO_LONG,
)

api = APIRouter(
    prefix="/api/v1/sessions", tags=["Sessions"], responses=WRITES, dependencies=[require_role(Role.STAFF)]
)


class PlanBody(BaseModel):
    """A session to come, or one that began within the last hour."""

    model_config = ConfigDict(extra="forbid")

    title: str
    purpose: str = Field(description="What the roll is for.")
    space_id: str = Field(description="Not one person's own room.")
    start: AwareDatetime
    end: AwareDatetime = Field(description="At most 8 hours after the start.")
    kept_days: int = Field(KEPT_DAYS, description="Days for which the roll can be read after the end.")


class CourseSession(BaseModel):
    """A session."""

    id: UUID
    title: str
    purpose: str
    space: str = Field(description="Name of the space.")
    start: datetime
    end: datetime
    roll_until: datetime = Field(description="Until when the roll can be read; then it is deleted.")


class CourseSessions(BaseModel):
    """One's own sessions whose roll can still be read, the latest first."""

    sessions: list[CourseSession]


class Roll(BaseModel):
    """Who came."""

    names: list[str]
    nameless: int = Field(description="How many came with a badge that has no name.")


@api.get("", summary="One's own sessions", operation_id="listSessions")
async def list_sessions(transaction: Transaction) -> CourseSessions:
    """Those whose roll can still be read."""
    owner = own_account(transaction.principal)
    sessions = await course_sessions.sessions_of(transaction.conn, owner, transaction.now)
    return CourseSessions(
        sessions=[CourseSession.model_validate(item, from_attributes=True) for item in sessions]
    )


@api.post("", summary="Add a session", operation_id="addSession", status_code=201, responses=_REFUSED)
async def add(transaction: Transaction, body: PlanBody) -> Created:
    """Before it begins, or at most an hour after: rolls of past times are not available."""
    plan = Plan(**body.model_dump())
    session_id = await workflow.add(transaction.conn, transaction.principal, plan, transaction.now)
    await transaction.commit()
    return Created(id=session_id)


@api.get(
    "/{session_id}/roll", summary="Who came", operation_id="getRoll", responses=refused(errors.SESSION_GONE)
)
async def get_roll(transaction: Transaction, session_id: SessionId) -> Roll:
    """Names of people who were in the session's space during it, so far; reading it is audited."""
    _, roll = await workflow.read_roll(
        transaction.conn, transaction.principal, session_id, transaction.now, "roll.exported"
    )
    await transaction.commit()
    return Roll.model_validate(roll, from_attributes=True)


@api.delete(
    "/{session_id}",
    summary="Delete a session with its roll",
    operation_id="deleteSession",
    responses=refused(errors.SESSION_GONE),
    status_code=204,
)
async def delete(transaction: Transaction, session_id: SessionId) -> None:
    """Before its time."""
    if not await workflow.delete(transaction.conn, transaction.principal, session_id):
        raise DomainError(errors.SESSION_GONE)
    await transaction.commit()
