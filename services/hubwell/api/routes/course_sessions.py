"""Course sessions, for the account that owns them: enter, read the roll, delete. Not for programs."""

from datetime import date, datetime, time
from typing import Annotated, Final
from uuid import UUID
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Path, Query
from pydantic import BaseModel, ConfigDict, Field

from hubwell.api.responses import WRITES, refused
from hubwell.api.schemas import Created
from hubwell.api.times import IsoDate, IsoTime
from hubwell.errors import SPACE_UNKNOWN, DomainError
from hubwell.http.dependencies import AppSettings, Transaction
from hubwell.http.guard import require_role
from hubwell.people import course_sessions, errors
from hubwell.people.course_sessions import KEPT_DAYS, Plan
from hubwell.people.weekly import WeeklyPlan
from hubwell.vocabulary import Role
from hubwell.workflows import course_sessions as workflow
from hubwell.workflows.accounts import own_account

SessionId = Annotated[UUID, Path(description="Id of a session of one's own.")]
SeriesId = Annotated[UUID, Path(description="Id of a series of one's own.")]
ClockTime = Annotated[str, Field(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$", examples=["09:30"])]

_REFUSED: Final = refused(
    SPACE_UNKNOWN,
    errors.TITLE_MISSING,
    errors.TITLE_TOO_LONG,
    errors.PURPOSE_MISSING,
    errors.PURPOSE_TOO_LONG,
    errors.SESSION_IN_RELAXATION,
    errors.SESSION_ENDS_FIRST,
    errors.SESSION_TOO_LONG,
    errors.SESSION_LONG_AGO,
    errors.SESSIONS_OVERLAP,
    errors.ROLL_TOO_SHORT,
    errors.ROLL_TOO_LONG,
)
_SERIES_REFUSED: Final = refused(
    SPACE_UNKNOWN,
    errors.TITLE_MISSING,
    errors.TITLE_TOO_LONG,
    errors.PURPOSE_MISSING,
    errors.PURPOSE_TOO_LONG,
    errors.SESSION_IN_RELAXATION,
    errors.SESSION_ENDS_FIRST,
    errors.SESSION_TOO_LONG,
    errors.SESSION_LONG_AGO,
    errors.SESSION_FAR_AHEAD,
    errors.ROLL_TOO_SHORT,
    errors.ROLL_TOO_LONG,
    errors.SERIES_UNTIL_FIRST,
    errors.SERIES_TOO_LONG,
    errors.SERIES_EMPTY,
    errors.SERIES_CLOCKS,
)

api = APIRouter(
    prefix="/api/v1/sessions", tags=["Sessions"], responses=WRITES, dependencies=[require_role(Role.STAFF)]
)


class PlanBody(BaseModel):
    """A session to come, or one that began within the last hour."""

    model_config = ConfigDict(extra="forbid")

    title: str
    purpose: str = Field(description="What the roll is for.")
    space_id: str = Field(description="Neither one person's own room nor a space for relaxation.")
    start: IsoTime
    end: IsoTime = Field(description="At most 8 hours after the start.")
    kept_days: int = Field(KEPT_DAYS, description="Days for which the roll can be read after the end.")


class SeriesBody(BaseModel):
    """A session of each week, at the same time on the hub's clocks."""

    model_config = ConfigDict(extra="forbid")

    title: str
    purpose: str = Field(description="What the rolls are for.")
    space_id: str = Field(description="Neither one person's own room nor a space for relaxation.")
    first_day: IsoDate
    until: IsoDate = Field(description="The last day on which there can be a session.")
    start: ClockTime = Field(description="On the hub's clocks.")
    end: ClockTime = Field(description="On the same day, at most 8 hours after the start.")
    without: list[IsoDate] = Field(default=[], max_length=400, description="Days without a session.")
    kept_days: int = Field(KEPT_DAYS, description="Days for which each roll can be read.")

    def plan(self) -> WeeklyPlan:
        """Return what the workflow takes."""
        clocks = {"start": time.fromisoformat(self.start), "end": time.fromisoformat(self.end)}
        return WeeklyPlan(
            title=self.title,
            purpose=self.purpose,
            space_id=self.space_id,
            first=self.first_day,
            until=self.until,
            without=frozenset(self.without),
            kept_days=self.kept_days,
            **clocks,
        )


class Term(BaseModel):
    """Beginning and end of a session."""

    start: datetime
    end: datetime


class SeriesPreview(BaseModel):
    """What adding a series would enter."""

    sessions: list[Term]
    left_out: list[date] = Field(description="Days of the series without a session, as was asked.")
    not_in_series: list[date] = Field(
        description="Days to leave out on which there would be no session anyway."
    )
    taken: list[date] = Field(description="Days with another session of one's own at that time.")


class SeriesAdded(BaseModel):
    """A series that was entered."""

    id: UUID
    sessions: int = Field(description="How many sessions it has.")


class SeriesDeleted(BaseModel):
    """What was deleted of a series."""

    sessions: int = Field(description="How many sessions were deleted, each with its roll.")


class CourseSession(BaseModel):
    """A session."""

    id: UUID
    title: str
    purpose: str
    space: str = Field(description="Name of the space.")
    start: datetime
    end: datetime
    roll_until: datetime = Field(description="Until when the roll can be read; then it is deleted.")
    series_id: UUID | None = Field(description="The same for the sessions of one series.")


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


@api.post(
    "/series/preview",
    summary="The days of a series",
    operation_id="previewSeries",
    responses=_SERIES_REFUSED,
)
async def preview_series(transaction: Transaction, settings: AppSettings, body: SeriesBody) -> SeriesPreview:
    """Work out every session of a series on the hub's clocks; nothing is stored."""
    actor, zone = transaction.principal, ZoneInfo(settings.zone)
    planned = await workflow.plan_series(transaction.conn, actor, body.plan(), zone, transaction.now)
    return SeriesPreview.model_validate(
        {
            "sessions": [{"start": each.start, "end": each.end} for each in planned.sessions],
            "left_out": planned.left_out,
            "not_in_series": planned.not_in_series,
            "taken": planned.taken,
        }
    )


@api.post(
    "/series",
    summary="Add a session of each week",
    operation_id="addSeries",
    status_code=201,
    responses=_SERIES_REFUSED | refused(errors.SERIES_OVERLAPS),
)
async def add_series(transaction: Transaction, settings: AppSettings, body: SeriesBody) -> SeriesAdded:
    """Enter all sessions of a series, or none where one of them cannot be."""
    actor, zone = transaction.principal, ZoneInfo(settings.zone)
    series, sessions = await workflow.add_series(transaction.conn, actor, body.plan(), zone, transaction.now)
    await transaction.commit()
    return SeriesAdded(id=series, sessions=sessions)


@api.delete(
    "/series/{series_id}",
    summary="Delete a series from a day on",
    operation_id="deleteSeries",
    responses=refused(errors.SERIES_GONE),
)
async def delete_series(
    transaction: Transaction,
    settings: AppSettings,
    series_id: SeriesId,
    from_day: Annotated[IsoDate, Query(description="The first day whose session is deleted.")],
) -> SeriesDeleted:
    """Delete that day's session and all later ones, each with its roll."""
    actor, zone = transaction.principal, ZoneInfo(settings.zone)
    sessions = await workflow.delete_series(transaction.conn, actor, series_id, from_day, zone)
    await transaction.commit()
    return SeriesDeleted(sessions=sessions)


@api.get(
    "/{session_id}/roll",
    summary="Who came",
    operation_id="getRoll",
    responses=refused(errors.SESSION_GONE, errors.ROLL_NOT_YET, errors.ROLL_NEVER),
)
async def get_roll(transaction: Transaction, session_id: SessionId) -> Roll:
    """Names of people who were in the session's space during it, once it has ended; reading it is audited."""
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
