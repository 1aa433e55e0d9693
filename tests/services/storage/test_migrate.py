"""The schema: from nothing, from every earlier release with data in it, twice, and by two at once."""

import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest
from alembic.script import ScriptDirectory

from feed.server import reading, rows
from hubwell.storage import migrate as migrations
from hubwell.storage.migrate import migrate
from hubwell.storage.revisions import (
    current_revision,
    is_current,
    is_known,
    newest_revision,
    queue_migrations,
)
from hubwell.storage.table_digest import TABLES, table_digest
from lanes.lane import Database

REVISIONS = [
    script.revision
    for script in reversed(list(ScriptDirectory.from_config(migrations._config()).walk_revisions()))
]

COLUMNS = """
SELECT table_name, column_name, ordinal_position, data_type, is_nullable, column_default
FROM information_schema.columns WHERE table_schema = 'public'
"""
CONSTRAINTS = """
SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid) FROM pg_constraint
WHERE connamespace = 'public'::regnamespace AND conrelid <> 0
"""
INDEXES = "SELECT tablename, indexname, indexdef FROM pg_indexes WHERE schemaname = 'public'"
VIEWS = "SELECT viewname, definition FROM pg_views WHERE schemaname = 'public'"
FUNCTIONS = """
SELECT p.oid::regprocedure::text, md5(p.prosrc) FROM pg_proc p
WHERE p.pronamespace = 'public'::regnamespace
  AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = p.oid AND d.deptype = 'e')
"""
DATA = """
INSERT INTO space (id, name, kind, capacity) VALUES ('lab', 'Lab', 'workshop', 8);
INSERT INTO device (id, space_id) VALUES ('lab-pi', 'lab');
INSERT INTO stream (device_id, boot, received) VALUES ('lab-pi', gen_random_uuid(), '{[1,5)}');
INSERT INTO message (stream_id, seq, id, time, kind, verdict, readings)
    SELECT 1, n, gen_random_uuid(), now(), 'telemetry', 'stored', 1 FROM generate_series(1, 4) n;
INSERT INTO series (device_id, name, quantity, unit) VALUES ('lab-pi', 'scd41/co2', 'co2', 'ppm');
INSERT INTO reading (time, series_id, value)
    SELECT now() - n * interval '1 day', 1, n FROM generate_series(1, 40) n;
INSERT INTO episode (rule, rule_version, space_id, opened_at, value, peak, evidence)
    VALUES ('co2-asr-a3.6', 1, 'lab', now(), 1, 2, '{}');
INSERT INTO event (type, occurred_at, space_id, payload) VALUES ('EpisodeOpened', now(), 'lab', '{}');
INSERT INTO delivery (event_id, channel, target) VALUES (1, 'webhook', 'alerts');
"""

PEOPLE = {
    "0001": """
INSERT INTO tap VALUES (1, 2, '2026-11-02 08:00Z', decode(repeat('ab', 16), 'hex'), 1, 'door', 'lab');
INSERT INTO tap VALUES (1, 3, '2026-11-02 09:00Z', decode(repeat('ab', 16), 'hex'), 1, 'door', 'lab');
INSERT INTO tap VALUES (1, 4, '2026-11-02 08:30Z', decode(repeat('cd', 16), 'hex'), 2, 'door', 'lab');
INSERT INTO visit (badge, space_id, during, ended_by)
    VALUES (decode(repeat('ab', 16), 'hex'), 'lab', '[2026-11-02 08:00Z,2026-11-02 09:00Z)', 'tap');
INSERT INTO visit (badge, space_id, during)
    VALUES (decode(repeat('cd', 16), 'hex'), 'lab', '[2026-11-02 08:30Z,)');
""",
    "0002": """
INSERT INTO person (id, kind) SELECT gen_random_uuid(), 'enrolled' FROM generate_series(1, 2);
INSERT INTO tap (person_id, space_id, time, source, stream_id, seq)
    SELECT id, 'lab', '2026-11-02 08:00Z', 'reader', 1, row_number() OVER () FROM person;
INSERT INTO visit (person_id, space_id, during) SELECT id, 'lab', '[2026-11-02 08:00Z,)' FROM person;
""",
}
"""Revision -> people who tapped and were in; the next revision has to say here what became of them."""


def schema(url: str) -> dict[str, list[tuple[Any, ...]]]:
    queries = {
        "columns": COLUMNS,
        "constraints": CONSTRAINTS,
        "indexes": INDEXES,
        "views": VIEWS,
        "functions": FUNCTIONS,
    }
    return {name: sorted(rows(url, query), key=repr) for name, query in queries.items()}


