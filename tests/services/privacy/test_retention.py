"""Retention: what is over its time goes, what is not stays, and each deletion leaves a proof."""

import asyncio
import itertools
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from psycopg import sql

from feed.enrolled_people import enrol, visits_of
from feed.ingest_setup import commit, device_in, rows
from hubwell.audit import deletions, log
from hubwell.errors import DomainError
from hubwell.privacy import retention
from hubwell.privacy.retention import TERMS
from hubwell.settings import Settings
from hubwell.storage.connect import connect
from lanes.database_lane import Database

Conn = psycopg.AsyncConnection[Any]
DAY = timedelta(days=1)
numbers = itertools.count(1)


@pytest.fixture
async def conn(database: Database) -> AsyncIterator[Conn]:
    device_in(database.url, "lab")
    async with await connect(database.url, name="test") as conn:
        await conn.execute("INSERT INTO stream (device_id, boot) VALUES ('lab-pi', gen_random_uuid())")
        yield conn


@pytest.fixture
def now() -> datetime:
    return datetime.now(UTC)


async def person(conn: Conn, kind: str = "enrolled", at: datetime | None = None) -> Any:
    insert = "INSERT INTO person (kind, created_at) VALUES (%s, coalesce(%s, now())) RETURNING id"
    row = await (await conn.execute(insert, (kind, at))).fetchone()
    assert row is not None
    return row[0]


async def tap(conn: Conn, who: Any, at: datetime) -> None:
    await conn.execute(
        "INSERT INTO tap (person_id, space_id, time, source, stream_id, seq, reader) "
        "VALUES (%s, 'lab', %s, 'reader', 1, %s, 'door')",
        (who, at, next(numbers)),
    )


async def visit(conn: Conn, who: Any, start: datetime, end: datetime | None) -> None:
    await conn.execute(
        "INSERT INTO visit (person_id, space_id, during, ended_by) VALUES (%s, 'lab', tstzrange(%s, %s), %s)",
        (who, start, end, None if end is None else "tap"),
    )


