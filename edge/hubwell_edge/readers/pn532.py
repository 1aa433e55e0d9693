"""NXP PN532 over UART or SPI through Adafruit's library.

Card numbers come from the chip's own search (user manual UM0701-02, InListPassiveTarget), signed messages of
NTAG 424 DNA through InDataExchange.
"""

import logging
import termios
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Annotated, Any, Final, Literal

from pydantic import Field

from hubwell_edge.drivers.hardware import Hardware, SerialPort, library
from hubwell_edge.drivers.sensor import SensorError
from hubwell_edge.readers.card_debounce import CardDebounce
from hubwell_edge.readers.ntag424 import read_sun
from hubwell_edge.readers.reader import Card, ReaderError, ReaderSilentError, SignedCardSettings

LIST_PASSIVE_TARGET: Final = 0x4A
DATA_EXCHANGE: Final = 0x40
_ONE_CARD_TYPE_A: Final = bytes([1, 0])
_LONGEST_ANSWER: Final = 64
_LONGEST_DATA: Final = 0x80
_ACK_S: Final = 0.3
"""The chip acknowledges within 15 ms (UM0701-02, 6.2.2); the rest is for a busy machine."""
_POLL_AGAIN_S: Final = 0.08
"""Pause between two polls of a card that stays."""
_MOST_CORRUPT: Final = 5
"""This many corrupt answers in a row are a fault of the wiring; fewer may be a card moved away."""
_SPEAKS_ISO_7816: Final = 0x20
"""Bit of SEL_RES of cards that accept commands (ISO/IEC 14443-3, 6.5.3.4)."""

_QUIET_S: Final = 0.2
"""After this long without a byte, an incomplete frame is passed to the library as it is."""
_START: Final = b"\x00\xff"
_AROUND: Final = 4
"""Bytes of a frame after its start besides the data: length, its checksum, data checksum, postamble."""

log = logging.getLogger(__name__)


class Pn532Settings(SignedCardSettings):
    """A PN532 of the device file."""

    interface: Annotated[
        Literal["uart", "spi"], Field(description="uart or spi, as its switches are set")
    ] = "uart"
    port: Annotated[str, Field(min_length=1, description="its serial port, for uart")] = "/dev/serial0"
    baud: Annotated[int, Field(ge=9600, le=1288000, description="speed, for uart")] = 115200
    spi_bus: Annotated[Literal[0, 1], Field(description="the 0 in /dev/spidev0.0, for spi")] = 0
    select_pin: Annotated[
        int, Field(ge=0, le=27, description="GPIO number (BCM) that is wired to SS, for spi")
    ] = 5


@dataclass(frozen=True, slots=True)
class _Target:
    """A card in the field, and whether it accepts ISO 7816-4 commands."""

    uid: bytes
    takes_commands: bool


