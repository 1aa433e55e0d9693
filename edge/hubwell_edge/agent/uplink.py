"""Outbox -> MQTT -> server, and receipts back.

Rows are published oldest first, a window of them at a time, and deleted only when a receipt of the server
says that they are committed: the broker's word is not enough.
"""

import asyncio
import logging
import random
from collections.abc import Coroutine
from contextlib import suppress
from datetime import datetime
from typing import Final, Literal, Protocol

import aiomqtt

from hubwell_edge.agent import mqtt_link
from hubwell_edge.clock import Clock, to_datetime
from hubwell_edge.outbox.file import OutboxUnavailableError
from hubwell_edge.outbox.in_flight import Flight
from hubwell_edge.outbox.message import Row
from hubwell_edge.outbox.thread import OutboxThread
from hubwell_edge.settings import EdgeSettings
from hubwell_wire.commands import Answer, Forget, Muster, SealedRoster
from hubwell_wire.messages import Meta, Receipt, Status
from hubwell_wire.parse import BadMessageError, parse
from hubwell_wire.topics import Channel

logger: Final = logging.getLogger(__name__)

_FIRST_DELAY_S: Final = 0.2
_LONGEST_DELAY_S: Final = 5.0
_RIVAL_DELAY_S: Final = 10.0
"""Pause after another client took our name, so that each of the two gets a turn."""
_SHORT_LIFE_S: Final = 3.0
_SHORT_LIVES: Final = 3
_DRAIN_S: Final = 2.0
"""Time for the last messages and receipts when the agent is asked to stop."""
_LIVE_MS: Final = 10_000
"""A tap this young goes before what waits longer; whoever tapped earlier has gone on."""
_IDLE_S: Final = 30.0
_DISK_PAUSE_S: Final = 1.0
_REASONS_TOLD: Final = 100


class Orders(Protocol):
    """Who carries out what the server says besides receipts."""

    @property
    def roster_at(self) -> datetime | None:
        """Time of the list of badges that the device holds."""
        ...

    async def take(self, order: Answer | Forget | Muster | SealedRoster) -> bool:
        """Carry it out; tell whether the device's status is another one now. Raises OrderError."""
        ...


class OrderError(Exception):
    """An order of the server could not be carried out; the sentence says why and what to do."""


