"""Pair screens, let them show something else, and unpair them: page, API and command call these functions."""

from datetime import datetime
from typing import Any
from uuid import UUID

from psycopg import AsyncConnection

from hubwell.access.principal import Principal
from hubwell.audit import log
from hubwell.events import Facts, ScreenChanged
from hubwell.screens import actions, rules

Conn = AsyncConnection[Any]


async def pair(
    conn: Conn,
    actor: Principal,
    now: datetime,
    *,
    code: str,
    name: str,
    shows: str,
    space: str = "",
    reader: str = "",
) -> tuple[UUID, Facts]:
    """Pair the screen that shows this code; return its id with the facts. Raises DomainError."""
    name, content = rules.settings_of(name, shows, space, reader)
    screen_id = await actions.pair(conn, code, name, content, now)
    await _note(conn, actor, "screen.paired", screen_id, shows=content.shows)
    return screen_id, _changed(screen_id)


async def change(
    conn: Conn,
    actor: Principal,
    screen_id: UUID,
    *,
    name: str,
    shows: str,
    space: str = "",
    reader: str = "",
) -> Facts:
    """Rename a screen or let it show something else; it follows by itself. Raises DomainError."""
    name, content = rules.settings_of(name, shows, space, reader)
    changed = await actions.change(conn, screen_id, name, content)
    if not changed:
        return ()
    await _note(conn, actor, "screen.changed", screen_id, shows=content.shows)
    return _changed(screen_id)


async def revoke(conn: Conn, actor: Principal, screen_id: UUID) -> Facts:
    """Unpair a screen: within seconds it shows nothing else than that. Raises DomainError."""
    await actions.revoke(conn, screen_id)
    await _note(conn, actor, "screen.revoked", screen_id)
    return _changed(screen_id)


def _changed(screen_id: UUID) -> Facts:
    return (ScreenChanged(str(screen_id)),)


async def _note(conn: Conn, actor: Principal, action: str, screen_id: UUID, **detail: log.Value) -> None:
    subject = f"screen:{screen_id}"
    await log.record(conn, actor=actor.actor, action=action, subject=subject, detail=detail)
