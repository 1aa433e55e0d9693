"""The refusal of a booking that is not free: what is in the way, and what can be booked instead."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final
from uuid import UUID
from zoneinfo import ZoneInfo

from psycopg import AsyncConnection

from hubwell.booking import errors, free
from hubwell.booking.free import Choice, Hold, Vacancy
from hubwell.booking.read_model import Booking, Reader, in_the_way
from hubwell.booking.rules import BookableSpace, Plan, Term
from hubwell.errors import DomainError

MOST_ALTERNATIVES: Final = 3
Conn = AsyncConnection[Any]


@dataclass(frozen=True, slots=True)
class Conflict:
    """A booking that is in the way; the title is empty where it is kept from the reader."""

    start: datetime
    end: datetime
    title: str


class SpaceTakenError(DomainError):
    """A space, or a part of it, is not free."""

    def __init__(self, plan: Plan, conflicts: list[Conflict], alternatives: list[Choice]) -> None:
        super().__init__(errors.SPACE_TAKEN, space=plan.space.name, value=plan.space.id)
        self.conflicts = conflicts
        self.alternatives = alternatives

    @property
    def members(self) -> Mapping[str, Any]:
        """What the API's answer has beside the members of every problem."""
        return {
            "conflicts": [
                {"start": each.start.isoformat(), "end": each.end.isoformat(), "title": each.title or None}
                for each in self.conflicts
            ],
            "alternatives": [_as_json(choice) for choice in self.alternatives],
        }


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What is booked around a term of a space: in the way, near it and elsewhere, as read at one moment.

    It serves every plan for that space and term.
    """

    bookings: list[Booking]
    vacancies: list[Vacancy]
    near: list[Hold]
    _choices: dict[int, list[Choice]] = field(default_factory=dict, repr=False)

    def refusal(self, plan: Plan, reader: Reader, zone: ZoneInfo, now: datetime) -> SpaceTakenError:
        """Return why a plan cannot be booked, with what can be booked instead."""
        wanted = set(plan.parts)
        holds = [hold for hold in self.near if hold.part in wanted]
        alternatives = list(self._choices_for(plan, zone))
        near = free.nearest(plan.space, holds, plan.term, zone, now)
        if near is not None:
            choice = Choice(plan.space, plan.parts, plan.space.room_for(plan.parts), near)
            alternatives.insert(MOST_ALTERNATIVES - 1, choice)
        conflicts = [_conflict(booking, reader) for booking in self.in_the_way(plan)]
        return SpaceTakenError(plan, conflicts, alternatives[:MOST_ALTERNATIVES])

    def in_the_way(self, plan: Plan) -> list[Booking]:
        """Return the bookings that hold a part of a plan."""
        wanted = set(plan.parts)
        return [booking for booking in self.bookings if not wanted.isdisjoint(booking.parts)]

    def _choices_for(self, plan: Plan, zone: ZoneInfo) -> list[Choice]:
        if plan.people not in self._choices:
            fitting = free.choices_among(self.vacancies, plan.term, plan.people, zone)
            self._choices[plan.people] = fitting[:MOST_ALTERNATIVES]
        return self._choices[plan.people]


async def surroundings(
    conn: Conn, space: BookableSpace, term: Term, besides: UUID | None = None
) -> Surroundings:
    """Read what is booked around a term of a space; the booking that is moved is not in its own way."""
    parts = [part.id for part in space.parts]
    bookings = await in_the_way(conn, parts, term.start, term.end + space.turnaround, besides)
    vacancies = await free.vacancies(conn, term, besides=besides)
    return Surroundings(bookings, vacancies, await free.holds_near(conn, parts, term, besides))


async def refusal(
    conn: Conn, plan: Plan, reader: Reader, zone: ZoneInfo, now: datetime, besides: UUID | None = None
) -> SpaceTakenError:
    """Return why a plan cannot be booked, once the database has refused it."""
    around = await surroundings(conn, plan.space, plan.term, besides)
    return around.refusal(plan, reader, zone, now)


def _conflict(booking: Booking, reader: Reader) -> Conflict:
    return Conflict(booking.start, booking.end, booking.title_for(reader))


def _as_json(choice: Choice) -> dict[str, Any]:
    return {
        "space": choice.space.id,
        "name": choice.space.name,
        "parts": [] if choice.whole else list(choice.parts),
        "part_names": list(choice.part_names),
        "room": choice.room,
        "start": choice.term.start.isoformat(),
        "end": choice.term.end.isoformat(),
    }
