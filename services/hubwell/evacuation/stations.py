"""Tell the muster stations who is inside, sealed, so that a list is there when the server is not.

A station is a device that was chosen for it (`hubwell muster station`). It is told within half a minute of a
change, and every five minutes without one, so that the age of its list says whether the server was there.
"""

import asyncio
import hashlib
import logging
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import psycopg
from psycopg import AsyncConnection

from hubwell.errors import DomainError
from hubwell.evacuation.seal import NEVER, seal, snapshot
from hubwell.i18n import translations_for
from hubwell.keys import Keys
from hubwell.mqtt.device_messages import BrokerUnavailableError, DeviceMessages
from hubwell.settings import Settings
from hubwell.storage.connect import connect
from hubwell.storage.queries import Queries
from hubwell.storage.retry import WarnOnce
from hubwell_wire.commands import MusterSnapshot
from hubwell_wire.topics import Channel, Topic

_LOG: Final = logging.getLogger(__name__)
_SQL: Final = Queries("hubwell.evacuation")
EVERY: Final = timedelta(seconds=30)
AT_LEAST_EVERY: Final = timedelta(minutes=5)
_LARGEST: Final = 700_000
"""Bytes before sealing. With base64 it stays under the megabyte that the embedded broker takes."""

Publish = Callable[[str, bytes], Awaitable[None]]


class Stations:
    """What each station was told last; `turn` brings them up to date."""

    def __init__(self, settings: Settings, publish: Publish) -> None:
        self._settings = settings
        self._keys = Keys(settings.keys_dir)
        self._publish = publish
        self._told: dict[str, tuple[str, datetime]] = {}

    async def turn(self, conn: AsyncConnection[Any], now: datetime) -> list[str]:
        """Send to every station that needs it; return which.

        Raises DomainError, BrokerUnavailableError, psycopg.Error.
        """
        stations = [row[0] for row in await (await conn.execute(_SQL["stations"])).fetchall()]
        public = self._keys.muster_key()
        if not stations or public is None:
            return []
        content = await self._content(conn, now)
        digest = hashlib.sha256(public + content.model_copy(update={"at": NEVER}).encode()).hexdigest()
        due = [station for station in stations if self._is_due(station, digest, now)]
        if due:
            payload = seal(public, content).encode()
            for station in due:
                await self._publish(str(Topic(self._settings.site, station, Channel.CMD)), payload)
                self._told[station] = digest, now
        return due

    def _is_due(self, station: str, digest: str, now: datetime) -> bool:
        told = self._told.get(station)
        return told is None or told[0] != digest or now - told[1] >= AT_LEAST_EVERY

    async def _content(self, conn: AsyncConnection[Any], now: datetime) -> MusterSnapshot:
        _ = translations_for(self._settings.language).gettext
        epochs = [key.epoch for key in self._keys.epochs()]
        content = await snapshot(conn, epochs, _("No name {n}"), now)
        if len(content.encode()) > _LARGEST:
            # Who is inside comes first; who taps in later is then counted, and not known by name.
            content = content.model_copy(update={"people": ()})
        return content


async def tell_stations(settings: Settings, link: DeviceMessages) -> None:
    """Keep the stations up to date until cancelled: a task of the worker."""
    stations = Stations(settings, link.publish)
    warn = WarnOnce(_LOG, "the muster stations have to wait: %s", action="muster-not-told")
    while True:
        await link.connected()
        try:
            conn = await connect(settings.database_url, name="muster")
            async with conn:
                await stations.turn(conn, datetime.now(UTC))
            warn.clear()
        except (DomainError, BrokerUnavailableError, psycopg.Error) as error:
            warn(error)
        await asyncio.sleep(EVERY.total_seconds())