class Uplink:
    """Sends one device's outbox. Runs until told to stop; a lost connection is made again for ever.

    `online` tells whether the broker is there and its answers can come.
    """

    def __init__(self, settings: EdgeSettings, outbox: OutboxThread, *, clock: Clock, meta: Meta) -> None:
        self.online = False
        self._settings = settings
        self._orders: Orders | None = None
        self._outbox = outbox
        self._clock = clock
        self._meta = meta
        self._flight = Flight(settings.broker.window, settings.broker.resend_s)
        self._told: set[str] = set()
        self._short_lives = 0

    def set_command_handler(self, orders: Orders) -> None:
        """Take the server's orders too, from the next connection on."""
        self._orders = orders

    async def run(self, stop: asyncio.Event) -> None:
        """Send until `stop` is set; then give the last messages a moment and say goodbye."""
        worker = asyncio.create_task(self._keep_connected(stop), name="uplink")
        stopped = asyncio.create_task(stop.wait(), name="uplink.stop")
        try:
            await asyncio.wait({worker, stopped}, return_when=asyncio.FIRST_COMPLETED)
            await asyncio.wait({worker}, timeout=_DRAIN_S + _SHORT_LIFE_S)
        finally:
            stopped.cancel()
            # A goodbye that cannot be said looks like a lost connection, which would be made again.
            while not worker.done():
                worker.cancel()
                await asyncio.wait({worker}, timeout=1)
            if not worker.cancelled():
                worker.result()

    async def _keep_connected(self, stop: asyncio.Event) -> None:
        delay = _FIRST_DELAY_S
        while not stop.is_set():
            born: float | None = None
            try:
                async with mqtt_link.make_client(self._settings) as client:
                    born = asyncio.get_running_loop().time()
                    await self._session(client, stop)
            except aiomqtt.MqttError as error:
                delay = self._after_failure(error, born, delay)
            if not stop.is_set():
                # S311: the jitter keeps a hundred devices from coming back in the same instant.
                await _either(stop.wait(), asyncio.sleep(delay * random.uniform(0.5, 1.5)))  # noqa: S311

    def _after_failure(self, error: aiomqtt.MqttError, born: float | None, delay: float) -> float:
        """Say once what happened; return the seconds to wait before the next try."""
        lived = None if born is None else asyncio.get_running_loop().time() - born
        if lived is None:
            self._tell_once(mqtt_link.in_words(error, self._settings))
            return min(delay * 2, _LONGEST_DELAY_S)
        self._short_lives = self._short_lives + 1 if lived < _SHORT_LIFE_S else 0
        if mqtt_link.was_taken_over(error) or self._short_lives >= _SHORT_LIVES:
            sure = "" if mqtt_link.was_taken_over(error) else "probably "
            name = mqtt_link.client_id(self._settings)
            self._tell_once(
                f"{sure}a second agent uses the name {name!r}: give each device its own 'device' setting; "
                "until then the two take turns and nothing is lost"
            )
            return _RIVAL_DELAY_S
        logger.warning("connection lost (%s)", error, extra={"action": "disconnected"})
        return _FIRST_DELAY_S

    async def _session(self, client: aiomqtt.Client, stop: asyncio.Event) -> None:
        """Work on one connection until it is lost (raises MqttError) or `stop` is set.

        Only reading notices a lost connection at once, so it goes on beside everything else.
        """
        client.pending_calls_threshold = self._settings.broker.window + 10
        mqtt_link.watch_refusals(client, self._refused)
        try:
            await _either(self._receive(client), self._talk(client), self._until_drained(stop))
        finally:
            self.online = False
        await _either(self._receive(client), self._say(client, "offline"))

    async def _talk(self, client: aiomqtt.Client) -> None:
        await self._subscribe(client)
        self._flight.reconnected()
        await self._retain(client, Channel.META, self._meta.encode())
        await self._say(client, "online")
        address, pending = self._settings.address, self._outbox.outbox.pending
        where = f"{address.host}:{address.port}"
        logger.info("connected to %s, %d messages to send", where, pending, extra={"action": "online"})
        self.online = True
        await _either(self._send(client), self._beat(client))

    async def _subscribe(self, client: aiomqtt.Client) -> None:
        channels = {Channel.ACK: "no receipt can come"}
        if self._orders is not None:
            channels |= {Channel.CMD: "no answer can come", Channel.CONFIG: "no list of badges can come"}
        for channel, so in channels.items():
            topic = mqtt_link.topic(self._settings, channel)
            refused = mqtt_link.refused_subscription(await client.subscribe(topic, qos=1))
            if refused:
                self._tell_once(f"the broker refuses the subscription to {topic} ({refused}): {so}")

    async def _until_drained(self, stop: asyncio.Event) -> None:
        await stop.wait()
        await _either(self._outbox.wait_until_empty(), asyncio.sleep(_DRAIN_S))

    async def _beat(self, client: aiomqtt.Client) -> None:
        """Repeat the status now and then: the server answers with a receipt and sees a hole at the end."""
        while True:
            await asyncio.sleep(self._settings.broker.status_s)
            await self._say(client, "online")

    async def _say(self, client: aiomqtt.Client, state: Literal["online", "offline"]) -> None:
        now, outbox = self._clock.now(), self._outbox.outbox
        status = Status(
            v=1,
            state=state,
            boot=outbox.boot,
            ts=to_datetime(now.wall_ms),
            last_seq=outbox.last_seq,
            pending=outbox.pending,
            clock=now.state,
            roster_at=self._orders.roster_at if self._orders is not None else None,
        )
        await self._retain(client, Channel.STATUS, status.encode())

    async def _retain(self, client: aiomqtt.Client, channel: Channel, payload: bytes) -> None:
        await client.publish(mqtt_link.topic(self._settings, channel), payload, qos=1, retain=True)

    async def _receive(self, client: aiomqtt.Client) -> None:
        async for message in client.messages:
            payload = bytes(message.payload)
            if not payload:  # a retained list was taken back: the one held stays, and shows its age
                continue
            try:
                told = parse(str(message.topic), payload).message
            except BadMessageError as error:
                self._tell_once(f"a message from the server is not understood: {error}")
                continue
            if isinstance(told, Receipt):
                await self._apply(told)
            elif isinstance(told, Answer | Forget | Muster | SealedRoster):
                await self._carry_out(client, told)

    async def _carry_out(
        self, client: aiomqtt.Client, order: Answer | Forget | Muster | SealedRoster
    ) -> None:
        if self._orders is None:
            return
        try:
            if await self._orders.take(order):
                await self._say(client, "online")
        except OrderError as error:
            self._tell_once(str(error))

    async def _apply(self, receipt: Receipt) -> None:
        for refusal in receipt.rejected:
            self._tell_once(f"the server refuses message {refusal.seq}: {refusal.reason}", key=refusal.reason)
        try:
            await self._outbox.apply(receipt)
        except OutboxUnavailableError as error:
            # The rows stay, are sent again, and the receipt for that deletes them.
            self._tell_once(f"a receipt could not be applied: {error}")
            return
        self._flight.landed(receipt)
        self._outbox.news.set()

    async def _send(self, client: aiomqtt.Client) -> None:
        loop = asyncio.get_running_loop()
        while True:
            self._outbox.news.clear()
            try:
                rows = await self._next_rows(loop.time())
            except OutboxUnavailableError as error:
                self._tell_once(f"the outbox cannot be read: {error}")
                await asyncio.sleep(_DISK_PAUSE_S)
                continue
            if rows:
                await asyncio.gather(*(self._publish(client, row) for row in rows))
            else:
                due = self._flight.next_due()
                pause = _IDLE_S if due is None else max(0.0, due - loop.time())
                await _either(self._outbox.news.wait(), asyncio.sleep(min(pause, _IDLE_S)))

    async def _next_rows(self, now_s: float) -> list[Row]:
        """Return what to send now: rows that got no receipt in time, then the oldest unsent ones."""
        now = self._clock.now()
        with suppress(OutboxUnavailableError):  # said in the log by the outbox; gaps are declared later
            await self._outbox.declare(now)
        overdue = self._flight.overdue(now_s)
        rows = await self._outbox.rows(overdue)
        self._flight.forget(set(overdue) - {row.key for row in rows})
        if self._flight.room > 0:
            hold_from = now.mono_ms - round(self._settings.broker.hold_unsynced_s * 1000)
            rows += await self._outbox.unsent(
                self._flight.room,
                sent=self._flight.keys,
                hold_from_ms=hold_from,
                live_from_ms=now.mono_ms - _LIVE_MS,
            )
        self._flight.sent(rows, now_s)
        if not rows and not now.synced and self._outbox.outbox.pending:
            self._tell_once(
                "the clock is not set: messages wait on this device, at most "
                f"{self._settings.broker.hold_unsynced_s / 60:.0f} minutes; give it network time (NTP), or "
                'write clock = "trust" if this clock is known to be right'
            )
        return rows

    async def _publish(self, client: aiomqtt.Client, row: Row) -> None:
        await client.publish(mqtt_link.topic(self._settings, row.channel), row.payload(), qos=1)
        self._flight.acknowledged(row.key)

    def _refused(self, reason: str) -> None:
        below = mqtt_link.topic(self._settings, Channel.STATUS).rpartition("/")[0]
        self._tell_once(
            f"the broker refuses what this device publishes ({reason}): give its account the right to write "
            f"below {below}; the messages stay in the outbox"
        )

    def _tell_once(self, sentence: str, *, key: str | None = None) -> None:
        """Log a warning the first time, so that a device in trouble for days does not fill its card."""
        key = key or sentence
        if key not in self._told and len(self._told) < _REASONS_TOLD:
            self._told.add(key)
            logger.warning("%s", sentence, extra={"action": "uplink-trouble"})


async def _either(*works: Coroutine[object, object, object]) -> None:
    """Run all until the first ends, and end the others; its exception is raised here."""
    tasks = [asyncio.create_task(work) for work in works]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    for task in done:
        task.result()
