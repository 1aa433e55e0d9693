"""Sends the outbox of one device over MQTT and applies the server's receipts to it.

Messages are published oldest first, a window of them at a time. A message is deleted only when a receipt of
the server confirms that it is committed; the broker's acknowledgement is not enough.
"""

import asyncio
import logging
import random
from collections.abc import Callable, Coroutine
from contextlib import suppress
from dataclasses import replace
from typing import Final, Literal

import aiomqtt

from hubwell_edge.agent import mqtt_link
from hubwell_edge.agent.link_state import LinkState
from hubwell_edge.agent.order_check import Order, OrderCheck, OrderRefusedError
from hubwell_edge.agent.server_commands import CommandError, CommandHandler, ServerCommand
from hubwell_edge.clock import Clock, to_datetime, to_rfc3339
from hubwell_edge.outbox.file import OutboxUnavailableError
from hubwell_edge.outbox.in_flight import InFlight
from hubwell_edge.outbox.message import StoredMessage
from hubwell_edge.outbox.thread import OutboxThread
from hubwell_edge.settings import EdgeSettings
from hubwell_wire.commands import SealedRoster
from hubwell_wire.messages import Meta, Receipt, Status
from hubwell_wire.parse import BadMessageError, parse
from hubwell_wire.topics import Channel

logger: Final = logging.getLogger(__name__)

_FIRST_DELAY_S: Final = 0.2
_LONGEST_DELAY_S: Final = 5.0
_TAKEN_OVER_DELAY_S: Final = 10.0
"""Pause after another client connected with the same name, so that the two alternate."""
_SHORT_CONNECTION_S: Final = 3.0
_SHORT_CONNECTIONS: Final = 3
_ANSWER_WITHIN_S: Final = 10.0
"""The server answers a status with a receipt; MQTT 3.1.1 has no word for a publish that is refused."""
_DRAIN_S: Final = 2.0
"""Time for the last messages and their receipts after the agent was asked to stop."""
_RECENT_TAP_MS: Final = 10_000
"""A tap younger than this is sent before older messages; after that, the person is no longer waiting."""
_IDLE_S: Final = 30.0
_DISK_PAUSE_S: Final = 1.0
_MOST_WARNINGS: Final = 100
_REFUSAL_EVERY_S: Final = 600.0
"""Seconds after which a further refused order is noted for the doctor: each note is a write to the card."""


