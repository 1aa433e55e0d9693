"""Puts the tap desk of one device together: from its readers and its settings to sources of the agent."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from hubwell_edge.clock import Clock
from hubwell_edge.feedback.output import Feedback
from hubwell_edge.outbox.thread import OutboxThread
from hubwell_edge.readers.reader import Reader
from hubwell_edge.settings import EdgeSettings
from hubwell_edge.taps.files.epoch_keys import KeyFolder
from hubwell_edge.taps.files.roster import RosterStore
from hubwell_edge.taps.local_presence import Presence
from hubwell_edge.taps.tap_handler import Door, TapHandler
from hubwell_edge.taps.tap_source import TapSource
from hubwell_wire.messages import ReaderMeta


@dataclass(frozen=True, slots=True)
class Station:
    """One reader with what shows its answers; nothing is opened yet."""

    reader: Reader
    feedback: Feedback

    @property
    def meta(self) -> ReaderMeta:
        """What the device says of it."""
        return ReaderMeta(name=self.reader.name, driver=self.reader.driver)


def open_desk(
    settings: EdgeSettings, outbox: OutboxThread, clock: Clock, online: Callable[[], bool]
) -> TapHandler:
    """Return the tap desk, with what it knows from before."""
    folder, badges = settings.outbox.dir, settings.badges
    return TapHandler(
        outbox,
        KeyFolder(badges.keys_dir),
        RosterStore(folder, site=settings.site, device=settings.device, key=badges.roster_key),
        Presence(folder),
        clock=clock,
        patience_ms=badges.patience_ms,
        debounce_ms=round(badges.debounce_s * 1000),
        online=online,
    )


def sources_of(stations: Sequence[Station], desk: TapHandler) -> list[TapSource]:
    """Return a source for each reader."""
    return [
        TapSource(station.reader, Door(station.reader.name, station.feedback), desk) for station in stations
    ]
