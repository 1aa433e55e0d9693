"""Send the sealed list of people inside to the muster stations, for when the server is not available.

A station is a device that was chosen with `hubwell muster station`. It receives the list within 30 seconds
of a change, and every five minutes without one, so that an old list shows that the server was away.
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
from hubwell.evacuation.seal import NEVER, seal, snapshot, space_names
from hubwell.i18n import translations_for
from hubwell.keys import Keys
from hubwell.mqtt.device_messages import BrokerUnavailableError, DeviceMessages
from hubwell.mqtt.order_signature import sign_order
from hubwell.settings import Settings
from hubwell.storage.connect import connection
from hubwell.storage.queries import Queries
from hubwell.storage.retry import WarnOnce
from hubwell_wire.commands import MusterSnapshot
from hubwell_wire.topics import Channel, Topic

_LOG: Final = logging.getLogger(__name__)
_SQL: Final = Queries("hubwell.evacuation")
EVERY: Final = timedelta(seconds=30)
AT_LEAST_EVERY: Final = timedelta(minutes=5)
_LARGEST: Final = 700_000
"""Bytes before encryption; in base64 that is below the megabyte that the embedded broker accepts."""

Publish = Callable[[str, bytes], Awaitable[None]]


class Stations:
    """The list that was last sent to each station; `turn` sends it where it is out of date."""

    def __init__(self, settings: Settings, publish: Publish) -> None:
        self._settings = settings
        self._keys = Keys(settings.keys_dir)
        self._publish = publish
        self._sent: dict[str, tuple[str, datetime]] = {}

    async def turn(self, conn: AsyncConnection[Any], now: datetime) -> list[str]:
        """Send the list to every station whose copy is out of date; return their device ids.

        Raises DomainError if a key cannot be read, BrokerUnavailableError, and psycopg.Error.
        """
        stations = [row[0] for row in await (await conn.execute(_SQL["stations"])).fetchall()]
        public = self._keys.muster_key()
        if not stations or public is None:
            return []
        content = await self._content(conn, now)
        digest = hashlib.sha256(public + content.model_copy(update={"at": NEVER}).encode()).hexdigest()
        due = [station for station in stations if self._is_due(station, digest, now)]
        if due:
            muster, key = seal(public, content), self._keys.order_key()
            for station in due:
                topic = Topic(self._settings.site, station, Channel.CMD)
                await self._publish(str(topic), sign_order(topic, muster, key, now))
                self._sent[station] = digest, now
        return due

    def _is_due(self, station: str, digest: str, now: datetime) -> bool:
        sent_digest, sent_at = self._sent.get(station, ("", NEVER))
        return sent_digest != digest or now - sent_at >= AT_LEAST_EVERY

    async def _content(self, conn: AsyncConnection[Any], now: datetime) -> MusterSnapshot:
        _ = translations_for(self._settings.language).gettext
        epochs = [key.epoch for key in self._keys.epochs()]
        content = await snapshot(conn, epochs, _("No name {n}"), now)
        about = {"zone": self._settings.zone, "spaces": await space_names(conn)}
        content = content.model_copy(update=about | {"lang": self._settings.language, "texts": _texts(_)})
        if len(content.encode()) > _LARGEST:
            # People inside take precedence. Without the others, a station shows later taps without a name.
            content = content.model_copy(update={"people": ()})
        return content


def _texts(_: Callable[[str], str]) -> dict[str, str]:
    """Return the sentences of the printed list; the names are those of the contract (`MusterSnapshot`)."""
    return {
        "title": _("List of {time} ({zone}), {age}: probably inside"),
        "age": _("{age} old"),
        "age_unknown": _("of unknown age: the clock of this device is behind"),
        "no_zone": _("No zone"),
        "person": _("{name}, {space}, since {time}"),
        "later": _("tapped in here later"),
        "total": _("In all {n}; {gone} went out here after the list was made."),
        "no_own_taps": _(
            "The taps at this door could not be read: later comings and goings are not in this list."
        ),
        "nameless": _("And {n} who tapped in here later with badges that the list does not know."),
    }


async def update_stations(settings: Settings, link: DeviceMessages) -> None:
    """Keep the stations' lists up to date until cancelled; a task of the worker."""
    stations = Stations(settings, link.publish)
    warn = WarnOnce(_LOG, "the muster stations have to wait: %s", action="muster-not-told")
    while True:
        await link.connected()
        try:
            async with connection(settings.database_url, name="muster") as conn:
                await stations.turn(conn, datetime.now(UTC))
            warn.clear()
        except (DomainError, BrokerUnavailableError, psycopg.Error) as error:
            warn(error)
        await asyncio.sleep(EVERY.total_seconds())
