"""Open, follow, tick off and close a muster on a real database."""

import asyncio
from datetime import UTC, datetime, timedelta
from operator import itemgetter
from typing import Any
from uuid import UUID

import psycopg
import pytest
from psycopg import AsyncConnection

from hubwell.errors import DomainError
from hubwell.evacuation import actions, break_glass, marking, read_model
from hubwell.evacuation.announcement import Kind
from hubwell.evacuation.report import Report
from hubwell.evacuation.rules import Finding, State, reconcile
from hubwell.settings import Settings
from lanes.database_lane import Database
from services.evacuation.populated_hub import NORTH, SOUTH, House

Conn = AsyncConnection[Any]


def now() -> datetime:
    return datetime.now(UTC)


async def opened(conn: Conn, kind: Kind = "alarm") -> UUID:
    return (await actions.open_muster(conn, kind, None, now())).id


async def named(conn: Conn, muster: UUID) -> dict[str, read_model.RollEntry]:
    await actions.follow(conn, muster)
    return {item.name or "": item for item in await read_model.people(conn, muster, names=True)}


async def test_list_holds_who_is_inside_by_zone_and_space(house: House, conn: Conn) -> None:
    gone = house.inside("Dee Gone", "metal")
    house.tap_out(gone, now() - timedelta(minutes=3))

    people = await named(conn, await opened(conn))

    assert set(people) == {"Ada Example", "Bo Sample", "", "Cleo Specimen"}
    assert (people["Ada Example"].space, people["Ada Example"].zone) == ("Wood workshop", NORTH)
    assert people["Cleo Specimen"].zone == SOUTH
    assert {person.state for person in people.values()} == {State.EXPECTED}


async def test_without_leave_names_and_labels_do_not_leave_the_database(house: House, conn: Conn) -> None:
    house.badge(house.inside("Dee Label", "metal"), label="red key ring")
    muster = await opened(conn, "drill")

    people = await read_model.people(conn, muster, names=False)

    assert len(people) == 5
    assert {(person.name, person.label) for person in people} == {(None, None)}
    assert "red key ring" in {person.label for person in await read_model.people(conn, muster, names=True)}


async def test_second_muster_is_refused_and_an_alarm_takes_a_drill_over(house: House, conn: Conn) -> None:
    drill = await opened(conn, "drill")
    with pytest.raises(DomainError) as refused:
        await opened(conn, "drill")

    alarm = await actions.open_muster(conn, "alarm", None, now())

    assert refused.value.code == "already-open"
    assert (alarm.id, alarm.was_drill) == (drill, True)
    assert len(await read_model.people(conn, drill, names=False)) == 4
    with pytest.raises(DomainError):
        await opened(conn, "alarm")
    report = (await actions.close(conn, drill, now())).report
    assert report.began_as_drill
    assert house.count("muster") == 1


async def test_two_who_open_at_once_get_one_muster(house: House, conn: Conn, database: Database) -> None:
    async with await AsyncConnection.connect(database.url, autocommit=True) as other:
        outcomes = await asyncio.gather(opened(conn), opened(other), return_exceptions=True)

    assert sum(isinstance(outcome, DomainError) for outcome in outcomes) == 1
    assert house.count("muster") == 1
    assert house.count("muster_person") == 4


async def test_who_taps_out_is_marked_and_stays_on_the_list(house: House, conn: Conn) -> None:
    muster = await opened(conn)
    ada = (await named(conn, muster))["Ada Example"]
    house.conn.execute(
        "UPDATE visit SET during = tstzrange(lower(during), now()), ended_by = 'tap' WHERE person_id = "
        "(SELECT person_id FROM muster_person WHERE id = %s)",
        (ada.id,),
    )

    people = await named(conn, muster)

    assert people["Ada Example"].tapped_out
    assert people["Ada Example"].state is State.EXPECTED
    assert not people["Bo Sample"].tapped_out


