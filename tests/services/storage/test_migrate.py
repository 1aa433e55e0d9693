"""The schema: from nothing, from every earlier release with data in it, twice, and by two at once."""

import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from psycopg import sql
from psycopg.rows import dict_row

from feed.ingest_setup import reading, rows
from hubwell.storage import migrate as migrations
from hubwell.storage.engine import Engine, detect
from hubwell.storage.migrate import NewerSchemaError, migrate
from hubwell.storage.repeatable import created_by
from hubwell.storage.revisions import (
    SqlFile,
    current_revision,
    is_current,
    is_known,
    migration_files,
    newest_revision,
    queue_migrations,
    revisions,
    view_files,
)
from hubwell.storage.table_digest import TABLES, table_digest
from lanes.database_lane import Database, Lane
from services.storage.schema_snapshot import create_landed, schema

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


@pytest.fixture(params=["plain", pytest.param("timescale-apache", marks=pytest.mark.lane)])
def server_database(request: pytest.FixtureRequest, lanes: Callable[[str], Lane]) -> Iterator[Database]:
    """Give an empty database on each engine that has roles: the community edition here runs as one user."""
    lane = lanes(request.param)
    database = lane.create("empty")
    yield database
    lane.drop(database)


@pytest.fixture
def owner(server_database: Database) -> Iterator[str]:
    """Give the address of an empty database for its owner, an ordinary role as the guide makes it."""
    url, role = server_database.url, f"owner_{uuid4().hex[:8]}"
    with reading(url) as conn:
        conn.execute(f"CREATE ROLE {role} LOGIN")
        conn.execute(f"ALTER DATABASE {conn.info.dbname} OWNER TO {role}")
    yield url.replace("://hubwell@", f"://{role}@")
    with reading(url) as conn:
        conn.execute(f"REASSIGN OWNED BY {role} TO CURRENT_USER")
        conn.execute(f"DROP OWNED BY {role}")
        conn.execute(f"DROP ROLE {role}")


def test_owner_without_further_privileges_can_migrate(server_database: Database, owner: str) -> None:
    migrate(owner)
    with reading(owner) as conn:
        assert is_current(conn)
        found = conn.execute("SELECT rolsuper FROM pg_roles WHERE rolname = current_user").fetchone()
        assert found == (False,)
        assert detect(conn).engine == server_database.engine


def test_extension_is_created_where_the_server_loads_it(server_database: Database) -> None:
    with reading(server_database.url) as conn:
        conn.execute("DROP EXTENSION IF EXISTS timescaledb")
    migrate(server_database.url)
    with reading(server_database.url) as conn:
        assert detect(conn).engine == server_database.engine


@pytest.mark.parametrize("revision", revisions())
def test_every_earlier_release_is_brought_up_with_its_data(
    empty_database: Database, database: Database, revision: str
) -> None:
    url = empty_database.url
    migrate(url, revision)
    with reading(url) as conn:
        conn.execute(DATA)
        conn.execute(PEOPLE["0001" if revision == "0001" else "0002"])
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


@pytest.mark.parametrize("revision", ["0001", "0002"])
def test_landed_database_is_upgraded_in_place_to_the_schema_of_a_fresh_one(
    empty_lane_database: Database, lanes: Callable[[str], Lane], revision: str
) -> None:
    url = empty_lane_database.url
    create_landed(url, revision)
    with reading(url) as conn:
        conn.execute(DATA)
        conn.execute(PEOPLE[revision])
        before = {table: content(conn, table) for table in TABLES if exists(conn, table)}
        assert (current_revision(conn), is_current(conn)) == (revision, False)

    migrate(url)

    lane = lanes(empty_lane_database.engine)
    fresh = lane.create("migrated")
    assert schema(url) == schema(fresh.url)
    lane.drop(fresh)
    with reading(url) as conn:
        assert is_current(conn)
        if revision == "0002":
            for table, old in before.items():
                new = content(conn, table)
                lasting = {name for row in new for name in row} & {name for row in old for name in row}
                assert of_columns(new, lasting) == of_columns(old, lasting), table


@pytest.fixture
def readers(empty_database: Database) -> Iterator[str]:
    """Give a role that may read some views of a landed database, as Grafana's may."""
    role = f"reader_{uuid4().hex[:8]}"
    create_landed(empty_database.url)
    with reading(empty_database.url) as conn:
        conn.execute(f"CREATE ROLE {role}")
        conn.execute(f"GRANT SELECT ON space_now TO {role} WITH GRANT OPTION")
        conn.execute("GRANT SELECT ON ledger_lost TO PUBLIC")
    yield role
    with reading(empty_database.url) as conn:
        conn.execute(f"DROP OWNED BY {role}")
        conn.execute(f"DROP ROLE {role}")


