"""The spaces as a table: download it, see what an import would change, and import it."""

from typing import Annotated, Any, Final

from fastapi import APIRouter, File, Request, UploadFile
from fastapi.responses import HTMLResponse, Response

from hubwell.errors import DomainError
from hubwell.http.dependencies import OpenTransaction, ReadConnection, Transaction
from hubwell.http.guard import require_role
from hubwell.http.spreadsheet import MEDIA_TYPE
from hubwell.spaces import register
from hubwell.vocabulary import Role
from hubwell.web.kit.forms import FormText, mistake
from hubwell.web.kit.respond import formatter_for, see_other, view
from hubwell.web.register import text
from hubwell.workflows.register import spaces as workflow
from hubwell.workflows.register.space_table import COLUMNS, LARGEST_KB, MOST_ROWS, ImportPlan, export_spaces

table_pages = APIRouter(
    include_in_schema=False,
    default_response_class=HTMLResponse,
    dependencies=[require_role(Role.FACILITIES, Role.ADMIN)],
)
_BESIDE: Final[dict[str, Any]] = {"page": "spaces", "here": "/register/import", "columns": COLUMNS}
_LIMITS: Final[dict[str, Any]] = {"most_kb": LARGEST_KB, "most_rows": MOST_ROWS}


@table_pages.get("/register/spaces.csv")
async def download(request: Request, conn: ReadConnection) -> Response:
    """Return the spaces in use as a table for spreadsheets in the reader's language."""
    table = export_spaces(await register.list_registered(conn), language=formatter_for(request).language)
    headers = {"Content-Disposition": 'attachment; filename="spaces.csv"', "Cache-Control": "no-store"}
    return Response(table, headers=headers, media_type=MEDIA_TYPE)


@table_pages.get("/register/import")
async def show_form(request: Request) -> Response:
    """Show the form for a table."""
    return view(request, "register/import.html", table_text="", problems=[], errors={}, **_BESIDE, **_LIMITS)


@table_pages.post("/register/import")
async def preview(
    request: Request,
    transaction: Transaction,
    table: FormText = "",
    file: Annotated[UploadFile | None, File()] = None,
) -> Response:
    """Show what a table would change, or every mistake in it; nothing is stored."""
    content = await file.read() if file is not None and file.size else table.encode()
    return await _preview(request, transaction, content)


@table_pages.post("/register/import/apply")
async def apply(
    request: Request, transaction: Transaction, table: FormText = "", seen: FormText = ""
) -> Response:
    """Import the table of a preview, if it still changes what the preview showed."""
    content = table.encode()
    try:
        _, facts = await workflow.import_spaces(transaction.conn, transaction.principal, content, seen=seen)
    except DomainError as error:
        await transaction.roll_back()
        return await _preview(request, transaction, content, mistake(error, formatter_for(request)))
    await transaction.commit(facts)
    return see_other("/spaces?done=imported")


async def _preview(
    request: Request, transaction: OpenTransaction, content: bytes, errors: dict[str, str] | None = None
) -> Response:
    plan = await workflow.preview_import(transaction.conn, content)
    words = formatter_for(request)
    table_text = content.decode("utf-8-sig", "replace")
    if plan.problems or not content.strip():
        problems = text.problem_rows(plan.problems, words)
        return view(
            request,
            "register/import.html",
            status=422,
            words=words,
            table_text=table_text,
            problems=problems,
            errors=errors or {},
            **_BESIDE,
            **_LIMITS,
        )
    return _plan_page(request, plan, table_text, errors or {})


def _plan_page(request: Request, plan: ImportPlan, table_text: str, errors: dict[str, str]) -> Response:
    words = formatter_for(request)
    rows = text.import_rows(plan.changes, words)
    return view(
        request,
        "register/import_preview.html",
        status=422 if errors else 200,
        words=words,
        plan=plan,
        rows=rows,
        table_text=table_text,
        errors=errors,
        **_BESIDE,
    )
