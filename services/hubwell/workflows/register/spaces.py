"""Spaces of the register: add, change and order them, see what an archive takes along, import a table."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from psycopg import AsyncConnection

from hubwell.access.principal import Principal
from hubwell.audit import log
from hubwell.defects import actions as defects
from hubwell.errors import DomainError
from hubwell.events import AllowlistChanged, Facts, VisitsChanged
from hubwell.people import course_sessions
from hubwell.privacy import retention
from hubwell.settings import Settings
from hubwell.spaces import archive, errors, register
from hubwell.spaces.archive import InSpace
from hubwell.spaces.register import Registered
from hubwell.spaces.rules import SpaceInput
from hubwell.workflows.register.space_table import ImportPlan, plan_import

Conn = AsyncConnection[Any]


@dataclass(frozen=True, slots=True)
class ArchivePreview:
    """What archiving a space changes."""

    space: Registered
    contents: InSpace
    sessions: int
    """Course sessions there that have not ended."""
    defects: int
    """Open defects, which are closed."""
    readings_until: datetime | None
    """When its last reading is deleted; None without readings, or if they have no term."""


async def add_space(conn: Conn, actor: Principal, given: SpaceInput, space_id: str = "") -> tuple[str, Facts]:
    """Add a space and return its id with the facts. Raises DomainError with all that is wrong."""
    space_id, facts = await register.add_space(conn, given, space_id)
    await _note(conn, actor, "space.added", space_id)
    return space_id, facts


async def change_space(conn: Conn, actor: Principal, space_id: str, given: SpaceInput) -> Facts:
    """Change a space. Raises DomainError with all that is wrong; without a difference nothing happens."""
    fields = await register.change_space(conn, space_id, given)
    if not fields:
        return ()
    await _note(conn, actor, "space.changed", space_id, fields=fields)
    return register.changed(space_id)


async def put_space(conn: Conn, actor: Principal, space_id: str, **given: Any) -> Facts:  # noqa: ANN401 - see register.put_space
    """Add a space, or change the one with this id and bring it back. Raises DomainError."""
    is_new = all(space.id != space_id for space in await register.lock_register(conn))
    facts = await register.put_space(conn, space_id=space_id, **given)
    await _note(conn, actor, "space.added" if is_new else "space.changed", space_id)
    return facts


async def order_spaces(conn: Conn, actor: Principal, space_ids: Sequence[str]) -> Facts:
    """Put spaces into this order, before all others of their kind. Raises DomainError."""
    facts = await register.order_spaces(conn, space_ids)
    await log.record(conn, actor=actor.actor, action="space.ordered")
    return facts


async def move_space(conn: Conn, actor: Principal, space_id: str, *, up: bool) -> Facts:
    """Move a space by one place within its kind. Raises DomainError."""
    facts = await register.move_space(conn, space_id, up=up)
    await log.record(conn, actor=actor.actor, action="space.ordered")
    return facts


async def preview_archive(conn: Conn, settings: Settings, space_id: str, now: datetime) -> ArchivePreview:
    """Return what archiving a space in use changes. Raises DomainError for any other."""
    space = await register.get_registered(conn, space_id)
    contents = await archive.in_space(conn, space_id)
    keep = next(term.keep for term in retention.terms(settings) if term.data == "reading")
    until = None if keep is None or contents.last_heard is None else contents.last_heard + keep
    sessions = await course_sessions.count_to_come(conn, space_id, now)
    open_defects = len(await defects.open_in(conn, space_id))
    return ArchivePreview(space, contents, sessions, open_defects, until)


async def preview_import(conn: Conn, table: bytes) -> ImportPlan:
    """Return what importing a table would change, and its mistakes."""
    return plan_import(table, await register.list_registered(conn))


async def import_spaces(
    conn: Conn, actor: Principal, table: bytes, *, seen: str | None = None
) -> tuple[ImportPlan, Facts]:
    """Add and change spaces as a table says; spaces that are not in it stay as they are.

    `seen` is the fingerprint of the preview that was agreed to. Raises DomainError, and stores nothing, for a
    table with mistakes, which `preview_import` returns, and for one whose preview is a different one now.
    """
    plan = plan_import(table, await register.lock_register(conn))
    if plan.problems:
        raise DomainError(errors.TABLE_REFUSED)
    if seen is not None and seen != plan.fingerprint:
        raise DomainError(errors.TABLE_OUTDATED)
    await register.store_all(conn, [(c.space_id, c.settings, c.position) for c in plan.changes])
    for change in plan.changes:
        action = "space.added" if change.before is None else "space.changed"
        await _note(conn, actor, action, change.space_id, fields=change.fields)
    if not plan.changes:
        return plan, ()
    counts = {"added": len(plan.added), "changed": len(plan.changes) - len(plan.added)}
    await log.record(conn, actor=actor.actor, action="space.imported", detail=counts)
    spaces = tuple(sorted(change.space_id for change in plan.changes))
    return plan, (AllowlistChanged(), VisitsChanged(space_ids=spaces))


async def _note(conn: Conn, actor: Principal, action: str, space_id: str, fields: Sequence[str] = ()) -> None:
    detail: dict[str, log.Value] = {"settings": list(fields)} if fields else {}
    await log.record(
        conn, actor=actor.actor, action=action, subject=f"space:{log.plain_id(space_id)}", detail=detail
    )
