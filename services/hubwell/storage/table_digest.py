"""Row counts and order-independent digests of tables, to compare two databases.

A table's digest is the sum of a 64-bit hash of each row's text, so it does not depend on the order of rows
or on the engine. It detects accidental differences, not forgery.
"""

from dataclasses import dataclass
from typing import Any, Final, LiteralString

from psycopg import Connection, sql

from hubwell.storage.tables import tables

TABLES: Final = tuple(table.name for table in tables().in_backup)
"""Every table of the hub that a backup carries, each after those that it refers to."""

FLEETING: Final = tuple(table.name for table in tables().tables if not table.backup)
"""Tables of short-lived rows, in no backup, so that a restore does not restore logins."""

_CONTENT: Final[tuple[LiteralString, ...]] = (
    """SELECT s.device_id, s.name, s.unit, r.time, r.value, r.quality
       FROM reading r JOIN series s ON s.id = r.series_id""",
    """SELECT (SELECT array_agg(p.badge ORDER BY p.badge) FROM credential_pseudonym p
               JOIN credential c ON c.id = p.credential_id WHERE c.person_id = v.person_id) AS badges,
              v.space_id, v.during, v.ended_by
       FROM visit v""",
    "SELECT rule, rule_version, space_id, opened_at, resolved_at, peak FROM episode",
)
"""Queries of the content that two runs must share: no surrogate keys, message ids or times of arrival."""


@dataclass(frozen=True, slots=True)
class TableDigest:
    """Number of rows and the sum of their hashes."""

    rows: int
    digest: str


def tables_of(revision: str) -> tuple[str, ...]:
    """Return the tables that a backup of this schema holds, each after those that it refers to."""
    return tuple(table.name for table in tables().in_backup if table.since <= revision)


def table_digest(conn: Connection[Any], table: str) -> TableDigest:
    """Return count and digest of one whole table."""
    return _digest(conn, sql.SQL("SELECT * FROM {}").format(sql.Identifier(table)))


def content_digest(conn: Connection[Any]) -> str:
    """Return one digest of readings, visits and episodes: the same hub gives the same text.

    Two runs of the simulator with one seed agree in it although their ids and arrival times differ.
    """
    return "-".join(_digest(conn, sql.SQL(query)).digest for query in _CONTENT)


def _digest(conn: Connection[Any], query: sql.Composable) -> TableDigest:
    whole = sql.SQL("SELECT count(*), coalesce(sum(hashtextextended(t::text, 0)::numeric), 0) FROM ({}) t")
    row = conn.execute(whole.format(query)).fetchone()
    if row is None:
        raise RuntimeError("an aggregate gave no row")
    return TableDigest(int(row[0]), str(row[1]))
