"""tables.toml against a real database: every table has an entry, and erasure does what the entry says."""

from collections.abc import AsyncIterator
from typing import Any

import psycopg
import pytest
from psycopg import sql

from feed.ingest_setup import device_in
from hubwell.access import accounts
from hubwell.access.principal import Principal
from hubwell.people import persons
from hubwell.privacy.documents.processing_record import ACTIVITIES
from hubwell.privacy.erasure import Traces
from hubwell.storage.connect import connect
from hubwell.storage.tables import KEPT, Table, erasure_query, retention_query, tables
from hubwell.vocabulary import Role
from hubwell.workflows.erasure import erase_person
from lanes.database_lane import Database
from services.privacy.populated import PopulatedPerson

Conn = psycopg.AsyncConnection[Any]
REACHED = [table for table in tables().personal if table.erasure != "none"]


@pytest.fixture
async def conn(database: Database) -> AsyncIterator[Conn]:
    device_in(database.url, "lab")
    async with await connect(database.url, name="test") as conn:
        await conn.execute("INSERT INTO stream (device_id, boot) VALUES ('lab-pi', gen_random_uuid())")
        await conn.execute("INSERT INTO muster (kind) VALUES ('drill')")
        yield conn


async def column(conn: Conn, query: str) -> set[str]:
    return {row[0] for row in await (await conn.execute(query.encode())).fetchall()}


async def with_account(conn: Conn) -> tuple[PopulatedPerson, Traces]:
    """Return a person with everything, and what they are recognised by."""
    person = await PopulatedPerson(conn, "Wilhelmiina Testikäinen").enrol()
    await accounts.set_roles(conn, person.account, [Role.STAFF])
    identity = "INSERT INTO account_identity (issuer, subject, account_id) VALUES ('i', 's', %s)"
    await conn.execute(identity, (person.account,))
    passkey = (
        "INSERT INTO passkey (account_id, credential_id, attested, sign_count, name, added_at) "
        "VALUES (%s, 'id', 'key', 0, 'Phone', now())"
    )
    await conn.execute(passkey, (person.account,))
    booking = (
        "INSERT INTO booking "
        "(space_id, atoms, during, title, shows_title, people, owner, created_at, changed_at) "
        "VALUES ('lab', '{1}', tstzrange(now(), now() + interval '1 hour'), %s, true, 1, %s, now(), now())"
    )
    await conn.execute(booking, (f"With {person.name}", f"account:{person.account}"))
    address = (
        "INSERT INTO calendar_address (token_hash, shows, owner, created_at) "
        "VALUES (sha256('token'), 'own', %s, now())"
    )
    await conn.execute(address, (f"account:{person.account}",))
    series = (
        "INSERT INTO booking_series (space_id, atoms, rule, zone, first_at, last_at, lasts, clock_change, "
        "title, shows_title, people, owner, created_at) "
        "VALUES ('lab', '{1}', 'FREQ=DAILY;WKST=MO', 'UTC', now(), now(), "
        "'1 hour', 'shift', %s, true, 1, %s, now())"
    )
    await conn.execute(series, (f"With {person.name}", f"account:{person.account}"))
    async with conn.transaction():
        held = await persons.lock_to_erase(conn, person.id)
    traces = Traces(
        person_id=person.id,
        badges=held.badges,
        credentials=held.credentials,
        signing=held.signing,
        accounts=[person.account],
    )
    return person, traces


async def rows(conn: Conn, table: Table, traces: Traces | None = None) -> int:
    """Count the rows of a table, or those of the person in it."""
    if traces is None:
        query = sql.SQL("SELECT count(*) FROM {}").format(sql.Identifier(table.name))
    else:
        query = sql.SQL("SELECT count(*) ") + sql.SQL(erasure_query(table) or "")
    row = await (await conn.execute(query, traces.values() if traces else {})).fetchone()
    assert row is not None
    return int(row[0])


async def test_every_table_of_the_database_has_an_entry(conn: Conn) -> None:
    there = await column(
        conn,
        "SELECT table_name FROM information_schema.tables "
        "WHERE table_schema = 'public' AND table_type = 'BASE TABLE'",
    )
    known = tables()
    entries = {table.name for table in (*known.tables, *known.outside)}
    assert {name for name in there - entries if not name.startswith("procrastinate_")} == set()
    assert {table.name for table in known.tables} <= there


async def test_every_table_that_refers_to_a_person_is_one_about_persons(conn: Conn) -> None:
    """What has a foreign key on a person, a credential or an account, or a column for their ids."""
    found = await column(
        conn,
        "SELECT conrelid::regclass::text FROM pg_constraint WHERE contype = 'f' "
        "AND confrelid IN ('person'::regclass, 'credential'::regclass, 'account'::regclass) "
        "UNION SELECT c.table_name FROM information_schema.columns c JOIN information_schema.tables t "
        "USING (table_schema, table_name) WHERE t.table_schema = 'public' AND t.table_type = 'BASE TABLE' "
        "AND c.column_name IN "
        "('person_id', 'account_id', 'credential_id', 'badge', 'owner_id', 'requested_by')",
    )
    assert found - {table.name for table in tables().personal} == set()


async def test_erasure_does_what_the_entries_say(conn: Conn) -> None:
    """A row of the person in every table before; none, or an anonymous one, after."""
    person, traces = await with_account(conn)
    other = await PopulatedPerson(conn, "Another Person").enrol()
    before = {table.name: await rows(conn, table) for table in REACHED}
    for table in REACHED:
        assert await rows(conn, table, traces) > 0, table.name

    async with conn.transaction():
        erased = await erase_person(conn, Principal(actor="cli"), person.id, with_account=True)

    assert erased.proof.left_over == 0
    for table in REACHED:
        assert await rows(conn, table, traces) == 0, table.name
        if table.erasure == "anonymise" and table.name != "account":  # this one was to go as a whole
            assert await rows(conn, table) == before[table.name], table.name
        else:
            assert await rows(conn, table) < before[table.name], table.name
    assert (await persons.person(conn, other.id)).name == "Another Person"


async def test_account_that_stays_is_anonymous(conn: Conn) -> None:
    person, traces = await with_account(conn)
    account = next(table for table in REACHED if table.name == "account")

    async with conn.transaction():
        await erase_person(conn, Principal(actor="cli"), person.id)

    assert await rows(conn, account) == 1
    assert await rows(conn, account, traces) == 0


def test_every_table_about_persons_is_in_the_record_of_processing() -> None:
    for table in tables().personal:
        assert table.activity in ACTIVITIES, table.name
        assert table.data
        assert table.why or table.erasure != "none", table.name


def test_every_class_of_data_has_the_sql_of_its_owner() -> None:
    for item in tables().retention:
        assert retention_query(item), item.name
    classes = {item.name for item in tables().retention}
    assert {table.retention for table in tables().tables} == {KEPT, *classes}
