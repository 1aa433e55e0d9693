"""The pins of a Raspberry Pi's header through gpiod, the kernel's own library for pins."""

import errno
from pathlib import Path
from typing import Any, Final

HEADERS: Final = frozenset({"pinctrl-bcm2835", "pinctrl-bcm2711", "pinctrl-rp1"})
"""Labels of the chip that has the header's pins: Raspberry Pi up to 3, 4, and 5. Its lines have the numbers
of BCM on all of them; which ``/dev/gpiochipN`` it is differs between machines and kernels.
"""
_USER: Final = "hubwell-edge"


class HeaderPin:
    """One reserved pin, until `close`. Every method raises OSError where the kernel refuses."""

    def __init__(self, gpiod: Any, request: Any, number: int) -> None:  # noqa: ANN401 - optional library
        self._values = gpiod.line.Value
        self._request = request
        self._number = number

    def is_on(self) -> bool:
        """Return whether the pin is active."""
        return bool(self._request.get_value(self._number) == self._values.ACTIVE)

    def switch(self, *, on: bool) -> None:
        """Make the pin active or inactive."""
        self._request.set_value(self._number, self._values.ACTIVE if on else self._values.INACTIVE)

    def close(self) -> None:
        """Free the pin."""
        self._request.release()


class HeaderPins:
    """All pins of the header, by their GPIO numbers."""

    def __init__(self, gpiod: Any, devices: Path = Path("/dev")) -> None:  # noqa: ANN401 - optional library
        self._gpiod = gpiod
        self._devices = devices

    def input(self, number: int, *, active_high: bool) -> HeaderPin:
        """Reserve an input pin, pulled to its inactive level. Raises OSError."""
        line = self._gpiod.line
        bias = line.Bias.PULL_DOWN if active_high else line.Bias.PULL_UP
        return self._reserve(number, active_high, direction=line.Direction.INPUT, bias=bias)

    def output(self, number: int, *, active_high: bool) -> HeaderPin:
        """Reserve an output pin, inactive from the start. Raises OSError."""
        line = self._gpiod.line
        return self._reserve(
            number, active_high, direction=line.Direction.OUTPUT, output_value=line.Value.INACTIVE
        )

    def _reserve(self, number: int, active_high: bool, **settings: object) -> HeaderPin:  # noqa: FBT001 - private
        line = self._gpiod.LineSettings(active_low=not active_high, **settings)
        request = self._gpiod.request_lines(self._chip(), consumer=_USER, config={number: line})
        return HeaderPin(self._gpiod, request, number)

    def _chip(self) -> str:
        denied: PermissionError | None = None
        for path in sorted(self._devices.glob("gpiochip*")):
            try:
                with self._gpiod.Chip(str(path)) as chip:
                    label = chip.get_info().label
            except PermissionError as error:
                denied = error
                continue
            if label in HEADERS:
                return str(path)
        # A chip that may not be read could be the header: report that rather than its absence.
        raise denied or FileNotFoundError(errno.ENOENT, "this machine has no header of a Raspberry Pi")
