"""Spaces that are free at a time, the best first: by bookings and, about now, by what is in use now."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, Literal
from zoneinfo import ZoneInfo

from psycopg import AsyncConnection

from hubwell.api import live_state
from hubwell.booking import free
from hubwell.booking.free import Choice
from hubwell.booking.rules import Term

ABOUT_NOW: Final = timedelta(minutes=30)
"""A booking that begins within this time is about now: whether people are in the space matters."""
Reason = Literal["smallest", "free-now", "in-use-now", "not-known-now", "free-until", "free-all-day"]


@dataclass(frozen=True, slots=True)
class Offer:
    """A choice with the reasons for its place among the others."""

    choice: Choice
    reasons: tuple[Reason, ...]


async def offers(
    conn: AsyncConnection[Any],
    term: Term,
    people: int,
    zone: ZoneInfo,
    now: datetime,
    *,
    kind: str | None = None,
    space: str | None = None,
) -> list[Offer]:
    """Return what is free and has room: the smallest first, those in use now behind the others."""
    choices = await free.choices(conn, term, people, zone, kind=kind, space=space)
    if not choices:
        return []
    states: dict[str, str] = {}
    if term.start <= now + ABOUT_NOW:
        shown = await live_state.spaces(conn, zone, {choice.space.id for choice in choices})
        states = {space.id: space.state for space in shown}
    smallest = min(choice.room for choice in choices)
    choices.sort(key=lambda choice: states.get(choice.space.id) == "used")
    return [Offer(choice, _reasons(choice, smallest, states.get(choice.space.id))) for choice in choices]


def _reasons(choice: Choice, smallest: int, state: str | None) -> tuple[Reason, ...]:
    reasons: list[Reason] = ["smallest"] if choice.room == smallest else []
    if state is not None:
        by_state: dict[str, Reason] = {"free": "free-now", "used": "in-use-now"}
        reasons.append(by_state.get(state, "not-known-now"))
    reasons.append("free-all-day" if choice.free_until is None else "free-until")
    return tuple(reasons)
