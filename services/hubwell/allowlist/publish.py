"""Publish allow-lists and erasures to the devices with readers: a task of the worker.

After a change in the register (notification `Channel.ALLOWLISTS`) new lists are built from the database and
published, retained, to every device that has readers. They are also rebuilt every five minutes, so that a
device can judge the age of its list. Erasures (`Channel.ERASURES`) go to the same devices at once, and again
to each device that comes online.
"""

import asyncio
import logging
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from time import monotonic
from typing import Final
from uuid import UUID

import psycopg

from hubwell.allowlist.build import AllowlistInput, HubContext, Texts, erasures, read, roster
from hubwell.allowlist.sign import seal
from hubwell.errors import DomainError
from hubwell.keys import Keys
from hubwell.mqtt.device_messages import BrokerUnavailableError, DeviceMessages
from hubwell.mqtt.order_signature import sign_order
from hubwell.settings import Settings
from hubwell.storage import notify
from hubwell.storage.connect import connection
from hubwell.storage.retry import WarnOnce
from hubwell_wire.commands import Forget
from hubwell_wire.messages import Status
from hubwell_wire.parse import BadMessageError, parse
from hubwell_wire.topics import Channel, Topic, site_filter

_LOG: Final = logging.getLogger(__name__)
_REBUILD_S: Final = 300.0
"""Seconds after which lists are rebuilt without a change."""
_BETWEEN_S: Final = 0.1
"""Seconds to wait after sending; changes in that time are sent together."""
_SOON_S: Final = 2.0
"""Seconds to wait after a failure, and for the description of a device that came online."""


@dataclass(slots=True)
class _PendingUpdates:
    """What is to be sent: lists, erasures to all devices, erasures to devices that came online."""

    lists: bool = True
    erasures: bool = True
    online: set[str] = field(default_factory=set)
    arrived: asyncio.Event = field(default_factory=asyncio.Event)

    def everything(self) -> None:
        self.lists = self.erasures = True
        self.arrived.set()

    def take(self) -> tuple[bool, bool, set[str]]:
        """Return (lists, erasures, online) and reset them."""
        self.arrived.clear()
        pending = (self.lists, self.erasures, self.online)
        self.lists, self.erasures, self.online = False, False, set()
        return pending


class Publisher:
    """Sends lists and erasures while `run` runs. Create it before the link connects: it subscribes there."""

    def __init__(self, settings: Settings, link: DeviceMessages, texts: Texts) -> None:
        self._settings = settings
        self._link = link
        self._keys = Keys(settings.keys_dir)
        self._hub = HubContext(settings.site, texts, settings.unknown_badges, settings.language)
        self._pending = _PendingUpdates()
        self._with_list: set[str] = set()
        self._online: dict[str, UUID | None] = {}
        self._without_reader: set[str] = set()
        self._rebuild_soon_until = 0.0
        self._forget_at = datetime.min.replace(tzinfo=UTC)
        self._warn = WarnOnce(_LOG, "lists of badges wait: %s", action="rosters-wait")
        link.subscribe(
            site_filter(settings.site, Channel.STATUS), self._status, on_connect=self._pending.everything
        )

    async def run(self) -> None:
        """Publish until cancelled; reconnects to database and broker."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._listen(), name="hubwell-rosters[listen]")
            tasks.create_task(self._send(), name="hubwell-rosters[send]")

    async def _listen(self) -> None:
        await notify.listen(
            self._settings.database_url,
            [notify.Channel.ALLOWLISTS, notify.Channel.ERASURES],
            self._receive,
            name="rosters",
            on_listening=self._pending.everything,
        )

    async def _receive(self, channel: notify.Channel, _: str) -> None:
        self._pending.erasures |= channel is notify.Channel.ERASURES
        self._pending.lists = True  # an erased badge leaves the lists too
        self._pending.arrived.set()

    def _status(self, topic: str, payload: bytes) -> None:
        """Schedule erasures for a device that came online; a new boot id means that it restarted."""
        try:
            parsed = parse(topic, payload)
        except BadMessageError:  # ingest stores it as rejected, with the reason
            return
        status, device = parsed.message, parsed.topic.device
        if not isinstance(status, Status) or status.state == "offline":
            self._online.pop(device, None)
        elif device not in self._online or self._online[device] != status.boot:
            self._online[device] = status.boot
            self._pending.online.add(device)
            self._pending.arrived.set()

    async def _send(self) -> None:
        while True:
            await self._link.connected()
            try:
                pause = await self._send_pending()
                self._warn.clear()
            except (psycopg.Error, DomainError, BrokerUnavailableError) as error:
                self._warn(error)
                # What was taken may be sent in part, so all is sent again; without the event, which would end
                # the pause before the next attempt.
                self._pending.everything()
                self._pending.arrived.clear()
                pause = _SOON_S
            await asyncio.sleep(_BETWEEN_S)
            if not await self._arrives_within(pause):
                self._pending.lists = True

    async def _arrives_within(self, pause: float) -> bool:
        with suppress(TimeoutError):
            async with asyncio.timeout(pause):
                await self._pending.arrived.wait()
                return True
        return False

    async def _send_pending(self) -> float:
        """Send what is pending; return the seconds until lists are due again.

        Raises psycopg.Error, DomainError, BrokerUnavailableError; then all has to be sent again.
        """
        lists, erased, online = self._pending.take()
        now = datetime.now(UTC)
        async with connection(self._settings.database_url, name="rosters-read") as conn:
            register = await read(conn, [key.epoch for key in self._keys.epochs()], now)
            tombstones = await erasures(conn, now)
        devices = set(register.readers)
        # Erasures are not retained: a device that was offline gets them when it comes online.
        for device in sorted(devices if erased else devices & online):
            await self._forget(device, tombstones)
        # A device that is online and has readers but no list yet gets one without a change in the register.
        if lists or (set(self._online) & devices) - self._with_list:
            await self._publish(register)
        # A device unknown as a reader may become one when ingest has stored its description, which no
        # notification announces. So the register is read again soon, once per device: sensors stay here.
        newcomers = online - devices - self._without_reader
        self._without_reader |= newcomers
        if newcomers:
            self._rebuild_soon_until = monotonic() + _SOON_S
        # A deadline and not only this call's newcomers: other devices that come online in the meantime start
        # this method again and must not put off the second read to the next regular one.
        return _SOON_S if monotonic() <= self._rebuild_soon_until else _REBUILD_S

    async def _publish(self, register: AllowlistInput) -> None:
        key = self._keys.roster_key()
        for device in sorted(register.readers):
            await self._retain(device, seal(roster(register, device, self._hub), key).encode())
        for device in sorted(self._with_list - set(register.readers)):
            await self._retain(device, b"")  # without readers: an empty payload deletes the retained list
        self._with_list = set(register.readers)

    async def _retain(self, device: str, payload: bytes) -> None:
        topic = Topic(self._settings.site, device, Channel.CONFIG)
        await self._link.publish(str(topic), payload, retain=True)

    async def _forget(self, device: str, tombstones: list[Forget]) -> None:
        topic = Topic(self._settings.site, device, Channel.CMD)
        key = self._keys.order_key()
        for message in tombstones:
            self._forget_at = _after(self._forget_at, datetime.now(UTC))
            await self._link.publish(str(topic), sign_order(topic, message, key, self._forget_at))


def _after(last: datetime, now: datetime) -> datetime:
    """Return a time for the next erasure, after that of the last one; the wire has milliseconds.

    A device carries out no erasure that is not newer, against replays. A clock that was set back is followed.
    """
    following = last + timedelta(milliseconds=1)
    return following if now < following < now + timedelta(minutes=1) else now
