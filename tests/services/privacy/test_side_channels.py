"""What Grafana's role can learn of taps beside its tables: locks, channels, statistics, system columns.

The role logs in for real, after the script that makes it. Everything in the system catalogs that it may read
is read before and after people tap: it must not differ.
"""

import asyncio
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import make_conninfo

from feed.enrolled_people import enrol
from feed.ingest_setup import commit, device_in
from feed.simulated_device import Device
from hubwell.storage.connect import connect
from hubwell.storage.notify import Channel, notify
from lanes.database_lane import Database
from services.privacy.paired_worlds import READER

PASSWORD = "only of a test"  # noqa: S105 (opens nothing)
BADGES = [bytes([n]) * 16 for n in range(12)]
# What differs between two looks of one session because it is about that session, or about the clock.
OWN = {"pg_cursors", "pg_prepared_statements", "pg_settings", "pg_backend_memory_contexts"}
FORBIDDEN = [
    "SELECT * FROM pg_locks",
    "SELECT * FROM pg_stat_activity",
    "SELECT * FROM pg_stat_user_tables",
    "SELECT * FROM pg_stat_database",
    "SELECT * FROM pg_statio_user_tables",
    "SELECT * FROM pg_stat_wal",
    "SELECT reltuples, relpages FROM pg_class",
    "SELECT xmin FROM pg_class",
    "SELECT xmax FROM space",
    "SELECT ctid FROM people_figure",
    "SELECT xmax FROM device",
    "SELECT pg_relation_size('tap')",
    "SELECT pg_total_relation_size('visit'::regclass)",
    "SELECT pg_database_size(current_database())",
    "SELECT pg_stat_get_tuples_inserted('tap'::regclass)",
    "SELECT pg_current_wal_lsn()",
    "SELECT pg_current_snapshot()",
    "SELECT txid_current()",
    "SELECT pg_current_xact_id()",
    "SELECT age('3'::xid)",
    "SELECT pg_export_snapshot()",
    "SELECT pg_notification_queue_usage()",
    "SELECT pg_try_advisory_lock(7268190)",  # also holds up those who need it
    "SELECT pg_advisory_lock(1)",
    "SELECT last_value FROM tap_id_seq",
    "SELECT channel_name('hubwell_left')",
    "SELECT lock_key('x')",
    "SELECT value FROM hub_secret",
    "SELECT bucket FROM badge_lock",
    "SELECT lo_create(0)",
    "CREATE TEMPORARY TABLE mine (n int)",
    "SELECT nobody_sensed('hall', now() - interval '1 hour')",
    "SELECT * FROM published_now",
    "SELECT * FROM reading_5m",
    "SELECT * FROM space_shown",
    "SELECT * FROM ledger_telemetry",
    "SELECT publish_shown()",
    "SELECT publish_ledger()",
    "SELECT * FROM procrastinate_jobs",
]


@pytest.fixture(params=["plain", pytest.param("timescale-apache", marks=pytest.mark.lane)])
def watched(request: pytest.FixtureRequest, lanes: Any) -> Iterator[tuple[Database, psycopg.Connection[Any]]]:
    """Give a database, and a connection of Grafana's role to it."""
    lane = lanes(request.param)
    database = lane.create("migrated")
    with psycopg.connect(database.url, autocommit=True) as owner:
        owner.execute(sql.SQL("SET hubwell.grafana_password = {}").format(sql.Literal(PASSWORD)))
        for _ in range(2):
            owner.execute(READER.read_bytes())
        url = make_conninfo(database.url, user="hubwell_grafana", password=PASSWORD)
        with psycopg.connect(url, autocommit=True) as reader:
            reader.execute("SET default_transaction_read_only = off")  # a default only
            yield database, reader
        owner.execute("DROP OWNED BY hubwell_grafana")
        owner.execute("DROP ROLE hubwell_grafana")
    lane.drop(database)


@pytest.mark.parametrize("statement", FORBIDDEN)
def test_reader_may_not(watched: tuple[Database, psycopg.Connection[Any]], statement: str) -> None:
    _, reader = watched
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        reader.execute(statement.encode())


