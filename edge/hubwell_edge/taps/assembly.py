"""Builds the tap handler of one device and a source for each of its badge readers."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from hubwell_edge.clock import Clock
from hubwell_edge.feedback.output import Feedback
from hubwell_edge.outbox.thread import OutboxThread
from hubwell_edge.readers.reader import Reader
from hubwell_edge.settings import EdgeSettings
from hubwell_edge.taps.files.epoch_keys import KeyFolder
from hubwell_edge.taps.files.roster import RosterStore
from hubwell_edge.taps.local_presence import LocalPresence
from hubwell_edge.taps.tap_handler import Door, TapHandler
from hubwell_edge.taps.tap_source import TapSource
from hubwell_wire.messages import ReaderMeta


@dataclass(frozen=True, slots=True)
class Station:
    """One badge reader with the feedback that shows its answers; neither is opened yet."""

    reader: Reader
    feedback: Feedback

    @property
    def meta(self) -> ReaderMeta:
        """Description of the reader for the device's `meta` message."""
        return ReaderMeta(name=self.reader.name, driver=self.reader.driver)


def build_tap_handler(
    settings: EdgeSettings, outbox: OutboxThread, clock: Clock, online: Callable[[], bool]
) -> TapHandler:
    """Return the tap handler, with the stored list of badges and local presence loaded."""
    folder, badges = settings.outbox.dir, settings.badges
    return TapHandler(
        outbox,
        KeyFolder(badges.keys_dir),
        RosterStore(folder, site=settings.site, device=settings.device, key=badges.roster_key),
        LocalPresence(folder),
        clock=clock,
        patience_ms=badges.patience_ms,
        debounce_ms=round(badges.debounce_s * 1000),
        online=online,
    )


def build_tap_sources(stations: Sequence[Station], handler: TapHandler) -> list[TapSource]:
    """Return one source for each reader."""
    sources = []
    for station in stations:
        door = Door(station.reader.name, station.feedback)
        handler.add_door(door)
        sources.append(TapSource(station.reader, door, handler))
    return sources
