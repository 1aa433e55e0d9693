"""Anything in any order: taps, wrong clocks, copies, partitions, two processes, merges, corrections.

After every step nobody is in two places and the stored visits are the fold of the stored taps. At the end the
same taps, arriving in another order at another person, make the same visits.
"""

import asyncio
import itertools
import random
from collections.abc import Coroutine
from contextlib import AsyncExitStack
from datetime import UTC, datetime, time, timedelta
from itertools import pairwise
from typing import Any, TypeVar
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test
from psycopg import AsyncConnection

from feed.enrolled_people import enrol, visits_of
from feed.ingest_setup import device_in, ingest_of, rows
from feed.simulated_device import Device, Packet
from hubwell.access.principal import Principal
from hubwell.errors import DomainError
from hubwell.ingest.consumer import Ingest
from hubwell.presence.actions import check_in, check_out, correct_end, remove_visit
from hubwell.presence.closing_hours import Hours
from hubwell.presence.rules import TapAt, Visit, fold_taps
from hubwell.settings import Settings
from hubwell.storage.connect import connect
from hubwell.workflows import people
from lanes.database_lane import Database

SPACES = ["lab", "den", "loft"]
CLOSING = time(22)
HOURS = Hours(ZoneInfo("UTC"), CLOSING)
SETTINGS = Settings(_env_file=None, zone="UTC", closing_time=CLOSING)
PEOPLE = 3
T = TypeVar("T")
numbers = itertools.count(1)
MOMENTS = st.builds(
    lambda hours, seconds: timedelta(hours=hours, seconds=seconds),
    st.sampled_from([0, 0, 0, 0.5, 1, 2, 5, 11, 13, 13.8, 14.2, 24, 30]),
    st.sampled_from([0, 0, 3, 7, 12, 40]),
)
SOMEBODY = st.integers(0, PEOPLE - 1)
PLACES = st.sampled_from(SPACES)