def test_nothing_in_the_system_catalogs_differs_by_a_tap(
    watched: tuple[Database, psycopg.Connection[Any]],
) -> None:
    database, reader = watched
    hall = device_in(database.url, "hall", capacity=30)
    for badge in BADGES:
        enrol(database.url, badge)
    commit(database.url, [hall.telemetry(datetime.now(UTC), {"presence": 1.0})])
    differs: set[str] = set()
    for attempt in range(1, 4):  # an automatic analyze in between changes the statistics, too; not each time
        before = _catalogs(reader)
        assert len(before) > 40
        _taps(database.url, hall, minutes=10 * attempt)
        after = _catalogs(reader)
        differs = {name for name, rows in before.items() if after[name] != rows}
        if not differs:
            break
    assert differs == set()


def _taps(url: str, hall: Device, minutes: int = 1) -> None:
    start = datetime.now(UTC) - timedelta(minutes=minutes)
    for number, badge in enumerate(BADGES):
        commit(url, [hall.tap(start + timedelta(seconds=number), badge)])


def _catalogs(reader: psycopg.Connection[Any]) -> dict[str, Any]:
    """Return all that the role can read in the system's schemas."""
    found: dict[str, Any] = {}
    for name, columns in reader.execute(
        """SELECT c.oid::regclass::text, array_agg(a.attname::text ORDER BY a.attnum)
           FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
           JOIN pg_attribute a ON a.attrelid = c.oid
           WHERE c.relkind IN ('r', 'v', 'm') AND (n.nspname LIKE 'pg\\_c%' OR n.nspname LIKE '%timescaledb%')
             AND has_schema_privilege(n.oid, 'USAGE') AND NOT a.attisdropped
             AND a.atttypid <> 'anyarray'::regtype
             AND has_column_privilege(c.oid, a.attnum, 'SELECT')
           GROUP BY c.oid"""
    ).fetchall():
        if name.rpartition(".")[2] in OWN:
            continue
        query = sql.SQL("SELECT {} FROM {}").format(
            sql.SQL(", ").join(sql.SQL("{}::text").format(sql.Identifier(column)) for column in columns),
            sql.SQL(name),
        )
        try:
            found[name] = sorted(map(str, reader.execute(query).fetchall()))
        except psycopg.errors.InsufficientPrivilege:
            found[name] = "refused"
    return found


def test_no_query_plan_reads_what_the_role_may_not(
    watched: tuple[Database, psycopg.Connection[Any]],
) -> None:
    """EXPLAIN ANALYZE counts the rows of each table that a plan reads: of visits it would show each."""
    database, reader = watched
    hall = device_in(database.url, "hall", capacity=30)
    enrol(database.url, BADGES[0])
    commit(database.url, [hall.telemetry(datetime.now(UTC), {"presence": 1.0})])
    tables: set[str] = set()
    for query in _everything(reader):
        reader.execute(query)  # with the right to read each of them
        plan = reader.execute(sql.SQL("EXPLAIN (ANALYZE, FORMAT JSON) {}").format(query)).fetchone()
        assert plan is not None
        tables |= set(_read_by(plan[0]))
    assert tables == {"space", "series", "device", "people_figure", "rejected", "published"}


def _everything(reader: psycopg.Connection[Any]) -> list[sql.Composed]:
    """Return queries of all relations that the role may read, by its columns, and of its function."""
    relations = reader.execute(
        """SELECT c.relname, array_agg(a.attname::text)
           FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
           WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'v', 'm', 'p')
             AND a.attnum > 0 AND has_column_privilege(c.oid, a.attnum, 'SELECT')
           GROUP BY c.relname"""
    ).fetchall()
    function = sql.SQL("SELECT * FROM readings_published({}, '2000-01-01', now())")
    return [function.format("co2")] + [
        sql.SQL("SELECT {} FROM {}").format(
            sql.SQL(", ").join(map(sql.Identifier, columns)), sql.Identifier(name)
        )
        for name, columns in relations
    ]


def _read_by(plan: Any) -> Iterator[str]:
    """Yield the names of the tables in a plan."""
    if isinstance(plan, list):
        for part in plan:
            yield from _read_by(part)
    elif isinstance(plan, dict):
        if "Relation Name" in plan:
            yield str(plan["Relation Name"])
        for part in plan.values():
            yield from _read_by(part)


