"""Whatever is done with a series: exceptions stay as they were, no two holds overlap, none is lost."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from uuid import UUID
from zoneinfo import ZoneInfo

import psycopg
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hubwell.access.principal import Principal
from hubwell.booking.read_model import Booking
from hubwell.booking.rules import BookingInput
from hubwell.booking.series import read_model
from hubwell.booking.series.plan import SeriesChange, SeriesInput
from hubwell.errors import DomainError
from hubwell.storage.connect import connect
from hubwell.vocabulary import Role
from hubwell.workflows import booking_series, bookings
from hubwell.workflows.booking_series import Chosen, Scope
from hubwell.workflows.bookings import Clock
from lanes.database_lane import Database

NOW: Final = datetime(2026, 10, 20, 8, 0, tzinfo=UTC)
ZONE: Final = ZoneInfo("Europe/Riga")
ACTOR: Final = Principal(roles=frozenset([Role.STAFF]), actor="account:00000000-0000-0000-0000-000000000001")
Numbers = st.integers(0, 7)
Hours = st.integers(0, 22)
Steps = st.lists(
    st.one_of(
        st.tuples(st.sampled_from(["all", "following"]), Numbers, Hours),
        st.tuples(st.sampled_from(["move", "rename", "cancel", "alone"]), Numbers, Hours),
        st.tuples(st.sampled_from(["cancel-following", "undo", "book-skipped", "make"]), Numbers, Hours),
    ),
    min_size=2,
    max_size=14,
)
Conn = psycopg.AsyncConnection[Any]
What = tuple[str, str, datetime, datetime, bool]


def what_is(booking: Booking) -> What:
    """Return all of a booking that a change of its series could touch."""
    return (
        booking.space_id,
        booking.title,
        booking.start,
        booking.end,
        booking.cancelled_at is not None,
    )


class History:
    """Plays steps against the database, and knows which dates are exceptions and how they were."""

    def __init__(self, conn: Conn) -> None:
        self.conn = conn
        self.series: list[UUID] = []
        self.clock = Clock(NOW, ZONE)
        self.alone: dict[UUID, What] = {}
        """Bookings that were changed or cancelled alone, as they were left."""

    async def play(self, step: tuple[str, int, int]) -> None:
        """Take a step; a refusal leaves everything as it was."""
        what, number, hour = step
        before = dict(self.alone)
        self.clock = Clock(self.clock.now + timedelta(seconds=1), ZONE)
        refusal: DomainError | None = None
        try:
            async with self.conn.transaction():
                if what == "make" or not self.series:
                    await self._make(number, hour)
                else:
                    await self._take(what, number, hour, self.series[number % len(self.series)])
        except DomainError as error:
            self.alone, refusal = before, error
        assert refusal is None or refusal.kind.status in {404, 409, 422}, refusal

    async def _make(self, number: int, hour: int) -> None:
        start = datetime(2026, 10, 21, hour, 30)  # noqa: DTZ001
        texts = [f"{each:%Y-%m-%dT%H:%M}" for each in (start, start + timedelta(minutes=90))]
        booking = BookingInput(space="lab", start=texts[0], end=texts[1], people="1", title="Any")
        wanted = SeriesInput(booking=booking, rule=f"FREQ=DAILY;COUNT={number + 2}")
        _plan, shown = await booking_series.preview_new(self.conn, ACTOR, wanted, self.clock)
        skip = [f"{date.occurrence.at:%Y-%m-%dT%H:%M}" for date in shown if date.problem]
        wanted = SeriesInput(booking=booking, rule=wanted.rule, skip=skip)
        series, _ = await booking_series.book(self.conn, ACTOR, wanted, self.clock)
        self.series.append(series.id)

    async def _take(self, what: str, number: int, hour: int, series_id: UUID) -> None:
        series = await read_model.get(self.conn, series_id)
        date = series.dates[hour % len(series.dates)]
        key = f"{date.at:%Y-%m-%dT%H:%M}"
        if what in {"all", "following"}:
            change = SeriesChange(start_time=f"{hour:02}:15", end_time=f"{hour:02}:45", title=f"By {number}")
            chosen = Chosen(Scope(what), key)
            changed, _ = await booking_series.change(
                self.conn, ACTOR, series_id, chosen, change, None, self.clock
            )
            if changed.id not in self.series:
                self.series.append(changed.id)
        elif what == "cancel-following":
            chosen = Chosen(Scope.FOLLOWING, key)
            after, _ = await booking_series.cancel(self.conn, ACTOR, series_id, chosen, None, self.clock)
            self._note_cancelled(after)
        elif what == "undo":
            after, _missing, _ = await booking_series.restore(self.conn, ACTOR, series_id, None, self.clock)
            self._note_cancelled(after)
        elif what == "book-skipped":
            await booking_series.book_skipped(self.conn, ACTOR, series_id, key, self.clock)
        elif date.booking is not None:
            await self._alone(what, date.booking, hour)

    async def _alone(self, what: str, booking: Booking, hour: int) -> None:
        if what == "cancel":
            after, _ = await bookings.cancel(self.conn, ACTOR, booking.id, None, self.clock.now)
        elif what == "alone":
            after, _ = await bookings.restore(self.conn, ACTOR, booking.id, None, self.clock)
        else:
            later = timedelta(hours=hour) if what == "move" else timedelta()
            wanted = BookingInput(
                space="lab",
                start=booking.start + later,
                end=booking.end + later,
                people="1",
                title="Own" if what == "rename" else booking.title,
            )
            after, _ = await bookings.change(self.conn, ACTOR, booking.id, wanted, None, self.clock)
        self.alone[booking.id] = what_is(after)
        if what == "alone" and not after.series_exception:
            del self.alone[booking.id]  # it follows its series again

    def _note_cancelled(self, series: read_model.Series) -> None:
        """Giving up a series and undoing it reaches exceptions too: only whether they are cancelled."""
        for date in series.dates:
            if date.booking is not None and date.booking.id in self.alone:
                known, shown = self.alone[date.booking.id], what_is(date.booking)
                assert known[:4] == shown[:4]
                self.alone[date.booking.id] = shown

    async def check(self) -> None:
        """Compare exceptions with how they were left, holds with bookings, and look for overlaps."""
        dates = [date for each in self.series for date in (await read_model.get(self.conn, each)).dates]
        booked = {date.booking.id: date.booking for date in dates if date.booking is not None}
        shown = {each: what_is(booking) for each, booking in booked.items()}
        assert {each: shown[each] for each in self.alone} == self.alone
        keys = [(booking.series_id, booking.series_at) for booking in booked.values()]
        assert len(keys) == len(set(keys))
        held = {each for each, booking in booked.items() if booking.cancelled_at is None}
        rows = await (await self.conn.execute("SELECT DISTINCT booking_id FROM hold")).fetchall()
        assert {row[0] for row in rows} == held
        overlaps = await self.conn.execute(
            "SELECT count(*) FROM hold a JOIN hold b ON a.atom_id = b.atom_id "
            "AND a.booking_id < b.booking_id AND a.during && b.during"
        )
        assert await overlaps.fetchone() == (0,)


async def _play(url: str, steps: list[Any]) -> None:
    async with await connect(url, name="test") as conn:
        await conn.execute("TRUNCATE hold, booking, series_skip, booking_series CASCADE")
        history = History(conn)
        await history.play(("make", 5, 9))
        for step in steps:
            await history.play(step)
            await history.check()


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(Steps)
def test_exceptions_survive_any_edits(database: Database, steps: list[Any]) -> None:
    with psycopg.connect(database.url, autocommit=True) as conn:
        if conn.execute("SELECT FROM space").fetchone() is None:
            conn.execute(
                "INSERT INTO space (id, name, kind, capacity, turnaround_min) "
                "VALUES ('lab', 'Lab', 'workshop', 8, 15)"
            )
    asyncio.run(_play(database.url, steps))
