"""Find out which of the three supported database engines answers, so that one schema fits all.

Everything that only TimescaleDB gives is switched on here and in the migrations; queries and dashboards
use the same names on every engine.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import psycopg


class Engine(StrEnum):
    """What stores the readings."""

    PLAIN = "plain"
    TIMESCALE_APACHE = "timescale-apache"
    TIMESCALE_COMMUNITY = "timescale-community"

    @property
    def has_hypertables(self) -> bool:
        """Whether `reading` is a hypertable."""
        return self is not Engine.PLAIN

    @property
    def has_continuous_aggregates(self) -> bool:
        """Whether rollups are kept by the database itself."""
        return self is Engine.TIMESCALE_COMMUNITY

    @property
    def variants(self) -> frozenset[str]:
        """Which files of the schema are for this engine, by the second part of their names."""
        rollup = "rollup_continuous" if self.has_continuous_aggregates else "rollup_view"
        return frozenset({rollup, "hypertable"} if self.has_hypertables else {rollup})


@dataclass(frozen=True, slots=True)
class DatabaseVersion:
    """What answers at the other end, for `doctor` and the health page."""

    engine: Engine
    postgresql: str
    timescaledb: str | None


_TIMESCALE = """
SELECT e.extversion, current_setting('timescaledb.license', true)
FROM pg_extension e WHERE e.extname = 'timescaledb'
"""


def detect(conn: psycopg.Connection[Any]) -> DatabaseVersion:
    """Ask an open connection for its engine and versions."""
    version = conn.execute("SHOW server_version").fetchone()
    row = conn.execute(_TIMESCALE).fetchone()
    postgresql = str(version[0]) if version else "unknown"
    if row is None:
        return DatabaseVersion(Engine.PLAIN, postgresql, None)
    engine = Engine.TIMESCALE_COMMUNITY if row[1] == "timescale" else Engine.TIMESCALE_APACHE
    return DatabaseVersion(engine, postgresql, str(row[0]))
