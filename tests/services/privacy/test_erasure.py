"""Erasure: everything of one person goes, everything of the others stays, and nothing comes back."""

import asyncio
import hashlib
import secrets
import zipfile
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg
import pytest
from psycopg import sql
from psycopg.types.json import Jsonb

from feed.ingest_setup import commit, device_in, receipts, rows
from feed.notifications import listen_to
from hubwell.access.principal import Principal
from hubwell.audit import deletions, log
from hubwell.errors import DomainError
from hubwell.settings import Settings
from hubwell.storage.backup import write_backup
from hubwell.storage.connect import connect
from hubwell.switchboard import Switchboard
from hubwell.workflows.erasure import erase_person
from lanes.database_lane import Database
from services.privacy.populated import PopulatedPerson

Conn = psycopg.AsyncConnection[Any]
NAME = "Wilhelmiina Testikäinen"


@pytest.fixture
async def conn(database: Database) -> AsyncIterator[Conn]:
    device_in(database.url, "lab")
    async with await connect(database.url, name="test") as conn:
        await conn.execute("INSERT INTO stream (device_id, boot) VALUES ('lab-pi', gen_random_uuid())")
        await conn.execute("INSERT INTO muster (kind) VALUES ('drill')")
        yield conn


async def erase(conn: Conn, person: UUID, *, with_account: bool = True) -> Any:
    async with conn.transaction():
        actor = Principal(actor=f"person:{person}")
        erased = await erase_person(conn, actor, person, with_account=with_account)
        await Switchboard.of(Settings(_env_file=None)).commit(conn, erased.facts)
        return erased.proof


async def places_with(conn: Conn, trace: str) -> set[str]:
    """Search every column of every table that can hold a text, a number of bytes or an id."""
    columns = await (
        await conn.execute(
            "SELECT c.table_name, c.column_name, c.udt_name FROM information_schema.columns c "
            "JOIN information_schema.tables t USING (table_schema, table_name) "
            "WHERE c.table_schema = 'public' AND t.table_type = 'BASE TABLE'"
        )
    ).fetchall()
    assert len(columns) > 150
    found = set()
    as_bytes = bytes.fromhex(trace) if len(trace) == 32 and trace.isalnum() else trace.encode()
    for table, column, kind in columns:
        name, values = (
            sql.SQL("{}.{}").format(sql.Identifier(table), sql.Identifier(column)),
            {"trace": trace},
        )
        if kind == "bytea":
            test = sql.SQL("position(%(bytes)s IN {0}) > 0 OR position(%(text)s IN {0}) > 0").format(name)
            bound: dict[str, Any] = {"bytes": as_bytes, "text": trace.encode()}
        else:
            test, bound = sql.SQL("position(%(trace)s IN {}::text) > 0").format(name), dict(values)
        query = sql.SQL("SELECT count(*) FROM {} WHERE {}").format(sql.Identifier(table), test)
        row = await (await conn.execute(query, bound)).fetchone()
        if row and row[0]:
            found.add(f"{table}.{column}")
    return found


async def test_search_finds_a_person_who_is_there(conn: Conn) -> None:
    """The search of the other tests is worth something only if it finds what is there."""
    one = await PopulatedPerson(conn, NAME).enrol()
    assert "person.name" in await places_with(conn, NAME)
    assert {"tap.person_id", "visit.person_id", "account.person_id", "muster_person.person_id"} <= (
        await places_with(conn, str(one.id))
    )
    assert {"credential_pseudonym.badge", "desk_tap.badge"} <= await places_with(conn, one.badges[0].hex())
    assert "rejected.payload" in await places_with(conn, one.badges[1].hex())


async def test_erased_person_is_nowhere_and_the_other_is_whole(
    conn: Conn, database: Database, tmp_path: Path
) -> None:
    one, other = (
        await PopulatedPerson(conn, NAME).enrol(),
        await PopulatedPerson(conn, "Somebody Else").enrol(),
    )
    before = {trace: await places_with(conn, trace) for trace in other.traces}

    proof = await erase(conn, one.id)

    assert proof.left_over == 0
    assert proof.deleted | {"rejected": 2} == {
        "person": 1,
        "credential": 1,
        "pseudonym": 2,
        "tap": 1,
        "visit": 1,
        "class-list": 1,
        "signed-message": 1,
        "suspicion": 1,
        "code": 1,
        "sign-in": 1,
        "muster-list": 1,
        "desk-tap": 1,
        "rejected": 2,
        "account": 1,
    }
    allowed = {"audit_entry.actor", "audit_entry.subject"}  # an id that refers to nobody any more
    for trace in one.traces:
        assert await places_with(conn, trace) - allowed == set(), trace
    for trace in other.traces:
        # A payload whose card hides its number may be anybody's: it is emptied too.
        assert await places_with(conn, trace) == before[trace] - {"rejected.payload"}
    assert (await log.verify(conn)).broken is None

    file = tmp_path / "after.zip"
    await asyncio.to_thread(write_backup, database.url, file)
    with zipfile.ZipFile(file) as archive:
        content = {name: archive.read(name) for name in archive.namelist()}
    for trace in one.traces:
        holding = {name for name, text in content.items() if trace.encode() in text}
        assert holding <= {"audit_entry.copy"}, trace


