import psycopg
import pytest

from lanes.database_lane import Database

VISIT = """
CREATE EXTENSION IF NOT EXISTS btree_gist;
CREATE TABLE visit (
    badge bytea NOT NULL,
    during tstzrange NOT NULL,
    EXCLUDE USING gist (badge WITH =, during WITH &&)
)
"""
READING = """
CREATE TABLE reading (
    time timestamptz NOT NULL, series_id int NOT NULL, value float8 NOT NULL, PRIMARY KEY (series_id, time)
)
"""
EDITION = """
SELECT extversion, current_setting('timescaledb.license') FROM pg_extension WHERE extname = 'timescaledb'
"""
HOURS = "INSERT INTO visit VALUES ('desk', tstzrange(%s, %s))"
ROLLUP = """
CREATE MATERIALIZED VIEW reading_5m WITH (timescaledb.continuous, timescaledb.materialized_only = true) AS
SELECT time_bucket('5 minutes', time) AS bucket, series_id, count(*) AS n
FROM reading GROUP BY 1, 2 WITH NO DATA
"""
MINUTES = """
INSERT INTO reading SELECT '2025-11-02Z'::timestamptz + n * interval '1 min', 1, n
FROM generate_series(0, 99) n
"""
COLUMNAR = """
SELECT bool_and(is_compressed) FROM timescaledb_information.chunks WHERE hypertable_name = 'reading'
"""
HUNDRED_HOURS = """
INSERT INTO reading SELECT '2026-11-02Z'::timestamptz + n * interval '1 h', 1, n
FROM generate_series(1, 100) n
"""


def timescaledb(conn: psycopg.Connection) -> tuple[str, str] | None:
    found = conn.execute(EDITION).fetchone()
    return (found[0], found[1]) if found else None


def test_lane_is_the_engine_it_says(empty_lane_database: Database) -> None:
    with psycopg.connect(empty_lane_database.url) as conn:
        edition = timescaledb(conn)
        version = conn.info.server_version
    match empty_lane_database.engine:
        case "plain":
            assert edition is None
            assert version >= 180000
        case "timescale-apache":
            assert edition is not None
            assert edition[1] == "apache"
            assert version >= 170000
        case "timescale-community":
            assert edition is not None
            assert edition[1] == "timescale"
            assert edition[0] >= "2.23"


def test_overlapping_ranges_are_refused(empty_lane_database: Database) -> None:
    with psycopg.connect(empty_lane_database.url, autocommit=True) as conn:
        conn.execute(VISIT)
        conn.execute(HOURS, ["2026-11-02 08:00Z", "2026-11-02 09:00Z"])
        conn.execute(HOURS, ["2026-11-02 09:00Z", "2026-11-02 10:00Z"])
        with pytest.raises(psycopg.errors.ExclusionViolation):
            conn.execute(HOURS, ["2026-11-02 08:59Z", "2026-11-02 09:01Z"])


def test_sequence_numbers_join_into_ranges(empty_lane_database: Database) -> None:
    with psycopg.connect(empty_lane_database.url) as conn:
        joined = conn.execute(
            "SELECT '{[1,5),[7,9)}'::int8multirange + int8multirange(int8range(5, 7))"
        ).fetchone()
    assert joined is not None
    assert str(joined[0]) == "{[1, 9)}"


def test_copy_keeps_every_row(empty_lane_database: Database) -> None:
    rows = [(number, f"näme {number}", number / 3) for number in range(5000)]
    with psycopg.connect(empty_lane_database.url, autocommit=True) as conn:
        conn.execute("CREATE TABLE copied (id int8, name text, value float8)")
        with conn.cursor() as cursor, cursor.copy("COPY copied FROM STDIN (FORMAT BINARY)") as copy:
            copy.set_types(["int8", "text", "float8"])
            for row in rows:
                copy.write_row(row)
        assert conn.execute("SELECT * FROM copied ORDER BY id").fetchall() == rows


def test_copy_that_fails_leaves_nothing(empty_lane_database: Database) -> None:
    def insert_and_copy(conn: psycopg.Connection) -> None:
        with conn.transaction():
            conn.execute("INSERT INTO copied VALUES (1)")
            with conn.cursor() as cursor, cursor.copy("COPY copied FROM STDIN") as copy:
                copy.write("2\nthree\n")

    with psycopg.connect(empty_lane_database.url, autocommit=True) as conn:
        conn.execute("CREATE TABLE copied (id int8)")
        with pytest.raises(psycopg.errors.InvalidTextRepresentation):
            insert_and_copy(conn)
        assert conn.execute("SELECT count(*) FROM copied").fetchone() == (0,)


