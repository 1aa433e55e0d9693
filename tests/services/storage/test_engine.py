from hubwell.storage.connect import connect_sync
from hubwell.storage.engine import Engine, detect
from lanes.database_lane import Database


def test_engine_is_found_out(lane_database: Database) -> None:
    with connect_sync(lane_database.url, name="test") as conn:
        found = detect(conn)
        hypertables = conn.execute(
            "SELECT to_regclass('_timescaledb_catalog.hypertable') IS NOT NULL"
        ).fetchone()
    assert found.engine == lane_database.engine
    assert hypertables == (found.engine.has_hypertables,)
    assert found.postgresql.split(".")[0].isdecimal()
    assert (found.timescaledb is None) == (found.engine is Engine.PLAIN)


def test_readings_are_a_hypertable_where_there_are_some(lane_database: Database) -> None:
    with connect_sync(lane_database.url, name="test") as conn:
        if not detect(conn).engine.has_hypertables:
            return
        found = conn.execute(
            "SELECT hypertable_name::text FROM timescaledb_information.hypertables"
        ).fetchall()
    assert ("reading",) in found


def test_connections_speak_utc(database: Database) -> None:
    with connect_sync(database.url, name="test") as conn:
        assert conn.execute("SHOW timezone").fetchone() == ("UTC",)
        assert conn.execute("SHOW application_name").fetchone() == ("hubwell-test",)
