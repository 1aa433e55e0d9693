"""Floor plans: upload pictures of floors, order and remove them, and place spaces on them."""

import asyncio
from typing import Any

from psycopg import AsyncConnection

from hubwell.access.principal import Principal
from hubwell.audit import log
from hubwell.spaces.plans import actions, pictures
from hubwell.spaces.plans.pictures import Picture
from hubwell.spaces.plans.rules import Point

Conn = AsyncConnection[Any]


async def read_picture(content: bytes, *, named: str = "", page: str = "") -> Picture:
    """Return the picture that is made of an uploaded file. `named` is its name or media type.

    Takes up to a minute: the caller holds no connection meanwhile. Raises DomainError.
    """
    return await asyncio.to_thread(pictures.read, content, named=named, page=page)


async def add_plan(conn: Conn, actor: Principal, name: str, picture: Picture) -> int:
    """Add a plan after the others and return its id. Raises DomainError."""
    plan_id = await actions.add(conn, name, picture)
    await _note(conn, actor, "plan.added", plan_id)
    return plan_id


async def rename_plan(conn: Conn, actor: Principal, plan_id: int, name: str) -> None:
    """Rename a plan. Raises DomainError; the same name again changes nothing."""
    if await actions.rename(conn, plan_id, name):
        await _note(conn, actor, "plan.changed", plan_id)


async def replace_picture(conn: Conn, actor: Principal, plan_id: int, picture: Picture) -> None:
    """Give a plan another picture; spaces keep their places. Raises DomainError."""
    await actions.replace_picture(conn, plan_id, picture)
    await _note(conn, actor, "plan.changed", plan_id)


async def move_plan(conn: Conn, actor: Principal, plan_id: int, *, up: bool) -> None:
    """Move a plan by one place in the order. Raises DomainError."""
    await actions.move(conn, plan_id, up=up)
    await log.record(conn, actor=actor.actor, action="plan.ordered")


async def remove_plan(conn: Conn, actor: Principal, plan_id: int) -> None:
    """Remove a plan with the places on it; the spaces stay. Raises DomainError."""
    await actions.remove(conn, plan_id)
    await _note(conn, actor, "plan.removed", plan_id)


async def place_space(conn: Conn, actor: Principal, plan_id: int, space_id: str, x: str, y: str) -> Point:
    """Place a space in use on a plan; return the point. Raises DomainError with all that is wrong."""
    point = await actions.place(conn, plan_id, space_id, x, y)
    await log.record(
        conn, actor=actor.actor, action="space.placed", subject=f"space:{log.plain_id(space_id)}"
    )
    return point


async def take_space_off(conn: Conn, actor: Principal, plan_id: int, space_id: str) -> None:
    """Take a space off a plan. Raises DomainError; nothing happens if it is not on it."""
    if await actions.take_off(conn, plan_id, space_id):
        await log.record(
            conn, actor=actor.actor, action="space.taken-off", subject=f"space:{log.plain_id(space_id)}"
        )


async def _note(conn: Conn, actor: Principal, action: str, plan_id: int) -> None:
    await log.record(conn, actor=actor.actor, action=action, subject=f"plan:{plan_id}")
