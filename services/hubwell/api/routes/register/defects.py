"""Defects: what is reported as broken in a space, until it is marked as done."""

from datetime import datetime
from typing import Annotated, Final
from uuid import UUID

from fastapi import APIRouter, Path
from pydantic import BaseModel, ConfigDict, Field

from hubwell.access.errors import NOT_ALLOWED, TOO_MANY_TRIES
from hubwell.api.responses import WRITES, refused
from hubwell.defects import actions, errors
from hubwell.defects.rules import LONGEST_NOTE, DefectKind
from hubwell.errors import SPACE_UNKNOWN
from hubwell.http.dependencies import NewTransaction, RateLimits, Transaction
from hubwell.http.guard import SEE_DEFECTS, require_role
from hubwell.http.rate_limits import count_report
from hubwell.vocabulary import Role
from hubwell.workflows import defects as workflow
from hubwell_wire.topics import ID_PATTERN

DefectId = Annotated[UUID, Path(description="Id of a defect, as the list of defects has it.")]
_CLOSE: Final = require_role(Role.FACILITIES, Role.ADMIN)

api = APIRouter(prefix="/api/v1/defects", tags=["Defects"], responses=WRITES)


class Defect(BaseModel):
    """What is broken in a space."""

    model_config = ConfigDict(from_attributes=True)

    id: UUID
    space_id: str
    space_name: str
    kind: DefectKind
    first_at: datetime = Field(description="When it was first reported.")
    last_at: datetime = Field(description="When it was last reported.")
    reports: int = Field(description="How often it was reported; a double tap is one report.")
    closed_at: datetime | None = Field(description="When it was marked as done; null while it is open.")
    closed_by: UUID | None = Field(description="The account that marked it; null for a program.")
    note: str = Field(description="What was done, as far as that was written.")


class Defects(BaseModel):
    """The open defects, the oldest first, then those that were closed in the last 30 days."""

    defects: list[Defect]


class ReportBody(BaseModel):
    """What is broken, and where. There is no text: see decision 0033."""

    model_config = ConfigDict(extra="forbid")

    space_id: str = Field(pattern=ID_PATTERN, examples=["wood-workshop"])
    kind: DefectKind


class Reported(BaseModel):
    """The defect that counts the report."""

    id: UUID
    reports: int
    counted: bool = Field(
        description="False if the same was reported some seconds before: both are one report."
    )


class CloseBody(BaseModel):
    """What was done."""

    model_config = ConfigDict(extra="forbid")

    note: str = Field("", description=f"Optional, at most {LONGEST_NOTE} characters; no names of people.")


@api.get("", summary="All defects", operation_id="listDefects", dependencies=[require_role(*SEE_DEFECTS)])
async def list_defects(transaction: Transaction) -> Defects:
    """Return the open ones, and those that were closed in the last 30 days."""
    open_defects = await actions.list_defects(transaction.conn, transaction.now)
    return Defects(defects=[Defect.model_validate(item) for item in open_defects])


@api.post(
    "",
    summary="Report a defect",
    operation_id="reportDefect",
    status_code=201,
    dependencies=[require_role(*Role)],
    responses=refused(SPACE_UNKNOWN, errors.DEFECT_KIND_UNKNOWN, NOT_ALLOWED, TOO_MANY_TRIES),
)
async def report(limits: RateLimits, begin: NewTransaction, body: ReportBody) -> Reported:
    """Count it in the open defect of the same kind in the same space, if there is one."""
    async with begin() as transaction:
        await count_report(limits, transaction.principal.actor)
        reported = await workflow.report(
            transaction.conn, transaction.principal, body.space_id, body.kind, transaction.now
        )
        await transaction.commit()
    return Reported(id=reported.key.defect_id, reports=reported.reports, counted=reported.counted)


@api.post(
    "/{defect_id}/close",
    summary="Mark a defect as done",
    operation_id="closeDefect",
    dependencies=[_CLOSE],
    responses=refused(errors.DEFECT_UNKNOWN, errors.DEFECT_DONE, errors.DEFECT_NOTE_LONG),
)
async def close(transaction: Transaction, defect_id: DefectId, body: CloseBody) -> Defect:
    """With a note of at most 300 characters, if wanted."""
    conn, actor, now = transaction.conn, transaction.principal, transaction.now
    await workflow.close(conn, actor, defect_id, body.note, now)
    await transaction.commit()
    return Defect.model_validate(await actions.get_defect(conn, defect_id))


@api.post(
    "/{defect_id}/reopen",
    summary="Reopen a defect",
    operation_id="reopenDefect",
    dependencies=[_CLOSE],
    responses=refused(
        errors.DEFECT_UNKNOWN, errors.DEFECT_NOT_DONE, errors.DEFECT_OPEN_AGAIN, errors.DEFECT_SPACE_GONE
    ),
)
async def reopen(transaction: Transaction, defect_id: DefectId) -> Defect:
    """Open it again, without its note."""
    await workflow.reopen(transaction.conn, transaction.principal, defect_id)
    await transaction.commit()
    return Defect.model_validate(await actions.get_defect(transaction.conn, defect_id))
