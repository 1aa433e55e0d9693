"""Presence from a passive infrared sensor on a GPIO pin through gpiozero.

It is read like every other sensor, so that the state is known again after any loss, and it tells of a
change at once.
"""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Final

from pydantic import Field

from hubwell_edge.drivers.hardware import Hardware, library
from hubwell_edge.drivers.sensor import Changed, Channel, Measurement, PartName, SensorError, SensorSettings

SAMPLES_PER_S: Final = 20
"""How often gpiozero looks at the pin: a change is seen within 50 ms."""


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
        self._device: Any = None
        self._changed: Changed | None = None
        self.part = settings.part
        self.bus = "gpio"
        self.every_s = settings.every_s
        self.timeout_s = settings.timeout_s
        self.channels: Mapping[str, Channel] = {"presence": Channel("/", 0, 1)}

    def watch(self, changed: Changed) -> None:
        """Call `changed` from gpiozero's thread whenever presence begins or ends."""
        self._changed = changed

    def open(self) -> None:
        """Reserve the pin and start looking at it. Raises SensorError."""
        gpiozero = library("gpiozero")
        pin = self._settings.pin
        try:
            device = gpiozero.MotionSensor(
                pin,
                pull_up=not self._settings.active_high,
                queue_len=1,
                sample_rate=SAMPLES_PER_S,
                pin_factory=self._hardware.pins(),
            )
        except (gpiozero.GPIOZeroError, OSError) as error:
            raise SensorError(
                f"GPIO{pin} cannot be used for {self.part} ({type(error).__name__}: {error}): check 'pin', "
                "that no other program uses it, and that the user of the agent is in the group gpio"
            ) from error
        device.when_motion = lambda: self._tell(1.0)
        device.when_no_motion = lambda: self._tell(0.0)
        self._device = device

    def read(self) -> Sequence[Measurement]:
        """Return presence, 0 or 1. Raises SensorError."""
        device = self._device
        if device is None:
            raise SensorError(f"{self.part} is not open")
        return [Measurement("presence", float(bool(device.is_active)), "/")]

    def close(self) -> None:
        """Free the pin."""
        device, self._device = self._device, None
        if device is not None:
            device.close()

    def _tell(self, presence: float) -> None:
        if self._changed is not None:
            self._changed([Measurement("presence", presence, "/")])