async def test_end_that_was_only_inferred_is_no_tap_out(house: House, conn: Conn) -> None:
    dee = house.inside("Dee Late", "metal")
    muster = await opened(conn)
    house.tap_out(dee, ended_by="inferred")

    assert not (await named(conn, muster))["Dee Late"].tapped_out


async def test_who_taps_in_or_elsewhere_later_is_seen(house: House, conn: Conn) -> None:
    dee = house.inside("Dee Mover", "metal")
    muster = await opened(conn)
    late = house.person("Eve Late")
    house.tap_in(late, "cafe", now())
    passed = house.person("Fay Passing")
    house.tap_in(passed, "cafe", now())
    house.tap_out(passed)
    offline = house.person("Gus Offline")
    house.tap_in(offline, "wood", now() - timedelta(minutes=20))  # his reader's message came only now
    house.move(dee, "cafe")

    people = await named(conn, muster)

    assert people["Eve Late"].late
    assert people["Fay Passing"].tapped_out
    assert not people["Gus Offline"].late
    assert (people["Dee Mover"].space, people["Dee Mover"].now_in) == ("Metal workshop", "Cafe corner")
    assert not people["Dee Mover"].tapped_out


async def test_two_who_look_at_once_add_everybody_once(house: House, conn: Conn, database: Database) -> None:
    muster = await opened(conn)
    for number in range(30):
        house.tap_in(house.person(f"Late {number}"), "cafe", now())
    async with await AsyncConnection.connect(database.url, autocommit=True) as other:
        for _ in range(3):
            await asyncio.gather(actions.follow(conn, muster), actions.follow(other, muster))

    assert house.count("muster_person") == 34


async def test_last_tick_counts_whoever_made_it(house: House, conn: Conn, database: Database) -> None:
    muster = await opened(conn)
    assert house.count("muster_person") == 4
    ada = (await named(conn, muster))["Ada Example"].id
    async with await AsyncConnection.connect(database.url, autocommit=True) as other:
        await marking.tick(conn, muster, ada, State.MISSING, now())
        await marking.tick(other, muster, ada, State.SAFE, now())
        assert (await named(conn, muster))["Ada Example"].state is State.SAFE
        await asyncio.gather(
            *(
                marking.tick(officer, muster, person.id, State.SAFE, now())
                for officer, person in zip(
                    [conn, other] * 2, (await named(conn, muster)).values(), strict=True
                )
            )
        )

    assert {person.state for person in (await named(conn, muster)).values()} == {State.SAFE}


async def test_badges_are_called_forgotten_by_the_boards_rule(house: House, conn: Conn) -> None:
    """Nobody sensed for a moment is no evidence; for a quarter of an hour it is, on the board too."""
    findings = {}
    for minutes in (0, 15):
        for ago in range(minutes + 1):
            house.conn.execute("DELETE FROM reading WHERE time > now() - interval '30 s'")
            house.sensor("wood", "pir/presence", 0, age=timedelta(minutes=ago))
        (wood,) = [place for place in await read_model.places(conn, now()) if place.id == "wood"]
        row = house.conn.execute("SELECT state FROM space_now WHERE space_id = 'wood'").fetchone()
        findings[minutes] = (reconcile(2, wood.sensed).finding, row)
    assert findings == {0: (Finding.NOT_SENSED_NOW, ("used",)), 15: (Finding.NOBODY_SENSED, ("free",))}


