"""What the search offers can all be booked, and nothing that can be booked is left out."""

import asyncio
from datetime import UTC, datetime, timedelta
from itertools import combinations
from typing import Any, Final
from zoneinfo import ZoneInfo

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hubwell.access.principal import Principal
from hubwell.booking import free, read_model, spaces
from hubwell.booking.rules import BookableSpace, BookingInput, Term, is_within_hours
from hubwell.booking.taken import SpaceTakenError
from hubwell.storage.connect import connect
from hubwell.vocabulary import Role
from hubwell.workflows import bookings
from hubwell.workflows.bookings import Clock
from lanes.database_lane import Database

NOW: Final = datetime(2026, 11, 30, 8, 0, tzinfo=UTC)
ZONE: Final = ZoneInfo("UTC")
CLOCK: Final = Clock(NOW, ZONE)
ACTOR: Final = Principal(roles=frozenset([Role.STAFF]), actor="account:00000000-0000-0000-0000-000000000001")
QUARTER: Final = timedelta(minutes=15)
_SPACES: Final = """
INSERT INTO space (id, name, kind, capacity, turnaround_min, opens_at, closes_at) VALUES
    ('lab', 'Lab', 'workshop', 8, 15, NULL, NULL), ('hall', 'Hall', 'collaboration', 20, 0, '08:00', '11:00'),
    ('nook', 'Nook', 'relaxation', 3, 240, NULL, NULL)
"""
_PARTS: Final = """
INSERT INTO atom (space_id, position, capacity)
VALUES ('lab', 2, 5), ('lab', 3, 1), ('hall', 2, NULL), ('hall', 3, NULL), ('hall', 4, 12)
"""
Wishes = st.tuples(
    st.sampled_from(["lab", "hall", "nook"]),
    st.integers(0, 16),
    st.integers(1, 8),
    st.sets(st.integers(0, 3)),
)
Conn = psycopg.AsyncConnection[Any]


async def _book(
    conn: Conn, space: BookableSpace, term: Term, parts: tuple[int, ...], people: int = 1
) -> None:
    given = BookingInput(
        space=space.id, start=term.start, end=term.end, people=str(people), title="Any", parts=parts
    )
    await bookings.book(conn, ACTOR, given, CLOCK)


async def _try(conn: Conn, choice: free.Choice, people: int) -> None:
    """Book what was offered, and undo it. Raises what the booking raises."""
    async with conn.transaction(force_rollback=True):
        await _book(conn, choice.space, choice.term, choice.parts, people)


async def _refusal(
    conn: Conn, space: BookableSpace, term: Term, parts: tuple[int, ...]
) -> SpaceTakenError | None:
    try:
        async with conn.transaction():
            await _book(conn, space, term, parts)
    except SpaceTakenError as error:
        return error
    return None


async def _is_free(conn: Conn, parts: tuple[int, ...], start: datetime, until: datetime) -> bool:
    rows = await conn.execute(
        "SELECT FROM hold WHERE atom_id = ANY (%s) AND lower(during) < %s AND upper(during) > %s",
        (list(parts), until, start),
    )
    return await rows.fetchone() is None


async def _can_be_booked(conn: Conn, space: BookableSpace, term: Term, people: int) -> list[tuple[int, ...]]:
    if not is_within_hours(space, term.start, term.end, ZONE):
        return []
    ids = [part.id for part in space.parts]
    sets = [parts for number in range(1, len(ids) + 1) for parts in combinations(ids, number)]
    until = term.end + space.turnaround
    return [
        parts
        for parts in sets
        if space.room_for(parts) >= people and await _is_free(conn, parts, term.start, until)
    ]


