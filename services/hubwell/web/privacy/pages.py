"""The privacy pages: what is collected and why for everybody, proofs and documents for those in charge.

All of it is made from the live configuration, so it cannot tell another story than the hub itself.
"""

from datetime import UTC, datetime
from typing import Any, Final, Literal

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, Response

from hubwell.audit import log
from hubwell.http.guard import PUBLIC, require_role
from hubwell.privacy import retention
from hubwell.privacy.documents import inventory
from hubwell.privacy.documents.document import Document
from hubwell.privacy.documents.dpia import dpia
from hubwell.privacy.documents.inventory import Inventory
from hubwell.privacy.documents.processing_record import record
from hubwell.settings import Settings
from hubwell.vocabulary import Role
from hubwell.web.kit.respond import formatter_for, view
from hubwell.web.privacy import text as said

_NEWEST_PROOFS: Final = 50
_NEWEST_ENTRIES: Final = 100
_EXAMINED: Final = 10_000
"""Entries that the page examines: about a second's work. The command examines all."""
privacy = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)

Ending = Literal["md", "json"]


async def _inventory(request: Request) -> Inventory:
    settings: Settings = request.app.state.settings
    async with request.app.state.database.connection() as conn:
        return await inventory.collect(conn, settings)


@privacy.get("/privacy", dependencies=[PUBLIC])
async def show_notice(request: Request) -> Response:
    """Show everybody what is collected here, why, how long, who sees it, and what their rights are."""
    found, words = await _inventory(request), formatter_for(request)
    return view(
        request,
        "privacy/notice.html",
        page="privacy",
        settings=found.settings,
        collected=said.collected(words, found),
        purposes=said.purposes(words, found),
        never=said.never(words),
        audience=said.audience(words, found),
        kept=said.retention_rows(words, found),
        with_badges=found.has_readers or found.enrolled > 0,
    )


@privacy.get("/privacy/retention", dependencies=[require_role(Role.ADMIN)])
async def show_retention(request: Request) -> Response:
    """Show how long everything stays, and the proofs of what was deleted."""
    found, words = await _inventory(request), formatter_for(request)
    async with request.app.state.database.connection() as conn:
        last = await retention.last_runs(conn)
        proofs = await retention.proofs(conn, _NEWEST_PROOFS)
    return view(
        request,
        "privacy/retention.html",
        page="audit-log",
        kept=said.retention_rows(words, found),
        last=last,
        proofs=proofs,
    )


@privacy.get("/audit-log", dependencies=[require_role(Role.ADMIN)])
async def show_audit_log(request: Request) -> Response:
    """Show the newest entries, and whether the chain is whole."""
    async with request.app.state.database.connection() as conn:
        verdict = await log.verify(conn, newest=_EXAMINED)
        entries = await log.newest(conn, _NEWEST_ENTRIES)
    return view(request, "privacy/audit_log.html", page="audit-log", verdict=verdict, entries=entries)


@privacy.get("/privacy/dpia", dependencies=[require_role(Role.ADMIN)])
async def show_dpia(request: Request) -> Response:
    """Show the inputs for a data protection impact assessment."""
    return _document_page(request, dpia(await _inventory(request)), "dpia")


@privacy.get("/privacy/record", dependencies=[require_role(Role.ADMIN)])
async def show_record(request: Request) -> Response:
    """Show the record of processing activities."""
    return _document_page(request, record(await _inventory(request)), "record")


@privacy.get("/privacy/dpia.{ending}", dependencies=[require_role(Role.ADMIN)])
async def download_dpia(request: Request, ending: Ending) -> Response:
    """Hand over the inputs for a data protection impact assessment."""
    return _download(dpia(await _inventory(request)), "dpia", ending)


@privacy.get("/privacy/record.{ending}", dependencies=[require_role(Role.ADMIN)])
async def download_record(request: Request, ending: Ending) -> Response:
    """Hand over the record of processing activities."""
    return _download(record(await _inventory(request)), "record", ending)


def _document_page(request: Request, document: Document, name: str) -> Response:
    return view(request, "privacy/document.html", page="audit-log", document=document, name=name)


def _download(document: Document, name: str, ending: Ending) -> Response:
    text = document.as_markdown() if ending == "md" else document.as_json()
    media_type = "text/markdown; charset=utf-8" if ending == "md" else "application/json"
    today = datetime.now(UTC).date().isoformat()
    headers: dict[str, Any] = {
        "Content-Disposition": f'attachment; filename="{name}-{today}.{ending}"',
        "Cache-Control": "no-store",
    }
    return Response(text, media_type=media_type, headers=headers)