class Hub(RuleBasedStateMachine):
    url: str
    start: datetime

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.stack = AsyncExitStack()
        self.devices = {space: Device(f"{space}-pi") for space in SPACES}
        self.ahead = dict.fromkeys(SPACES, timedelta())
        self.held: dict[str, list[Packet]] = {space: [] for space in SPACES}
        self.sent: list[Packet] = []

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        return self.loop.run_until_complete(asyncio.wait_for(work, 60))

    @initialize()
    def open(self) -> None:
        self.badges = [next(numbers).to_bytes(16) for _ in range(PEOPLE)]
        self.people = [enrol(self.url, badge) for badge in self.badges]
        self.ingests = [self.run(self._ingest(worker)) for worker in ("1", "2")]

    async def _ingest(self, worker: str) -> Ingest:
        context = ingest_of(self.url, worker=worker, closing_time=CLOSING, unknown_badges="refuse")
        return await self.stack.enter_async_context(context)

    @rule(who=SOMEBODY, space=PLACES, when=MOMENTS)
    def tap(self, who: int, space: str, when: timedelta) -> None:
        """The device keeps the tap until it can send it, stamped with its own idea of time."""
        packet = self.devices[space].tap(self.start + when + self.ahead[space], self.badges[who])
        self.held[space].append(packet)

    @rule(space=PLACES, minutes=st.sampled_from([0, -3, 0.1, 3, 200]))
    def clock_goes_wrong(self, space: str, minutes: float) -> None:
        self.ahead[space] = timedelta(minutes=minutes)

    @rule(space=PLACES, worker=st.integers(0, 1))
    def network_is_back(self, space: str, worker: int) -> None:
        packets, self.held[space] = self.held[space], []
        self.run(self.ingests[worker].commit(packets))
        self.sent += packets

    @rule(order=st.randoms(use_true_random=False))
    def everything_arrives_at_two_processes(self, order: random.Random) -> None:
        packets = [packet for held in self.held.values() for packet in held]
        packets += order.sample(self.sent, min(2, len(self.sent)))
        order.shuffle(packets)
        self.held = {space: [] for space in SPACES}
        first, second = self.ingests

        async def both() -> None:
            await asyncio.gather(first.commit(packets[::2]), second.commit(packets[1::2]))

        self.run(both())
        self.sent += packets

    @rule(worker=st.integers(0, 1), data=st.data())
    def copy_arrives(self, worker: int, data: st.DataObject) -> None:
        if self.sent:
            self.run(self.ingests[worker].commit([data.draw(st.sampled_from(self.sent))]))

    @rule(keep=SOMEBODY, drop=SOMEBODY)
    def two_entries_turn_out_to_be_one_person(self, keep: int, drop: int) -> None:
        one, other = self.people[keep], self.people[drop]
        if one == other:
            return

        async def work(conn: AsyncConnection[Any]) -> None:
            await people.merge(conn, Principal(actor="cli"), SETTINGS, keep=one, drop=other)

        self.act(work)
        self.people = [one if person == other else person for person in self.people]

    @rule(who=SOMEBODY, space=PLACES, when=MOMENTS, comes=st.booleans())
    def desk(self, who: int, space: str, when: timedelta, comes: bool) -> None:  # noqa: FBT001 - drawn
        action = check_in if comes else check_out
        self.act(lambda conn: action(conn, self.people[who], space, self.start + when, hours=HOURS))

    @rule(who=SOMEBODY, data=st.data(), share=st.sampled_from([0.2, 0.5, 1.0, 1.3]))
    def correction(self, who: int, data: st.DataObject, share: float) -> None:
        visit = self.drawn_visit(who, data)
        if visit is not None:
            number, start, end = visit
            left = start + (end - start) * share
            self.act(lambda conn: correct_end(conn, number, self.people[who], left, hours=HOURS))

    @rule(who=SOMEBODY, data=st.data())
    def removal(self, who: int, data: st.DataObject) -> None:
        visit = self.drawn_visit(who, data)
        if visit is not None:
            self.act(lambda conn: remove_visit(conn, visit[0], self.people[who], hours=HOURS))

    def drawn_visit(self, who: int, data: st.DataObject) -> Any:
        query = "SELECT id, lower(during), upper(during) FROM visit WHERE person_id = %s ORDER BY during"
        found = rows(self.url, query, self.people[who])
        return data.draw(st.sampled_from(found)) if found else None

    def act(self, action: Any) -> None:
        """Let somebody change something; what is refused changes nothing."""

        async def work() -> None:
            async with await connect(self.url, name="test") as conn:
                try:
                    async with conn.transaction():
                        await action(conn)
                except DomainError as refused:
                    assert refused.code in {"next-visit-began", "visit-too-long"}  # noqa: PT017 - others are mistakes

        self.run(work())

    def taps_of(self, person: UUID) -> list[TapAt]:
        query = "SELECT time, space_id, intent, source, verdict = 'full' FROM tap WHERE person_id = %s"
        return [TapAt(*row) for row in rows(self.url, query, person)]

    @invariant()
    def visits_are_the_fold_of_the_taps(self) -> None:
        for person in set(getattr(self, "people", [])):
            found = visits_of(self.url, person)
            assert found == fold_taps(self.taps_of(person), datetime.now(UTC), HOURS).visits
            for earlier, later in pairwise(found):
                assert earlier.end is not None
                assert earlier.end <= later.start

    def teardown(self) -> None:
        try:
            if hasattr(self, "people"):
                self.everything_arrives_at_two_processes(random.Random(1))
                self.visits_are_the_fold_of_the_taps()
                for person in set(self.people):
                    assert self.arriving_otherwise(person) == visits_of(self.url, person)
        finally:
            self.run(self.stack.aclose())
            self.loop.close()

    def arriving_otherwise(self, person: UUID) -> list[Visit]:
        """Let the same taps arrive at somebody else, in another order, one by one; return their visits."""
        badge = next(numbers).to_bytes(16)
        other = enrol(self.url, badge)
        taps = self.taps_of(person)
        random.Random(len(taps)).shuffle(taps)
        devices = {space: Device(f"{space}-pi") for space in SPACES}
        for tap in taps:
            if tap.source == "reader":
                self.run(self.ingests[0].commit([devices[tap.space_id].tap(tap.time, badge)]))
            else:
                self.act(lambda conn, tap=tap: said(conn, other, tap))
        return visits_of(self.url, other)


async def said(conn: AsyncConnection[Any], person: UUID, tap: TapAt) -> None:
    action = check_in if tap.intent == "in" else check_out
    assert tap.source != "reader"
    await action(conn, person, tap.space_id, tap.time, hours=HOURS, source=tap.source)


@pytest.mark.slow
def test_anything_in_any_order(database: Database) -> None:
    for space in SPACES:
        device_in(database.url, space)

    class ThisHub(Hub):
        url = database.url
        start = (datetime.now(UTC) - timedelta(days=4)).replace(hour=8, minute=0, second=0, microsecond=0)

    checks = [HealthCheck.too_slow, HealthCheck.filter_too_much]
    run_state_machine_as_test(
        ThisHub,
        settings=settings(
            max_examples=20, stateful_step_count=25, deadline=None, suppress_health_check=checks
        ),
    )