def test_privileges_on_views_outlast_an_upgrade(empty_database: Database, readers: str) -> None:
    before = schema(empty_database.url)["grants"]
    assert {("space_now", "SELECT", readers, True), ("ledger_lost", "SELECT", "-", False)} <= set(before)
    migrate(empty_database.url)
    assert schema(empty_database.url)["grants"] == before


def test_every_view_function_and_trigger_is_re_created(lane_database: Database) -> None:
    """The catalogue has no view, function or trigger that a migration created."""
    found = schema(lane_database.url)
    with reading(lane_database.url) as conn:
        made = created_by(file for file in view_files() if file.runs_on(detect(conn).engine))
    views = {name for name, _ in found["views"]} - {"reading_5m"}  # a continuous aggregate on one engine
    assert views == set(made.views) - {"reading_5m"}
    functions = {line.split("(")[0].split(".")[-1] for (line,) in found["functions"]}
    assert {name for name in functions if not name.startswith("procrastinate")} == set(made.functions)
    triggers = {
        (name, table) for table, name, _ in found["triggers"] if not table.startswith("procrastinate")
    }
    assert triggers == set(made.triggers)


def test_triggers_and_functions_are_found_in_the_text() -> None:
    text = """
-- CREATE VIEW in a comment
CREATE VIEW a AS SELECT 1;
CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NULL; END $$;
CREATE TRIGGER t AFTER INSERT OR UPDATE OF login
    ON account FOR EACH STATEMENT EXECUTE FUNCTION f();
CREATE CONSTRAINT TRIGGER u AFTER DELETE ON account_role DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION f();
"""
    found = created_by([SqlFile("10_some", None, text)])
    assert found == (["a"], ["f"], [("t", "account"), ("u", "account_role")])


def test_changed_view_is_brought_up_without_a_migration(empty_database: Database, database: Database) -> None:
    migrate(empty_database.url)
    with reading(empty_database.url) as conn:
        conn.execute("CREATE OR REPLACE VIEW ledger_lost AS SELECT declared_at, cause, count FROM gap")
        conn.execute("UPDATE schema_migration SET digest = 'of another release' WHERE name = 'views'")
        assert not is_current(conn)
    migrate(empty_database.url)
    assert schema(empty_database.url) == schema(database.url)


def test_database_of_a_newer_release_is_refused(empty_database: Database) -> None:
    migrate(empty_database.url)
    with reading(empty_database.url) as conn:
        conn.execute("INSERT INTO schema_migration (name) VALUES ('9999_what_comes')")
    with pytest.raises(NewerSchemaError, match="schema 9999"):
        migrate(empty_database.url)


def test_view_of_an_operator_is_named_and_nothing_changes(empty_database: Database) -> None:
    create_landed(empty_database.url)
    with reading(empty_database.url) as conn:
        conn.execute("CREATE VIEW of_the_caretaker AS SELECT name FROM space_now")
    before = schema(empty_database.url)
    with pytest.raises(psycopg.errors.DependentObjectsStillExist, match="of_the_caretaker"):
        migrate(empty_database.url)
    assert schema(empty_database.url) == before


def test_files_of_the_schema_are_named_and_numbered() -> None:
    variants = {variant for engine in Engine for variant in engine.variants}
    for files in (migration_files(), view_files()):
        assert {file.variant for file in files} - {None} <= variants
        numbers = {file.name for file in files}
        assert len({name.partition("_")[0] for name in numbers}) == len(numbers)
    assert revisions() == sorted(set(revisions()))


def content(conn: psycopg.Connection[Any], table: str) -> list[dict[str, Any]]:
    with conn.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(sql.SQL("SELECT * FROM {}").format(sql.Identifier(table))).fetchall()


def of_columns(found: list[dict[str, Any]], names: set[str]) -> list[str]:
    """Return rows without the columns that a later migration adds or drops."""
    return sorted(repr({name: row[name] for name in sorted(names)}) for row in found)


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
    """Columns without their order: a column that was added later is the last."""
    return sorted(
        (table, column, *rest)
        for table, column, _, *rest in schema(url)["columns"]
        if table.startswith("procrastinate")
    )


def test_revisions_are_known_by_name() -> None:
    assert is_known(newest_revision())
    assert not is_known("9999")


def test_spaces_that_share_a_name_get_their_id_behind_it(empty_lane_database: Database) -> None:
    url = empty_lane_database.url
    migrate(url, "0010")
    with reading(url) as conn:
        conn.execute(
            "INSERT INTO space (id, name, kind, capacity, archived_at) VALUES"
            " ('a', 'Lab', 'workshop', 1, NULL), ('b', 'lab ', 'workshop', 1, NULL),"
            " ('c', 'Lab', 'workshop', 1, now()), ('d', 'Den', 'workshop', 1, NULL)"
        )
    migrate(url)
    with reading(url) as conn:
        names = dict(conn.execute("SELECT id, name FROM space").fetchall())
    assert names == {"a": "Lab", "b": "lab  (b)", "c": "Lab", "d": "Den"}
