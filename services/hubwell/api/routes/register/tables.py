"""The register of spaces as a table: export it, see what a table would change, and import it."""

from typing import Annotated

from fastapi import APIRouter, Body, Query
from fastapi.responses import Response
from pydantic import BaseModel, Field

from hubwell.api.responses import WRITES, refused
from hubwell.http.dependencies import ReadConnection, Transaction
from hubwell.http.errors import FieldProblem, ProblemError
from hubwell.http.guard import require_role
from hubwell.http.spreadsheet import MEDIA_TYPE
from hubwell.spaces import errors, register
from hubwell.vocabulary import Role
from hubwell.workflows.register import spaces as workflow
from hubwell.workflows.register.space_table import ImportPlan, Problem, export_spaces

api = APIRouter(
    prefix="/api/v1/register",
    tags=["Register"],
    responses=WRITES,
    dependencies=[require_role(Role.FACILITIES, Role.ADMIN)],
)


class ImportChange(BaseModel):
    """A space that a table adds or changes."""

    line: int
    id: str
    new: bool
    fields: list[str] = Field(description="The settings that differ; empty for a new space.")


class ImportResult(BaseModel):
    """What a table changes, or changed."""

    applied: bool = Field(description="False for a preview.")
    changes: list[ImportChange]
    unchanged: int = Field(description="Lines whose spaces are so already.")


@api.get(
    "/spaces.csv",
    summary="The register as a table",
    operation_id="exportSpaces",
    response_class=Response,
    responses={200: {"description": "CSV (RFC 4180).", "content": {"text/csv": {}}}},
)
async def export_register(conn: ReadConnection) -> Response:
    """Return the spaces in use; importing the table again changes nothing."""
    return Response(export_spaces(await register.list_registered(conn)), media_type=MEDIA_TYPE)


@api.post(
    "/spaces/import",
    summary="Import a table of spaces",
    operation_id="importSpaces",
    responses=refused(errors.TABLE_REFUSED, errors.TABLE_TOO_LARGE),
)
async def import_table(
    *,
    transaction: Transaction,
    table: Annotated[bytes, Body(media_type="text/csv", description="CSV in UTF-8, as it is exported.")],
    apply: Annotated[bool, Query(description="Store it; otherwise only say what would change.")] = False,
) -> ImportResult:
    """Spaces without a line stay as they are. A table with mistakes is refused whole, with every mistake."""
    plan = await workflow.preview_import(transaction.conn, table)
    if plan.problems:
        raise _table_refused(plan.problems)
    if apply:
        plan, facts = await workflow.import_spaces(transaction.conn, transaction.principal, table)
        await transaction.commit(facts)
    return _result(plan, applied=apply)


def _result(plan: ImportPlan, *, applied: bool) -> ImportResult:
    changes = [
        ImportChange(line=item.line, id=item.space_id, new=item.before is None, fields=list(item.fields))
        for item in plan.changes
    ]
    return ImportResult(applied=applied, changes=changes, unchanged=plan.unchanged)


def _table_refused(problems: tuple[Problem, ...]) -> ProblemError:
    kind = errors.TABLE_REFUSED
    fields = [
        FieldProblem(
            field=f"line {item.line}, {item.column}" if item.column else f"line {item.line}",
            value=item.value,
            problem=item.error.code.replace("-", " "),
            do=str(item.error),
        )
        for item in problems
    ]
    return ProblemError(kind.status, kind.code, "Table refused", kind.text, fields)
