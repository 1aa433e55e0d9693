"""Whatever is booked, moved, ended, cancelled and restored: no two holds of an atom overlap, none is lost."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from uuid import UUID
from zoneinfo import ZoneInfo

import psycopg
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hubwell.access.principal import Principal
from hubwell.booking import read_model
from hubwell.booking.rules import BookingInput
from hubwell.booking.taken import SpaceTakenError
from hubwell.errors import DomainError
from hubwell.storage.connect import connect
from hubwell.vocabulary import Role
from hubwell.workflows import bookings
from hubwell.workflows.bookings import Clock
from lanes.database_lane import Database

NOW: Final = datetime(2026, 11, 30, 8, 0, tzinfo=UTC)
CLOCK: Final = Clock(NOW, ZoneInfo("UTC"))
TURNAROUND: Final = timedelta(minutes=15)
ACTOR: Final = Principal(roles=frozenset([Role.STAFF]), actor="account:00000000-0000-0000-0000-000000000001")
Terms = st.tuples(st.integers(0, 20), st.integers(1, 8), st.sets(st.integers(0, 3)))
Steps = st.lists(
    st.one_of(
        st.tuples(st.just("book"), st.just(0), Terms),
        st.tuples(st.just("move"), st.integers(0, 9), Terms),
        st.tuples(st.sampled_from(["cancel", "restore", "end"]), st.integers(0, 9), Terms),
    ),
    min_size=1,
    max_size=25,
)
Conn = psycopg.AsyncConnection[Any]


class History:
    """Plays steps against the database, and knows in plain Python what has to be held."""

    def __init__(self, conn: Conn, atoms: list[int]) -> None:
        self.conn, self.atoms = conn, atoms
        self.ids: list[UUID] = []
        self.held: dict[UUID, tuple[set[int], datetime, datetime]] = {}

    async def play(self, step: tuple[str, int, tuple[int, int, set[int]]]) -> None:
        """Take a step; it must be refused exactly where the model has a hold in the way."""
        what, number, (start, length, parts) = step
        begins = NOW + timedelta(minutes=15 * start)
        ends = begins + timedelta(minutes=15 * length)
        atoms = {self.atoms[part] for part in parts} or set(self.atoms)
        given = BookingInput(
            space="lab", start=begins, end=ends, people="1", title="Any", parts=sorted(atoms)
        )
        booking_id = self.ids[number % len(self.ids)] if self.ids else None
        refusal: DomainError | None = None
        try:
            async with self.conn.transaction():
                await self._take(what, booking_id, given, (atoms, begins, ends + TURNAROUND))
        except DomainError as error:
            refusal = error
        if isinstance(refusal, SpaceTakenError):
            if what == "restore" and booking_id is not None:
                booking = await read_model.get(self.conn, booking_id)
                atoms, begins, ends = set(booking.parts), booking.start, booking.end
            own = booking_id if what == "move" else None
            assert self._in_the_way(atoms, begins, ends + TURNAROUND, own)
            assert refusal.conflicts
        assert refusal is None or refusal.kind.status in {409, 422}, refusal

    async def _take(
        self,
        what: str,
        booking_id: UUID | None,
        given: BookingInput,
        held: tuple[set[int], datetime, datetime],
    ) -> None:
        if what == "book":
            booking, _ = await bookings.book(self.conn, ACTOR, given, CLOCK)
            assert not self._in_the_way(*held)
            self.ids.append(booking.id)
            self.held[booking.id] = held
        elif booking_id is None:
            return
        elif what == "move":
            await bookings.change(self.conn, ACTOR, booking_id, given, None, CLOCK)
            assert not self._in_the_way(*held, booking_id)
            self.held[booking_id] = held
        elif what == "cancel":
            await bookings.cancel(self.conn, ACTOR, booking_id, None, NOW)
            del self.held[booking_id]
        elif what == "restore":
            booking, _ = await bookings.restore(self.conn, ACTOR, booking_id, None, CLOCK)
            self.held[booking_id] = set(booking.parts), booking.start, booking.end + TURNAROUND
        else:
            half = NOW + timedelta(minutes=40)
            booking, _ = await bookings.end(self.conn, ACTOR, booking_id, None, half)
            self.held[booking_id] = set(booking.parts), booking.start, half + TURNAROUND

    def _in_the_way(self, atoms: set[int], start: datetime, until: datetime, own: UUID | None = None) -> bool:
        return any(
            atoms & theirs and start < their_end and their_start < until
            for booking, (theirs, their_start, their_end) in self.held.items()
            if booking != own
        )

    async def check(self) -> None:
        """Compare what is held with what has to be, and look for two holds that overlap."""
        rows = await (
            await self.conn.execute("SELECT booking_id, atom_id, lower(during), upper(during) FROM hold")
        ).fetchall()
        expected = {
            (booking, atom, start, until)
            for booking, (atoms, start, until) in self.held.items()
            for atom in atoms
        }
        assert set(rows) == expected
        overlaps = await self.conn.execute(
            "SELECT count(*) FROM hold a JOIN hold b ON a.atom_id = b.atom_id "
            "AND a.booking_id < b.booking_id AND a.during && b.during"
        )
        assert await overlaps.fetchone() == (0,)


async def _play(url: str, steps: list[Any]) -> None:
    async with await connect(url, name="test") as conn:
        await conn.execute("TRUNCATE hold, booking CASCADE")
        rows = await (await conn.execute("SELECT id FROM atom ORDER BY id")).fetchall()
        history = History(conn, [row[0] for row in rows])
        for step in steps:
            await history.play(step)
        await history.check()


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(Steps)
def test_no_history_lets_two_holds_overlap(database: Database, steps: list[Any]) -> None:
    with psycopg.connect(database.url, autocommit=True) as conn:
        if conn.execute("SELECT FROM space").fetchone() is None:
            conn.execute(
                "INSERT INTO space (id, name, kind, capacity, turnaround_min) "
                "VALUES ('lab', 'Lab', 'workshop', 8, 15)"
            )
            conn.execute("INSERT INTO atom (space_id, position) SELECT 'lab', generate_series(2, 4)")
    asyncio.run(_play(database.url, steps))
