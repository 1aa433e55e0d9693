"""Privacy pages: the notice for all; retention, audit log and documents for administrators.

All of it is made from the live configuration, so that the pages and the hub cannot differ.
"""

from datetime import MAXYEAR, UTC, date, datetime, time, timedelta
from typing import Annotated, Any, Final, Literal

from fastapi import APIRouter, Depends, Request
from fastapi.responses import HTMLResponse, Response

from hubwell.access import accounts
from hubwell.audit import deletions, log
from hubwell.http.dependencies import AppSettings, ReadConnection
from hubwell.http.guard import PUBLIC, require_role
from hubwell.privacy.documents.document import Document
from hubwell.privacy.documents.dpia import dpia
from hubwell.privacy.documents.inventory import Inventory, collect
from hubwell.privacy.documents.processing_record import record
from hubwell.vocabulary import Role
from hubwell.web.kit.respond import formatter_for, view
from hubwell.web.privacy import audit_text, text

_NEWEST_PROOFS: Final = 50
_NEWEST_ENTRIES: Final = 100
_LONGEST_ACTOR: Final = 200
_EXAMINED: Final = 10_000
"""Entries that the page examines: about a second's work. The command examines all."""
privacy = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)

Ending = Literal["md", "json"]


async def _inventory(conn: ReadConnection, settings: AppSettings) -> Inventory:
    return await collect(conn, settings)


CurrentInventory = Annotated[Inventory, Depends(_inventory, scope="function")]
"""What is collected and enabled now; the documents are made of it."""


@privacy.get("/privacy", dependencies=[PUBLIC])
async def show_notice(request: Request, inventory: CurrentInventory) -> Response:
    """Show what is collected here, why, how long, who sees it, and which rights people have."""
    words = formatter_for(request)
    return view(
        request,
        "privacy/notice.html",
        page="privacy",
        settings=inventory.settings,
        collected=text.collected(words, inventory),
        purposes=text.purposes(words, inventory),
        never=text.never(words),
        audience=text.audience(words, inventory),
        retention=text.retention_rows(words, inventory),
        with_badges=inventory.has_readers or inventory.enrolled > 0,
    )


@privacy.get("/privacy/retention", dependencies=[require_role(Role.ADMIN)])
async def show_retention(request: Request, conn: ReadConnection, inventory: CurrentInventory) -> Response:
    """Show how long everything stays, and the proofs of what was deleted."""
    return view(
        request,
        "privacy/retention.html",
        page="audit-log",
        retention=text.retention_rows(formatter_for(request), inventory),
        last=await deletions.last_of_each_class(conn, "retention"),
        proofs=await deletions.newest(conn, _NEWEST_PROOFS),
    )


@privacy.get("/audit-log", dependencies=[require_role(Role.ADMIN)])
async def show_audit_log(
    request: Request, conn: ReadConnection, area: str = "", who: str = "", day: str = ""
) -> Response:
    """Show the newest entries of what was chosen, up to the end of a day, and whether the chain is whole."""
    words, until = formatter_for(request), _date(day)
    entries = await log.newest(
        conn,
        _NEWEST_ENTRIES,
        kinds=audit_text.AREAS.get(area),
        actor=who[:_LONGEST_ACTOR] or None,
        before=None if until is None else datetime.combine(until + timedelta(days=1), time(), words.zone),
    )
    logins = {str(account.id): account.login for account in await accounts.list_accounts(conn)}
    actors = [(actor, audit_text.actor_name(actor, logins, words)) for actor in await log.actors(conn)]
    return view(
        request,
        "privacy/audit_log.html",
        words=words,
        page="audit-log",
        here="/audit-log",
        chain=await log.verify(conn, newest=_EXAMINED),
        lines=[audit_text.line(entry, logins, words) for entry in entries],
        areas=audit_text.area_names(words),
        actors=[("", words.translations.gettext("Everybody")), *sorted(actors, key=lambda item: item[1])],
        chosen={"area": area, "who": who, "day": "" if until is None else until.isoformat()},
    )


def _date(text: str) -> date | None:
    """Read a day that has a next one in every zone; None for anything else."""
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return None
    return day if 1 < day.year < MAXYEAR else None


@privacy.get("/privacy/dpia", dependencies=[require_role(Role.ADMIN)])
async def show_dpia(request: Request, inventory: CurrentInventory) -> Response:
    """Show the inputs for a data protection impact assessment."""
    return _document_page(request, dpia(inventory), "dpia")


@privacy.get("/privacy/record", dependencies=[require_role(Role.ADMIN)])
async def show_record(request: Request, inventory: CurrentInventory) -> Response:
    """Show the record of processing activities."""
    return _document_page(request, record(inventory), "record")


@privacy.get("/privacy/dpia.{ending}", dependencies=[require_role(Role.ADMIN)])
async def download_dpia(inventory: CurrentInventory, ending: Ending) -> Response:
    """Hand over the inputs for a data protection impact assessment."""
    return _download(dpia(inventory), "dpia", ending)


@privacy.get("/privacy/record.{ending}", dependencies=[require_role(Role.ADMIN)])
async def download_record(inventory: CurrentInventory, ending: Ending) -> Response:
    """Hand over the record of processing activities."""
    return _download(record(inventory), "record", ending)


def _document_page(request: Request, document: Document, name: str) -> Response:
    return view(request, "privacy/document.html", page="audit-log", document=document, name=name)


def _download(document: Document, name: str, ending: Ending) -> Response:
    content = document.as_markdown() if ending == "md" else document.as_json()
    media_type = "text/markdown; charset=utf-8" if ending == "md" else "application/json"
    today = datetime.now(UTC).date().isoformat()
    headers: dict[str, Any] = {
        "Content-Disposition": f'attachment; filename="{name}-{today}.{ending}"',
        "Cache-Control": "no-store",
    }
    return Response(content, media_type=media_type, headers=headers)
