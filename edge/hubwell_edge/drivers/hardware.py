"""Where drivers get their buses and pins from: the machine's own, or chip models in their place.

Libraries for hardware are imported when a sensor is opened, so that a computer without them can check a
device file, and a missing one is named in the fault of the sensor that needs it.
"""

import errno
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any, Protocol

from hubwell_edge.drivers.header_pins import HeaderPins
from hubwell_edge.drivers.linux_i2c import LinuxI2C
from hubwell_edge.drivers.sensor import SensorError

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


class Pin(Protocol):
    """One pin; every method raises OSError."""

    def is_on(self) -> bool:
        """Tell whether the pin is active."""
        ...

    def switch(self, *, on: bool) -> None:
        """Make the pin active or not."""
        ...

    def close(self) -> None:
        """Free the pin."""
        ...


class Pins(Protocol):
    """Pins by their GPIO numbers (BCM); `active_high` False turns them round."""

    def input(self, number: int, *, active_high: bool) -> Pin:
        """Reserve a pin to look at; without a signal it rests inactive. Raises OSError."""
        ...

    def output(self, number: int, *, active_high: bool) -> Pin:
        """Reserve a pin to switch, inactive from the first moment. Raises OSError."""
        ...


class SerialPort(Protocol):
    """The part of `serial.Serial` that drivers use."""

    @property
    def in_waiting(self) -> int:
        """Bytes that can be read at once."""
        ...

    def fileno(self) -> int:
        """Return the file descriptor, to wait for bytes with a time limit."""
        ...

    def read(self, size: int = 1, /) -> bytes:
        """Return up to `size` bytes; fewer, or none, when the port's time limit passes."""
        ...

    def write(self, data: bytes, /) -> int | None:
        """Write the bytes."""
        ...

    def reset_input_buffer(self) -> None:
        """Forget what came and was not read."""
        ...

    def close(self) -> None:
        """Close the port."""
        ...


class Keyboard(Protocol):
    """A keyboard-like device that nobody else hears."""

    @property
    def fd(self) -> int:
        """The descriptor that gives `struct input_event`."""
        ...

    def close(self) -> None:
        """Give the device back."""
        ...


def library(name: str, extra: str = "edge") -> ModuleType:
    """Import a hardware library. Raises SensorError that says how to install it."""
    try:
        return import_module(name)
    except ImportError as error:
        raise SensorError(
            f"the library {name} cannot be imported ({error}); install it with: pip install hubwell[{extra}]"
        ) from error


def machine_i2c(bus: int) -> I2CBus:
    """Open ``/dev/i2c-{bus}`` of this machine. Raises OSError if that does not work."""
    path = f"/dev/i2c-{bus}"
    if not Path(path).exists():
        raise FileNotFoundError(errno.ENOENT, "no such bus", path)
    return LinuxI2C(library("adafruit_blinka.microcontroller.generic_linux.i2c").I2C(bus))


def machine_serial(path: str, baud: int) -> SerialPort:
    """Open a serial port of this machine for us alone.

    Raises OSError if that does not work: PermissionError without the right, BlockingIOError where another
    program holds it.
    """
    serial = library("serial")
    try:
        port: SerialPort = serial.Serial(path, baud, timeout=0.05, write_timeout=2, exclusive=True)
    except serial.SerialException as error:
        # The library hides what kind of OSError it was; by its number Python finds the kind again.
        raise OSError(error.errno, str(error)) from error
    return port


def machine_spi(bus: int, select_pin: int) -> tuple[Any, Any]:
    """Return SPI bus 0 or 1 of this machine as `busio.SPI`, and the pin that selects the chip.

    Raises what Blinka raises where there is no such bus or pin.
    """
    os.environ["BLINKA_SKIP_DEPENDENCY_CHECK"] = "1"  # else it offers to install things, on any terminal
    board, busio, digitalio = library("board"), library("busio"), library("digitalio")
    names = ("SCK", "MOSI", "MISO") if bus == 0 else (f"SCK_{bus}", f"MOSI_{bus}", f"MISO_{bus}")
    spi = busio.SPI(*(getattr(board, name) for name in names))
    return spi, digitalio.DigitalInOut(getattr(board, f"D{select_pin}"))


def machine_keyboard(path: str) -> Keyboard:
    """Open an input device and take it from the console. Raises OSError if that does not work."""
    device = library("evdev", "readers").InputDevice(path)
    try:
        device.grab()
    except OSError:
        device.close()
        raise
    keyboard: Keyboard = device
    return keyboard


def machine_pins() -> Pins:
    """Return the pins of this machine's header. Nothing is reserved yet."""
    return HeaderPins(library("gpiod"))


@dataclass(frozen=True, slots=True)
class Hardware:
    """How to reach buses and pins.

    `serial` takes a path and a speed in baud, `spi` a bus and the GPIO number of the chip's select pin, and
    `keyboard` the path of an input device.
    """

    i2c: Callable[[int], I2CBus] = machine_i2c
    pins: Callable[[], Pins] = machine_pins
    serial: Callable[[str, int], SerialPort] = machine_serial
    spi: Callable[[int, int], tuple[Any, Any]] = machine_spi
    keyboard: Callable[[str], Keyboard] = machine_keyboard


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
    if code == errno.ENOENT:
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
