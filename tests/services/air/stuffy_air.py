"""An hour of stuffy air for tests of the rule, and the episodes and events that it leaves."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from feed.ingest_setup import rows
from feed.simulated_device import Device, Packet

LONG_AGO = datetime.now(UTC).replace(second=0, microsecond=0) - timedelta(days=400)

STUFFY = [600.0] * 20 + [1600.0] * 30 + [500.0] * 30


def this_minute() -> datetime:
    """Return the minute that it is; the suite may have been running for a while."""
    return datetime.now(UTC).replace(second=0, microsecond=0)


def minutes(
    device: Device, begin: datetime, co2: Sequence[float | None], *, presence: float | None = 1.0
) -> list[Packet]:
    """One message every 30 seconds, two for each mean value; None is a minute of silence."""
    packets = []
    for index, value in enumerate(co2):
        for half in (0, 30):
            at = begin + timedelta(minutes=index, seconds=half)
            noise = 1 if half else -1
            values = {"co2": None if value is None else value + noise, "presence": presence}
            said = {name: number for name, number in values.items() if number is not None}
            if value is not None:
                packets.append(device.telemetry(at, said))
    return packets


def episodes(url: str, begin: datetime) -> list[tuple[int, int | None]]:
    """Give (opened, resolved) of each episode in minutes after `begin`."""

    def minute(at: datetime) -> int:
        return round((at - begin).total_seconds() / 60)

    found = rows(url, "SELECT opened_at, resolved_at FROM episode ORDER BY opened_at")
    return [(minute(opened), None if resolved is None else minute(resolved)) for opened, resolved in found]


def events(url: str) -> list[str]:
    return [kind for (kind,) in rows(url, "SELECT type FROM event ORDER BY id")]
