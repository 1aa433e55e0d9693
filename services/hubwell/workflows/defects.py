"""Report defects, take reports back, mark defects as done, reopen them: page and API call these functions.

The audit log has an entry where a defect begins, ends, is reopened or taken back. Further reports are counted
in the defect itself: at a door anyone can make them, and the log is not theirs to fill.
"""

from datetime import datetime
from typing import Any
from uuid import UUID

from psycopg import AsyncConnection

from hubwell.access.errors import NOT_ALLOWED
from hubwell.access.principal import Principal
from hubwell.audit import log
from hubwell.defects import actions, rules
from hubwell.defects.actions import Reported
from hubwell.defects.rules import ReportKey
from hubwell.errors import DomainError

Conn = AsyncConnection[Any]


def may_report(actor: Principal) -> bool:
    """Return whether a principal may report: accounts and programs, not people with a code from the kiosk.

    Of these the audit log would note at which space they are.
    """
    return actor.signed_in and (actor.person_id is None or actor.account_id is not None)


def by_screen(screen_id: UUID) -> Principal:
    """Return the principal of a paired screen, which has no role."""
    return Principal(actor=f"screen:{screen_id}")


async def report(conn: Conn, actor: Principal, space_id: str, kind: str, now: datetime) -> Reported:
    """Report what is broken in a space. Raises DomainError."""
    if not may_report(actor):
        raise DomainError(NOT_ALLOWED)
    chosen = rules.kind_of(kind)
    reported = await actions.report(conn, space_id, chosen, now)
    if reported.is_new_defect:
        await _note(conn, actor, "defect.reported", reported.key.defect_id, space=space_id, kind=chosen)
    return reported


async def take_back(conn: Conn, actor: Principal, space_id: str, key: ReportKey, now: datetime) -> None:
    """Undo a report within its time. Raises DomainError."""
    if not may_report(actor):
        raise DomainError(NOT_ALLOWED)
    await actions.take_back(conn, space_id, key, now)
    await _note(conn, actor, "defect.taken-back", key.defect_id, space=space_id)


async def close(conn: Conn, actor: Principal, defect_id: UUID, note: str, now: datetime) -> None:
    """Mark a defect as done, with a note or without. Raises DomainError."""
    await actions.close(conn, defect_id, actor.account_id, rules.plain_note(note), now)
    await _note(conn, actor, "defect.closed", defect_id)


async def reopen(conn: Conn, actor: Principal, defect_id: UUID) -> None:
    """Open a defect again that was marked as done. Raises DomainError."""
    await actions.reopen(conn, defect_id)
    await _note(conn, actor, "defect.reopened", defect_id)


async def _note(conn: Conn, actor: Principal, action: str, defect_id: UUID, **detail: log.Value) -> None:
    subject = f"defect:{defect_id}"
    await log.record(conn, actor=actor.actor, action=action, subject=subject, detail=detail)