class Pn532:
    """One PN532."""

    driver = "pn532"

    def __init__(
        self,
        settings: Pn532Settings,
        hardware: Hardware,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._settings = settings
        self._hardware = hardware
        self._clock = clock
        self._chip: Any = None
        self._closers: list[Callable[[], object]] = []
        self._debounce = CardDebounce()
        self._corrupt = 0
        self._unreadable: str | None = None
        self.name = settings.name
        self.bus = settings.port if settings.interface == "uart" else f"spi-{settings.spi_bus}"

    def open(self) -> None:
        """Wake the chip and configure it to read cards. Raises ReaderError."""
        try:
            self._chip = self._attach()
            self._chip.SAM_configuration()
        except SensorError:
            raise
        except PermissionError as error:
            raise ReaderError(self._no_right()) from error
        except BlockingIOError as error:
            raise ReaderError(
                f"another program holds {self.bus}: stop it, so that {self.name} works"
            ) from error
        except Exception as error:
            # Blinka and the library raise many unrelated types where a bus, a pin or the chip is missing.
            raise ReaderSilentError(self._no_answer(f"{type(error).__name__}: {error}")) from error
        self._corrupt = 0

    def wait(self, timeout_s: float) -> Card | None:
        """Return the next card. Raises ReaderError."""
        end = self._clock() + timeout_s
        while (remaining := end - self._clock()) > 0:
            target = self._poll(remaining)
            if self._debounce.is_new(target.uid if target else None, self._clock()) and target is not None:
                return self._card(target)
            if target is not None:
                time.sleep(min(_POLL_AGAIN_S, remaining))
        return None

    def take_unreadable(self) -> str | None:
        """Return, once, why the latest card was not read."""
        reason, self._unreadable = self._unreadable, None
        return reason

    def close(self) -> None:
        """Close the port or release the pins."""
        self._chip = None
        while self._closers:
            with suppress(OSError):
                self._closers.pop()()

    def _attach(self) -> Any:  # noqa: ANN401 - no types in the library
        settings = self._settings
        if settings.interface == "uart":
            port = FramePort(self._hardware.serial(settings.port, settings.baud))
            self._closers.append(port.close)
            return library("adafruit_pn532.uart").PN532_UART(port)
        spi, select = self._hardware.spi(settings.spi_bus, settings.select_pin)
        self._closers += [spi.deinit, select.deinit]
        return library("adafruit_pn532.spi").PN532_SPI(spi, select)

    def _poll(self, timeout_s: float) -> _Target | None:
        """Search for a card until `timeout_s` has passed or a present card must have been removed."""
        poll_s = min(timeout_s, self._debounce.poll_s(self._clock()))
        answer = self._command(LIST_PASSIVE_TARGET, _ONE_CARD_TYPE_A, _LONGEST_ANSWER, poll_s)
        # Number of targets, index, SENS_RES (2 bytes), SEL_RES, length of the card number, card number.
        if not answer or answer[0] != 1 or len(answer) < 6 + answer[5]:
            return None
        return _Target(bytes(answer[6 : 6 + answer[5]]), bool(answer[4] & _SPEAKS_ISO_7816))

    def _card(self, target: _Target) -> Card | None:
        sun = None
        if self._settings.sun and target.takes_commands:
            sun = read_sun(self._exchange, self._settings.picc_parameter, self._settings.cmac_parameter)
        try:
            return Card(uid=target.uid, sun=sun)
        except ValueError as error:
            log.warning("%s read a card that cannot be used to check in: %s", self.name, error)
            self._unreadable = str(error)
            return None

    def _exchange(self, apdu: bytes) -> bytes:
        answer = self._command(DATA_EXCHANGE, bytes([1]) + apdu, _LONGEST_DATA, 1.0)
        # The first byte is the chip's own error code; without the card there is no status word.
        return bytes(answer[1:]) if answer and answer[0] == 0 else b""

    def _command(self, command: int, parameters: bytes, longest: int, timeout_s: float) -> bytes | None:
        """Return the chip's answer, None without one in time.

        Raises ReaderError without an acknowledgement.
        """
        if self._chip is None:
            raise ReaderError(f"{self.name} is not open")
        try:
            acknowledged = self._chip.send_command(command, params=parameters, timeout=_ACK_S)
            answer = self._chip.process_response(command, longest, timeout_s) if acknowledged else None
        except OSError as error:
            raise ReaderSilentError(self._no_answer(str(error))) from error
        except Exception as error:  # noqa: BLE001 - BusyError, RuntimeError, and IndexError for a truncated frame
            self._count_corrupt(error)
            return None
        if not acknowledged:
            raise ReaderSilentError(self._no_answer("no acknowledgement"))
        self._corrupt = 0
        return None if answer is None else bytes(answer)

    def _count_corrupt(self, error: Exception) -> None:
        self._corrupt += 1
        if self._corrupt >= _MOST_CORRUPT:
            raise ReaderError(
                f"{self.name} gives corrupt answers ({error}): shorten the cable of the PN532 on {self.bus}, "
                "and check that nothing else uses it"
            ) from error

    def _no_answer(self, detail: str) -> str:
        switches = "both to UART (HSU)" if self._settings.interface == "uart" else "to SPI"
        return (
            f"the PN532 of {self.name} does not answer on {self.bus} ({detail}): check power and wires, and "
            f"that its switches are set {switches}"
        )

    def _no_right(self) -> str:
        group = "dialout" if self._settings.interface == "uart" else "spi and gpio"
        return (
            f"no right to use {self.bus}: add the user of the agent to the group {group} and start it again"
        )


class FramePort:
    """A serial port with the interface of `busio.UART` that Adafruit's library expects.

    The library asks for the longest answer possible. A plain port would wait for its whole timeout after each
    shorter answer; this one detects the end of the frame.
    """

    def __init__(self, port: SerialPort) -> None:
        self._port = port

    @property
    def in_waiting(self) -> int:
        """Number of bytes that can be read at once. Raises OSError when the port is gone."""
        return self._port.in_waiting

    def reset_input_buffer(self) -> None:
        """Discard received bytes that were not read. Raises OSError when the port is gone."""
        try:
            self._port.reset_input_buffer()
        except termios.error as error:  # pyserial does not convert this one when the port is gone
            raise OSError(*error.args) from error

    def write(self, data: bytes) -> int | None:
        """Write all bytes."""
        return self._port.write(bytes(data))

    def read(self, count: int) -> bytes:
        """Return a whole frame, or `count` bytes, or the bytes received before the line fell silent."""
        data = b""
        last = time.monotonic()
        while len(data) < count and not _is_whole(data) and time.monotonic() - last < _QUIET_S:
            more = self._port.read(min(count - len(data), max(1, self._port.in_waiting)))
            if more:
                data += more
                last = time.monotonic()
        return data

    def close(self) -> None:
        """Close the port."""
        self._port.close()


def _is_whole(data: bytes) -> bool:
    """Return whether `data` contains a complete frame (UM0701-02, 6.2.1.1)."""
    start = data.find(_START)
    length_at = start + len(_START)
    return start >= 0 and len(data) > length_at and len(data) >= length_at + _AROUND + data[length_at]
