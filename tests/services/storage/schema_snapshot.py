"""The schema of a database from its catalogue, to compare two; and a database of the landed release."""

from pathlib import Path
from typing import Any, Final

import psycopg

from feed.ingest_setup import rows
from hubwell.storage.engine import Engine, detect
from hubwell.storage.revisions import queue_migrations, queue_sql

LANDED: Final = Path(__file__).with_name("landed")
"""The files of SQL of the release with the revisions 0001 and 0002, as they were."""

CATALOG: Final = {
    "relations": """
        SELECT relname, relkind, relpersistence, reloptions, obj_description(oid, 'pg_class') FROM pg_class c
        WHERE relnamespace = 'public'::regnamespace
          AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = c.oid AND d.deptype = 'e')
        """,
    "columns": """
        SELECT c.relname, a.attname, a.attnum, format_type(a.atttypid, a.atttypmod), a.attnotnull,
               a.attidentity, a.attgenerated, pg_get_expr(d.adbin, d.adrelid),
               col_description(c.oid, a.attnum)
        FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
        LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum
        WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'v', 'm', 'p', 'f')
          AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = c.oid AND d.deptype = 'e')
        """,
    "constraints": """
        SELECT conrelid::regclass::text, contypid::regtype::text, conname, pg_get_constraintdef(oid),
               convalidated
        FROM pg_constraint WHERE connamespace = 'public'::regnamespace
        """,
    "indexes": "SELECT tablename, indexname, indexdef FROM pg_indexes WHERE schemaname = 'public'",
    "views": "SELECT viewname, definition FROM pg_views WHERE schemaname = 'public'",
    "functions": """
        SELECT pg_get_functiondef(p.oid) FROM pg_proc p
        WHERE p.pronamespace = 'public'::regnamespace AND p.prokind IN ('f', 'p')
          AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = p.oid AND d.deptype = 'e')
        """,
    "triggers": """
        SELECT tgrelid::regclass::text, tgname, pg_get_triggerdef(oid) FROM pg_trigger
        WHERE NOT tgisinternal
          AND tgname NOT LIKE 'ts!_%' ESCAPE '!' -- TimescaleDB's own
          AND tgrelid IN (SELECT oid FROM pg_class WHERE relnamespace = 'public'::regnamespace)
        """,
    "types": """
        SELECT t.typname, t.typtype, format_type(t.typbasetype, t.typtypmod),
               (SELECT array_agg(enumlabel ORDER BY enumsortorder) FROM pg_enum WHERE enumtypid = t.oid)
        FROM pg_type t WHERE typnamespace = 'public'::regnamespace AND typtype IN ('d', 'e')
          AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = t.oid AND d.deptype = 'e')
        """,
    "grants": """
        SELECT c.relname, a.privilege_type, a.grantee::regrole::text, a.is_grantable
        FROM pg_class c CROSS JOIN LATERAL aclexplode(c.relacl) a WHERE relnamespace = 'public'::regnamespace
        """,
    "extensions": "SELECT extname, extversion FROM pg_extension",
}
_POLICIES: Final = """
SELECT proc_name, schedule_interval, config - 'mat_hypertable_id' - 'hypertable_id'
FROM timescaledb_information.jobs WHERE job_id >= 1000
"""


def schema(url: str) -> dict[str, list[tuple[Any, ...]]]:
    """Return what the catalogue has of everything that the hub and its queue create."""
    found = {name: sorted(rows(url, query), key=repr) for name, query in CATALOG.items()}
    if rows(url, "SELECT FROM pg_extension WHERE extname = 'timescaledb'"):
        found["policies"] = sorted(rows(url, _POLICIES), key=repr)
    return found


def create_landed(url: str, revision: str = "0002") -> None:
    """Make the database of the landed release, step by step as its migrations did."""
    with psycopg.connect(url, autocommit=True) as conn:
        _run(conn, "0001_extensions", "0001_spine")
        engine = detect(conn).engine
        if engine.has_hypertables:
            _run(conn, "0001_hypertable")
        _run(conn, "0001_rollup_continuous" if engine is Engine.TIMESCALE_COMMUNITY else "0001_rollup_view")
        _run(conn, "0001_views")
        if revision == "0002":
            with conn.transaction():  # one of its tables lasts until the commit
                _run(conn, "0002_people", "0002_access", "0002_privacy", "0002_views")
        conn.execute("CREATE TABLE alembic_version (version_num varchar(32) PRIMARY KEY)")
        conn.execute("INSERT INTO alembic_version VALUES (%s)", [revision])
        conn.execute("CREATE TABLE queue_schema (migration text PRIMARY KEY)")
        conn.execute((queue_sql() / "schema.sql").read_bytes())
        for path in queue_migrations():
            conn.execute("INSERT INTO queue_schema VALUES (%s)", [path.name])


def _run(conn: psycopg.Connection[Any], *names: str) -> None:
    for name in names:
        conn.execute((LANDED / f"{name}.sql").read_bytes())
