"""Many want the same at one moment: one tries at a time, and what the others are told is true."""

import asyncio
from collections import Counter

import psycopg

from hubwell.api.booking_turns import SharedReads
from lanes.database_lane import Database
from services.booking.booking_house import BOOKINGS, BookingHouse, clock

START, END = clock(9), clock(11)


async def test_each_loser_is_told_of_the_winner_and_of_what_is_free(hub: BookingHouse) -> None:
    bench, press = await hub.parts("wood", "Bench", "Press", turnaround=15)
    answers = await asyncio.gather(
        *(hub.staff.book(START, END, parts=[bench] if number % 3 else [bench, press]) for number in range(24))
    )
    assert Counter(answer.status_code for answer in answers) == {201: 1, 409: 23}
    for answer in answers:
        if answer.status_code == 409:
            problem = answer.json()
            assert [each["title"] for each in problem["conflicts"]] == ["Robotics"]
            assert "metal" in [each["space"] for each in problem["alternatives"]]


async def test_the_same_request_many_times_at_once_books_once(hub: BookingHouse) -> None:
    answers = await asyncio.gather(
        *(hub.staff.book(START, END, headers={"idempotency-key": "one"}) for _ in range(12))
    )
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.json()["id"] for answer in answers}) == 1


async def test_who_is_refused_by_a_rule_is_told_so_after_a_wait_too(hub: BookingHouse) -> None:
    answers = await asyncio.gather(
        hub.staff.book(START, END),
        hub.staff.book(START, END, people=500),
        hub.staff.book(START, END, space="no"),
    )
    assert [answer.status_code for answer in answers] == [201, 422, 422]


async def test_those_who_wait_for_a_space_keep_no_connection_from_others(
    hub: BookingHouse, database: Database
) -> None:
    """Another process is about to take the space; more wait for it than the pool has connections."""
    booking = await hub.staff.booked(START, END)
    await hub.staff.cancel(booking)
    async with await psycopg.AsyncConnection.connect(database.url) as conn:
        await conn.execute(
            "INSERT INTO hold SELECT %s, atom.id, tstzrange(lower(b.during), upper(b.during)) "
            "FROM atom CROSS JOIN booking b WHERE atom.space_id = 'wood' AND b.id = %s",
            (booking["id"], booking["id"]),
        )
        waiting = [asyncio.create_task(hub.staff.book(START, END)) for _ in range(30)]
        others = [await hub.staff.client.get(f"{BOOKINGS}/{booking['id']}") for _ in range(3)]
        assert not any(task.done() for task in waiting)
        await conn.rollback()
    assert [answer.status_code for answer in others] == [200] * 3
    answers = await asyncio.gather(*waiting)
    assert Counter(answer.status_code for answer in answers) == {201: 1, 409: 29}


async def test_a_reading_serves_all_who_asked_before_it_began() -> None:
    begun: list[int] = []
    has_begun = asyncio.Event()
    may_end = asyncio.Event()

    async def read(key: str) -> int:
        begun.append(len(key))
        number = len(begun)
        has_begun.set()
        await may_end.wait()
        return number

    reads = SharedReads(read)
    first = asyncio.create_task(reads.get("hall"))
    await has_begun.wait()
    later = [asyncio.create_task(reads.get("hall")) for _ in range(5)]
    await asyncio.sleep(0)
    later[0].cancel()
    may_end.set()
    assert await first == 1
    assert await asyncio.gather(*later[1:]) == [2] * 4