async def fill(conn: Conn, at: Callable[[timedelta], datetime]) -> None:
    """Put one row of every class into the database, as old as `at` makes the class's own term."""
    keep = {term.data: DAY if term.keep is None else term.keep for term in TERMS}
    who = await person(conn)
    await tap(conn, who, at(keep["tap"]))
    await visit(conn, who, at(keep["visit"]) - timedelta(hours=1), at(keep["visit"]))
    await person(conn, "counted", at(keep["counted-person"]))
    row = await (
        await conn.execute(
            "INSERT INTO credential (person_id, kind, valid) VALUES (%s, 'badge', tstzrange(now(), NULL)) "
            "RETURNING id",
            (who,),
        )
    ).fetchone()
    assert row is not None
    suspicion = "INSERT INTO suspicion (credential_id, kind, at) VALUES (%s, 'two-places', %s)"
    await conn.execute(suspicion, (row[0], at(keep["suspicion"])))
    request = "INSERT INTO kiosk_request (device_id, at, outcome) VALUES ('lab-pi', %s, 'code')"
    await conn.execute(request, (at(keep["kiosk-request"]),))
    signed = "INSERT INTO signed_message SELECT %s, n, %s FROM generate_series(1, 2) n"  # the highest stays
    await conn.execute(signed, (row[0], at(keep["signed-message"])))
    desk = (
        "INSERT INTO desk_tap (device_id, reader, badge, epoch, tapped_at) VALUES ('lab-pi', 'd', %s, 1, %s)"
    )
    await conn.execute(desk, (uuid4().bytes, at(keep["desk-tap"])))
    code = "INSERT INTO visit_code (code_hash, person_id, expires_at) VALUES (sha256(%s), %s, %s)"
    await conn.execute(code, (uuid4().bytes, who, at(keep["code"])))
    await conn.execute(
        "INSERT INTO sign_in (token_hash, person_id, csrf, expires_at) VALUES (sha256(%s), %s, 'x', %s)",
        (uuid4().bytes, who, at(keep["sign-in"])),
    )
    await conn.execute(
        "INSERT INTO screen (name, shows, token_hash, paired_at, last_seen_at, expires_at) "
        "SELECT %s, 'wall', sha256(%s), t, t, t FROM (SELECT %s::timestamptz AS t) moment",
        (str(uuid4()), uuid4().bytes, at(keep["screen"])),
    )
    waiting = "INSERT INTO screen_code (secret_hash, code, expires_at) VALUES (sha256(%s), %s, %s)"
    await conn.execute(waiting, (uuid4().bytes, uuid4().hex[:6].upper(), at(keep["screen-code"])))
    defect = (
        "INSERT INTO defect (space_id, kind, first_at, last_at, reports, closed_at) "
        "SELECT 'lab', 'other', t, t, 1, t FROM (SELECT %s::timestamptz AS t) moment"
    )
    await conn.execute(defect, (at(keep["defect"]),))
    until = at(keep["session-roll"])
    await conn.execute(
        "WITH owner AS (INSERT INTO account (login) VALUES ('desk') RETURNING id) "
        "INSERT INTO class_list (owner_id, started_at, used_at, taps_after) "
        "SELECT id, %(at)s, %(at)s, %(at)s FROM owner",
        {"at": at(keep["class-list"])},
    )
    await conn.execute(
        "INSERT INTO course_session (title, purpose, space_id, during, owner_id, roll_until) "
        "VALUES ('Welding', 'a safety briefing', 'lab', tstzrange(%s, %s), gen_random_uuid(), %s)",
        (until - DAY, until - DAY / 2, until),
    )
    await conn.execute(
        "WITH m AS (INSERT INTO muster (kind, opened_at, closed_at) VALUES ('drill', %s, %s) RETURNING id) "
        "INSERT INTO muster_person (muster_id, person_id, space_id, zone, since) "
        "SELECT id, %s, 'lab', '', %s FROM m",
        (at(keep["muster-list"]) - DAY, at(keep["muster-list"]), who, at(keep["muster-list"]) - DAY),
    )
    await conn.execute(
        "INSERT INTO muster (kind, opened_at, closed_at) VALUES ('drill', %s, %s)",
        (at(keep["muster-report"]) - DAY, at(keep["muster-report"])),
    )
    grave = "INSERT INTO erased (salt, tag, until) VALUES ('\\x00', sha256(%s), %s)"
    await conn.execute(grave, (uuid4().bytes, at(keep["tombstone"])))
    await conn.execute(
        "INSERT INTO rejected (digest, topic, code, reason, payload, size, first_at, last_at) "
        "VALUES (sha256(%s), 't', 'c', 'r', 'text', 4, %s, %s)",
        (uuid4().bytes, at(keep["rejected-payload"]), at(keep["rejected-payload"])),
    )
    event = "INSERT INTO event (type, occurred_at, recorded_at, payload) VALUES ('Test', %s, %s, '{}')"
    await conn.execute(event, (at(keep["delivery"]), at(keep["delivery"])))
    await conn.execute("INSERT INTO reading VALUES (%s, 1, 1, 0)", (at(keep["reading"]),))
    booking = (
        "INSERT INTO booking "
        "(space_id, atoms, during, title, shows_title, people, owner, created_at, changed_at) "
        "VALUES ('lab', '{1}', tstzrange(%s - interval '1 hour', %s), 'Any', true, 1, '', now(), now())"
    )
    await conn.execute(booking, (at(keep["booking"]), at(keep["booking"])))
    series = (
        "INSERT INTO booking_series (space_id, atoms, rule, zone, first_at, last_at, lasts, clock_change, "
        "title, shows_title, people, owner, created_at) "
        "VALUES ('lab', '{1}', 'FREQ=DAILY;WKST=MO', 'UTC', %s, %s, "
        "'1 hour', 'shift', 'Any', true, 1, '', now())"
    )
    ended = at(keep["booking"]) - timedelta(days=2)
    await conn.execute(series, (ended, ended))
    proof = (
        "INSERT INTO deletion (class, why, rows, left_over, ran_at) VALUES ('person', 'erasure', 1, 0, %s)"
    )
    await conn.execute(proof, (at(keep["proof"]),))
    async with conn.transaction():
        await log.record(conn, actor="cli", action="test.written")
    await conn.execute("UPDATE audit_entry SET at = %s", (at(keep["audit-log"]),))


