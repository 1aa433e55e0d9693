"""Visits in the database: the same for every order of arrival."""

import asyncio
import itertools
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from typing import Any
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

import psycopg
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from feed.enrolled_people import enrol, suspicions, visits_of
from feed.ingest_setup import commit, device_in, one, rows, settings_for
from hubwell.events import (
    BadgeTapped,
    CheckedIn,
    CheckedOut,
    Fact,
    Facts,
    InferredOut,
    Moved,
)
from hubwell.people import tap_register
from hubwell.presence.actions import close_forgotten
from hubwell.presence.closing_hours import Hours
from hubwell.presence.door_policy import Policy
from hubwell.presence.process_taps import tapped
from hubwell.presence.rules import TapAt, Visit, fold_taps
from hubwell.storage.connect import connect, connect_sync
from lanes.database_lane import Database

SPACES = ["lab", "den", "loft"]
START = datetime(2026, 3, 2, 8, tzinfo=UTC)
CLOSING = time(22)
HOURS = Hours(ZoneInfo("UTC"), CLOSING)
badges = (number.to_bytes(16) for number in itertools.count())
streams = itertools.count(1)


@pytest.fixture
def url(database: Database) -> str:
    for space in SPACES:
        device_in(database.url, space)
    with connect_sync(database.url, name="test") as conn:
        conn.execute("INSERT INTO stream (device_id, boot) VALUES ('lab-pi', gen_random_uuid())")
    return database.url


async def tap_all(url: str, badge: bytes, taps: Sequence[TapAt]) -> list[list[Fact]]:
    """Let taps arrive in this order, each in a transaction of its own; return the facts of each."""
    facts: list[list[Fact]] = []
    policy = replace(Policy.of(settings_for(url)), hours=HOURS)
    async with await connect(url, name="test") as conn:
        for tap in taps:
            async with conn.transaction():
                fact = BadgeTapped(
                    device_id="lab-pi", boot=uuid4(), stream_id=1, seq=next(streams), time=tap.time,
                    badge=badge, epoch=1, reader="door", space_id=tap.space_id,
                )  # fmt: skip
                (done,) = await tapped(conn, [fact], policy, tap_register)
                facts.append(list(done.facts))
    return facts


def folded(taps: Sequence[TapAt]) -> list[Visit]:
    return fold_taps(taps, datetime.now(UTC), HOURS).visits


def arriving(url: str, taps: Sequence[TapAt]) -> list[Visit]:
    badge = next(badges)
    person = enrol(url, badge)
    asyncio.run(tap_all(url, badge, taps))
    return visits_of(url, person)


def tap(hours: float, space: str = "lab") -> TapAt:
    return TapAt(START + timedelta(hours=hours), space)


def test_every_order_of_four_taps_gives_the_same_visits(url: str) -> None:
    taps = [tap(1), tap(2), tap(3, "den"), tap(4)]
    for order in itertools.permutations(taps):
        assert arriving(url, order) == folded(taps), order


def test_every_order_of_two_places_at_once_asks_the_same(url: str) -> None:
    seconds = timedelta(seconds=1)
    taps = [tap(0), TapAt(START + 8 * seconds, "den"), TapAt(START + 14 * seconds, "loft")]
    asked = set()
    for order in itertools.permutations(taps):
        with connect_sync(url, name="test") as conn:
            conn.execute("DELETE FROM suspicion")
        assert arriving(url, order) == folded(taps), order
        asked.add(tuple(suspicions(url)))
    assert asked == {(("two-places", "den", "lab"),)}


