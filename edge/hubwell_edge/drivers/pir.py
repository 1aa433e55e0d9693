"""Presence from a passive infrared sensor on a GPIO pin.

The pin is read at intervals like every other sensor, so that a lost change is corrected by the next report,
and a change is also reported at once.
"""

import threading
from collections.abc import Mapping, Sequence
from typing import Annotated, Final

from pydantic import Field

from hubwell_edge.drivers.hardware import Hardware, Pin
from hubwell_edge.drivers.sensor import Changed, Channel, Measurement, PartName, SensorError, SensorSettings

SAMPLES_PER_S: Final = 20
"""How often the pin is sampled: a change is reported within 50 ms, and noise on the wire is limited to
this rate.
"""


class PirSettings(SensorSettings):
    """A PIR sensor of the device file."""

    part: PartName = "pir"
    pin: Annotated[int, Field(ge=0, le=27, description="GPIO number (BCM), not the number on the header")]
    every_s: Annotated[
        float, Field(ge=1, le=3600, description="seconds between reports without a change")
    ] = 60
    active_high: Annotated[bool, Field(description="false if the output goes low for motion")] = True


class Pir:
    """One PIR sensor: presence 1 while its output is active, else 0."""

    def __init__(self, settings: PirSettings, hardware: Hardware) -> None:
        self._settings = settings
        self._hardware = hardware
        self._open: tuple[Pin, threading.Event, threading.Thread] | None = None
        self._changed: Changed | None = None
        self.part = settings.part
        self.bus = "gpio"
        self.every_s = settings.every_s
        self.timeout_s = settings.timeout_s
        self.channels: Mapping[str, Channel] = {"presence": Channel("/", 0, 1)}

    def watch(self, changed: Changed) -> None:
        """Set the function that is called, from a thread of this sensor, when presence begins or ends."""
        self._changed = changed

    def open(self) -> None:
        """Reserve the pin and start sampling it. Raises SensorError."""
        number = self._settings.pin
        try:
            pin = self._hardware.pins().input(number, active_high=self._settings.active_high)
        except OSError as error:
            raise SensorError(
                f"GPIO{number} cannot be used for {self.part} ({error.strerror or error}): check 'pin', "
                "that no other program uses it, and that the user of the agent is in the group gpio"
            ) from error
        try:
            present = pin.is_on()
        except OSError as error:
            pin.close()
            raise self._unreadable(error) from error
        closing = threading.Event()
        thread = threading.Thread(
            target=self._sample, args=(pin, closing, present), name=f"{self.part}-sample", daemon=True
        )
        self._open = pin, closing, thread
        thread.start()

    def read(self) -> Sequence[Measurement]:
        """Return presence, 0 or 1. Raises SensorError."""
        if self._open is None:
            raise SensorError(f"{self.part} is not open")
        try:
            return [Measurement("presence", float(self._open[0].is_on()), "/")]
        except OSError as error:
            raise self._unreadable(error) from error

    def close(self) -> None:
        """Free the pin."""
        if self._open is None:
            return
        (pin, closing, thread), self._open = self._open, None
        closing.set()
        thread.join()
        pin.close()

    def _sample(self, pin: Pin, closing: threading.Event, present: bool) -> None:  # noqa: FBT001 - private
        while not closing.wait(1 / SAMPLES_PER_S):
            try:
                now = pin.is_on()
            except OSError:  # the next `read` reports it
                return
            if now != present:
                present = now
                self._report_change(float(present))

    def _unreadable(self, error: OSError) -> SensorError:
        return SensorError(
            f"GPIO{self._settings.pin} of {self.part} cannot be read ({error.strerror or error})"
        )

    def _report_change(self, presence: float) -> None:
        if self._changed is not None:
            self._changed([Measurement("presence", presence, "/")])