def settings(**kept: str) -> Settings:
    return Settings(_env_file=None, retention={name.replace("_", "-"): text for name, text in kept.items()})


async def ran(conn: Conn, now: datetime, **kept: str) -> dict[str, tuple[int, int]]:
    async with conn.transaction():
        done = await retention.run(conn, now, settings(**kept))
    return {item.data: (item.rows, item.left_over) for item in done}


async def count(conn: Conn, table: str) -> int:
    query = sql.SQL("SELECT count(*) FROM {}").format(sql.Identifier(table))
    row = await (await conn.execute(query)).fetchone()
    assert row is not None
    return int(row[0])


async def test_everything_over_its_time_goes_and_is_proven(conn: Conn, now: datetime) -> None:
    await fill(conn, lambda keep: now - keep - timedelta(seconds=5))

    done = await ran(conn, now, reading="30d")

    wanted = {term.data: (1, 0) for term in TERMS} | {"reading": (0, 0), "audit-log": (1, 0)}
    wanted["muster-list"] = (1, 0)
    wanted["booking"] = (2, 0)  # a series without dates, too
    assert done == wanted
    proven = await deletions.newest(conn, 100)
    assert {proof.data for proof in proven} == set(done)
    assert all(proof.left_over == 0 and proof.why == "retention" for proof in proven)
    assert (await log.verify(conn)).broken is None


async def test_nothing_goes_before_its_time(conn: Conn, now: datetime) -> None:
    await fill(conn, lambda keep: now - keep + timedelta(minutes=1))

    done = await ran(conn, now, reading="30d")

    assert done == dict.fromkeys(done, (0, 0))
    for table in ("tap", "visit", "desk_tap", "visit_code", "sign_in", "muster_person", "erased", "event"):
        assert await count(conn, table) == 1, table


async def test_readings_stay_until_the_hub_says_otherwise(conn: Conn, now: datetime) -> None:
    await conn.execute("INSERT INTO reading VALUES (%s, 1, 1, 0)", (now - 4000 * DAY,))
    assert "reading" not in await ran(conn, now)
    assert (await ran(conn, now, reading="365d"))["reading"] == (1, 0)


async def test_taps_of_a_visit_that_lasts_stay_with_it(conn: Conn, now: datetime) -> None:
    who, other = await person(conn), await person(conn)
    begin = now - timedelta(hours=80)
    await tap(conn, who, begin)
    await visit(conn, who, begin, None)
    await tap(conn, other, begin)
    await visit(conn, other, begin, begin + timedelta(hours=1))

    assert (await ran(conn, now))["tap"] == (1, 0)
    rows = await (await conn.execute("SELECT person_id FROM tap")).fetchall()
    assert rows == [(who,)]
    await conn.execute(
        "UPDATE visit SET during = tstzrange(%s, %s), ended_by = 'inferred' WHERE upper_inf(during)",
        (begin, begin + timedelta(hours=2)),
    )
    assert (await ran(conn, now))["tap"] == (1, 0)


async def test_counted_person_goes_with_the_last_trace(conn: Conn, now: datetime) -> None:
    who = await person(conn, "counted", now - 100 * DAY)
    await visit(conn, who, now - 80 * DAY, now - 79 * DAY)
    assert (await ran(conn, now))["counted-person"] == (0, 0)
    assert (await ran(conn, now + 20 * DAY))["counted-person"] == (1, 0)


async def test_run_without_work_is_recorded_once_a_day(conn: Conn, now: datetime) -> None:
    await ran(conn, now)
    first = await count(conn, "deletion")
    await ran(conn, now + timedelta(hours=1))
    assert await count(conn, "deletion") == first
    await ran(conn, now + timedelta(hours=25))
    assert await count(conn, "deletion") == 2 * first


