"""Access to buses and pins for drivers: those of this machine, or chip models in their place.

Hardware libraries are imported when a sensor is opened, so that a computer without them can check a device
file, and a missing library is named in the fault of the sensor that needs it.
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
"""Linux error number for an I2C address that does not acknowledge; `errno` has the name on Linux only."""
_NO_ANSWER = frozenset({EREMOTEIO, errno.ENXIO, errno.ETIMEDOUT})


class I2CBus(Protocol):
    """The part of the interface of `busio.I2C` that drivers use; addresses have 7 bits."""

    def try_lock(self) -> bool:
        """Lock the bus if it is free; return whether it was."""
        ...

    def unlock(self) -> None:
        """Unlock the bus."""
        ...

    def scan(self) -> list[int]:
        """Return the addresses that acknowledge."""
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
        """Write and then read without releasing the bus in between."""
        ...


class Pin(Protocol):
    """One GPIO pin; every method raises OSError."""

    def is_on(self) -> bool:
        """Return whether the pin is active."""
        ...

    def switch(self, *, on: bool) -> None:
        """Make the pin active or inactive."""
        ...

    def close(self) -> None:
        """Free the pin."""
        ...


class Pins(Protocol):
    """GPIO pins by their BCM numbers; with `active_high` False a low level is active."""

    def input(self, number: int, *, active_high: bool) -> Pin:
        """Reserve an input pin, pulled to its inactive level. Raises OSError."""
        ...

    def output(self, number: int, *, active_high: bool) -> Pin:
        """Reserve an output pin, inactive from the start. Raises OSError."""
        ...


class SerialPort(Protocol):
    """The part of the interface of `serial.Serial` that drivers use."""

    @property
    def in_waiting(self) -> int:
        """Number of bytes that can be read without waiting."""
        ...

    def fileno(self) -> int:
        """Return the file descriptor, for waiting with a time limit."""
        ...

    def read(self, size: int = 1, /) -> bytes:
        """Return up to `size` bytes; fewer or none when the port's timeout passes."""
        ...

    def write(self, data: bytes, /) -> int | None:
        """Write the bytes."""
        ...

    def reset_input_buffer(self) -> None:
        """Discard received bytes that were not read."""
        ...

    def close(self) -> None:
        """Close the port."""
        ...


class Keyboard(Protocol):
    """A keyboard-like input device, grabbed so that no other program receives its keys."""

    @property
    def fd(self) -> int:
        """The file descriptor from which `struct input_event` is read."""
        ...

    def close(self) -> None:
        """Release the device."""
        ...


def library(name: str, extra: str = "edge") -> ModuleType:
    """Import a hardware library. Raises SensorError with the command that installs it."""
    try:
        return import_module(name)
    except ImportError as error:
        raise SensorError(
            f"the library {name} cannot be imported ({error}); install it with: pip install hubwell[{extra}]"
        ) from error


def machine_i2c(bus: int) -> I2CBus:
    """Open ``/dev/i2c-{bus}`` of this machine. Raises OSError."""
    path = f"/dev/i2c-{bus}"
    if not Path(path).exists():
        raise FileNotFoundError(errno.ENOENT, "no such bus", path)
    return LinuxI2C(library("adafruit_blinka.microcontroller.generic_linux.i2c").I2C(bus))


def machine_serial(path: str, baud: int) -> SerialPort:
    """Open a serial port of this machine for exclusive use.

    Raises OSError: PermissionError without the right, BlockingIOError where another program uses the port.
    """
    serial = library("serial")
    try:
        port: SerialPort = serial.Serial(path, baud, timeout=0.05, write_timeout=2, exclusive=True)
    except serial.SerialException as error:
        # SerialException hides the kind of OSError; constructed with the number, Python restores it.
        raise OSError(error.errno, str(error)) from error
    return port


def machine_spi(bus: int, select_pin: int) -> tuple[Any, Any]:
    """Return SPI bus 0 or 1 of this machine as `busio.SPI`, and the pin that selects the chip.

    Raises Blinka's exceptions where the bus or the pin does not exist.
    """
    os.environ["BLINKA_SKIP_DEPENDENCY_CHECK"] = "1"  # else Blinka offers to install packages
    board, busio, digitalio = library("board"), library("busio"), library("digitalio")
    names = ("SCK", "MOSI", "MISO") if bus == 0 else (f"SCK_{bus}", f"MOSI_{bus}", f"MISO_{bus}")
    spi = busio.SPI(*(getattr(board, name) for name in names))
    return spi, digitalio.DigitalInOut(getattr(board, f"D{select_pin}"))


def machine_keyboard(path: str) -> Keyboard:
    """Open an input device and grab it, so that the console does not receive its keys. Raises OSError."""
    device = library("evdev", "readers").InputDevice(path)
    try:
        device.grab()
    except OSError:
        device.close()
        raise
    keyboard: Keyboard = device
    return keyboard


def machine_pins() -> Pins:
    """Return the pins of this machine's header; no pin is reserved yet."""
    return HeaderPins(library("gpiod"))


@dataclass(frozen=True, slots=True)
class Hardware:
    """Functions that open buses and pins.

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
    """Convert exceptions of I2C libraries inside the block into a SensorError with advice."""
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
