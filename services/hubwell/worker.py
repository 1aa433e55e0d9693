"""The worker process: empties the delivery queue, keeps the timetable, tells devices what they need."""

import asyncio
import logging
from datetime import UTC
from typing import Final

import procrastinate
import psycopg
from apscheduler.schedulers.asyncio import AsyncIOScheduler
from apscheduler.triggers.interval import IntervalTrigger

from hubwell.allowlist.build import Texts
from hubwell.allowlist.publish import Publisher
from hubwell.deliver.queue import Deliveries, deliveries
from hubwell.evacuation.stations import tell_stations
from hubwell.mqtt.publisher import DevicePublisher
from hubwell.presence.departure_notices import tell_doors
from hubwell.presence.reader_messages import crowded_for_roster, texts_for_roster
from hubwell.schedule import scheduler
from hubwell.settings import Settings
from hubwell.switchboard import Switchboard

_LOG: Final = logging.getLogger(__name__)
_CONCURRENCY: Final = 4
_POLL_S: Final = 5.0
_PAUSE_S: Final = 2.0


async def run(settings: Settings) -> None:
    """Work until cancelled; a database or broker that is away is waited for."""
    # At INFO it would log the webhook's address, and with it what is secret in it.
    logging.getLogger("httpx").setLevel(logging.WARNING)
    timetable = scheduler(settings, Switchboard.of(settings).commit)
    timetable.start()
    link = DevicePublisher(settings)
    rosters = Publisher(settings, link, Texts(texts_for_roster(), crowded_for_roster()))
    try:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(link.run(), name="hubwell-worker[devices]")
            tasks.create_task(tell_stations(settings, link), name="hubwell-worker[muster]")
            tasks.create_task(tell_doors(settings, link), name="hubwell-worker[doors]")
            tasks.create_task(rosters.run(), name="hubwell-worker[rosters]")
            tasks.create_task(_deliver(settings, timetable), name="hubwell-worker[deliveries]")
    finally:
        timetable.shutdown(wait=False)


async def _deliver(settings: Settings, timetable: AsyncIOScheduler) -> None:
    while True:
        try:
            await _work(deliveries(settings), timetable)
        except (psycopg.Error, procrastinate.exceptions.ConnectorException, OSError) as error:
            reason = str(error.__cause__ or error).strip() or type(error).__name__
            _LOG.warning("database not usable, the worker tries again: %s", reason.splitlines()[0])
        await asyncio.sleep(_PAUSE_S)


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