async def test_class_that_cannot_be_deleted_leaves_the_others_alone(
    conn: Conn, now: datetime, caplog: pytest.LogCaptureFixture
) -> None:
    await fill(conn, lambda keep: now - keep - timedelta(seconds=5))
    await conn.execute("ALTER TABLE suspicion RENAME TO gone")

    done = await ran(conn, now)

    assert "suspicion" not in done
    assert done["visit"] == (1, 0)
    assert "retention of suspicion failed, next attempt at its next run" in caplog.text


async def test_minutes_are_looked_after_every_minute(conn: Conn, now: datetime) -> None:
    await fill(conn, lambda keep: now - keep - timedelta(seconds=5))
    async with conn.transaction():
        await retention.retention_each_minute(conn, now, settings())
    assert [await count(conn, table) for table in ("desk_tap", "visit_code", "sign_in")] == [0, 0, 0]
    assert await count(conn, "tap") == 1


@pytest.mark.parametrize(
    ("kept", "sentence"),
    [
        ({"visits": "30d"}, "There is no class of data visits. What can be set: tap, visit"),
        ({"visit": "a month"}, "a month is not a duration. Write 90d, 12h or 5min."),
        ({"visit": "800d"}, "visit cannot be 800d. Choose from 1d to 730d."),
        ({"desk_tap": "1h"}, "desk-tap cannot be 1h. Choose from 1min to 10min."),
        ({"code": "1d"}, "code cannot be set"),
        ({"visit": "2d"}, "at least as long as taps: 2d is shorter than 3d."),
    ],
)
def test_wrong_term_is_refused_with_a_sentence(kept: dict[str, str], sentence: str) -> None:
    with pytest.raises(DomainError) as refused:
        retention.terms(settings(**kept))
    assert sentence in str(refused.value)


def test_terms_follow_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HUBWELL_RETENTION", '{"visit": "30d", "desk-tap": "5min", "tap": "24h"}')
    table = {term.data: term.keep for term in retention.terms(Settings(_env_file=None))}
    assert (table["visit"], table["desk-tap"], table["tap"]) == (30 * DAY, timedelta(minutes=5), DAY)
    assert table["audit-log"] == 730 * DAY


def test_late_taps_do_not_touch_visits_whose_taps_are_gone(database: Database) -> None:
    """A device that was away for longer than taps stay still brings its visits, and changes no other."""
    lab, den = device_in(database.url, "lab"), device_in(database.url, "den")
    badge = bytes(range(16))
    who, start = enrol(database.url, badge), datetime.now(UTC).replace(microsecond=0) - 5 * DAY
    hour = timedelta(hours=1)
    commit(database.url, [lab.tap(start, badge), lab.tap(start + 2 * hour, badge)])
    before = visits_of(database.url, who)

    async def keep() -> None:
        async with await connect(database.url, name="test") as conn, conn.transaction():
            await retention.run(conn, datetime.now(UTC), settings())

    asyncio.run(keep())
    assert rows(database.url, "SELECT FROM tap") == []
    commit(database.url, [den.tap(start + hour, badge)])
    assert visits_of(database.url, who) == before
    commit(database.url, [den.tap(start + 3 * hour, badge), den.tap(start + 4 * hour, badge)])
    assert visits_of(database.url, who)[:1] == before
    asyncio.run(keep())
    assert rows(database.url, "SELECT FROM tap") == []
    assert len(visits_of(database.url, who)) == 2


def test_readings_go_on_every_engine(lane_database: Database) -> None:
    device_in(lane_database.url, "lab")
    old, new = datetime.now(UTC) - 400 * DAY, datetime.now(UTC)

    async def keep() -> dict[str, tuple[int, int]]:
        async with await connect(lane_database.url, name="test") as conn:
            for time in (old, new):
                await conn.execute("INSERT INTO reading VALUES (%s, 1, 1, 0)", (time,))
            return await ran(conn, datetime.now(UTC), reading="365d")

    assert asyncio.run(keep())["reading"] == (1, 0)
    assert rows(lane_database.url, "SELECT count(*) FROM reading") == [(1,)]