async def test_close_leaves_numbers_and_times_and_no_people(house: House, conn: Conn) -> None:
    house.sensor("wood", "ld2450/people/count", 5)
    house.sensor("metal", "pir/presence", 1)
    muster = await opened(conn, "drill")
    people = await named(conn, muster)
    await marking.tick(conn, muster, people["Ada Example"].id, State.SAFE, now() + timedelta(seconds=40))
    await marking.tick(conn, muster, people["Bo Sample"].id, State.MISSING, now() + timedelta(seconds=95))

    await actions.close(conn, muster, now() + timedelta(minutes=4))

    closed = await read_model.report(conn, muster)
    assert closed is not None
    total = closed.report.total
    assert total is not None
    assert (total.people, total.safe, total.missing, total.expected, total.without_badge) == (4, 1, 1, 2, 3)
    assert total.first_tick_s is not None
    assert total.last_tick_s is not None
    assert 39 <= total.first_tick_s < total.last_tick_s <= 97
    assert {zone.zone: (zone.people, zone.without_badge) for zone in closed.report.zones} == {
        NORTH: (3, 3),
        SOUTH: (1, 0),
    }
    assert {space.space_id: space.finding for space in closed.report.start} == {
        "wood": Finding.MORE_SENSED,
        "metal": Finding.WITHOUT_TAP,
        "cafe": Finding.NOT_KNOWN,
    }
    assert house.count("muster_person") == 0
    stored = house.conn.execute("SELECT report::text FROM muster").fetchone()
    assert stored is not None
    persons = house.conn.execute("SELECT id::text, name FROM person").fetchall()
    assert not any(word and word in stored[0] for person in persons for word in person)
    proof = house.conn.execute("SELECT class, why, rows, left_over FROM deletion").fetchall()
    assert proof == [("muster-list", "retention", 4, 0)]


async def test_closed_muster_takes_no_tick_and_is_closed_once(house: House, conn: Conn) -> None:
    muster = await opened(conn)
    ada = (await named(conn, muster))["Ada Example"].id
    await actions.close(conn, muster, now())

    for refused in (marking.tick(conn, muster, ada, State.SAFE, now()), actions.close(conn, muster, now())):
        with pytest.raises(DomainError, match="closed"):
            await refused
    house.tap_in(house.person("Eve Late"), "cafe", now())
    await actions.follow(conn, muster)
    assert house.count("muster_person") == 0


async def test_tick_waits_for_a_close_under_way(house: House, conn: Conn, database: Database) -> None:
    muster = await opened(conn)
    ada = (await named(conn, muster))["Ada Example"].id
    async with await AsyncConnection.connect(database.url, autocommit=True) as other:
        async with conn.transaction():
            await actions.close(conn, muster, now())
            ticking = asyncio.create_task(marking.tick(other, muster, ada, State.SAFE, now()))
            await _waits_for_a_lock(house)
        with pytest.raises(DomainError, match="closed"):
            await ticking


async def _waits_for_a_lock(house: House) -> None:
    waiting = "SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
    async with asyncio.timeout(10):
        while not house.conn.execute(waiting).fetchall():  # noqa: ASYNC110 (the database tells nobody)
            await asyncio.sleep(0.01)


async def test_erased_person_leaves_somebody_on_the_list(house: House, conn: Conn) -> None:
    muster = await opened(conn)
    house.conn.execute("DELETE FROM person WHERE name = 'Ada Example'")

    people = await read_model.people(conn, muster, names=True)

    assert len(people) == 4
    assert [(person.name, person.space) for person in people if person.erased] == [(None, "Wood workshop")]
    report = (await actions.close(conn, muster, now())).report
    assert report.total is not None
    assert report.total.people == 4


async def test_order_on_a_list_tells_nothing_of_the_order_of_arrival(house: House, conn: Conn) -> None:
    for number in range(40):
        person = house.person(f"Person {number:02}")
        house.tap_in(person, "metal", now() - timedelta(minutes=60 - number))
    orders = []
    for _ in range(2):
        muster = await opened(conn, "drill")
        rows = await read_model.people(conn, muster, names=False)
        since = [row.since for row in rows if row.space_id == "metal"]
        orders.append([place for place, _ in sorted(enumerate(since), key=itemgetter(1))])
        await actions.close(conn, muster, now())

    assert orders[0] != list(range(40))
    assert orders[0] != orders[1]


