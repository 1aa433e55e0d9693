"""Detect which of the three supported database engines a server runs.

Features of TimescaleDB are used in migrations and variants of the schema's files only (`Engine.variants`);
queries and dashboards use the same names on every engine.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import psycopg


class Engine(StrEnum):
    """The database engine: PostgreSQL, or TimescaleDB under one of its two licences."""

    PLAIN = "plain"
    TIMESCALE_APACHE = "timescale-apache"
    TIMESCALE_COMMUNITY = "timescale-community"

    @property
    def has_hypertables(self) -> bool:
        """Whether `reading` is a hypertable."""
        return self is not Engine.PLAIN

    @property
    def has_continuous_aggregates(self) -> bool:
        """Whether the database maintains rollups (continuous aggregates)."""
        return self is Engine.TIMESCALE_COMMUNITY

    @property
    def variants(self) -> frozenset[str]:
        """Variants of the schema's files for this engine: the second part of their names."""
        rollup = "rollup_continuous" if self.has_continuous_aggregates else "rollup_view"
        return frozenset({rollup, "hypertable"} if self.has_hypertables else {rollup})


@dataclass(frozen=True, slots=True)
class DatabaseVersion:
    """Engine and versions of a database server, for `doctor` and the health page."""

    engine: Engine
    postgresql: str
    timescaledb: str | None


_TIMESCALE = """
SELECT e.extversion, current_setting('timescaledb.license', true)
FROM pg_extension e WHERE e.extname = 'timescaledb'
"""


def detect(conn: psycopg.Connection[Any]) -> DatabaseVersion:
    """Return engine and versions of a connection's server. Raises psycopg.Error."""
    version = conn.execute("SHOW server_version").fetchone()
    row = conn.execute(_TIMESCALE).fetchone()
    postgresql = str(version[0]) if version else "unknown"
    if row is None:
        return DatabaseVersion(Engine.PLAIN, postgresql, None)
    engine = Engine.TIMESCALE_COMMUNITY if row[1] == "timescale" else Engine.TIMESCALE_APACHE
    return DatabaseVersion(engine, postgresql, str(row[0]))
