"""Add, change and remove floor plans, and place spaces on them, in the caller's transaction."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from psycopg import AsyncConnection
from psycopg.rows import class_row

from hubwell.errors import SPACE_UNKNOWN, DomainError, refusal_of, refuse_all
from hubwell.spaces.errors import SPACE_IS_ARCHIVED
from hubwell.spaces.plans import errors, rules
from hubwell.spaces.plans.pictures import Picture
from hubwell.storage.queries import Queries

_SQL: Final = Queries("hubwell.spaces.plans")
_VERSION_LENGTH: Final = 16
Conn = AsyncConnection[Any]


@dataclass(frozen=True, slots=True)
class Plan:
    """A floor: its name, and what pages need of its picture."""

    id: int
    name: str
    width: int
    height: int
    is_paper: bool
    digest: str

    @property
    def address(self) -> str:
        """Return where the picture is; the address changes with it."""
        return f"/plans/{self.id}/picture?v={self.digest[:16]}"


@dataclass(frozen=True, slots=True)
class Place:
    """Where a space in use is: per cent of the plan's picture, from its left and from its top."""

    space_id: str
    plan_id: int
    x: Decimal
    y: Decimal


@dataclass(frozen=True, slots=True)
class StoredPicture:
    """A picture as it is served."""

    media_type: str
    digest: str
    picture: bytes


async def list_plans(conn: Conn) -> list[Plan]:
    """Return the plans in their order."""
    async with conn.cursor(row_factory=class_row(Plan)) as cursor:
        return await (await cursor.execute(_SQL["plans"])).fetchall()


async def are_there_plans(conn: Conn) -> bool:
    """Return whether the hub has a plan."""
    row = await (await conn.execute(_SQL["are_there_plans"])).fetchone()
    return row is not None and bool(row[0])


async def get_plan(conn: Conn, plan_id: int) -> Plan:
    """Return a plan. Raises DomainError."""
    return _of(await list_plans(conn), plan_id)


async def list_places(conn: Conn) -> list[Place]:
    """Return the places of all spaces in use."""
    async with conn.cursor(row_factory=class_row(Place)) as cursor:
        return await (await cursor.execute(_SQL["places"])).fetchall()


async def version(conn: Conn) -> str:
    """Return a text that is another one after every change of plans, pictures and places."""
    shown = (await list_plans(conn), await list_places(conn))
    return hashlib.sha256(repr(shown).encode()).hexdigest()[:_VERSION_LENGTH]


async def picture_of(conn: Conn, plan_id: int) -> StoredPicture | None:
    """Return the picture of a plan; None if there is none."""
    async with conn.cursor(row_factory=class_row(StoredPicture)) as cursor:
        return await (await cursor.execute(_SQL["picture"], {"plan": plan_id})).fetchone()


async def add(conn: Conn, name: str, picture: Picture) -> int:
    """Add a plan after the others and return its id. Raises DomainError."""
    others = await _lock(conn)
    name = _free_name(name, others)
    if len(others) >= rules.MOST_PLANS:
        raise DomainError(errors.TOO_MANY_PLANS, most=rules.MOST_PLANS)
    row = await (await conn.execute(_SQL["add_plan"], {"name": name, **picture.columns()})).fetchone()
    if row is None:
        raise RuntimeError("the new plan gave no row")
    return int(row[0])


async def check_name(conn: Conn, name: str) -> None:
    """Refuse a name as `add` does, before a picture is read, which takes long. Raises DomainError."""
    _free_name(name, await list_plans(conn))


async def rename(conn: Conn, plan_id: int, name: str) -> bool:
    """Rename a plan; return whether that is a change. Raises DomainError."""
    plans = await _lock(conn)
    plan = _of(plans, plan_id)
    name = _free_name(name, [other for other in plans if other.id != plan_id])
    await conn.execute(_SQL["rename_plan"], {"plan": plan_id, "name": name})
    return name != plan.name


async def replace_picture(conn: Conn, plan_id: int, picture: Picture) -> None:
    """Give a plan another picture; spaces keep their places on it. Raises DomainError."""
    _of(await _lock(conn), plan_id)
    await conn.execute(_SQL["set_picture"], {"plan": plan_id, **picture.columns()})


async def move(conn: Conn, plan_id: int, *, up: bool) -> None:
    """Move a plan by one place in the order; the first stays first. Raises DomainError."""
    plans = await _lock(conn)
    ids = [plan.id for plan in plans]
    at = plans.index(_of(plans, plan_id))
    ids.insert(min(max(at + (-1 if up else 1), 0), len(ids) - 1), ids.pop(at))
    await conn.execute(_SQL["order_plans"], {"plans": ids})


async def remove(conn: Conn, plan_id: int) -> None:
    """Remove a plan with the places on it. Raises DomainError."""
    _of(await _lock(conn), plan_id)
    await conn.execute(_SQL["remove_plan"], {"plan": plan_id})


async def place(conn: Conn, plan_id: int, space_id: str, x: str, y: str) -> rules.Point:
    """Place a space in use on a plan, and off any other; return the point. Raises DomainError with all."""
    _of(await _lock(conn), plan_id)
    refuse_all((await _unusable(conn, space_id), refusal_of(lambda: rules.point(x, y))))
    point = rules.point(x, y)
    await conn.execute(_SQL["put_place"], {"plan": plan_id, "space": space_id, "x": point.x, "y": point.y})
    return point


async def take_off(conn: Conn, plan_id: int, space_id: str) -> bool:
    """Take a space off a plan; return whether it was there. Raises DomainError."""
    _of(await _lock(conn), plan_id)
    refuse_all((await _unusable(conn, space_id),))
    return (await conn.execute(_SQL["take_off"], {"plan": plan_id, "space": space_id})).rowcount > 0


async def _lock(conn: Conn) -> list[Plan]:
    await conn.execute(_SQL["lock_plans"])
    return await list_plans(conn)


def _of(plans: Sequence[Plan], plan_id: int) -> Plan:
    for plan in plans:
        if plan.id == plan_id:
            return plan
    raise DomainError(errors.PLAN_GONE)


def _free_name(text: str, others: Sequence[Plan]) -> str:
    name = rules.plan_name(text)
    if any(other.name.lower() == name.lower() for other in others):
        raise DomainError(errors.PLAN_NAME_TAKEN, value=name)
    return name


async def _unusable(conn: Conn, space_id: str) -> DomainError | None:
    """Return why a space has no place on plans; its row is locked against its archiving meanwhile."""
    row = await (await conn.execute(_SQL["lock_space_to_place"], {"space": space_id})).fetchone()
    if row is None:
        return DomainError(SPACE_UNKNOWN)
    return None if row[0] is None else DomainError(SPACE_IS_ARCHIVED)
