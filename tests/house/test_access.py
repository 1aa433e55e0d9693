"""Which tables a statement reads and writes."""

import pytest

from house_rules.tables.access import UnreadableSqlError, access


@pytest.mark.parametrize(
    ("sql", "reads", "writes"),
    [
        ("SELECT a FROM space s JOIN device d ON d.space_id = s.id", "space device", ""),
        ("INSERT INTO tap (id) SELECT id FROM visit ON CONFLICT DO NOTHING", "visit", "tap"),
        ("INSERT INTO tap (id) VALUES (%(id)s) RETURNING id", "", "tap"),
        ("UPDATE visit v SET a = %(a)s FROM person p WHERE p.id = v.person_id", "person", "visit"),
        ("DELETE FROM tap USING person p WHERE p.id = tap.person_id", "person", "tap"),
        ("WITH gone AS (DELETE FROM tap RETURNING id) SELECT count(*) FROM gone", "", "tap"),
        ("SELECT * FROM unnest(%(ids)s::int[]) AS new (id), space", "space", ""),
        ("SELECT (SELECT name FROM person) FROM stream, unnest(received) AS part", "person stream", ""),
        ("COPY reading (time, value) FROM STDIN (FORMAT BINARY)", "", "reading"),
        ("COPY (SELECT * FROM reading) TO STDOUT", "reading", ""),
        ("-- one at a time\nLOCK TABLE people_gate IN EXCLUSIVE MODE", "", "people_gate"),
        ("LOCK a, b", "", "a b"),
        ("TRUNCATE reading", "", "reading"),
        ("LISTEN hubwell_desk", "", ""),
        ("SELECT id FROM visit v FOR NO KEY UPDATE OF v", "visit", ""),
        ("FROM tap t WHERE NOT EXISTS (SELECT FROM visit)", "visit", "tap"),
        ("SELECT FROM pg_stat_activity", "", ""),
        ("SELECT count(*) FROM space WHERE name LIKE '%%a' AND {raise_at} < 1", "space", ""),
        ("SELECT x FROM space WHERE $__timeFilter(bucket)", "space", ""),
    ],
)
def test_tables_of_a_statement(sql: str, reads: str, writes: str) -> None:
    found = access(sql)
    assert found.reads == set(reads.split())
    assert found.writes == set(writes.split())


def test_a_with_query_hides_the_table_of_its_name_only_where_it_can_be_seen() -> None:
    assert access("WITH device AS (SELECT 1) SELECT * FROM device").reads == set()
    assert access("WITH device AS (SELECT * FROM device) SELECT * FROM device").reads == {"device"}
    assert access("WITH RECURSIVE run AS (SELECT 1 UNION ALL SELECT * FROM run) TABLE run").reads == set()
    assert access("SELECT (WITH tap AS (SELECT 1) SELECT * FROM tap) FROM tap").reads == {"tap"}


@pytest.mark.parametrize(
    "sql", ["SELECT FROM WHERE", "GRANT SELECT ON person TO reader", "-- nothing", "SELECT 'a"]
)
def test_what_cannot_be_read_is_refused(sql: str) -> None:
    with pytest.raises(UnreadableSqlError):
        access(sql)
