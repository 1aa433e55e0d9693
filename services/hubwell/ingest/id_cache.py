"""Database ids of devices, series and streams: their cache between batches, and the series of a moved device.

After a failed transaction the whole cache is cleared and read again, because some of its ids may have been
rolled back. A device that was moved has other series from then on, so its cached ones are dropped.
"""

import time
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple
from uuid import UUID

from psycopg import AsyncConnection

from hubwell.storage.queries import Queries
from hubwell.vocabulary import MOST_SERIES
from hubwell_wire.plausible import LIMITS, NEVER_CONSTANT, NO_LIMITS, Limits
from hubwell_wire.units import quantity_of

_SQL: Final = Queries("hubwell.ingest")
MOST_BOOTS: Final = 2000
"""Boots of one device that are new within a day: one in 43 s, more than a Raspberry Pi that restarts
all day reaches. Messages of further ones wait on the device. The stream of a boot stays, as the ledger does:
without it, a message that is delivered again would pass for a new one."""
_BOOTS_WITHIN: Final = timedelta(days=1)
"""The time for which the new boots of one device are counted."""
_DEVICES_FRESH_S: Final = 5.0
"""Age of the device list, in seconds, after which a new or moved device is looked up again."""


@dataclass(frozen=True, slots=True)
class SeriesRef:
    """A series with its database id."""

    id: int
    unit: str
    quantity: str
    limits: Limits
    """A value outside is in doubt, whatever its device says of it."""
    may_stick: bool
    """Whether a value that never changes is in doubt."""


class Run(NamedTuple):
    """The newest value of a series as this process saw it, and how many equal ones came in a row."""

    value: float
    reads: int
    newest_us: int
    """Newest time of any reading, in microseconds since 2000."""


def _ref(series_id: int, name: str, unit: str) -> SeriesRef:
    quantity = quantity_of(name)
    return SeriesRef(series_id, unit, quantity, LIMITS.get(quantity, NO_LIMITS), quantity in NEVER_CONSTANT)


StreamKey = tuple[str, UUID]


class IdCache:
    """Looks up ids, creating series and streams on first sight. Devices are never created here."""

    def __init__(self) -> None:
        self.spaces: dict[str, str | None] = {}
        self.streams: dict[StreamKey, int] = {}
        self.runs: dict[int, Run] = {}
        self._series: dict[str, dict[str, SeriesRef]] = {}
        self._moved: dict[str, datetime | None] = {}
        self._devices_at = float("-inf")

    def forget(self) -> None:
        """Drop everything: the transaction it came from was rolled back."""
        self.__init__()  # type: ignore[misc] # starting anew is exactly what is meant

    async def refresh_devices(self, conn: AsyncConnection[Any], mentioned: Iterable[str]) -> None:
        """Read the devices again if the list is old or lacks one of these."""
        fresh = time.monotonic() - self._devices_at < _DEVICES_FRESH_S
        if fresh and all(device in self.spaces for device in mentioned):
            return
        rows = await (await conn.execute(_SQL["known_devices"])).fetchall()
        before, self._moved = self._moved, {device: moved_at for device, _, moved_at in rows}
        self.spaces = {device: space for device, space, _ in rows}
        # What was archived, removed or moved may come back with other ids.
        self._series = {
            device: known
            for device, known in self._series.items()
            if device in self.spaces and before.get(device) == self._moved[device]
        }
        self.streams = {key: stream for key, stream in self.streams.items() if key[0] in self.spaces}
        self._devices_at = time.monotonic()

    async def series_of(self, conn: AsyncConnection[Any], device: str) -> dict[str, SeriesRef]:
        """Return the series_by_name series of a device by name."""
        series_by_name = self._series.get(device)
        if series_by_name is None:
            rows = await (await conn.execute(_SQL["known_series"], {"device": device})).fetchall()
            series_by_name = {name: _ref(key, name, unit) for key, name, unit in rows}
            self._series[device] = series_by_name
        return series_by_name

    async def add_series(self, conn: AsyncConnection[Any], device: str, name: str, unit: str) -> None:
        """Create a series, or take over the one that another process has just created.

        Does nothing for a device that has `MOST_SERIES` already.
        """
        if len(self._series[device]) >= MOST_SERIES:
            return
        values = {
            "device": device,
            "name": name,
            "quantity": quantity_of(name),
            "unit": unit,
            "most": MOST_SERIES,
        }
        row = await (await conn.execute(_SQL["add_series"], values)).fetchone()
        if row is not None:
            self._series[device][name] = _ref(row[0], name, row[1])

    async def resolve_streams(self, conn: AsyncConnection[Any], keys: Iterable[StreamKey]) -> None:
        """Make sure that `streams` has an id for each (device, boot) but those past the device's quota."""
        missing = [key for key in dict.fromkeys(keys) if key not in self.streams]
        if not missing:
            return
        values = {"devices": [key[0] for key in missing], "boots": [key[1] for key in missing]}
        await conn.execute(_SQL["add_streams"], {**values, "most": MOST_BOOTS, "within": _BOOTS_WITHIN})
        rows = await (await conn.execute(_SQL["find_streams"], values)).fetchall()
        self.streams.update({(device, boot): key for key, device, boot in rows})


async def has_series(conn: AsyncConnection[Any], device: str) -> bool:
    """Return whether a device has measured something in the space that it is in."""
    return await (await conn.execute(_SQL["has_series"], {"device": device})).fetchone() is not None


async def hand_over_series(conn: AsyncConnection[Any], device: str, past: str) -> None:
    """Give all series of a device, with their readings, to its past, in the caller's transaction."""
    await conn.execute(_SQL["hand_over_series"], {"device": device, "past": past})