class Uplink:
    """Sends one device's outbox until it is stopped; reconnects without limit after a lost connection.

    `on_notice` is called with the server's notice of why it stores nothing of this device. `online` is True
    while the connection to the broker is usable, so that answers of the server can arrive.
    """

    def __init__(
        self,
        settings: EdgeSettings,
        outbox: OutboxThread,
        *,
        clock: Clock,
        meta: Meta,
        on_notice: Callable[[str], None] = lambda _: None,
    ) -> None:
        self.online = False
        self._on_notice = on_notice
        self._settings = settings
        self._commands: CommandHandler | None = None
        self._outbox = outbox
        self._clock = clock
        self._meta = meta
        self._in_flight = InFlight(settings.broker.window, settings.broker.resend_s)
        self._warned: set[str] = set()
        self._short_connections = 0
        self._link_state: LinkState | None = None
        self._answered = False
        self._order_check = OrderCheck(settings)
        self._refusal = ("", "")
        self._refusal_due_s = 0.0

    def set_command_handler(self, commands: CommandHandler) -> None:
        """Handle the server's commands too, from the next connection on."""
        self._commands = commands

    async def run(self, stop: asyncio.Event) -> None:
        """Send until `stop` is set.

        Then wait briefly for the last receipts and publish the status `offline`.
        """
        self._report("connecting to the broker", ok=False)
        worker = asyncio.create_task(self._keep_connected(stop), name="uplink")
        stopped = asyncio.create_task(stop.wait(), name="uplink.stop")
        try:
            await asyncio.wait({worker, stopped}, return_when=asyncio.FIRST_COMPLETED)
            await asyncio.wait({worker}, timeout=_DRAIN_S + _SHORT_CONNECTION_S)
        finally:
            stopped.cancel()
            # If `offline` cannot be published, the worker sees a lost connection and would reconnect.
            while not worker.done():
                worker.cancel()
                await asyncio.wait({worker}, timeout=1)
            if not worker.cancelled():
                worker.result()

    async def _keep_connected(self, stop: asyncio.Event) -> None:
        delay = _FIRST_DELAY_S
        while not stop.is_set():
            connected_at: float | None = None
            try:
                async with mqtt_link.make_client(self._settings) as client:
                    connected_at = asyncio.get_running_loop().time()
                    await self._use_connection(client, stop)
            except aiomqtt.MqttError as error:
                delay = self._after_failure(error, connected_at, delay)
            if not stop.is_set():
                # S311: the jitter keeps a hundred devices from coming back in the same instant.
                await _until_first_ends(stop.wait(), asyncio.sleep(delay * random.uniform(0.5, 1.5)))  # noqa: S311

    def _after_failure(self, error: aiomqtt.MqttError, connected_at: float | None, delay: float) -> float:
        """Log the reason once; return the seconds to wait before the next attempt."""
        lifetime_s = None if connected_at is None else asyncio.get_running_loop().time() - connected_at
        if lifetime_s is None:
            sentence = mqtt_link.explain(error, self._settings)
            self._report(sentence, ok=False)
            self._warn_once(sentence)
            return min(delay * 2, _LONGEST_DELAY_S)
        self._short_connections = self._short_connections + 1 if lifetime_s < _SHORT_CONNECTION_S else 0
        if mqtt_link.was_taken_over(error) or self._short_connections >= _SHORT_CONNECTIONS:
            likely = "" if mqtt_link.was_taken_over(error) else "probably "
            name = mqtt_link.client_id(self._settings)
            sentence = (
                f"{likely}a second agent uses the name {name!r}: give each device its own 'device' setting; "
                "until then the two take turns and no message is lost"
            )
            self._report(sentence, ok=False)
            self._warn_once(sentence)
            return _TAKEN_OVER_DELAY_S
        self._report(f"connection lost ({error})", ok=False)
        logger.warning("connection lost (%s)", error, extra={"action": "disconnected"})
        return _FIRST_DELAY_S

    async def _use_connection(self, client: aiomqtt.Client, stop: asyncio.Event) -> None:
        """Work on one connection until it is lost (raises MqttError) or `stop` is set.

        Only reading detects a lost connection at once, so `_receive` runs beside every other activity.
        """
        # aiomqtt warns above this number of concurrent calls, and a whole window is published at once.
        client.pending_calls_threshold = self._settings.broker.window + 10
        mqtt_link.watch_refusals(client, self._on_publish_refused)
        try:
            await _until_first_ends(
                self._receive(client), self._serve_connection(client), self._until_drained(stop)
            )
        finally:
            self.online = False
        await _until_first_ends(self._receive(client), self._publish_status(client, "offline"))

    async def _serve_connection(self, client: aiomqtt.Client) -> None:
        address = self._settings.address
        where = f"{address.host}:{address.port}"
        self._report(f"the running agent is connected to {where}", ok=True)  # a refusal may follow
        self._answered = False
        await self._subscribe(client)
        self._in_flight.reconnected()
        await self._retain(client, Channel.META, self._meta.encode())
        await self._publish_status(client, "online")
        pending = self._outbox.outbox.pending
        logger.info("connected to %s, %d messages to send", where, pending, extra={"action": "online"})
        self.online = True
        await _until_first_ends(self._send(client), self._repeat_status(client), self._expect_answer())

    async def _expect_answer(self) -> None:
        """Name what a broker may keep silent about; never ends, like the work beside it."""
        await asyncio.sleep(_ANSWER_WITHIN_S)
        if not self._answered and not self._refusal[0]:
            account, below = self._settings.address.username or "anonymous", self._topics()
            sentence = (
                f"the broker takes messages, and the server answered none in {_ANSWER_WITHIN_S:.0f} s: it "
                f"does not run, or the account {account!r} has no right to write below {below}"
            )
            self._report(sentence, ok=False)
            self._warn_once(sentence)
        await asyncio.Event().wait()

    async def _subscribe(self, client: aiomqtt.Client) -> None:
        consequences = {Channel.ACK: "no receipt can come"}
        if self._commands is not None:
            consequences |= {Channel.CMD: "no answer can come", Channel.CONFIG: "no list of badges can come"}
        for channel, consequence in consequences.items():
            topic = mqtt_link.topic(self._settings, channel)
            refused = mqtt_link.refused_subscription(await client.subscribe(topic, qos=1))
            if refused:
                self._warn_once(f"the broker refuses the subscription to {topic} ({refused}): {consequence}")

    async def _until_drained(self, stop: asyncio.Event) -> None:
        await stop.wait()
        await _until_first_ends(self._outbox.wait_until_empty(), asyncio.sleep(_DRAIN_S))

    async def _repeat_status(self, client: aiomqtt.Client) -> None:
        """Publish the status at intervals.

        The server answers it with a receipt, and detects by `last_seq` that the last messages are missing.
        """
        while True:
            await asyncio.sleep(self._settings.broker.status_s)
            await self._publish_status(client, "online")

    async def _publish_status(self, client: aiomqtt.Client, state: Literal["online", "offline"]) -> None:
        now, outbox = self._clock.now(), self._outbox.outbox
        status = Status(
            v=1,
            state=state,
            boot=outbox.boot,
            ts=to_datetime(now.wall_ms),
            last_seq=outbox.last_seq,
            pending=outbox.pending,
            clock=now.state,
            roster_at=self._commands.roster_at if self._commands is not None else None,
        )
        await self._retain(client, Channel.STATUS, status.encode())

    async def _retain(self, client: aiomqtt.Client, channel: Channel, payload: bytes) -> None:
        await client.publish(mqtt_link.topic(self._settings, channel), payload, qos=1, retain=True)

    async def _receive(self, client: aiomqtt.Client) -> None:
        async for message in client.messages:
            payload = bytes(message.payload)
            if not payload:  # a retained list was cleared: the stored one stays valid and shows its age
                continue
            try:
                content = parse(str(message.topic), payload).message
            except BadMessageError as error:
                self._warn_once(f"a message from the server is not understood: {error}")
                continue
            if isinstance(content, SealedRoster):  # signed inside
                await self._handle_command(client, content)
            elif isinstance(content, Order) and self._is_ours(str(message.topic), payload, content):
                await self._obey(client, content)

    def _is_ours(self, topic: str, payload: bytes, order: Order) -> bool:
        try:
            return self._order_check.check(topic, payload, order, self._clock.now())
        except OrderRefusedError as error:
            self._warn_once(str(error))
            self._note_refusal(str(error))
            return False

    async def _obey(self, client: aiomqtt.Client, order: Order) -> None:
        if isinstance(order, Receipt):
            await self._apply(order)
        elif await self._handle_command(client, order):
            await self._outbox.run(lambda: self._order_check.carried_out(order))

    async def _handle_command(self, client: aiomqtt.Client, command: ServerCommand) -> bool:
        """Return whether the command was carried out."""
        if self._commands is None:
            return False
        try:
            if await self._commands.handle(command):
                await self._publish_status(client, "online")
        except CommandError as error:
            self._warn_once(str(error))
            return False
        return True

    async def _apply(self, receipt: Receipt) -> None:
        if receipt.notice:
            sentence = f"the server stores nothing of this device: {receipt.notice}"
            self._report(sentence, ok=False)
            self._warn_once(sentence)
            self._on_notice(receipt.notice)
        elif not self._answered:
            self._report("the running agent is connected, and the server answers", ok=True)
        self._answered = True
        for refusal in receipt.rejected:
            self._warn_once(f"the server refuses message {refusal.seq}: {refusal.reason}", key=refusal.reason)
        for unstored in receipt.unstored:
            text = f"the server stores message {unstored.seq} without some readings: {unstored.reason}"
            self._warn_once(text, key=unstored.reason)
        try:
            await self._outbox.apply(receipt)
        except OutboxUnavailableError as error:
            # The messages stay, are sent again, and the receipt for the second copy deletes them.
            self._warn_once(f"a receipt could not be applied: {error}")
            return
        self._in_flight.confirm(receipt)
        self._outbox.wakeup.set()

    async def _send(self, client: aiomqtt.Client) -> None:
        loop = asyncio.get_running_loop()
        while True:
            # Cleared before the outbox is read: a message stored in between sets it again and is not missed.
            self._outbox.wakeup.clear()
            try:
                messages = await self._next_messages(loop.time())
            except OutboxUnavailableError as error:
                self._warn_once(f"the outbox cannot be read: {error}")
                await asyncio.sleep(_DISK_PAUSE_S)
                continue
            if messages:
                await asyncio.gather(*(self._publish(client, message) for message in messages))
            else:
                due = self._in_flight.next_due()
                pause = _IDLE_S if due is None else max(0.0, due - loop.time())
                await _until_first_ends(self._outbox.wakeup.wait(), asyncio.sleep(min(pause, _IDLE_S)))

    async def _next_messages(self, now_s: float) -> list[StoredMessage]:
        """Return the messages to send now: those without a receipt in time, then the oldest unsent ones."""
        now = self._clock.now()
        with suppress(OutboxUnavailableError):  # logged by the outbox; gaps are declared later
            await self._outbox.declare(now)
        overdue = self._in_flight.overdue(now_s)
        messages = await self._outbox.load(overdue)
        # Overdue messages that are no longer stored were confirmed or erased in the meantime.
        self._in_flight.discard(set(overdue) - {message.key for message in messages})
        if self._in_flight.room > 0:
            hold_from = now.mono_ms - round(self._settings.broker.hold_unsynced_s * 1000)
            messages += await self._outbox.unsent(
                self._in_flight.room,
                sent=self._in_flight.keys,
                hold_from_ms=hold_from,
                recent_from_ms=now.mono_ms - _RECENT_TAP_MS,
            )
        self._in_flight.published(messages, now_s)
        if not messages and not now.synced and self._outbox.outbox.pending:
            self._warn_once(
                "the clock is not set: messages wait on this device, at most "
                f"{self._settings.broker.hold_unsynced_s / 60:.0f} minutes; give it network time (NTP), or "
                'write clock = "trust" if this clock is known to be right'
            )
        return messages

    async def _publish(self, client: aiomqtt.Client, message: StoredMessage) -> None:
        await client.publish(mqtt_link.topic(self._settings, message.channel), message.payload(), qos=1)
        self._in_flight.acknowledged(message.key)

    def _on_publish_refused(self, reason: str) -> None:
        account = self._settings.address.username or "anonymous"
        sentence = (
            f"the broker refuses what this device publishes ({reason}): its account {account!r} needs the "
            f"right to write below {self._topics()}; the messages stay in the outbox"
        )
        self._report(sentence, ok=False)
        self._warn_once(sentence)

    def _topics(self) -> str:
        return mqtt_link.topic(self._settings, Channel.STATUS).rpartition("/")[0]

    def _report(self, text: str, *, ok: bool) -> None:
        """State the connection for the doctor, where it has changed: each time is a write to the card."""
        if self._link_state is None or (self._link_state.ok, self._link_state.text) != (ok, text):
            self._link_state = LinkState(ok, text, to_rfc3339(self._clock.now().wall_ms), *self._refusal)
            self._link_state.write(self._settings.outbox.dir)

    def _note_refusal(self, sentence: str) -> None:
        """Note a refused order for the doctor, beside the state of the connection."""
        now_s = asyncio.get_running_loop().time()
        if self._link_state is None or now_s < self._refusal_due_s:
            return
        self._refusal_due_s = now_s + _REFUSAL_EVERY_S
        self._refusal = (sentence, to_rfc3339(self._clock.now().wall_ms))
        self._link_state = replace(self._link_state, refused=self._refusal[0], refused_at=self._refusal[1])
        self._link_state.write(self._settings.outbox.dir)

    def _warn_once(self, sentence: str, *, key: str | None = None) -> None:
        """Log a warning once per text or key: a device in trouble for days must not fill its SD card."""
        key = key or sentence
        if key not in self._warned and len(self._warned) < _MOST_WARNINGS:
            self._warned.add(key)
            logger.warning("%s", sentence, extra={"action": "uplink-trouble"})


async def _until_first_ends(*works: Coroutine[object, object, object]) -> None:
    """Run all coroutines until the first ends, then cancel the others; raises the first one's exception."""
    tasks = [asyncio.create_task(work) for work in works]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    for task in done:
        task.result()
