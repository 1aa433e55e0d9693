"""Spaces and devices that are archived are nowhere, refuse what comes, and come back whole."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import pytest
from psycopg import AsyncConnection

from hubwell.access.principal import Principal
from hubwell.errors import DomainError
from hubwell.evacuation import actions as evacuation
from hubwell.presence import actions as presence
from hubwell.presence.closing_hours import hub_hours
from hubwell.settings import Settings
from hubwell.spaces import register as entries
from hubwell.spaces.initial import put_device, put_space
from hubwell.storage.connect import connect_sync
from hubwell.switchboard import Switchboard
from hubwell.workflows.register import archiving
from lanes.database_lane import Database

ADMIN = Principal(actor="account:00000000-0000-0000-0000-000000000001")
Conn = AsyncConnection[Any]


def now() -> datetime:
    return datetime.now(UTC)


@pytest.fixture
async def conn(database: Database) -> AsyncIterator[Conn]:
    """Give a hub with a lab and a den, each with a device that measures."""
    with connect_sync(database.url, name="test") as sync:
        for space in ("lab", "den"):
            put_space(sync, space_id=space, name=space.title(), kind="workshop", capacity=4)
            put_device(sync, device_id=f"{space}-1", space_id=space)
            sync.execute(
                "WITH s AS (INSERT INTO series (device_id, name, quantity, unit) "
                "VALUES (%s, 'p', 'presence', '/') RETURNING id) "
                "INSERT INTO reading (time, series_id, value) SELECT now(), id, 0 FROM s",
                (f"{space}-1",),
            )
    async with await AsyncConnection.connect(database.url, autocommit=True) as connection:
        yield connection


async def column(conn: Conn, query: Any) -> list[Any]:
    return [row[0] for row in await (await conn.execute(query)).fetchall()]


async def seen(conn: Conn) -> dict[str, list[Any]]:
    """Return what boards, lists of devices, ingest and forms have."""
    return {
        "board": await column(conn, "SELECT space_id FROM space_now ORDER BY 1"),
        "devices": await column(conn, "SELECT device_id FROM device_heard ORDER BY 1"),
        "series": await column(conn, "SELECT device_id FROM series_now ORDER BY 1"),
    }


async def test_archived_space_is_nowhere_and_comes_back_with_its_devices(conn: Conn) -> None:
    before = await seen(conn)
    await archiving.archive_space(conn, ADMIN, "lab", now())
    assert await seen(conn) == {"board": ["den"], "devices": ["den-1"], "series": ["den-1"]}
    assert await column(conn, "SELECT count(*) FROM reading") == [2]

    await archiving.restore_space(conn, ADMIN, "lab")

    assert await seen(conn) == before
    actions = await column(conn, "SELECT action FROM audit_entry ORDER BY id")
    assert actions == ["space.archived", "space.restored"]


async def test_space_whose_id_looks_like_a_card_is_archived_and_recorded_with_a_dot(
    conn: Conn, database: Database
) -> None:
    with connect_sync(database.url, name="test") as sync:
        put_space(sync, space_id="0123456789abcd", name="Vault", kind="workshop", capacity=4)

    await archiving.archive_space(conn, ADMIN, "0123456789abcd", now())

    assert await column(conn, "SELECT subject FROM audit_entry") == ["space:0123456789abc.d"]


async def test_open_alert_of_an_archived_space_is_resolved_and_reported(conn: Conn) -> None:
    await conn.execute(
        "INSERT INTO episode (rule, rule_version, space_id, opened_at, value, peak, evidence)"
        " SELECT 'co2-asr-a3.6', 1, space, now() - interval '1 h', 1500, 1500, '{}'"
        " FROM unnest(ARRAY['lab', 'den']) space"
    )
    facts = await archiving.archive_space(conn, ADMIN, "lab", now())
    await Switchboard.of(Settings()).commit(conn, facts)

    still_open = await column(conn, "SELECT space_id FROM episode WHERE resolved_at IS NULL")
    assert still_open == ["den"]
    assert await column(conn, "SELECT space_id FROM event WHERE type = 'EpisodeResolved'") == ["lab"]

    await Switchboard.of(Settings()).commit(conn, await archiving.restore_space(conn, ADMIN, "lab"))
    assert await column(conn, "SELECT space_id FROM episode WHERE resolved_at IS NULL") == ["den"]


async def test_device_that_was_archived_before_stays_archived_when_its_space_returns(conn: Conn) -> None:
    await archiving.archive_device(conn, ADMIN, "lab-1", now())
    await archiving.archive_space(conn, ADMIN, "lab", now())
    with pytest.raises(DomainError) as refused:
        await archiving.restore_device(conn, ADMIN, "lab-1")
    await archiving.restore_space(conn, ADMIN, "lab")

    assert refused.value.code == "space-archived"
    assert (await seen(conn))["devices"] == ["den-1"]
    await archiving.restore_device(conn, ADMIN, "lab-1")
    assert (await seen(conn))["devices"] == ["den-1", "lab-1"]


async def test_space_with_people_is_not_archived_and_none_during_an_evacuation(conn: Conn) -> None:
    row = await (await conn.execute("INSERT INTO person (kind) VALUES ('enrolled') RETURNING id")).fetchone()
    assert row is not None
    hours = hub_hours(Settings())
    await presence.check_in(conn, row[0], "lab", now(), hours=hours)
    with pytest.raises(DomainError) as in_use:
        await archiving.archive_space(conn, ADMIN, "lab", now())
    await evacuation.open_muster(conn, "drill", None, now())
    with pytest.raises(DomainError) as evacuating:
        await archiving.archive_space(conn, ADMIN, "den", now())

    assert (in_use.value.code, evacuating.value.code) == ("space-in-use", "evacuation-open")
    assert (await seen(conn))["board"] == ["den", "lab"]


async def test_archived_space_takes_nobody_in_and_no_device(conn: Conn) -> None:
    row = await (await conn.execute("INSERT INTO person (kind) VALUES ('enrolled') RETURNING id")).fetchone()
    assert row is not None
    await archiving.archive_space(conn, ADMIN, "lab", now())

    with pytest.raises(DomainError) as nobody:
        await presence.check_in(conn, row[0], "lab", now(), hours=hub_hours(Settings()))
    with pytest.raises(DomainError) as no_device:
        await entries.put_device(conn, device_id="new-1", space_id="lab")
    await entries.put_space(conn, space_id="lab", name="Lab again", kind="workshop", capacity=4)

    assert (nobody.value.code, no_device.value.code) == ("space-unknown", "space-is-archived")
    assert (await seen(conn))["board"] == ["den", "lab"]


@pytest.mark.parametrize("name", ["nowhere", "Not an id!"])
async def test_what_is_not_there_is_named(conn: Conn, name: str) -> None:
    for change in (
        archiving.archive_space(conn, ADMIN, name, now()),
        archiving.restore_space(conn, ADMIN, name),
        archiving.archive_device(conn, ADMIN, name, now()),
        archiving.restore_device(conn, ADMIN, name),
    ):
        with pytest.raises(DomainError):
            await change
