"""Queue deliveries in the transaction that causes them, on procrastinate's PostgreSQL queue.

An alert is recorded as an event with one delivery for each channel and target; the jobs that send them
are rows of the same transaction, so an alert is never sent for something that was rolled back, and never
forgotten for something that was committed.
"""

import asyncio
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from math import ceil
from typing import Any, Final

import procrastinate
import psycopg
from procrastinate.jobs import Job
from psycopg import AsyncConnection
from psycopg.types.json import Jsonb

from hubwell.deliver.channels import BOARD, LANES, Channels, DeliveryError, EventRow
from hubwell.deliver.connector import QueueConnector
from hubwell.events import EpisodeOpened, EpisodeResolved, FaultReported
from hubwell.settings import Settings
from hubwell.storage.queries import Queries

_SQL: Final = Queries("hubwell.deliver")
_NEWS: Final = timedelta(hours=1)
"""An alert older than this (a replay, a device that was away for days) is recorded but not sent."""
_LONGEST_WAIT_S: Final = 600
_GIVE_UP_AFTER: Final = 150
"""Attempts: with waits of at most ten minutes, about a day."""
_TOO_OLD: Final = timedelta(hours=25)
"""Age at which a receiver that asked to wait for long gets no more attempts: the same day, and `_NEWS`."""
_LANE_CONCURRENCY: Final = {BOARD: 4}
"""Deliveries at a time in a lane; else one, because a receiver that asks to wait means all of them."""
_POLL_S: Final = 5.0
_STOP_WITHIN_S: Final = 1.0
"""Seconds that a delivery gets when the worker stops; what was not noted is sent again, under its key."""

Delivered = EpisodeOpened | EpisodeResolved | FaultReported


class PatientRetry(procrastinate.BaseRetryStrategy):
    """Wait 1, 2, 4 ... seconds, at most ten minutes, for about a day; longer if the receiver asks for it."""

    def get_retry_decision(self, *, exception: BaseException, job: Job) -> procrastinate.RetryDecision | None:
        """Return when to try again, or None to give up."""
        if job.attempts >= _GIVE_UP_AFTER:
            return None
        seconds: float = min(2**job.attempts, _LONGEST_WAIT_S)
        if isinstance(exception, DeliveryError):
            seconds = max(seconds, exception.retry_after_s)
        return procrastinate.RetryDecision(retry_in={"seconds": ceil(seconds)})


class Deliveries:
    """The queue, for the process that fills it and for the one that empties it."""

    def __init__(self, app: procrastinate.App, channels: Channels) -> None:
        self.app = app
        self._channels = channels
        self._task = app.task(name="hubwell.deliver", retry=PatientRetry(), pass_context=False)(self._deliver)

    async def record(self, conn: AsyncConnection[Any], fact: Delivered) -> None:
        """Record an event and queue its deliveries, in the caller's transaction."""
        occurred_at = _time_of(fact)
        values = {
            "type": type(fact).__name__,
            "at": occurred_at,
            "space": fact.space_id,
            "payload": Jsonb(_payload(fact)),
        }
        row = await (await conn.execute(_SQL["add_event"], values)).fetchone()
        if row is None:
            raise RuntimeError("an INSERT with RETURNING gave no row")
        # A device fault is shown on the devices page and never sent to an officer: silence is no danger.
        if isinstance(fact, FaultReported) or datetime.now(UTC) - occurred_at > _NEWS:
            return
        for channel, target in self._channels.targets(personal=row[1]):
            delivery = {"event": row[0], "channel": channel, "target": target}
            await conn.execute(_SQL["add_delivery"], delivery)
            await self._defer(conn, delivery)

    async def _defer(self, conn: AsyncConnection[Any], delivery: dict[str, Any]) -> None:
        """Queue one delivery. Raises psycopg.Error like everything else in the transaction."""
        try:
            job = self._task.configure(connection=conn, queue=delivery["channel"])
            await job.defer_async(**delivery)
        except procrastinate.exceptions.ConnectorException as error:
            if isinstance(error.__cause__, psycopg.Error):
                raise error.__cause__ from None
            raise

    async def work(self) -> None:
        """Deliver until cancelled, each channel in its lane. Raises what ended the first of them."""
        lanes = [asyncio.create_task(self._work_on(lane), name=f"hubwell-worker[{lane}]") for lane in LANES]
        try:
            await asyncio.gather(*lanes)
        finally:
            for lane in lanes:
                if not lane.cancelling():  # a second cancellation would interrupt the orderly end
                    lane.cancel()
            await asyncio.gather(*lanes, return_exceptions=True)

    async def _work_on(self, lane: str) -> None:
        await self.app.run_worker_async(
            queues=[lane],
            name=lane,
            concurrency=_LANE_CONCURRENCY.get(lane, 1),
            fetch_job_polling_interval=_POLL_S,
            install_signal_handlers=False,
            shutdown_graceful_timeout=_STOP_WITHIN_S,
            delete_jobs="successful",
        )

    async def requeue_stalled(self) -> None:
        """Requeue the jobs of a killed worker, and sort jobs of an earlier release into the lanes.

        Deliveries that the killed worker had noted as sent are not sent again.
        """
        async with self._channels.connection() as conn:
            await conn.execute(_SQL["sort_into_lanes"])
        for job in await self.app.job_manager.get_stalled_jobs():
            await self.app.job_manager.retry_job(job)

    async def _deliver(self, *, event: int, channel: str, target: str) -> None:
        """Send one delivery if it was not sent before; store the result. Raises DeliveryError."""
        delivery = {"event": event, "channel": channel, "target": target}
        if channel == BOARD:
            await self._show(delivery)
            return
        # No transaction while another server is waited for: the job is this worker's, as the queue says.
        async with self._channels.connection() as conn:
            row = await (await conn.execute(_SQL["find_delivery"], delivery)).fetchone()
        if row is not None:
            await self._post(delivery, row)

    async def _show(self, delivery: dict[str, Any]) -> None:
        async with self._channels.connection() as conn, conn.transaction():
            row = await (await conn.execute(_SQL["claim_delivery"], delivery)).fetchone()
            if row is not None:
                await self._channels.show(conn, row)
                await conn.execute(_SQL["delivered"], delivery)

    async def _post(self, delivery: dict[str, Any], row: EventRow) -> None:
        if datetime.now(UTC) - row[2] > _TOO_OLD:
            await self._note("failed", {**delivery, "error": "given up: the alert is more than a day old"})
            return
        try:
            await self._channels.post(delivery["target"], row)
        except DeliveryError as error:
            await self._note("failed", {**delivery, "error": str(error)})
            raise
        await self._note("delivered", delivery)

    async def _note(self, result: str, values: dict[str, Any]) -> None:
        async with self._channels.connection() as conn:
            await conn.execute(_SQL[result], values)


def deliveries(settings: Settings) -> Deliveries:
    """Return the delivery queue of these settings; nothing connects until it is opened or used."""
    connector = QueueConnector(conninfo=settings.database_url, kwargs={"application_name": "hubwell-queue"})
    return Deliveries(procrastinate.App(connector=connector), Channels(settings))


def _time_of(fact: Delivered) -> datetime:
    match fact:
        case EpisodeOpened():
            return fact.opened_at
        case EpisodeResolved():
            return fact.resolved_at
        case FaultReported():
            return fact.time


def _payload(fact: Delivered) -> dict[str, Any]:
    """Return the fact as JSON values; facts that leave the hub hold no personal data."""
    return {
        key: value if isinstance(value, int | float) or value is None else _text(value)
        for key, value in asdict(fact).items()
    }


def _text(value: object) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)