async def test_names_in_a_drill_take_two_and_end(house: House, conn: Conn) -> None:
    first, second = house.account("first", "osh"), house.account("second", "admin")
    muster = await opened(conn, "drill")
    current = await read_model.open_muster(conn)
    assert current is not None
    request = await break_glass.ask(conn, muster, by=first, reason="  a hat\nwas found ", now=now())
    assert await break_glass.names_until(conn, current, now()) is None

    with pytest.raises(DomainError) as refused:
        await break_glass.agree(conn, request, by=first, now=now())
    assert refused.value.code == "own-request"
    agreed = now()
    assert await break_glass.agree(conn, request, by=second, now=agreed) == muster

    assert await break_glass.names_until(conn, current, now()) == agreed + timedelta(minutes=60)
    assert await break_glass.names_until(conn, current, agreed + timedelta(minutes=60)) is None
    assert [item.reason for item in await break_glass.requests(conn, muster)] == ["a hat was found"]
    with pytest.raises(DomainError, match="answered already"):
        await break_glass.agree(conn, request, by=second, now=now())


async def test_database_itself_refuses_that_one_person_agrees_with_themselves(
    house: House, conn: Conn
) -> None:
    first = house.account("first", "osh")
    muster = await opened(conn, "drill")
    request = await break_glass.ask(conn, muster, by=first, reason="a reason", now=now())

    with pytest.raises(psycopg.errors.CheckViolation, match="break_glass_takes_two"):
        house.conn.execute("UPDATE break_glass SET approved_by = %s WHERE id = %s", (first, request))


async def test_request_needs_a_reason_a_person_and_an_open_drill(house: House, conn: Conn) -> None:
    first, second = house.account("first", "osh"), house.account("second", "osh")
    muster = await opened(conn, "drill")

    async def why(work: Any) -> str:
        with pytest.raises(DomainError) as refused:
            await work
        return refused.value.code

    assert await why(break_glass.ask(conn, muster, by=first, reason="  \n", now=now())) == "no-reason"
    assert await why(break_glass.ask(conn, muster, by=None, reason="a", now=now())) == "not-a-person"
    late = await break_glass.ask(conn, muster, by=first, reason="a", now=now() - timedelta(minutes=61))
    assert await why(break_glass.agree(conn, late, by=second, now=now())) == "no-request"
    waiting = await break_glass.ask(conn, muster, by=first, reason="a", now=now())
    await actions.close(conn, muster, now())
    assert await why(break_glass.agree(conn, waiting, by=second, now=now())) == "no-request"
    assert await why(break_glass.ask(conn, muster, by=first, reason="a", now=now())) == "not-open"


@pytest.mark.parametrize(("kind", "longest"), [("drill", timedelta(hours=8)), ("alarm", timedelta(hours=72))])
async def test_muster_that_nobody_closes_closes_by_itself(
    house: House, conn: Conn, kind: Kind, longest: timedelta
) -> None:
    await opened(conn, kind)

    await actions.close_forgotten(conn, now() + longest - timedelta(minutes=1), Settings())
    assert await read_model.open_muster(conn) is not None
    await actions.close_forgotten(conn, now() + longest + timedelta(minutes=1), Settings())

    assert await read_model.open_muster(conn) is None
    assert house.count("muster_person") == 0
    row = house.conn.execute("SELECT report FROM muster").fetchone()
    assert row is not None
    assert Report.model_validate(row[0]).closed_by_itself


async def test_people_are_found_by_index_however_long_the_history(house: House, conn: Conn) -> None:
    house.conn.execute(
        "INSERT INTO visit (person_id, space_id, during, ended_by) "
        "SELECT p.id, 'wood', tstzrange(t, t + interval '1 hour'), 'tap' FROM person p, "
        "generate_series(now() - interval '2000 hours', now() - interval '3 hours', interval '2 hours') t"
    )
    house.conn.execute("ANALYZE visit")
    muster = await opened(conn)
    sql = actions._SQL["add_people"]

    plan = await (await conn.execute(b"EXPLAIN " + sql.encode(), {"muster": muster})).fetchall()

    text = "\n".join(row[0] for row in plan)
    assert "visit_during" in text
    assert "Seq Scan on visit" not in text
