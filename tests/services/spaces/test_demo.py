"""The simulated hub comes into an empty database only, and goes without a trace, but for what was changed."""

from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest
from psycopg import AsyncConnection, sql
from typer.testing import CliRunner

from feed.enrolled_people import enrol
from feed.ingest_setup import device_in
from hubwell.access.principal import Principal
from hubwell.cli import app
from hubwell.commands.up.schema import prepare, simulated
from hubwell.errors import DomainError
from hubwell.settings import Settings
from hubwell.spaces.initial import put_device, put_space
from hubwell.storage.connect import connect_sync
from hubwell.storage.tables import removal_queries
from hubwell.workflows.register import archiving
from lanes.database_lane import Database

ADMIN = Principal(actor="account:00000000-0000-0000-0000-000000000001")
NEVER_LEFT = "SELECT count(*) FROM {}"


def rows(url: str, query: Any, *values: object) -> list[Any]:
    with connect_sync(url, name="test") as conn:
        return [row[0] if len(row) == 1 else row for row in conn.execute(query, values).fetchall()]


async def remove(url: str, *, delete: bool = True) -> None:
    async with await AsyncConnection.connect(url, autocommit=True) as conn:
        at = datetime.now(UTC)
        async with conn.transaction():
            await archiving.remove_demo(conn, ADMIN, at)
        if delete:
            async with conn.transaction():
                await archiving.delete_removed_demo(conn, at + timedelta(minutes=2), Settings())


