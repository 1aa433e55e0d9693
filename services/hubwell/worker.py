"""The worker process: runs deliveries and scheduled jobs, and publishes lists and notices to devices."""

import asyncio
import logging
from datetime import UTC
from time import monotonic
from typing import Final, get_args

import procrastinate
import psycopg
from apscheduler.schedulers.asyncio import AsyncIOScheduler
from apscheduler.triggers.interval import IntervalTrigger

from hubwell.allowlist.build import Texts
from hubwell.allowlist.publish import Publisher
from hubwell.deliver.queue import Deliveries, deliveries
from hubwell.errors import first_line
from hubwell.evacuation.announcement import Kind, sentences
from hubwell.evacuation.stations import update_stations
from hubwell.hub_profile.follow import follow
from hubwell.mqtt.publisher import DevicePublisher
from hubwell.presence.departure_notices import tell_doors
from hubwell.presence.reader_messages import crowded_for_roster, texts_for_roster
from hubwell.schedule import scheduler
from hubwell.service.sign_of_life import SignOfLife
from hubwell.settings import Settings
from hubwell.storage.retry import Backoff, WarnOnce
from hubwell.switchboard import Switchboard
from hubwell_wire.enumerations import Language

_LOG: Final = logging.getLogger(__name__)
_STEADY_S: Final = 10.0
"""Seconds of work after which a failure is a new one: the back-off and the warning start again."""


async def run(settings: Settings) -> None:
    """Work until cancelled; reconnects to database and broker when they are away.

    Administrators change the hub's settings in the browser: then everything but the sign of life begins anew.
    """
    async with asyncio.TaskGroup() as tasks:
        sign = SignOfLife(settings.database_url, "worker")
        tasks.create_task(sign.run(), name="hubwell-worker[sign of life]")
        tasks.create_task(follow(settings, _run, name="worker"), name="hubwell-worker[hub]")


async def _run(settings: Settings) -> None:
    timetable = scheduler(settings, Switchboard.of(settings).commit)
    timetable.start()
    link = DevicePublisher(settings)
    rosters = Publisher(settings, link, reader_texts(settings))
    try:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(link.run(), name="hubwell-worker[devices]")
            tasks.create_task(update_stations(settings, link), name="hubwell-worker[muster]")
            tasks.create_task(tell_doors(settings, link), name="hubwell-worker[doors]")
            tasks.create_task(rosters.run(), name="hubwell-worker[rosters]")
            tasks.create_task(_deliver(settings, timetable), name="hubwell-worker[deliveries]")
    finally:
        timetable.shutdown(wait=False)


def reader_texts(settings: Settings) -> Texts:
    """Return what readers say by themselves, for their lists."""
    kinds: tuple[Kind, ...] = get_args(Kind)
    evacuation: dict[str, dict[Language, str]] = {
        kind: sentences(kind, settings.assembly_point) for kind in kinds
    }
    return Texts(texts_for_roster(), crowded_for_roster(), evacuation)


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
            _requeue,
            IntervalTrigger(seconds=30, timezone=UTC),
            args=[queue],
            id="requeue-stalled",
            replace_existing=True,
        )
        await queue.requeue_stalled()
        await queue.work()


async def _requeue(queue: Deliveries) -> None:
    try:
        await queue.requeue_stalled()
    except (psycopg.Error, procrastinate.exceptions.ConnectorException) as error:
        _LOG.warning(
            "stalled deliveries are looked for at the next turn: %s", first_line(error.__cause__ or error)
        )
