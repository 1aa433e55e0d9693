"""Where drivers get their buses and pins from: the machine's own, or chip models in their place.

Libraries for hardware are imported when a sensor is opened, so that a computer without them can check a
device file, and a missing one is named in the fault of the sensor that needs it.
"""

import errno
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from types import ModuleType
from typing import Any, Protocol

from hubwell_edge.drivers.contract import SensorError

EREMOTEIO = 121
"""What Linux says when an I2C address does not acknowledge; `errno` has the name on Linux only."""
_NO_ANSWER = frozenset({EREMOTEIO, errno.ENXIO, errno.ETIMEDOUT})


class I2CBus(Protocol):
    """The part of `busio.I2C` that drivers use; addresses have 7 bits."""

    def try_lock(self) -> bool:
        """Take the bus if it is free, and say whether that worked."""
        ...

    def unlock(self) -> None:
        """Give the bus back."""
        ...

    def scan(self) -> list[int]:
        """Return the addresses that answer."""
        ...

    def deinit(self) -> None:
        """Close the bus."""
        ...

    def writeto(
        self, address: int, buffer: bytes | bytearray, *, start: int = 0, end: int | None = None
    ) -> None:
        """Write ``buffer[start:end]``."""
        ...

    def readfrom_into(
        self, address: int, buffer: bytearray, *, start: int = 0, end: int | None = None
    ) -> None:
        """Fill ``buffer[start:end]``."""
        ...

    def writeto_then_readfrom(
        self,
        address: int,
        buffer_out: bytes | bytearray,
        buffer_in: bytearray,
        *,
        out_start: int = 0,
        out_end: int | None = None,
        in_start: int = 0,
        in_end: int | None = None,
    ) -> None:
        """Write and then read without letting the bus go."""
        ...


def library(name: str) -> ModuleType:
    """Import a hardware library. Raises SensorError that says how to install it."""
    try:
        return import_module(name)
    except ImportError as error:
        raise SensorError(
            f"the library {name} cannot be imported ({error}); install it with: pip install hubwell[edge]"
        ) from error


def machine_i2c(bus: int) -> I2CBus:
    """Open ``/dev/i2c-{bus}`` of this machine. Raises ValueError or OSError if that does not work."""
    opened: I2CBus = library("adafruit_extended_bus").ExtendedI2C(bus)
    return opened


def machine_pins() -> None:
    """Leave the choice to gpiozero, which finds this machine's pins."""


@dataclass(frozen=True, slots=True)
class Hardware:
    """How to reach buses and pins. `pins` gives a gpiozero pin factory, or None for gpiozero's own choice."""

    i2c: Callable[[int], I2CBus] = machine_i2c
    pins: Callable[[], Any] = machine_pins


@contextmanager
def plain_i2c_errors(part: str, bus: int, address: int) -> Iterator[None]:
    """Turn what I2C libraries raise inside the block into a SensorError with advice."""
    try:
        yield
    except (OSError, RuntimeError, ValueError, ArithmeticError) as error:
        raise SensorError(_advice(error, part, bus, address)) from error


def _advice(error: Exception, part: str, bus: int, address: int) -> str:
    # The SCD4x library hides the OSError of the bus behind a RuntimeError about something else.
    cause = error.__cause__ if isinstance(error.__cause__, OSError) else error
    code = cause.errno if isinstance(cause, OSError) else None
    text = str(error)
    if code in {errno.EACCES, errno.EPERM}:
        return f"no right to use I2C bus {bus}: add the user of the agent to the group i2c and start it again"
    if "No device found for /dev/i2c" in text or code == errno.ENOENT:
        return (
            f"I2C bus {bus} does not exist: switch I2C on (raspi-config, Interface Options) and restart, "
            "or correct 'bus'"
        )
    if code in _NO_ANSWER or "No I2C device at address" in text:
        return (
            f"{part} does not answer at address {address:#04x} of I2C bus {bus}: check power and wires, and "
            f"whether `i2cdetect -y {bus}` shows the address"
        )
    if "CRC" in text:
        return (
            f"{part} sent data with a wrong checksum: shorten the cable or lower the speed of I2C bus {bus}"
        )
    if "Chip ID" in text:
        return (
            f"the part at address {address:#04x} of I2C bus {bus} is not a {part} ({text}): correct 'address'"
        )
    return f"{part} at address {address:#04x} of I2C bus {bus} failed: {text or type(error).__name__}"