def test_nothing_a_query_plan_shows_differs_by_taps(
    watched: tuple[Database, psycopg.Connection[Any]],
) -> None:
    """Rows, pages and estimates of every query that the role may run, before and after twelve taps."""
    database, reader = watched
    hall = device_in(database.url, "hall", capacity=30)
    for badge in BADGES:
        enrol(database.url, badge)
    commit(database.url, [hall.telemetry(datetime.now(UTC), {"presence": 1.0})])
    options = sql.SQL("EXPLAIN (ANALYZE, BUFFERS, WAL, TIMING OFF, SUMMARY OFF) {}")
    queries = [options.format(query) for query in _everything(reader)]
    before: list[Any] = []
    after: list[Any] = ["not asked"]
    for attempt in range(1, 4):  # a vacuum in between changes plans, too; not each time
        for query in queries * 2:  # fills the caches of this session
            reader.execute(query)
        before = [reader.execute(query).fetchall() for query in queries]
        _taps(database.url, hall, minutes=10 * attempt)
        after = [reader.execute(query).fetchall() for query in queries]
        if after == before:
            break
    assert after == before


def test_conditions_see_no_hidden_row(watched: tuple[Database, psycopg.Connection[Any]]) -> None:
    """A condition that fails quotes the value it failed on: it must not be one that the role may not read."""
    database, reader = watched
    den = device_in(database.url, "den", capacity=1)
    with psycopg.connect(database.url, autocommit=True) as owner:
        owner.execute("UPDATE space SET personal = true WHERE id = 'den'")
    commit(database.url, [den.telemetry(datetime.now(UTC) - timedelta(minutes=11), {"co2": 654.321})])
    with psycopg.connect(database.url, autocommit=True) as owner:
        owner.execute("SELECT publish_shown()")
    condition = sql.SQL("SELECT FROM {} r WHERE ('value ' || r::text)::int > 0")
    sources = ["space_published", "series_published", "device_published", "episode_published"]
    sources += ["ledger_published", "readings_published('co2', '2000-01-01', now())"]
    quoted = []
    for source in sources:
        try:
            reader.execute(condition.format(sql.SQL(source)))
        except psycopg.errors.InvalidTextRepresentation as error:
            quoted.append(str(error))
    assert quoted
    assert not [text for text in quoted if "654" in text]


def test_locks_of_one_badge_cannot_be_told_from_those_of_another(database: Database) -> None:
    """Also where pg_locks is readable: no advisory lock is taken on a badge."""
    hall = device_in(database.url, "hall", capacity=30)
    enrol(database.url, BADGES[0])
    with ThreadPoolExecutor(1) as thread, psycopg.connect(database.url) as blocker:
        blocker.execute("LOCK TABLE tap IN ACCESS EXCLUSIVE MODE")  # the tap waits in its transaction
        waiting = thread.submit(commit, database.url, [hall.tap(datetime.now(UTC), BADGES[0])])
        with psycopg.connect(database.url, autocommit=True) as watcher:
            _until(watcher, "SELECT count(*) FROM pg_locks WHERE NOT granted")
            kinds = watcher.execute("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'").fetchone()
        blocker.rollback()
        waiting.result()
    assert kinds == (0,)


def _until(conn: psycopg.Connection[Any], query: str) -> None:
    for _ in range(400):
        row = conn.execute(query.encode()).fetchone()
        if row is not None and row[0]:
            return
        conn.execute("SELECT pg_sleep(0.05)")
    pytest.fail(query)


async def test_a_reader_hears_no_channel(database: Database) -> None:
    """PostgreSQL lets every role listen: on the words that stand in the documents nothing comes."""
    async with (
        await connect(database.url, name="listener") as listener,
        await connect(database.url, name="server") as server,
    ):
        for channel in Channel:
            await listener.execute(sql.SQL("LISTEN {}").format(sql.Identifier(channel)))
        for channel in Channel:
            await notify(server, channel, "secret")
        await server.execute("SELECT pg_notify('hubwell_change', 'end')")
        async with asyncio.timeout(20):
            async for notice in listener.notifies():
                assert notice.payload == "end"
                break