async def _play(url: str, wishes: list[Any], quarters: tuple[int, int], people: int) -> None:
    async with await connect(url, name="test") as conn:
        await conn.execute("TRUNCATE hold, booking CASCADE")
        every = {space.id: space for space in await spaces.list_spaces(conn)}
        for space_id, start, length, numbers in wishes:
            space = every[space_id]
            parts = tuple(part.id for number, part in enumerate(space.parts) if number in numbers)
            term = Term(NOW + start * QUARTER, NOW + (start + length) * QUARTER)
            if is_within_hours(space, term.start, term.end, ZONE):
                error = await _refusal(conn, space, term, parts)
                assert error is None or error.conflicts
                for choice in error.alternatives if error else ():
                    await _try(conn, choice, 1)
        term = Term(NOW + quarters[0] * QUARTER, NOW + (quarters[0] + quarters[1]) * QUARTER)
        found = await free.choices(conn, term, people, ZONE)
        for choice in found:
            assert choice.room == choice.space.room_for(choice.parts) >= people
            await _try(conn, choice, people)
        for space in every.values():
            offered = [choice.parts for choice in found if choice.space.id == space.id]
            possible = await _can_be_booked(conn, space, term, people)
            assert len(offered) == min(1, len(possible))
            if offered:
                assert len(offered[0]) == min(map(len, possible)), "the fewest parts"
        assert [choice.room for choice in found] == sorted(choice.room for choice in found)
        await _check_many_terms(conn, list(every.values()))


async def _check_many_terms(conn: Conn, every: list[BookableSpace]) -> None:
    """Compare the statements about many terms with one about each."""
    terms = [Term(NOW + n * QUARTER, NOW + (n + 3) * QUARTER) for n in range(-8, 40, 3)]
    for space in every:
        atoms = [part.id for part in space.parts][:2]
        one_by_one = [await read_model.in_the_way(conn, atoms, term.start, term.end) for term in terms]
        assert await free.conflicts_of_terms(conn, atoms, terms) == one_by_one
        held = await free.held_in_terms(conn, terms, atoms)
        expected = [{part for each in found for part in each.parts if part in atoms} for found in one_by_one]
        assert held == expected
    everywhere = await free.held_in_terms(conn, terms)
    for term, held_then in zip(terms, everywhere, strict=True):
        atoms = [part.id for space in every for part in space.parts]
        bookings_then = await read_model.in_the_way(conn, atoms, term.start, term.end)
        assert held_then == {part for each in bookings_then for part in each.parts}


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(Wishes, max_size=12), st.tuples(st.integers(0, 16), st.integers(1, 8)), st.integers(1, 20))
def test_what_is_offered_is_what_can_be_booked(
    database: Database, wishes: list[Any], quarters: tuple[int, int], people: int
) -> None:
    with psycopg.connect(database.url, autocommit=True) as conn:
        if conn.execute("SELECT FROM space").fetchone() is None:
            conn.execute(_SPACES)
            conn.execute(_PARTS)
    asyncio.run(_play(database.url, wishes, quarters, people))


def test_a_booking_that_is_moved_is_not_in_the_way_of_its_alternatives(database: Database) -> None:
    with psycopg.connect(database.url, autocommit=True) as conn:
        conn.execute(_SPACES)
        conn.execute(_PARTS)
    asyncio.run(_move(database.url))


async def _move(url: str) -> None:
    """Two parts of the lab are booked by one, the third by another; the first wants the third as well."""
    async with await connect(url, name="test") as conn:
        lab = next(space for space in await spaces.list_spaces(conn) if space.id == "lab")
        first, second, third = (part.id for part in lab.parts)
        term = Term(NOW + QUARTER, NOW + 3 * QUARTER)
        await _book(conn, lab, term, (third,))
        given = BookingInput(
            space="lab", start=term.start, end=term.end, people="2", title="Any", parts=(first, second)
        )
        booking, _ = await bookings.book(conn, ACTOR, given, CLOCK)
        whole = BookingInput(
            space="lab", start=term.start, end=term.end, people="5", title="Any", parts=(first, second, third)
        )
        with pytest.raises(SpaceTakenError) as refused:
            await bookings.change(conn, ACTOR, booking.id, whole, None, CLOCK)
        assert [c.parts for c in refused.value.alternatives if c.space.id == "lab"][:1] == [(second,)]
