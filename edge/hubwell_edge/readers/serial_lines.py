"""Readers that send one card number or code per line: serial scanners, and standard input for trials."""

import os
import re
import select
import time
from typing import Annotated, Final, Literal

from pydantic import Field

from hubwell_edge.drivers.hardware import Hardware, SerialPort
from hubwell_edge.drivers.sensor import SensorError
from hubwell_edge.readers.reader import Card, ReaderError, ReaderSilentError
from hubwell_edge.readers.text import LONGEST_TEXT, CardQueue, TextSettings

STANDARD_INPUT: Final = "-"
_LINE_END: Final = re.compile(rb"[\r\n]")
_FRAME: Final = re.compile(rb"\x02([^\x02\x03]*)\x03")
PAUSE_S: Final = 1.0
"""A line that has not ended this long after its last byte never will: scanners send a line at once."""


class SerialLineSettings(TextSettings):
    """A line-based reader of the device file."""

    device: Annotated[
        str, Field(min_length=1, description="its terminal, as /dev/ttyACM0; '-': standard input")
    ]
    baud: Annotated[int, Field(ge=300, le=4_000_000, description="speed")] = 9600
    frame: Annotated[
        Literal["line", "stx-etx"],
        Field(description="what encloses a number: the end of a line, or the bytes STX and ETX"),
    ] = "line"


class SerialLineReader:
    """One reader that sends lines."""

    driver = "line"

    def __init__(self, settings: SerialLineSettings, hardware: Hardware) -> None:
        self._settings = settings
        self._hardware = hardware
        self._port: SerialPort | None = None
        self._descriptor = -1
        self._partial = b""
        self._last_byte = 0.0
        self._cards = CardQueue(settings)
        self.name = settings.name
        self.bus = settings.device

    def open(self) -> None:
        """Open the port. Raises ReaderError."""
        device = self._settings.device
        self._partial = b""
        self._cards.clear()
        if device == STANDARD_INPUT:
            self._descriptor = 0
            return
        try:
            self._port = self._hardware.serial(device, self._settings.baud)
            self._descriptor = self._port.fileno()
        except SensorError:
            raise
        except PermissionError as error:
            raise ReaderError(
                f"no right to read {device}: add the user of the agent to the group dialout and restart it"
            ) from error
        except BlockingIOError as error:
            raise ReaderError(
                f"another program holds {device}: stop it, so that {self.name} works"
            ) from error
        except (OSError, ValueError) as error:
            raise ReaderSilentError(
                f"{device} of {self.name} cannot be opened ({error}): plug it in, or correct 'device'"
            ) from error

    def wait(self, timeout_s: float) -> Card | None:
        """Return the next card. Raises ReaderError."""
        if self._descriptor < 0:
            raise ReaderError(f"{self.name} is not open")
        end = time.monotonic() + timeout_s
        while (card := self._cards.next()) is None and (remaining := end - time.monotonic()) > 0:
            if select.select([self._descriptor], [], [], remaining)[0]:
                self._receive()
            self._drop_unended()
            if self._cards.unreadable is not None:
                return self._cards.next()
        return card

    def take_unreadable(self) -> str | None:
        """Return, once, why the latest text was not a card."""
        return self._cards.take_unreadable()

    def close(self) -> None:
        """Close the port; standard input stays open."""
        port, self._port = self._port, None
        self._descriptor = -1
        if port is not None:
            port.close()

    def _receive(self) -> None:
        try:
            data = os.read(self._descriptor, 1024)
        except OSError as error:
            raise ReaderSilentError(
                f"{self._settings.device} of {self.name} is gone ({error.strerror}): plug it in again"
            ) from error
        if not data:
            raise ReaderSilentError(
                f"{self._settings.device} of {self.name} was closed: no more data can arrive"
            )
        self._last_byte = time.monotonic()
        lines, partial = self._split(self._partial + data)
        # A very long line without an end is noise, or comes from a scanner that does not end its lines.
        self._partial = partial[-LONGEST_TEXT:]
        for line in lines:
            self._cards.add(line.decode("utf-8", "replace"))

    def _split(self, data: bytes) -> tuple[list[bytes], bytes]:
        """Return the texts that are complete, and the beginning of the next one."""
        if self._settings.frame == "line":
            *lines, partial = _LINE_END.split(data)
            return lines, partial
        frames = list(_FRAME.finditer(data))
        return [frame[1] for frame in frames], data[frames[-1].end() :] if frames else data

    def _drop_unended(self) -> None:
        """Drop text that nothing ended: the scanner does not end its lines, or frames them otherwise."""
        if self._partial.strip() and time.monotonic() - self._last_byte > PAUSE_S:
            self._partial = b""
            self._cards.refuse(
                "the text read has no end: set the reader to send Enter after it, or see the option 'frame'"
            )