HOURS_OF_TAPS = st.integers(0, 5) | st.integers(0, 80)
TAPS = st.lists(
    st.builds(
        lambda hours, seconds, space: TapAt(START + timedelta(hours=hours, seconds=seconds), space),
        HOURS_OF_TAPS,
        st.sampled_from([0, 1, 4, 6, 12]),
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
@example(taps=[tap(14.3), tap(4), tap(26)])  # somebody who locked up, told later
def test_visits_are_a_function_of_the_taps(url: str, taps: list[TapAt]) -> None:
    assert arriving(url, taps) == folded(taps)


def test_visit_that_ends_keeps_its_number(url: str) -> None:
    badge = next(badges)
    enrol(url, badge)
    begin = datetime.now(UTC) - timedelta(minutes=5)
    asyncio.run(tap_all(url, badge, [TapAt(begin, "lab")]))
    number = one(url, "SELECT id FROM visit")
    asyncio.run(tap_all(url, badge, [TapAt(begin + timedelta(minutes=1), "lab")]))
    assert rows(url, "SELECT id, ended_by FROM visit") == [(number, "tap")]


def test_visits_whose_taps_are_gone_stay_as_they_are(url: str) -> None:
    """Taps are kept for days, visits for longer: a visit that was cut from its taps is history."""
    badge = next(badges)
    person = enrol(url, badge)
    asyncio.run(tap_all(url, badge, [tap(0), tap(4)]))
    with connect_sync(url, name="test") as conn:
        conn.execute("DELETE FROM tap WHERE time < %s", [START + timedelta(hours=1)])
    before = visits_of(url, person)
    asyncio.run(tap_all(url, badge, [tap(24), tap(25), tap(0.5), tap(-30)]))
    found = visits_of(url, person)
    assert [visit for visit in found if visit.start == START] == before
    assert found[-1] == Visit("lab", START + timedelta(hours=24), START + timedelta(hours=25), "tap")


def test_what_happened_is_told_without_who(url: str) -> None:
    badge = next(badges)
    enrol(url, badge)
    taps = [tap(0), tap(1, "den"), tap(1, "den"), tap(2, "den"), tap(48)]
    first, moved, again, left, back = asyncio.run(tap_all(url, badge, taps))
    at = [tap.time for tap in taps]
    forgotten = at[4] + timedelta(hours=12)
    assert first == [
        CheckedIn(space_id="lab", at=at[0]), InferredOut(space_id="lab", at=START.replace(hour=20)),
    ]  # fmt: skip
    assert moved == [
        Moved(from_space_id="lab", space_id="den", at=at[1]),
        InferredOut(space_id="den", at=START.replace(hour=21)),
    ]  # fmt: skip
    assert again == []
    assert left == [CheckedOut(space_id="den", at=at[3])]
    assert back == [CheckedIn(space_id="lab", at=at[4]), InferredOut(space_id="lab", at=forgotten)]


def test_forgotten_visits_are_closed_at_closing_time(url: str) -> None:
    """By the timetable, without a tap: the hub's closing time, a space's own, and twelve hours."""
    now = datetime.now(UTC).replace(microsecond=0)
    soon = (now + timedelta(minutes=30)).time()
    late = (now + timedelta(hours=6)).time()
    with connect_sync(url, name="test") as conn:
        conn.execute("UPDATE space SET closes_at = %s WHERE id = 'den'", [late])
    policy = settings_for(url, closing_time=soon)
    people = {}
    for space, since in (
        ("lab", timedelta(hours=1)),
        ("den", timedelta(hours=11)),
        ("den", timedelta(hours=1)),
    ):
        person = people[space, since] = enrol(url, next(badges))
        with connect_sync(url, name="test") as conn:
            insert = "INSERT INTO visit (person_id, space_id, during) VALUES (%s, %s, tstzrange(%s, NULL))"
            conn.execute(insert, (person, space, now - since))

    async def close(at: datetime) -> Facts:
        async with await connect(url, name="test") as conn, conn.transaction():
            return await close_forgotten(conn, at, policy)

    assert asyncio.run(close(now)) == []
    closing = now + timedelta(minutes=30)
    assert asyncio.run(close(closing)) == []
    told = asyncio.run(close(closing + timedelta(seconds=1)))
    assert told == [InferredOut(space_id="lab", at=closing)]
    told = asyncio.run(close(now + timedelta(hours=2)))
    assert told == [InferredOut(space_id="den", at=now + timedelta(hours=1))]
    ends = [visits_of(url, person) for person in people.values()]
    assert [(visit.end, visit.ended_by) for (visit,) in ends] == [
        (closing, "inferred"), (now + timedelta(hours=1), "inferred"), (None, None)
    ]  # fmt: skip


def test_taps_of_one_badge_at_the_same_moment_in_two_processes(url: str) -> None:
    badge = next(badges)
    person = enrol(url, badge)
    taps = [tap(hours, SPACES[hours % 3]) for hours in range(12)]

    async def both() -> None:
        await asyncio.gather(tap_all(url, badge, taps[::2]), tap_all(url, badge, taps[::-2]))

    asyncio.run(both())
    assert visits_of(url, person) == folded(taps)


def test_database_refuses_two_places_at_once(url: str) -> None:
    insert = (
        "INSERT INTO visit (person_id, space_id, during, ended_by) VALUES (%s, %s, tstzrange(%s, %s), 'tap')"
    )
    person = enrol(url, next(badges))
    with connect_sync(url, name="test") as conn:
        conn.execute(insert, (person, "lab", START, START + timedelta(hours=2)))
        with pytest.raises(psycopg.errors.ExclusionViolation) as refused:
            conn.execute(insert, (person, "den", START + timedelta(hours=1), START + timedelta(hours=3)))
    assert refused.value.diag.constraint_name == "visit_one_place_at_a_time"


def test_taps_through_ingest_become_visits(lane_database: Database) -> None:
    url = lane_database.url
    pi, den = device_in(url, "lab"), device_in(url, "den")
    badge = bytes(range(16))
    packets: list[Any] = [pi.tap(START, badge), den.tap(START + timedelta(hours=1), badge)]
    packets.append(den.tap(START + timedelta(hours=2), badge))
    commit(url, packets[::-1], closing_time=CLOSING)
    person: UUID = one(url, "SELECT id FROM person WHERE kind = 'counted'")
    assert visits_of(url, person) == [
        Visit("lab", START, START + timedelta(hours=1), "moved"),
        Visit("den", START + timedelta(hours=1), START + timedelta(hours=2), "tap"),
    ]
