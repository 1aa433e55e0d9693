"""Readers that send one card number or code per line: serial scanners, and standard input for trials."""

import os
import re
import select
import time
from typing import Annotated, Final

from pydantic import Field

from hubwell_edge.drivers.hardware import Hardware, SerialPort
from hubwell_edge.drivers.sensor import SensorError
from hubwell_edge.readers.reader import Card, ReaderError, ReaderSilentError
from hubwell_edge.readers.text import LONGEST_TEXT, CardQueue, TextSettings

STANDARD_INPUT: Final = "-"


class SerialLineSettings(TextSettings):
    """A line-based reader of the device file."""

    device: Annotated[
        str, Field(min_length=1, description="its terminal, as /dev/ttyACM0; '-': standard input")
    ]
    baud: Annotated[int, Field(ge=300, le=4_000_000, description="speed")] = 9600


class SerialLineReader:
    """One reader that sends lines."""

    driver = "line"

    def __init__(self, settings: SerialLineSettings, hardware: Hardware) -> None:
        self._settings = settings
        self._hardware = hardware
        self._port: SerialPort | None = None
        self._descriptor = -1
        self._partial = b""
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
        return card

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
        *lines, partial = re.split(rb"[\r\n]", self._partial + data)
        # A very long line without an end is noise, or comes from a scanner that does not end its lines.
        self._partial = partial[-LONGEST_TEXT:]
        for line in lines:
            self._cards.add(line.decode("utf-8", "replace"))
