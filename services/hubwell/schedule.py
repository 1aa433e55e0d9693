"""The timetable: triggers and the jobs they run; the work itself is in the jobs."""

import logging
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime
from typing import Any, Final

import psycopg
from apscheduler.schedulers.asyncio import AsyncIOScheduler
from apscheduler.triggers.base import BaseTrigger
from apscheduler.triggers.cron import CronTrigger
from apscheduler.triggers.interval import IntervalTrigger
from psycopg import AsyncConnection

from hubwell.evacuation import actions as muster
from hubwell.events import Fact, Facts
from hubwell.hub_profile import actions as hub_profile
from hubwell.ingest import rollup
from hubwell.presence import actions as presence
from hubwell.privacy import publish_counts, publish_shown, retention
from hubwell.settings import Settings
from hubwell.storage.connect import connection
from hubwell.workflows.door import no_shows
from hubwell.workflows.register import archiving

_LOG: Final = logging.getLogger(__name__)

Job = Callable[[AsyncConnection[Any], datetime, Settings], Awaitable[Fact | Facts | None]]
"""Does its work as of a time, in the transaction of the connection; returns what happened, if anything."""
Commit = Callable[[AsyncConnection[Any], Facts], Awaitable[object]]
"""The switchboard's `commit`."""

TIMETABLE: Final[tuple[tuple[BaseTrigger, Job], ...]] = (
    (IntervalTrigger(minutes=5, timezone=UTC), presence.close_forgotten),
    (IntervalTrigger(minutes=5, timezone=UTC), muster.close_forgotten),
    (CronTrigger(minute="*/5", second=30, timezone=UTC), publish_counts.close_windows),
    (IntervalTrigger(seconds=30, timezone=UTC), publish_shown.copy_shown),
    (IntervalTrigger(minutes=5, timezone=UTC), publish_shown.copy_ledger),
    (IntervalTrigger(seconds=20, timezone=UTC), rollup.roll_up),
    (IntervalTrigger(minutes=1, timezone=UTC), hub_profile.note_grafana),
    (IntervalTrigger(minutes=1, timezone=UTC), no_shows.release_due),
    (IntervalTrigger(minutes=1, timezone=UTC), retention.retention_each_minute),
    (IntervalTrigger(minutes=1, timezone=UTC), archiving.delete_removed_demo),
    (IntervalTrigger(hours=1, timezone=UTC), retention.retention_hourly),
)


def scheduler(settings: Settings, commit: Commit) -> AsyncIOScheduler:
    """Return the timetable, not yet started. A run is one transaction, with the reactions to what it did."""
    timetable = AsyncIOScheduler(timezone=UTC)
    for trigger, job in TIMETABLE:
        timetable.add_job(
            _in_transaction,
            trigger,
            args=[settings, commit, job],
            id=f"{job.__module__}.{job.__name__}",
            coalesce=True,
            max_instances=1,
            misfire_grace_time=60,
        )
    return timetable


async def _in_transaction(settings: Settings, commit: Commit, job: Job) -> None:
    try:
        async with connection(settings.database_url, name="jobs") as conn, conn.transaction():
            facts = await job(conn, datetime.now(UTC), settings)
            await commit(conn, [] if facts is None else facts if isinstance(facts, Sequence) else [facts])
    except psycopg.Error as error:
        _LOG.warning("job %s.%s is left for its next turn: %s", job.__module__, job.__name__, error)
