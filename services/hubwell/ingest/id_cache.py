"""Cache of database ids between batches: devices, series and streams.

After a failed transaction the whole cache is cleared and read again, because some of its ids may have been
rolled back.
"""

import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from psycopg import AsyncConnection

from hubwell.storage.queries import Queries
from hubwell_wire.units import quantity_of

_SQL: Final = Queries("hubwell.ingest")
_DEVICES_FRESH_S: Final = 5.0
"""Age of the device list, in seconds, after which a new or moved device is looked up again."""


@dataclass(frozen=True, slots=True)
class SeriesRef:
    """A series with its database id."""

    id: int
    unit: str
    quantity: str


StreamKey = tuple[str, UUID]


class IdCache:
    """Looks up ids, creating series and streams on first sight. Devices are never created here."""

    def __init__(self) -> None:
        self.spaces: dict[str, str | None] = {}
        self.streams: dict[StreamKey, int] = {}
        self._series: dict[str, dict[str, SeriesRef]] = {}
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
        self.spaces = dict(rows)
        self._devices_at = time.monotonic()

    async def series_of(self, conn: AsyncConnection[Any], device: str) -> dict[str, SeriesRef]:
        """Return the series_by_name series of a device by name."""
        series_by_name = self._series.get(device)
        if series_by_name is None:
            rows = await (await conn.execute(_SQL["known_series"], {"device": device})).fetchall()
            series_by_name = {name: SeriesRef(key, unit, quantity_of(name)) for key, name, unit in rows}
            self._series[device] = series_by_name
        return series_by_name

    async def add_series(self, conn: AsyncConnection[Any], device: str, name: str, unit: str) -> SeriesRef:
        """Create a series, or return the one that another process has just created."""
        values = {"device": device, "name": name, "quantity": quantity_of(name), "unit": unit}
        row = await (await conn.execute(_SQL["add_series"], values)).fetchone()
        if row is None:
            raise RuntimeError("an upsert with RETURNING gave no row")
        ref = SeriesRef(row[0], row[1], quantity_of(name))
        self._series[device][name] = ref
        return ref

    async def resolve_streams(self, conn: AsyncConnection[Any], keys: Iterable[StreamKey]) -> None:
        """Make sure that `streams` has an id for each (device, boot)."""
        missing = [key for key in set(keys) if key not in self.streams]
        if not missing:
            return
        values = {"devices": [key[0] for key in missing], "boots": [key[1] for key in missing]}
        await conn.execute(_SQL["add_streams"], values)
        rows = await (await conn.execute(_SQL["find_streams"], values)).fetchall()
        self.streams.update({(device, boot): key for key, device, boot in rows})
