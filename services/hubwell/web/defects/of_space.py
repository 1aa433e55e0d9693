"""Defects on the page of a space: what is open there, and a form to report."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from psycopg import AsyncConnection

from hubwell.access.principal import Principal
from hubwell.defects import actions
from hubwell.defects.rules import DefectKind, ReportKey
from hubwell.http.guard import SEE_DEFECTS
from hubwell.web.defects import text
from hubwell.web.kit.formatting import Formatter
from hubwell.workflows.defects import may_report

UNDONE = "undone"
"""In place of a report in the address: it was taken back."""


@dataclass(frozen=True, slots=True)
class DefectsOfSpace:
    """What the page shows: to who may report a form, to those who look after spaces what is open too."""

    kinds: list[tuple[DefectKind, str]]
    open_now: list[tuple[UUID, str, str]]
    may_see: bool
    reported: str
    """What was just reported; empty where nothing was, or it cannot be taken back any more."""
    report: str
    is_undone: bool


async def defects_of(
    conn: AsyncConnection[Any], principal: Principal, space_id: str, words: Formatter, report: str
) -> DefectsOfSpace | None:
    """Return what a principal sees of the defects of a space; None for who may not report."""
    if not may_report(principal):
        return None
    names, may_see = text.kind_names(words), principal.may(*SEE_DEFECTS)
    key = ReportKey.parse(report)
    recent = await actions.recent_report(conn, space_id, key, words.now) if key else None
    return DefectsOfSpace(
        kinds=list(names.items()),
        open_now=text.of_space(await actions.open_in(conn, space_id), words) if may_see else [],
        may_see=may_see,
        reported=names[recent.kind] if recent else "",
        report=str(key) if recent else "",
        is_undone=report == UNDONE,
    )
