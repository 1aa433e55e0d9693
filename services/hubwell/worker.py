"""The worker process: runs deliveries and scheduled jobs, and publishes lists and notices to devices."""

import asyncio
import logging
from datetime import UTC
from time import monotonic
from typing import Final

import procrastinate
import psycopg
from apscheduler.schedulers.asyncio import AsyncIOScheduler
from apscheduler.triggers.interval import IntervalTrigger

from hubwell.allowlist.build import Texts
from hubwell.allowlist.publish import Publisher
from hubwell.deliver.queue import Deliveries, deliveries
from hubwell.evacuation.stations import update_stations
from hubwell.mqtt.publisher import DevicePublisher
from hubwell.presence.departure_notices import tell_doors
from hubwell.presence.reader_messages import crowded_for_roster, texts_for_roster
from hubwell.schedule import scheduler
from hubwell.settings import Settings
from hubwell.storage.retry import Backoff, WarnOnce
from hubwell.switchboard import Switchboard

_LOG: Final = logging.getLogger(__name__)
_CONCURRENCY: Final = 4
_POLL_S: Final = 5.0
_STEADY_S: Final = 10.0
"""Seconds of work after which a failure is a new one: the back-off and the warning start again."""


async def run(settings: Settings) -> None:
    """Work until cancelled; reconnects to database and broker when they are away."""
    # At INFO httpx would log the webhook's address, which may contain a secret.
    logging.getLogger("httpx").setLevel(logging.WARNING)
    timetable = scheduler(settings, Switchboard.of(settings).commit)
    timetable.start()
    link = DevicePublisher(settings)
    rosters = Publisher(settings, link, Texts(texts_for_roster(), crowded_for_roster()))
    try:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(link.run(), name="hubwell-worker[devices]")
            tasks.create_task(update_stations(settings, link), name="hubwell-worker[muster]")
            tasks.create_task(tell_doors(settings, link), name="hubwell-worker[doors]")
            tasks.create_task(rosters.run(), name="hubwell-worker[rosters]")
            tasks.create_task(_deliver(settings, timetable), name="hubwell-worker[deliveries]")
    finally:
        timetable.shutdown(wait=False)


async def _deliver(settings: Settings, timetable: AsyncIOScheduler) -> None:
    backoff = Backoff()
    warn = WarnOnce(_LOG, "database not usable, the worker tries again: %s", action="database-away")
    while True:
        since = monotonic()
        try:
            await _work(deliveries(settings), timetable)
        except (psycopg.Error, procrastinate.exceptions.ConnectorException, OSError) as error:
            if monotonic() - since > _STEADY_S:
                backoff.reset()
                warn.clear()
            warn(error.__cause__ or error)
        await backoff.wait()


async def _work(queue: Deliveries, timetable: AsyncIOScheduler) -> None:
    async with queue.app.open_async():
        timetable.add_job(
            queue.requeue_stalled,
            IntervalTrigger(seconds=30, timezone=UTC),
            id="requeue-stalled",
            replace_existing=True,
        )
        await queue.app.run_worker_async(
            concurrency=_CONCURRENCY,
            fetch_job_polling_interval=_POLL_S,
            install_signal_handlers=False,
            delete_jobs="successful",
        )
