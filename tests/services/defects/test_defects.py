"""Defects in the database: reports become one defect, whoever sends them at the same time."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import psycopg
import pytest

from feed.ingest_setup import device_in
from hubwell.access import accounts
from hubwell.access.principal import Principal
from hubwell.defects import actions
from hubwell.defects.rules import DefectKind, ReportKey
from hubwell.errors import DomainError
from hubwell.storage.connect import connect
from hubwell.vocabulary import Role
from hubwell.workflows import defects as workflow
from lanes.database_lane import Database

Conn = psycopg.AsyncConnection[Any]
NOW = datetime(2026, 11, 30, 9, 0, tzinfo=UTC)
LAMP = DefectKind.ELECTRICITY


@pytest.fixture
async def conn(database: Database) -> AsyncIterator[Conn]:
    device_in(database.url, "lab")
    device_in(database.url, "den")
    async with await connect(database.url, name="test") as conn:
        yield conn


def after(seconds: float) -> datetime:
    return NOW + timedelta(seconds=seconds)


async def refusal(action: Any) -> str:
    with pytest.raises(DomainError) as refused:
        await action
    return refused.value.code


async def reports(conn: Conn) -> list[tuple[str, str, int]]:
    found = await conn.execute("SELECT space_id, kind, reports FROM defect ORDER BY space_id, kind")
    return await found.fetchall()


async def test_reports_of_a_kind_in_a_space_are_one_defect_until_it_is_done(conn: Conn) -> None:
    first = await actions.report(conn, "lab", LAMP, NOW)
    again = await actions.report(conn, "lab", LAMP, after(60))
    await actions.report(conn, "lab", DefectKind.WATER, NOW)
    await actions.report(conn, "den", LAMP, NOW)
    assert (first.reports, first.is_new_defect) == (1, True)
    assert (again.key.defect_id, again.reports, again.is_new_defect) == (first.key.defect_id, 2, False)
    assert await reports(conn) == [("den", LAMP, 1), ("lab", LAMP, 2), ("lab", DefectKind.WATER, 1)]

    await actions.close(conn, first.key.defect_id, None, "", after(70))
    newer = await actions.report(conn, "lab", LAMP, after(71))
    assert newer.key.defect_id != first.key.defect_id
    assert newer.is_new_defect


async def test_double_tap_is_one_report(conn: Conn) -> None:
    first = await actions.report(conn, "lab", LAMP, NOW)
    double = await actions.report(conn, "lab", LAMP, after(9.9))
    assert (double.key, double.reports, double.counted) == (first.key, 1, False)
    assert (await actions.report(conn, "lab", LAMP, after(10))).counted


async def test_taps_at_the_same_moment_are_one_report(database: Database, conn: Conn) -> None:
    async def tap() -> bool:
        async with await connect(database.url, name="tap") as own:
            return (await actions.report(own, "lab", LAMP, NOW)).counted

    counted = await asyncio.gather(*(tap() for _ in range(8)))
    assert sorted(counted) == [False] * 7 + [True]
    assert await reports(conn) == [("lab", LAMP, 1)]


async def test_report_needs_a_space_in_use(conn: Conn) -> None:
    await conn.execute("UPDATE space SET archived_at = now() WHERE id = 'den'")
    assert await refusal(actions.report(conn, "den", LAMP, NOW)) == "space-unknown"
    assert await refusal(actions.report(conn, "nowhere", LAMP, NOW)) == "space-unknown"
    assert await reports(conn) == []


async def test_newest_report_is_taken_back_once_within_its_time(conn: Conn) -> None:
    first = (await actions.report(conn, "lab", LAMP, NOW)).key
    second = (await actions.report(conn, "lab", LAMP, after(30))).key
    assert await refusal(actions.take_back(conn, "lab", first, after(31))) == "defect-undo-late"
    assert await refusal(actions.take_back(conn, "den", second, after(31))) == "defect-undo-late"
    await actions.take_back(conn, "lab", second, after(31))
    assert await reports(conn) == [("lab", LAMP, 1)]
    assert await refusal(actions.take_back(conn, "lab", second, after(32))) == "defect-undo-late"

    alone = (await actions.report(conn, "den", LAMP, NOW)).key
    assert await refusal(actions.take_back(conn, "den", alone, after(120))) == "defect-undo-late"
    await actions.take_back(conn, "den", alone, after(119))
    assert await reports(conn) == [("lab", LAMP, 1)]


async def test_report_of_another_person_stays_when_an_older_one_is_taken_back(conn: Conn) -> None:
    mine = (await actions.report(conn, "lab", LAMP, NOW)).key
    await actions.report(conn, "lab", LAMP, after(20))
    assert await actions.recent_report(conn, "lab", mine, after(21)) is None
    assert await refusal(actions.take_back(conn, "lab", mine, after(21))) == "defect-undo-late"
    assert await reports(conn) == [("lab", LAMP, 2)]


async def test_done_is_undone_unless_the_same_is_open_again_or_the_space_is_archived(conn: Conn) -> None:
    old = (await actions.report(conn, "lab", LAMP, NOW)).key.defect_id
    assert await refusal(actions.reopen(conn, old)) == "defect-not-done"
    await actions.close(conn, old, None, "new bulb", after(60))
    assert await refusal(actions.close(conn, old, None, "", after(61))) == "defect-done"
    await actions.reopen(conn, old)
    reopened = await actions.get_defect(conn, old)
    assert (reopened.closed_at, reopened.note, reopened.first_at) == (None, "", NOW)

    await actions.close(conn, old, None, "", after(70))
    newer = (await actions.report(conn, "lab", LAMP, after(80))).key.defect_id
    assert await refusal(actions.reopen(conn, old)) == "defect-open-again"
    await conn.execute("UPDATE space SET archived_at = now() WHERE id = 'lab'")
    await actions.close_of_space(conn, "lab", after(90))
    assert await refusal(actions.reopen(conn, newer)) == "defect-space-gone"
    assert await refusal(actions.reopen(conn, uuid4())) == "defect-unknown"


async def test_list_has_open_ones_oldest_first_and_those_done_in_30_days(conn: Conn) -> None:
    for number, kind in enumerate((DefectKind.WATER, LAMP, DefectKind.OTHER, DefectKind.MACHINE)):
        await actions.report(conn, "lab", kind, after(-number))
    by_kind = {item.kind: item.id for item in await actions.list_defects(conn, NOW)}
    await actions.close(conn, by_kind[DefectKind.OTHER], None, "", NOW)
    await actions.close(conn, by_kind[DefectKind.MACHINE], None, "", NOW - timedelta(days=29))
    listed = [item.kind for item in await actions.list_defects(conn, NOW)]
    assert listed == [LAMP, DefectKind.WATER, DefectKind.OTHER, DefectKind.MACHINE]
    later = [item.kind for item in await actions.list_defects(conn, NOW + timedelta(days=2))]
    assert later == [LAMP, DefectKind.WATER, DefectKind.OTHER]
    assert await actions.count_open(conn) == 2


async def test_account_that_is_erased_leaves_the_defect_without_it(conn: Conn) -> None:
    boss = await accounts.add(conn, login="boss", name="Bo", password_hash=None, roles=[Role.FACILITIES])
    defect = (await actions.report(conn, "lab", LAMP, NOW)).key.defect_id
    await actions.close(conn, defect, boss, "new bulb", NOW)
    assert (await actions.get_defect(conn, defect)).closed_by_name == "Bo"
    await accounts.erase(conn, boss)
    left = await actions.get_defect(conn, defect)
    assert (left.closed_by, left.closed_by_name, left.note) == (None, None, "new bulb")


async def test_log_has_begin_and_end_and_no_further_reports(conn: Conn) -> None:
    screen, keeper = workflow.by_screen(uuid4()), Principal(actor="cli")
    async with conn.transaction():
        first = await workflow.report(conn, screen, "lab", "electricity", NOW)
        for minute in range(1, 5):
            await workflow.report(conn, screen, "lab", "electricity", after(60 * minute))
        await workflow.close(conn, keeper, first.key.defect_id, " new \n bulb ", after(600))
        await workflow.reopen(conn, keeper, first.key.defect_id)
    entries = await (
        await conn.execute("SELECT actor, action, subject FROM audit_entry ORDER BY id")
    ).fetchall()
    subject = f"defect:{first.key.defect_id}"
    assert entries == [
        (screen.actor, "defect.reported", subject),
        ("cli", "defect.closed", subject),
        ("cli", "defect.reopened", subject),
    ]


async def test_only_known_kinds_and_short_notes(conn: Conn) -> None:
    keeper = Principal(actor="cli")
    assert await refusal(workflow.report(conn, keeper, "lab", "roof", NOW)) == "defect-kind-unknown"
    defect = (await workflow.report(conn, keeper, "lab", "other", NOW)).key.defect_id
    assert await refusal(workflow.close(conn, keeper, defect, "x" * 301, NOW)) == "defect-note-long"
    await workflow.close(conn, keeper, defect, f" {'x' * 300}\t", NOW)
    assert (await actions.get_defect(conn, defect)).note == "x" * 300
    with pytest.raises(psycopg.errors.CheckViolation):
        await conn.execute("UPDATE defect SET kind = 'roof'")


async def test_people_with_a_code_and_strangers_do_not_report(conn: Conn) -> None:
    for sender in (Principal(), Principal(person_id=uuid4(), actor=f"person:{uuid4()}")):
        assert await refusal(workflow.report(conn, sender, "lab", "other", NOW)) == "not-allowed"


def test_report_is_named_in_an_address_and_read_again() -> None:
    key = ReportKey(uuid4(), datetime(2026, 11, 30, 9, 0, 1, 234567, tzinfo=UTC))
    assert ReportKey.parse(str(key)) == key
    for text in (
        "",
        ".",
        "x.1",
        f"{uuid4()}.",
        f"{uuid4()}.-1",
        f"{uuid4()}.{10**30}",
        f"{uuid4()}.²",
        "a" * 500,
    ):
        assert ReportKey.parse(text) is None, text


async def test_database_knows_every_kind(conn: Conn) -> None:
    for kind in DefectKind:
        await actions.report(conn, "lab", kind, NOW)
    assert len(await reports(conn)) == len(DefectKind)
