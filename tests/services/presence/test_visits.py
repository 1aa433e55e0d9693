"""Visits in the database: the same for every order of arrival."""

import asyncio
import itertools
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from feed.server import commit, device_in, rows
from hubwell.events import BadgeTapped, VisitsChanged
from hubwell.presence.actions import close_forgotten, tapped
from hubwell.presence.rules import LONGEST, TapAt, Visit, fold_taps
from hubwell.storage.connect import connect, connect_sync
from lanes.lane import Database

SPACES = ["lab", "den", "loft"]
START = datetime(2026, 3, 2, 8, tzinfo=UTC)
NOW = datetime.now(UTC)
badges = (number.to_bytes(16) for number in itertools.count())
streams = itertools.count(1)


@pytest.fixture
def url(database: Database) -> str:
    for space in SPACES:
        device_in(database.url, space)
    with connect_sync(database.url, name="test") as conn:
        conn.execute("INSERT INTO stream (device_id, boot) VALUES ('lab-pi', gen_random_uuid())")
    return database.url


async def tap_all(url: str, badge: bytes, taps: Sequence[TapAt]) -> list[VisitsChanged | None]:
    """Let taps arrive in this order, each in a transaction of its own."""
    changes = []
    async with await connect(url, name="test") as conn:
        for tap in taps:
            async with conn.transaction():
                fact = BadgeTapped(
                    stream_id=1, seq=next(streams), time=tap.time, badge=badge, epoch=1, reader="door",
                    space_id=tap.space_id,
                )  # fmt: skip
                changes.append(await tapped(conn, fact))
    return changes


def visits_of(url: str, badge: bytes) -> list[Visit]:
    found = rows(
        url,
        "SELECT space_id, lower(during), upper(during), ended_by FROM visit WHERE badge = %s ORDER BY during",
        badge,
    )
    return [Visit(*row) for row in found]


def arriving(url: str, taps: Sequence[TapAt]) -> list[Visit]:
    badge = next(badges)
    asyncio.run(tap_all(url, badge, taps))
    return visits_of(url, badge)


def tap(hours: float, space: str = "lab") -> TapAt:
    return TapAt(START + timedelta(hours=hours), space)


def test_every_order_of_four_taps_gives_the_same_visits(url: str) -> None:
    taps = [tap(1), tap(2), tap(3, "den"), tap(4)]
    wanted = fold_taps(taps, NOW)
    for order in itertools.permutations(taps):
        assert arriving(url, order) == wanted, order


HOURS = st.integers(0, 5) | st.integers(0, 80)
TAPS = st.lists(
    st.builds(
        lambda hours, seconds, space: TapAt(START + timedelta(hours=hours, seconds=seconds), space),
        HOURS,
        st.sampled_from([0, 1, 4, 6]),
        st.sampled_from(SPACES),
    ),
    max_size=9,
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(taps=TAPS)
@example(taps=[tap(3), tap(1), tap(2)])
@example(taps=[tap(20), tap(0), tap(10)])  # the one in the middle joins what was apart
@example(taps=[tap(0), tap(11), tap(22), tap(33), tap(5.5)])  # pairs change all along
@example(taps=[tap(0), tap(12.5), tap(6), tap(6)])
def test_visits_are_a_function_of_the_taps(url: str, taps: list[TapAt]) -> None:
    assert arriving(url, taps) == fold_taps(taps, NOW)


def test_late_tap_before_a_visit_that_lasts(url: str) -> None:
    now = datetime.now(UTC).replace(microsecond=0)
    here, before = TapAt(now - timedelta(minutes=5), "lab"), TapAt(now - timedelta(hours=1), "den")
    assert arriving(url, [here, before]) == [
        Visit("den", before.time, here.time, "moved"),
        Visit("lab", here.time, None, None),
    ]


def test_tap_after_a_forgotten_visit_that_nobody_closed_yet(url: str) -> None:
    """The visit still stands open when the next tap comes, longer after it than anybody stays."""
    badge, begin = next(badges), datetime.now(UTC).replace(microsecond=0) - timedelta(hours=20)
    with connect_sync(url, name="test") as conn:
        conn.execute(
            "INSERT INTO tap VALUES (1, %s, %s, %s, 1, 'door', 'lab')", (next(streams), begin, badge)
        )
        conn.execute(
            "INSERT INTO visit (badge, space_id, during) VALUES (%s, 'lab', tstzrange(%s, NULL))",
            (badge, begin),
        )
    back = begin + timedelta(hours=19)
    asyncio.run(tap_all(url, badge, [TapAt(back, "lab")]))
    assert visits_of(url, badge) == [
        Visit("lab", begin, begin + LONGEST, "inferred"),
        Visit("lab", back, None, None),
    ]


def test_spaces_that_change_are_told(url: str) -> None:
    badge = next(badges)
    first, moved, again = asyncio.run(tap_all(url, badge, [tap(0), tap(1, "den"), tap(1, "den")]))
    assert first == VisitsChanged(space_ids=("lab",))
    assert moved == VisitsChanged(space_ids=("den", "lab"))
    assert again is None


def test_forgotten_visits_are_closed_as_inferred(url: str) -> None:
    now = datetime.now(UTC).replace(microsecond=0)
    begin, badge, other = now - timedelta(hours=11), next(badges), next(badges)
    asyncio.run(tap_all(url, badge, [TapAt(begin, "lab")]))
    asyncio.run(tap_all(url, other, [TapAt(now, "den")]))

    async def close(at: datetime) -> VisitsChanged | None:
        async with await connect(url, name="test") as conn, conn.transaction():
            return await close_forgotten(conn, at)

    assert asyncio.run(close(now)) is None
    assert asyncio.run(close(now + timedelta(hours=2))) == VisitsChanged(space_ids=("lab",))
    assert visits_of(url, badge) == [Visit("lab", begin, begin + LONGEST, "inferred")]
    assert visits_of(url, other) == [Visit("den", now, None, None)]


def test_taps_of_one_badge_at_the_same_moment_in_two_processes(url: str) -> None:
    badge = next(badges)
    taps = [tap(hours, SPACES[hours % 3]) for hours in range(12)]

    async def both() -> None:
        await asyncio.gather(tap_all(url, badge, taps[::2]), tap_all(url, badge, taps[::-2]))

    asyncio.run(both())
    assert visits_of(url, badge) == fold_taps(taps, NOW)


def test_database_refuses_two_places_at_once(url: str) -> None:
    insert = "INSERT INTO visit (badge, space_id, during, ended_by) VALUES (%s, %s, tstzrange(%s, %s), 'tap')"
    badge = next(badges)
    with connect_sync(url, name="test") as conn:
        conn.execute(insert, (badge, "lab", START, START + timedelta(hours=2)))
        with pytest.raises(psycopg.errors.ExclusionViolation) as refused:
            conn.execute(insert, (badge, "den", START + timedelta(hours=1), START + timedelta(hours=3)))
    assert refused.value.diag.constraint_name == "visit_one_place_at_a_time"


def test_taps_through_ingest_become_visits(lane_database: Database) -> None:
    pi, den = device_in(lane_database.url, "lab"), device_in(lane_database.url, "den")
    badge = bytes(range(16))
    packets: list[Any] = [pi.tap(START, badge), den.tap(START + timedelta(hours=1), badge)]
    packets.append(den.tap(START + timedelta(hours=2), badge))
    commit(lane_database.url, packets[::-1])
    assert visits_of(lane_database.url, badge) == [
        Visit("lab", START, START + timedelta(hours=1), "moved"),
        Visit("den", START + timedelta(hours=1), START + timedelta(hours=2), "tap"),
    ]