def test_two_clients_see_what_the_other_committed(empty_lane_database: Database) -> None:
    url = empty_lane_database.url
    with psycopg.connect(url, autocommit=True) as one, psycopg.connect(url, autocommit=True) as two:
        one.execute("CREATE TABLE t (a int)")
        for number in range(12):  # enough for prepared statements on both sides
            one.execute("INSERT INTO t VALUES (%s)", [number])
            assert two.execute("SELECT max(a) FROM t WHERE a >= %s", [0]).fetchone() == (number,)


def test_client_that_leaves_in_a_transaction_leaves_nothing(empty_lane_database: Database) -> None:
    url = empty_lane_database.url
    with psycopg.connect(url, autocommit=True) as conn:
        conn.execute("CREATE TABLE t (a int)")
    leaver = psycopg.connect(url)
    leaver.execute("INSERT INTO t VALUES (1)")
    leaver.close()
    with psycopg.connect(url, options="-c timezone=UTC") as conn:
        assert conn.execute("SELECT count(*) FROM t").fetchone() == (0,)


def test_notification_reaches_another_client(empty_lane_database: Database) -> None:
    url = empty_lane_database.url
    with psycopg.connect(url, autocommit=True) as one, psycopg.connect(url, autocommit=True) as two:
        one.execute("LISTEN change")
        two.execute("NOTIFY change, '{}'")
        heard = list(one.notifies(timeout=10, stop_after=1))
    assert [notice.payload for notice in heard] == ["{}"]


def test_hypertable_takes_rows(empty_lane_database: Database) -> None:
    if empty_lane_database.engine == "plain":
        return
    with psycopg.connect(empty_lane_database.url, autocommit=True) as conn:
        conn.execute(READING)
        conn.execute("SELECT create_hypertable('reading', by_range('time', INTERVAL '1 day'))")
        conn.execute(HUNDRED_HOURS)
        assert conn.execute("SELECT count(*) FROM reading").fetchone() == (100,)
        chunks = conn.execute("SELECT count(*) FROM show_chunks('reading')").fetchone()
    assert chunks == (5,)


def test_community_keeps_rollups_and_policies(empty_lane_database: Database) -> None:
    if empty_lane_database.engine != "timescale-community":
        return
    with psycopg.connect(empty_lane_database.url, autocommit=True) as conn:
        conn.execute(READING)
        conn.execute("SELECT create_hypertable('reading', by_range('time', INTERVAL '1 day'))")
        conn.execute(
            "ALTER TABLE reading SET (timescaledb.enable_columnstore, timescaledb.segmentby = 'series_id')"
        )
        conn.execute("CALL add_columnstore_policy('reading', after => INTERVAL '14 days')")
        conn.execute("SELECT add_retention_policy('reading', drop_after => INTERVAL '400 days')")
        conn.execute(MINUTES)
        conn.execute(ROLLUP)
        conn.execute("CALL refresh_continuous_aggregate('reading_5m', NULL, NULL)")
        rollup = conn.execute("SELECT count(*), sum(n)::int FROM reading_5m").fetchone()
        for (job,) in conn.execute(
            "SELECT job_id FROM timescaledb_information.jobs WHERE job_id >= 1000"
        ).fetchall():
            conn.execute(f"CALL run_job({job})")
        columnar = conn.execute(COLUMNAR).fetchone()
    assert rollup == (20, 100)
    assert columnar == (True,)


def test_migrated_database_takes_a_reading(lane_database: Database) -> None:
    with psycopg.connect(lane_database.url) as conn:
        conn.execute("INSERT INTO device (id, name) VALUES ('d', 'Device')")
        conn.execute(
            "INSERT INTO series (device_id, name, quantity, unit) VALUES ('d', 'scd41/co2', 'co2', 'ppm')"
        )
        conn.execute("INSERT INTO reading (time, series_id, value) SELECT now(), id, 812 FROM series")
        assert conn.execute("SELECT value FROM series_now").fetchone() == (812,)