async def test_payload_of_a_plain_badge_of_somebody_else_stays(conn: Conn) -> None:
    one = PopulatedPerson(conn, NAME)
    await conn.execute("INSERT INTO person (id, kind) VALUES (%s, 'counted')", (one.id,))
    other = await PopulatedPerson(conn, "Somebody Else").enrol()

    await erase(conn, one.id)

    assert "rejected.payload" in await places_with(conn, other.badges[1].hex())


async def test_proof_and_audit_entry_say_how_much_and_not_who(conn: Conn) -> None:
    one = await PopulatedPerson(conn, NAME).enrol()
    proof = await erase(conn, one.id)

    (stored,) = await deletions.newest(conn, 5)
    assert (stored.number, stored.data, stored.why) == (proof.number, "person", "erasure")
    assert (stored.rows, stored.left_over) == (proof.rows, 0)
    (entry,) = await log.newest(conn, 5)
    assert (entry.action, entry.subject) == ("person.erased", f"person:{one.id}")
    assert entry.detail == {"proof": proof.number, "rows": proof.rows, "left_over": 0, "account": True}


async def test_account_stays_unless_it_is_asked_for(conn: Conn) -> None:
    one = await PopulatedPerson(conn, NAME).enrol()
    proof = await erase(conn, one.id, with_account=False)

    assert proof.left_over == 0
    assert "account" not in proof.deleted
    rows = await (await conn.execute("SELECT person_id FROM account")).fetchall()
    assert rows == [(None,)]


async def test_badge_is_recognised_as_erased_by_who_holds_it_only(conn: Conn) -> None:
    one = await PopulatedPerson(conn, NAME).enrol()
    await erase(conn, one.id)

    rows = await (await conn.execute("SELECT salt, tag, until FROM erased")).fetchall()
    tags = {bytes(tag): bytes(salt) for salt, tag, _ in rows}
    for badge in one.badges:
        assert any(hashlib.sha256(salt + badge).digest() == tag for tag, salt in tags.items())
    assert len({bytes(salt) for salt, _, _ in rows}) == len(one.badges)
    wanted = datetime.now(UTC) + timedelta(days=14)
    assert all(abs(until - wanted) < timedelta(minutes=5) for _, _, until in rows)


async def test_readers_board_and_devices_hear_of_it_after_the_commit(conn: Conn, database: Database) -> None:
    one = await PopulatedPerson(conn, NAME).enrol()
    async with await connect(database.url, name="test") as listener:
        for channel in ("hubwell_roster", "hubwell_forget", "hubwell_change"):
            await listener.execute(listen_to(channel).encode())
        await erase(conn, one.id)
        heard = [note.payload async for note in listener.notifies(timeout=20, stop_after=3)]
    assert sorted(heard) == ["", "", '{"spaces": ["lab"]}']


async def test_figures_of_groups_survive(conn: Conn) -> None:
    figure = "INSERT INTO people_figure (scope, place, start, about) VALUES ('hub', '', now(), 25)"
    await conn.execute(figure.encode())
    one = await PopulatedPerson(conn, NAME).enrol()
    await erase(conn, one.id)
    assert len(await (await conn.execute("SELECT FROM people_figure")).fetchall()) == 1


async def test_what_is_left_over_is_counted_and_not_hidden(conn: Conn) -> None:
    one = await PopulatedPerson(conn, NAME).enrol()
    event = "INSERT INTO event (type, occurred_at, payload) VALUES ('Test', now(), %s)"
    await conn.execute(event, (Jsonb({"who": str(one.id)}),))

    proof = await erase(conn, one.id)

    assert proof.left_over == 1


async def test_nobody_cannot_be_erased(conn: Conn) -> None:
    one = await PopulatedPerson(conn, NAME).enrol()
    await erase(conn, one.id)
    with pytest.raises(DomainError):
        await erase(conn, one.id)
    assert len(await deletions.newest(conn, 5)) == 1


def test_late_tap_of_an_erased_badge_leaves_nothing(database: Database) -> None:
    """Also where unknown badges are counted, and also when it was made before the erasure."""
    pi, badge = device_in(database.url, "lab"), secrets.token_bytes(16)
    now = datetime.now(UTC)
    commit(database.url, [pi.tap(now - timedelta(minutes=30), badge)], unknown_badges="count")
    ((person,),) = rows(database.url, "SELECT id FROM person")

    async def erased() -> Any:
        async with await connect(database.url, name="test") as conn:
            return await erase(conn, person)

    assert asyncio.run(erased()).left_over == 0
    late = [pi.tap(now - timedelta(minutes=20), badge), pi.tap(datetime.now(UTC), badge)]
    (outcome,) = commit(database.url, late, unknown_badges="count")

    assert receipts([outcome])  # the device may delete them
    for table in ("person", "credential", "credential_pseudonym", "tap", "visit"):
        assert rows(database.url, f"SELECT FROM {table}") == [], table
