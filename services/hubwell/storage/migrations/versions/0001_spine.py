"""From sensor to screen: spaces, devices, the ledger, readings, visits, episodes, deliveries."""

from hubwell.storage.engine import Engine
from hubwell.storage.migrations import engine, run_sql

revision = "0001"
down_revision = None

_ROLLUPS = {
    Engine.PLAIN: "0001_rollup_view.sql",
    Engine.TIMESCALE_APACHE: "0001_rollup_view.sql",
    Engine.TIMESCALE_COMMUNITY: "0001_rollup_continuous.sql",
}


def upgrade() -> None:
    """Create everything; only the storage of readings and their rollup differ between engines."""
    run_sql("0001_extensions.sql")
    run_sql("0001_spine.sql")
    found = engine()
    if found.has_hypertables:
        run_sql("0001_hypertable.sql")
    run_sql(_ROLLUPS[found])
    run_sql("0001_views.sql")
