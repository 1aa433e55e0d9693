"""Closing times: when a visit without an end is ended, per space or for the hub, in the hub's time zone."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

from hubwell.settings import Settings


@dataclass(frozen=True, slots=True)
class Hours:
    """Closing times on the wall: the hub's, and those of spaces that close at another time."""

    zone: ZoneInfo
    hub: time
    spaces: Mapping[str, time] = field(default_factory=dict)

    def closing_after(self, space_id: str, start: datetime) -> datetime:
        """Return the first closing time of the space after `start`, in UTC.

        A wall time that a clock change skips is taken as if the clock had not changed; of one that comes
        twice, the first counts.
        """
        closes = self.spaces.get(space_id, self.hub)
        day = start.astimezone(self.zone).date()
        while True:
            closing = datetime.combine(day, closes, tzinfo=self.zone).astimezone(UTC)
            if closing > start:
                return closing
            day += timedelta(days=1)


def hub_hours(settings: Settings) -> Hours:
    """Return the hub's closing time; spaces that close at other times are looked up where they are needed."""
    return Hours(ZoneInfo(settings.zone), settings.closing_time)