def test_command_registers_it_once_and_refuses_where_something_is_or_was(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HUBWELL_DATABASE_URL", database.url)
    added, again = (CliRunner().invoke(app, ["demo", "add"]) for _ in "12")
    assert (added.exit_code, again.exit_code) == (0, 0)
    assert "9 devices" in added.stdout
    assert CliRunner().invoke(app, ["demo", "remove"]).exit_code == 0
    refused = CliRunner().invoke(app, ["demo", "add"])
    assert refused.exit_code == 2
    assert "only where no space and no device ever was" in refused.stderr


def test_own_name_of_a_space_survives_every_start(database: Database) -> None:
    devices = prepare(database.url, demo=True)
    with connect_sync(database.url, name="test") as conn:
        put_space(conn, space_id="wood-workshop", name="Holzwerkstatt", kind="workshop", capacity=9)

    assert prepare(database.url, demo=True) == devices

    assert rows(database.url, "SELECT name, capacity FROM space WHERE id = 'wood-workshop'") == [
        ("Holzwerkstatt", 9)
    ]


def test_hub_with_one_space_or_device_of_its_own_gets_no_simulated_ones(database: Database) -> None:
    with connect_sync(database.url, name="test") as conn:
        put_device(conn, device_id="pi-1", space_id=None)

    assert prepare(database.url, demo=True) == []

    assert rows(database.url, "SELECT id FROM space") == []


async def test_removed_hub_leaves_accounts_and_does_not_return(database: Database) -> None:
    url = database.url
    devices = prepare(url, demo=True)
    with connect_sync(url, name="test") as conn:
        conn.execute("INSERT INTO account (login, name) VALUES ('ada', 'Ada')")
    person = enrol(url, bytes(16))

    await remove(url, delete=False)
    assert rows(url, "SELECT space_id FROM space_now") == []
    assert simulated(url, devices) == []
    assert prepare(url, demo=True) == []
    await remove_rest(url)

    for table in ("space", "device"):
        assert rows(url, sql.SQL(NEVER_LEFT).format(sql.Identifier(table))) == [0]
    assert rows(url, "SELECT login FROM account") == ["ada"]
    assert rows(url, "SELECT id FROM person") == [person]
    assert prepare(url, demo=True) == []
    assert rows(url, "SELECT action FROM audit_entry") == ["demo.removed"]
    with pytest.raises(DomainError, match="no simulated hub"):
        await remove(url)


async def remove_rest(url: str) -> None:
    async with await AsyncConnection.connect(url) as conn:
        await archiving.delete_removed_demo(conn, datetime.now(UTC) + timedelta(minutes=2), Settings())


async def test_changed_spaces_own_devices_and_their_data_stay(database: Database) -> None:
    url = database.url
    prepare(url, demo=True)
    with connect_sync(url, name="test") as conn:
        put_space(conn, space_id="wood-workshop", name="Holzwerkstatt", kind="workshop", capacity=9)
    own = device_in(url, "den")
    with connect_sync(url, name="test") as conn:
        put_device(conn, device_id="my-pi", space_id="metal-workshop")
        for device in (own.name, "my-pi", "wood-workshop-1"):
            conn.execute(
                "WITH s AS (INSERT INTO series (device_id, name, quantity, unit) "
                "VALUES (%s, 'x', 'co2', 'ppm') RETURNING id) "
                "INSERT INTO reading (time, series_id, value) SELECT now(), id, 500 FROM s",
                (device,),
            )

    await remove(url)

    assert rows(url, "SELECT id FROM space ORDER BY 1") == ["den", "metal-workshop", "wood-workshop"]
    assert rows(url, "SELECT id FROM device ORDER BY 1") == sorted(["my-pi", own.name])
    assert rows(url, "SELECT count(*) FROM reading") == [2]
    assert rows(url, "SELECT count(*) FROM space_now") == [3]


def test_every_table_that_refers_to_a_space_or_device_is_emptied_with_it(database: Database) -> None:
    """A new table with such a reference needs its query in `removal.sql`; else the removal fails."""
    referring = """
        SELECT DISTINCT c.conrelid::regclass::text FROM pg_constraint c
        WHERE c.contype = 'f' AND c.confrelid IN ('space'::regclass, 'device'::regclass, 'stream'::regclass)
          AND c.confdeltype <> 'c'
    """
    with psycopg.connect(database.url) as conn:
        tables = {row[0] for row in conn.execute(referring).fetchall()}

    assert tables - {name for name, _ in removal_queries()} == set()
    assert {"message", "reading", "rejected", "people_figure"} <= {name for name, _ in removal_queries()}


async def test_data_of_every_class_goes_with_the_simulated_hub(database: Database) -> None:
    url = database.url
    prepare(url, demo=True)
    with connect_sync(url, name="test") as conn:
        conn.execute(
            """
            WITH stream AS (
                INSERT INTO stream (device_id, boot) VALUES ('wood-workshop-1', gen_random_uuid())
                RETURNING id
            ), person AS (INSERT INTO person (kind) VALUES ('counted') RETURNING id
            ), visit AS (
                INSERT INTO visit (person_id, space_id, during)
                SELECT id, 'wood-workshop', tstzrange(now() - interval '1 hour', NULL) FROM person
            ), figure AS (
                INSERT INTO people_figure (scope, place, start, about)
                VALUES ('space', 'wood-workshop', now(), 5)
            ), episode AS (
                INSERT INTO episode (rule, rule_version, space_id, opened_at, value, peak, evidence)
                VALUES ('co2', 1, 'wood-workshop', now(), 1, 1, '{}')
            ), event AS (
                INSERT INTO event (type, occurred_at, space_id, payload)
                VALUES ('x', now(), 'wood-workshop', '{}')
            ), gap AS (
                INSERT INTO gap (stream_id, seq, cause, count, declared_at)
                SELECT id, 1, 'x', 1, now() FROM stream
            )
            INSERT INTO message (stream_id, seq, kind, verdict, readings)
            SELECT id, 1, 'event', 'rejected', 0 FROM stream
            """
        )

    await remove(url)

    for table in (
        "stream",
        "visit",
        "people_figure",
        "episode",
        "event",
        "gap",
        "message",
        "space",
        "device",
    ):
        assert rows(url, sql.SQL(NEVER_LEFT).format(sql.Identifier(table))) == [0], table
