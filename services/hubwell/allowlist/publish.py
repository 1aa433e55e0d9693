"""Keep every reader's list of badges up to date: a task of the worker, for as long as the worker runs.

A change in the register (`Channel.ALLOWLISTS`) sends new lists within a moment, retained, to every device
that has readers; every five minutes they are rebuilt, so that a device knows how old its list is. Erasures
(`Channel.ERASURES`) go to the same devices at once, and again to each one that comes online.
"""

import asyncio
import logging
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from time import monotonic
from typing import Final
from uuid import UUID

import psycopg

from hubwell.allowlist.build import AllowlistInput, HubContext, Texts, erasures, read, roster
from hubwell.allowlist.sign import seal
from hubwell.keys import Keys, KeysError
from hubwell.mqtt.device_messages import BrokerUnavailableError, DeviceMessages
from hubwell.settings import Settings
from hubwell.storage import notify
from hubwell.storage.connect import connect
from hubwell.storage.retry import WarnOnce
from hubwell_wire.commands import Forget
from hubwell_wire.messages import Status
from hubwell_wire.parse import BadMessageError, parse
from hubwell_wire.topics import Channel, Topic, site_filter

_LOG: Final = logging.getLogger(__name__)
_ANEW_S: Final = 300.0
"""How often lists are made again without a change."""
_BETWEEN_S: Final = 0.1
"""Changes that come closer together go out as one."""
_SOON_S: Final = 2.0
"""After a failure; and after a device without readers came online: its description may be on its way."""


@dataclass(slots=True)
class _News:
    """What has to go out: lists, erasures to everybody, erasures to devices that came online."""

    lists: bool = True
    erasures: bool = True
    online: set[str] = field(default_factory=set)
    arrived: asyncio.Event = field(default_factory=asyncio.Event)

    def everything(self) -> None:
        self.lists = self.erasures = True
        self.arrived.set()

    def take(self) -> tuple[bool, bool, set[str]]:
        """Return what has to go out now, and begin to gather anew."""
        self.arrived.clear()
        taken = (self.lists, self.erasures, self.online)
        self.lists, self.erasures, self.online = False, False, set()
        return taken


class Publisher:
    """Sends lists and erasures. `run` is its life; make it before the link runs.

    `texts` is what a reader says, by language and verdict.
    """

    def __init__(self, settings: Settings, link: DeviceMessages, texts: Texts) -> None:
        self._settings = settings
        self._link = link
        self._keys = Keys(settings.keys_dir)
        self._house = HubContext(settings.site, texts, settings.unknown_badges, settings.language)
        self._news = _News()
        self._sent: set[str] = set()
        self._online: dict[str, UUID | None] = {}
        self._without: set[str] = set()
        self._look_again = 0.0
        self._warn = WarnOnce(_LOG, "lists of badges wait: %s", action="rosters-wait")
        link.subscribe(
            site_filter(settings.site, Channel.STATUS), self._status, on_connect=self._news.everything
        )

    async def run(self) -> None:
        """Work until cancelled; database and broker may come and go."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._listen(), name="hubwell-rosters[listen]")
            tasks.create_task(self._send(), name="hubwell-rosters[send]")

    async def _listen(self) -> None:
        await notify.listen(
            self._settings.database_url,
            [notify.Channel.ALLOWLISTS, notify.Channel.ERASURES],
            self._receive,
            name="rosters",
            on_listening=self._news.everything,
        )

    async def _receive(self, channel: notify.Channel, _: str) -> None:
        self._news.erasures |= channel is notify.Channel.ERASURES
        self._news.lists = True  # an erased badge leaves the lists too
        self._news.arrived.set()

    def _status(self, topic: str, payload: bytes) -> None:
        """Note that a device came online, anew or after a restart."""
        try:
            parsed = parse(topic, payload)
        except BadMessageError:  # ingest says what is wrong with it
            return
        status, device = parsed.message, parsed.topic.device
        if not isinstance(status, Status) or status.state == "offline":
            self._online.pop(device, None)
        elif device not in self._online or self._online[device] != status.boot:
            self._online[device] = status.boot
            self._news.online.add(device)
            self._news.arrived.set()

    async def _send(self) -> None:
        while True:
            await self._link.connected()
            try:
                pause = await self._send_news()
                self._warn.clear()
            except (psycopg.Error, KeysError, BrokerUnavailableError) as error:
                self._warn(error)
                self._news.everything()
                self._news.arrived.clear()
                pause = _SOON_S
            await asyncio.sleep(_BETWEEN_S)
            if not await self._arrives_within(pause):
                self._news.lists = True

    async def _arrives_within(self, pause: float) -> bool:
        with suppress(TimeoutError):
            async with asyncio.timeout(pause):
                await self._news.arrived.wait()
                return True
        return False

    async def _send_news(self) -> float:
        """Send what is waiting; return the seconds until lists are due again."""
        lists, erased, online = self._news.take()
        now = datetime.now(UTC)
        async with await connect(self._settings.database_url, name="rosters-read") as conn:
            register = await read(conn, [key.epoch for key in self._keys.epochs()], now)
            graves = await erasures(conn, now)
        devices = set(register.readers)
        for device in sorted(devices if erased else devices & online):
            await self._forget(device, graves)
        if lists or (set(self._online) & devices) - self._sent:
            await self._publish(register)
        newcomers = online - devices - self._without
        self._without |= newcomers
        if newcomers:
            self._look_again = monotonic() + _SOON_S
        # Others who come online meanwhile must not put off the second look.
        return _SOON_S if monotonic() <= self._look_again else _ANEW_S

    async def _publish(self, register: AllowlistInput) -> None:
        key = self._keys.roster_key()
        for device in sorted(register.readers):
            await self._retain(device, seal(roster(register, device, self._house), key).encode())
        for device in sorted(self._sent - set(register.readers)):
            await self._retain(device, b"")  # it has no readers any more: the broker forgets its list
        self._sent = set(register.readers)

    async def _retain(self, device: str, payload: bytes) -> None:
        topic = Topic(self._settings.site, device, Channel.CONFIG)
        await self._link.publish(str(topic), payload, retain=True)

    async def _forget(self, device: str, graves: list[Forget]) -> None:
        topic = Topic(self._settings.site, device, Channel.CMD)
        for message in graves:
            await self._link.publish(str(topic), message.encode())