def test_empty_database_gets_everything(empty_lane_database: Database) -> None:
    url = empty_lane_database.url
    with reading(url) as conn:
        assert current_revision(conn) is None
    migrate(url)
    with reading(url) as conn:
        assert current_revision(conn) == newest_revision()
        for table in TABLES:
            assert table_digest(conn, table).rows == 0
        for view in ("series_now", "space_now", "reading_5m"):
            assert conn.execute(f"SELECT * FROM {view}").fetchall() == []  # noqa: S608 - names from this file


def test_migrating_again_changes_nothing(empty_lane_database: Database) -> None:
    url = empty_lane_database.url
    migrate(url)
    before = schema(url)
    migrate(url)
    assert schema(url) == before


@pytest.mark.parametrize("revision", REVISIONS)
def test_every_earlier_release_is_brought_up_with_its_data(
    empty_database: Database, database: Database, revision: str
) -> None:
    url = empty_database.url
    migrate(url, revision)
    with reading(url) as conn:
        conn.execute(DATA)
        conn.execute(PEOPLE[revision])
        before = {table: table_digest(conn, table).rows for table in TABLES if exists(conn, table)}
    migrate(url)
    with reading(url) as conn:
        assert {table: table_digest(conn, table).rows for table in before} == before
    assert schema(url) == schema(database.url)


def test_badges_of_the_first_release_become_counted_people(empty_lane_database: Database) -> None:
    url = empty_lane_database.url
    migrate(url, "0001")
    with reading(url) as conn:
        conn.execute(DATA)
        conn.execute(PEOPLE["0001"])
    migrate(url)
    found = rows(
        url,
        """
        SELECT encode(p.badge, 'hex'), p.epoch, person.kind, count(tap.*), min(v.ended_by),
               min(lower(v.during))
        FROM credential_pseudonym p JOIN credential c ON c.id = p.credential_id
        JOIN person ON person.id = c.person_id
        JOIN tap ON tap.person_id = person.id AND c.valid @> tap.time AND tap.source = 'reader'
        JOIN visit v ON v.person_id = person.id
        GROUP BY p.badge, p.epoch, person.kind ORDER BY p.badge
        """,
    )
    begin = datetime(2026, 11, 2, 8, tzinfo=UTC)
    assert found == [
        ("ab" * 16, 1, "counted", 2, "tap", begin),
        ("cd" * 16, 2, "counted", 1, None, begin + timedelta(minutes=30)),
    ]


def exists(conn: psycopg.Connection[Any], table: str) -> bool:
    row = conn.execute("SELECT to_regclass(%s) IS NOT NULL", [table]).fetchone()
    return row is not None and bool(row[0])


def test_two_at_once_take_turns(empty_database: Database, database: Database) -> None:
    url = empty_database.url
    problems: list[BaseException] = []

    def work() -> None:
        try:
            migrate(url)
        except BaseException as error:  # noqa: BLE001 - handed over to the test's own thread
            problems.append(error)

    threads = [threading.Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert problems == []
    assert schema(url) == schema(database.url)


@pytest.fixture
def broken_revision(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    original = migrations._migrate_queue

    def fail(conn: psycopg.Connection[Any]) -> None:
        original(conn)
        conn.execute("SELECT 1/0")

    monkeypatch.setattr(migrations, "_migrate_queue", fail)
    yield
    monkeypatch.undo()


@pytest.mark.usefixtures("broken_revision")
def test_failed_migration_can_be_run_again(
    empty_database: Database, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(psycopg.errors.DivisionByZero):
        migrate(empty_database.url)
    monkeypatch.undo()
    migrate(empty_database.url)
    assert schema(empty_database.url) == schema(database.url)


def test_queue_of_an_earlier_release_is_brought_up_by_its_own_files(
    empty_database: Database, database: Database
) -> None:
    url = empty_database.url
    earlier = queue_migrations()[:-4]
    with reading(url) as conn:
        conn.execute("CREATE TABLE queue_schema (migration text PRIMARY KEY)")
        for path in earlier:
            conn.execute(path.read_bytes())
            conn.execute("INSERT INTO queue_schema VALUES (%s)", [path.name])
    migrate(url)
    assert queue_tables(url) == queue_tables(database.url)
    with reading(url) as conn:
        assert is_current(conn)


def queue_tables(url: str) -> list[tuple[Any, ...]]:
    """Columns without their order: a column that was added later stands last."""
    return sorted(
        (table, column, *rest)
        for table, column, _, *rest in rows(url, COLUMNS)
        if table.startswith(("procrastinate", "queue"))
    )


def test_revisions_are_known_by_name() -> None:
    assert is_known(newest_revision())
    assert not is_known("9999")
