"""Lamps and a buzzer on GPIO pins."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from hubwell_edge.config_tables import Options
from hubwell_edge.drivers.hardware import Hardware, Pin
from hubwell_edge.drivers.sensor import SensorError
from hubwell_edge.feedback.output import FeedbackError, Signal, Wait
from hubwell_edge.feedback.patterns import PATTERNS

Part = Literal["green", "red", "buzzer"]
Number = Annotated[int, Field(ge=0, le=27, description="GPIO number (BCM), not the number on the header")]


class GpioSettings(Options):
    """Lamps and a buzzer of the device file."""

    green: Number | None = None
    red: Number | None = None
    buzzer: Number | None = None
    active_high: Annotated[bool, Field(description="false if a low pin switches the part on")] = True

    @model_validator(mode="after")
    def _has_a_part(self) -> Self:
        pins = list(self.pins().values())
        if not pins:
            raise ValueError("give at least one of 'green', 'red' and 'buzzer' a pin")
        if len(set(pins)) < len(pins):
            raise ValueError("'green', 'red' and 'buzzer' each need a pin of their own")
        return self

    def pins(self) -> dict[Part, int]:
        """Return the pins that are set, by part."""
        all_pins: dict[Part, int | None] = {"green": self.green, "red": self.red, "buzzer": self.buzzer}
        return {part: pin for part, pin in all_pins.items() if pin is not None}


class Gpio:
    """Lamps and a buzzer. The buzzer has an oscillator of its own: it sounds while its pin is active."""

    name = "gpio"
    rest_s = 0.0

    def __init__(self, settings: GpioSettings, hardware: Hardware) -> None:
        self._settings = settings
        self._hardware = hardware
        self._pins: dict[Part, Pin] = {}

    def open(self) -> None:
        """Reserve the pins, all off. Raises FeedbackError."""
        self.close()
        try:
            pins = self._hardware.pins()
            for part, number in self._settings.pins().items():
                self._pins[part] = pins.output(number, active_high=self._settings.active_high)
        except SensorError as error:
            raise FeedbackError(str(error)) from error
        except OSError as error:
            raise FeedbackError(
                f"its pins cannot be used ({error.strerror or error}): check their numbers, that no "
                "other program uses them, and that the user of the agent is in the group gpio"
            ) from error

    def show(self, signal: Signal, wait: Wait) -> None:
        """Play the pattern of the verdict."""
        if signal.quiet:
            return
        try:
            for step in PATTERNS[signal.group]:
                self._set(green=step.green, red=step.red, buzzer=step.tone)
                if wait(step.seconds):
                    break
        finally:
            self.clear()

    def clear(self) -> None:
        """Switch all parts off."""
        self._set(green=False, red=False, buzzer=False)

    def close(self) -> None:
        """Free the pins."""
        while self._pins:
            self._pins.popitem()[1].close()

    def _set(self, **states: bool) -> None:
        for part, pin in self._pins.items():
            pin.switch(on=states[part])
