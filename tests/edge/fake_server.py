"""Stands in for the server: takes messages of one site and answers with receipts.

What it has "committed" is in memory. Tests switch receipts off, lose them, or refuse messages. It signs its
orders as the server does; `key` is None for a server that is older than signatures.
"""

import asyncio
from collections import defaultdict
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit
from uuid import UUID

import aiomqtt
from nacl.signing import SigningKey

from edge.taps.sample_badges import HUB, signed
from hubwell_wire.commands import Answer, Forget, Muster, SealedRoster
from hubwell_wire.messages import Fault, Gap, Meta, Receipt, Refusal, Status, Tap, Telemetry
from hubwell_wire.parse import parse
from hubwell_wire.topics import Channel, Topic, site_filter


class FakeServer:
    """`messages` by boot and number; `copies` counts how often each came."""

    def __init__(self, url: str, site: str = "hub") -> None:
        self.messages: dict[UUID, dict[int, Telemetry | Tap | Fault | Gap]] = defaultdict(dict)
        self.copies: dict[tuple[UUID, int], int] = defaultdict(int)
        self.statuses: list[Status] = []
        self.metas: list[Meta] = []
        self.answers = True
        self._due: dict[tuple[str, UUID], list[Refusal]] = {}
        self.reply: Callable[[Tap], Answer | None] = lambda _: None
        self.key: SigningKey | None = HUB
        self._order_at = datetime.min.replace(tzinfo=UTC)
        self._client: aiomqtt.Client | None = None
        self.refuse: Callable[[Telemetry | Tap | Fault | Gap], str | None] = lambda _: None
        self._url = urlsplit(url)
        self._site = site
        self._task: asyncio.Task[None] | None = None
        self._ready = asyncio.Event()

    async def __aenter__(self) -> Self:
        self._task = asyncio.create_task(self._serve())
        await self._ready.wait()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._task is not None
        # aiomqtt may answer a cancel with a time-out of its own, which looks like a lost connection.
        while not self._task.done():
            self._task.cancel()
            await asyncio.wait({self._task}, timeout=1)

    @property
    def received(self) -> list[Telemetry | Tap | Fault | Gap]:
        return [rows[seq] for rows in self.messages.values() for seq in sorted(rows)]

    @property
    def values(self) -> list[float]:
        return [r.v for message in self.received if isinstance(message, Telemetry) for r in message.r]

    @property
    def gaps(self) -> list[Gap]:
        return [message for message in self.received if isinstance(message, Gap)]

    @property
    def faults(self) -> list[Fault]:
        return [message for message in self.received if isinstance(message, Fault)]

    def unexplained(self) -> list[tuple[UUID, int]]:
        """Numbers that neither came nor were declared lost, up to the last one that was given out."""
        holes = []
        for boot, rows in self.messages.items():
            declared = {
                seq
                for gap in rows.values()
                if isinstance(gap, Gap) and gap.data.first is not None and gap.data.last is not None
                for seq in range(gap.data.first, gap.data.last + 1)
            }
            last = max([*rows, *(s.last_seq or 0 for s in self.statuses if s.boot == boot)])
            holes += [(boot, seq) for seq in range(1, last + 1) if seq not in rows and seq not in declared]
        return holes

    @property
    def taps(self) -> list[Tap]:
        return [message for message in self.received if isinstance(message, Tap)]

    async def send(self, device: str, command: Answer | Forget | Muster | SealedRoster) -> None:
        """Send a command to a device; lists of badges are retained."""
        channel = Channel.CONFIG if isinstance(command, SealedRoster) else Channel.CMD
        assert self._client is not None
        topic = str(Topic(self._site, device, channel))
        payload = command.encode() if isinstance(command, SealedRoster) else self.signed(topic, command)
        await self._client.publish(topic, payload, qos=1, retain=channel is Channel.CONFIG)

    def signed(self, topic: str, order: Answer | Forget | Muster | Receipt) -> bytes:
        if self.key is None:
            return order.encode()
        self._order_at = max(datetime.now(UTC), self._order_at + timedelta(milliseconds=1))
        return signed(topic, order, self._order_at, self.key)

    async def _serve(self) -> None:
        while True:
            with suppress(aiomqtt.MqttError):
                async with aiomqtt.Client(
                    self._url.hostname or "",
                    self._url.port or 1883,
                    identifier="test-server",
                    protocol=aiomqtt.ProtocolVersion.V311,
                    clean_session=False,
                ) as client:
                    for channel in (Channel.TELEMETRY, Channel.EVENT, Channel.STATUS, Channel.META):
                        await client.subscribe(site_filter(self._site, channel), qos=1)
                    self._client = client
                    self._ready.set()
                    async for message in client.messages:
                        assert isinstance(message.payload, bytes)
                        await self._take(client, str(message.topic), message.payload)
            await asyncio.sleep(0.05)

    async def _take(self, client: aiomqtt.Client, topic: str, payload: bytes) -> None:
        parsed = parse(topic, payload)
        message = parsed.message
        refused: tuple[Refusal, ...] = ()
        if isinstance(message, Meta):
            self.metas.append(message)
            return
        if isinstance(message, Status):
            self.statuses.append(message)
        elif isinstance(message, Telemetry | Tap | Fault | Gap):
            self.messages[message.boot][message.seq] = message
            self.copies[message.boot, message.seq] += 1
            reason = self.refuse(message)
            refused = (Refusal(seq=message.seq, reason=reason),) if reason else ()
            answer = self.reply(message) if isinstance(message, Tap) else None
            if answer is not None:
                await self.send(parsed.topic.device, answer)
        boot = getattr(message, "boot", None)
        if boot is not None and getattr(message, "state", "online") == "online":
            self._due.setdefault((parsed.topic.device, boot), []).extend(refused)
        if len(client.messages) == 0:
            await self._answer(client)

    async def _answer(self, client: aiomqtt.Client) -> None:
        """Send one receipt for everything that was taken at once, as the server does for its batches."""
        due, self._due = self._due, {}
        for (device, boot), refused in due.items():
            if self.answers:
                topic = str(Topic(self._site, device, Channel.ACK))
                receipt = self._receipt(boot, tuple(refused))
                await client.publish(topic, self.signed(topic, receipt), qos=1)

    def _receipt(self, boot: UUID, refused: tuple[Refusal, ...]) -> Receipt:
        have = self.messages[boot]
        upto = 0
        while upto + 1 in have:
            upto += 1
        ranges: list[tuple[int, int]] = []
        for seq in sorted(seq for seq in have if seq > upto):
            if ranges and ranges[-1][1] == seq - 1:
                ranges[-1] = (ranges[-1][0], seq)
            else:
                ranges.append((seq, seq))
        return Receipt(v=1, boot=boot, upto=upto, ranges=tuple(ranges), rejected=refused)
