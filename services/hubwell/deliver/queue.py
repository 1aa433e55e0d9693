"""Queue deliveries in the transaction that causes them, on procrastinate's PostgreSQL queue.

An alert is recorded as an event with one delivery for each channel and target; the jobs that send them
are rows of the same transaction, so an alert is never sent for something that was rolled back, and never
forgotten for something that was committed.
"""

from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import procrastinate
import psycopg
from procrastinate import PsycopgConnector
from procrastinate.jobs import Job
from psycopg import AsyncConnection
from psycopg.types.json import Jsonb

from hubwell.deliver.channels import Channels
from hubwell.events import EpisodeOpened, EpisodeResolved, FaultReported
from hubwell.settings import Settings
from hubwell.storage.queries import Queries

_SQL: Final = Queries("hubwell.deliver")
_NEWS: Final = timedelta(hours=1)
"""An alert older than this (a replay, a device that was away for days) is recorded but not sent."""
_LONGEST_WAIT_S: Final = 600
_GIVE_UP_AFTER: Final = 150
"""Attempts: with waits of at most ten minutes, about a day."""

Delivered = EpisodeOpened | EpisodeResolved | FaultReported


class PatientRetry(procrastinate.BaseRetryStrategy):
    """Wait 1, 2, 4 ... seconds, at most ten minutes, for about a day."""

    def get_retry_decision(self, *, exception: BaseException, job: Job) -> procrastinate.RetryDecision | None:
        """Return when to try again, or None to give up."""
        del exception  # any failure to send is worth another try
        if job.attempts >= _GIVE_UP_AFTER:
            return None
        seconds = min(2**job.attempts, _LONGEST_WAIT_S)
        return procrastinate.RetryDecision(retry_in={"seconds": seconds})


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
        for channel, target in self._channels.targets():
            delivery = {"event": row[0], "channel": channel, "target": target}
            await conn.execute(_SQL["add_delivery"], delivery)
            await self._defer(conn, delivery)

    async def _defer(self, conn: AsyncConnection[Any], delivery: dict[str, Any]) -> None:
        """Queue one delivery. Raises psycopg.Error like everything else in the transaction."""
        try:
            await self._task.configure(connection=conn).defer_async(**delivery)
        except procrastinate.exceptions.ConnectorException as error:
            if isinstance(error.__cause__, psycopg.Error):
                raise error.__cause__ from None
            raise

    async def requeue_stalled(self) -> None:
        """Requeue the jobs of a killed worker; deliveries that it had sent are not sent again."""
        for job in await self.app.job_manager.get_stalled_jobs():
            await self.app.job_manager.retry_job(job)

    async def _deliver(self, *, event: int, channel: str, target: str) -> None:
        """Send one delivery if it was not sent before; store the result."""
        delivery = {"event": event, "channel": channel, "target": target}
        async with self._channels.connection() as conn, conn.transaction():
            row = await (await conn.execute(_SQL["find_delivery"], delivery)).fetchone()
            if row is None:
                return
            error = await self._channels.send(conn, channel, target, row)
            if error is None:
                await conn.execute(_SQL["delivered"], delivery)
            else:
                await conn.execute(_SQL["failed"], {**delivery, "error": error})
        if error is not None:
            raise DeliveryError(error)


def deliveries(settings: Settings) -> Deliveries:
    """Return the delivery queue of these settings; nothing connects until it is opened or used."""
    connector = PsycopgConnector(conninfo=settings.database_url, kwargs={"application_name": "hubwell-queue"})
    return Deliveries(procrastinate.App(connector=connector), Channels(settings))


class DeliveryError(Exception):
    """A channel could not deliver; the text is the reason and is stored with the delivery."""


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
