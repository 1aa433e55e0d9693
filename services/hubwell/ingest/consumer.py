"""The ingest process: broker -> batch -> one transaction -> commit -> answer taps -> acknowledge -> receipt.

Nothing is acknowledged before the commit. While the database is away the same batch is tried again and
nothing more is read: the broker's Receive Maximum is the back-pressure. A batch that the database refuses
is split until the message that causes it is alone; that message is stored as rejected.
"""

import asyncio
import gc
import logging
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime
from typing import Any, Final

import psycopg
from nacl.signing import SigningKey
from psycopg import AsyncConnection

from hubwell.errors import DomainError, first_line
from hubwell.events import Facts, TapAnswered
from hubwell.ingest.batch import Arrival, Batch, Delivered, DeviceState, sort_deliveries
from hubwell.ingest.id_cache import IdCache
from hubwell.ingest.store import Outcome, store_batch
from hubwell.keys import Keys
from hubwell.mqtt.device_messages import Delivery, MessageSource
from hubwell.mqtt.order_signature import Order, sign_order
from hubwell.settings import Settings
from hubwell.storage.connect import connect
from hubwell.storage.retry import Backoff, WarnOnce
from hubwell_wire.commands import Answer
from hubwell_wire.topics import Channel, Topic, site_filter, up_filter

_LOG: Final = logging.getLogger(__name__)
_FIRST_PAUSE_S: Final = 0.2
_LONGEST_PAUSE_S: Final = 5.0
_NOT_MIGRATED: Final = (
    psycopg.errors.UndefinedTable,
    psycopg.errors.UndefinedColumn,
    psycopg.errors.UndefinedFunction,
)
"""Errors of a database with another release's schema: `hubwell migrate` repairs it while ingest waits."""
Commit = Callable[[AsyncConnection[Any], Facts], Awaitable[Sequence[TapAnswered]]]
"""The switchboard's `commit`: reacts in the same transaction and returns the answers for readers."""


def subscriptions(site: str, *, shared: bool = True) -> list[tuple[str, int]]:
    """Return the filters of an ingest process: messages are shared among processes, states go to all.

    A broker sends retained messages only to subscriptions that are not shared.
    """
    # Not shared with the embedded broker: rumqttd 0.20 dies ("group must exists") when the last member of a
    # group leaves during a publish.
    messages = f"$share/hubwell/{up_filter(site)}" if shared else up_filter(site)
    states = [site_filter(site, channel) for channel in (Channel.STATUS, Channel.META)]
    return [(topic, 1) for topic in (messages, *states)]


class Ingest:
    """One ingest process. `worker` numbers several of them, for distinct MQTT client ids."""

    def __init__(self, settings: Settings, commit: Commit, *, worker: str = "1") -> None:
        self._settings = settings
        self._switchboard = commit
        self._worker = worker
        self._registry = IdCache()
        self._conn: AsyncConnection[Any] | None = None
        self._keys = Keys(settings.keys_dir)
        self._warn = WarnOnce(_LOG, "receipts and answers go unsigned: %s", action="orders-unsigned")

    async def run(self, source: MessageSource) -> None:
        """Store what comes from `source` until cancelled."""
        most, wait_s = self._settings.ingest_batch, self._settings.ingest_wait_ms / 1000
        _collect_garbage_seldom()
        try:
            while True:
                await self._commit_and_answer(source, await source.batch(most=most, wait_s=wait_s))
        finally:
            await self.close()

    async def close(self) -> None:
        """Close the connection to the database; `commit` would open it again."""
        if self._conn is not None:
            await self._conn.close()

    async def _commit_and_answer(self, source: MessageSource, deliveries: list[Delivery]) -> None:
        outcomes = await self.commit(deliveries)
        key = self._order_key()

        async def send(topic: Topic, order: Order) -> None:
            await source.publish(str(topic), sign_order(topic, order, key, datetime.now(UTC)))

        for answer in (answer for outcome in outcomes for answer in outcome.answers):
            topic = Topic(self._settings.site, answer.device_id, Channel.CMD)
            await send(topic, _answer(answer))  # first: somebody stands there and waits
        source.acknowledge(deliveries)
        for outcome in outcomes:
            for receipt in outcome.receipts:
                await send(receipt.topic(self._settings.site), receipt.message)

    def _order_key(self) -> SigningKey | None:
        """Return the hub's key, read for each batch, so that a key made meanwhile needs no restart."""
        try:
            key = self._keys.order_key()
        except (DomainError, OSError) as error:
            self._warn(error)  # devices that ask for signatures keep their messages and name the reason
            return None
        self._warn.clear()
        return key

    async def commit(self, deliveries: Sequence[Delivered]) -> list[Outcome]:
        """Store the deliveries and return when they are committed, however long the database is away."""
        backoff = Backoff(_FIRST_PAUSE_S, _LONGEST_PAUSE_S)
        while True:
            try:
                return await self._commit_or_split(deliveries)
            except (psycopg.Error, OSError) as error:
                # Away, restarting, deadlocked, full, not migrated yet: never the messages' fault.
                if isinstance(error, psycopg.ProgrammingError) and not isinstance(error, _NOT_MIGRATED):
                    raise  # a mistake in this program, which waiting does not mend
                self._registry.forget()
                pause = backoff.next_s()
                _LOG.warning("database not usable, trying again in %.1f s: %s", pause, first_line(error))
            await asyncio.sleep(pause)

    async def _commit_or_split(self, deliveries: Sequence[Delivered]) -> list[Outcome]:
        batch = sort_deliveries(deliveries, datetime.now(UTC))
        try:
            return [await self._transaction(batch)]
        except (psycopg.DataError, psycopg.IntegrityError) as error:
            self._registry.forget()
            if len(deliveries) > 1:
                middle = len(deliveries) // 2
                first = await self._commit_or_split(deliveries[:middle])
                return first + await self._commit_or_split(deliveries[middle:])
            return [await self._transaction(_quarantine(batch, error))]

    async def _transaction(self, batch: Batch) -> Outcome:
        conn = await self._connection()
        async with conn.transaction():
            outcome = await store_batch(conn, self._registry, batch)
            outcome.answers = list(await self._switchboard(conn, outcome.facts))
        for item in (*batch.refused, *outcome.set_aside):
            _LOG.warning("rejected (%s) on %s: %s", item.code, item.topic[:120], item.reason)
        return outcome

    async def _connection(self) -> AsyncConnection[Any]:
        if self._conn is None or self._conn.closed:
            self._registry.forget()
            self._conn = await connect(self._settings.database_url, name=f"ingest-{self._worker}")
        return self._conn


def _answer(answered: TapAnswered) -> Answer:
    return Answer(
        v=1,
        type="answer",
        boot=answered.boot,
        seq=answered.seq,
        verdict=answered.verdict,
        text=answered.text,
        lang=answered.language,
    )


def _collect_garbage_seldom() -> None:
    """Run the garbage collector once in many batches.

    A batch is thousands of small objects without cycles; scanning them several times per batch took a
    quarter of the time (docs/decisions/0004-binary-copy-rows.md).
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(200_000, 20, 100)


def _quarantine(batch: Batch, error: psycopg.Error) -> Batch:
    """Return the batch with its single message rejected, because the database refuses it."""
    reason = f"the database refused it: {first_line(error)}"
    aside = Batch(refused=list(batch.refused))
    items: list[Arrival | DeviceState] = [*batch.arrivals, *batch.states]
    for item in items:
        aside.refuse(item, "database", reason)
    return aside
