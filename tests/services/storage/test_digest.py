from datetime import UTC, datetime, time, timedelta

from feed.ingest_setup import commit, device_in, reading, rows
from feed.simulated_device import Device, Packet
from hubwell.storage.table_digest import FLEETING, TABLES, content_digest, table_digest
from lanes.database_lane import Database

BEGIN = datetime(2026, 3, 2, 8, tzinfo=UTC)
OF_THE_SCHEMA = {"schema_migration"}
CLOSING = time(22)


def hour(pi: Device) -> list[Packet]:
    packets = [
        pi.telemetry(BEGIN + timedelta(minutes=n), {"co2": 1500.0 + n / 7, "presence": 1.0})
        for n in range(40)
    ]
    return [*packets, pi.tap(BEGIN, bytes(16)), pi.tap(BEGIN + timedelta(hours=1), bytes(16))]


def test_every_table_of_the_hub_is_known(database: Database) -> None:
    """A table that is left out here would be left out of every backup."""
    found = rows(
        database.url,
        "SELECT table_name::text FROM information_schema.tables "
        "WHERE table_schema = 'public' AND table_type = 'BASE TABLE' "
        "AND table_name NOT LIKE 'procrastinate%'",
    )
    assert {name for (name,) in found} - OF_THE_SCHEMA - set(FLEETING) == set(TABLES)


def test_tables_stand_after_those_they_refer_to(database: Database) -> None:
    found = rows(
        database.url,
        "SELECT conrelid::regclass::text, confrelid::regclass::text FROM pg_constraint WHERE contype = 'f'",
    )
    pairs = [(table, other) for table, other in found if table in TABLES]
    assert pairs
    # A table that refers to itself is restored in one statement, after which the reference is checked.
    assert all(other == table or TABLES.index(other) < TABLES.index(table) for table, other in pairs)


def test_same_content_has_the_same_digest_on_every_engine(
    lane_database: Database, database: Database
) -> None:
    """Other ids, other times of arrival, another order, another engine: the hub knows the same."""
    digests = []
    for url, turned in ((lane_database.url, 1), (database.url, -1)):
        for space in ("lab", "den")[::turned]:
            device_in(url, space)
        for space in ("den", "lab")[::turned]:
            commit(url, hour(Device(f"{space}-pi")), closing_time=CLOSING)
        with reading(url) as conn:
            digests.append(content_digest(conn))
    assert digests[0] == digests[1]


def test_every_changed_value_changes_the_digest(database: Database) -> None:
    commit(database.url, hour(device_in(database.url, "lab")), closing_time=CLOSING)
    with reading(database.url) as conn:
        seen = {content_digest(conn)}
        for number, change in enumerate(
            [
                "UPDATE reading SET value = value + 1e-9 WHERE time = (SELECT min(time) FROM reading)",
                "UPDATE reading SET time = time + '1 us' WHERE time = (SELECT max(time) FROM reading)",
                "UPDATE reading SET quality = 1 WHERE time = (SELECT min(time) FROM reading)",
                "DELETE FROM reading WHERE time = (SELECT max(time) FROM reading)",
                "UPDATE visit SET ended_by = 'moved'",
                "UPDATE episode SET peak = peak + 1",
            ],
            start=2,
        ):
            conn.execute(change)
            seen.add(content_digest(conn))
            assert len(seen) == number, change


def test_table_digest_counts_and_does_not_depend_on_order(database: Database) -> None:
    with reading(database.url) as conn:
        empty = table_digest(conn, "space")
        insert = "INSERT INTO space (id, name, kind, capacity) VALUES (%s, %s, 'workshop', 1)"
        for name in ("a", "b"):
            conn.execute(insert, [name, name])
        forward = table_digest(conn, "space")
        conn.execute("DELETE FROM space")
        for name in ("b", "a"):
            conn.execute(insert, [name, name])
        assert table_digest(conn, "space") == forward
    assert (empty.rows, empty.digest, forward.rows) == (0, "0", 2)
