"""Text on a display: a terminal, a customer display on a serial port, or lines in a file.

Displays without UTF-8 get plain ASCII letters: accents are removed.
"""

import os
import stat
import textwrap
import unicodedata
from pathlib import Path
from typing import Annotated, Final, Literal

from pydantic import Field

from hubwell_edge.config_tables import Options
from hubwell_edge.drivers.hardware import Hardware, SerialPort
from hubwell_edge.drivers.sensor import SensorError
from hubwell_edge.feedback.output import FeedbackError, Signal, Wait
from hubwell_edge.feedback.patterns import PLAIN_SIGNS, SIGNS

Style = Literal["terminal", "customer-display", "lines"]

CLEAR: Final[dict[Style, bytes]] = {"terminal": b"\x1b[2J\x1b[H", "customer-display": b"\x0c", "lines": b""}
"""Bytes that clear the display: ECMA-48 for terminals, form feed for customer displays (CD5220, ESC/POS)."""


class ScreenSettings(Options):
    """A display of the device file."""

    device: Annotated[str, Field(min_length=1, description="terminal, serial port or file to write to")]
    style: Annotated[Style, Field(description="how it is emptied; 'lines' adds a line for each tap")] = (
        "terminal"
    )
    baud: Annotated[int, Field(ge=300, le=4_000_000, description="speed of a serial port")] = 9600
    encoding: Annotated[Literal["utf-8", "ascii"], Field(description="'ascii' for plain letters")] = "utf-8"
    columns: Annotated[int, Field(ge=8, le=400, description="characters in a row")] = 20
    rows: Annotated[int, Field(ge=1, le=100, description="rows")] = 2
    clear_s: Annotated[
        float, Field(ge=0, le=3600, description="seconds until it is empty again; 0: never")
    ] = 5


class Screen:
    """One display."""

    name = "screen"

    def __init__(self, settings: ScreenSettings, hardware: Hardware) -> None:
        self._settings = settings
        self._hardware = hardware
        self._port: SerialPort | None = None
        self._file = -1
        self.rest_s = 0.0 if settings.style == "lines" else settings.clear_s

    def open(self) -> None:
        """Open the display. Raises FeedbackError."""
        self.close()
        device = self._settings.device
        try:
            if self._is_serial():
                self._port = self._hardware.serial(device, self._settings.baud)
            else:
                flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOCTTY | os.O_NONBLOCK
                self._file = os.open(device, flags, 0o640)
        except SensorError as error:
            raise FeedbackError(str(error)) from error
        except (OSError, ValueError) as error:
            raise FeedbackError(
                f"{device} cannot be opened ({error}): plug it in, correct 'device', or add the user of the "
                "agent to the group dialout or tty"
            ) from error

    def show(self, signal: Signal, wait: Wait) -> None:
        """Write sign and text. Raises FeedbackError."""
        del wait
        self._write(CLEAR[self._settings.style] + self.lines(signal))

    def clear(self) -> None:
        """Clear the display. Raises FeedbackError."""
        self._write(CLEAR[self._settings.style])

    def close(self) -> None:
        """Close the display."""
        port, self._port = self._port, None
        if port is not None:
            port.close()
        file, self._file = self._file, -1
        if file >= 0:
            os.close(file)

    def lines(self, signal: Signal) -> bytes:
        """Return the bytes for a signal: sign and text, wrapped to the rows of the display."""
        settings = self._settings
        if settings.encoding == "utf-8":
            text = f"{SIGNS[signal.group]} {signal.text}"
        else:
            text = plain(f"{PLAIN_SIGNS[signal.group]} {signal.text}")
        if settings.style == "lines":
            return (text.replace("\n", " ") + "\n").encode(settings.encoding)
        rows = textwrap.wrap(text, settings.columns, max_lines=settings.rows, placeholder="...")
        return "\r\n".join(rows).encode(settings.encoding)

    def _is_serial(self) -> bool:
        """Return whether the device is a serial port: any customer display, or a name of a serial port."""
        if self._settings.style == "customer-display":
            return True
        try:
            is_device = stat.S_ISCHR(Path(self._settings.device).stat().st_mode)
        except OSError:
            return False
        names = ("ttyS", "ttyAMA", "ttyUSB", "ttyACM", "serial")
        return is_device and Path(self._settings.device).name.startswith(names)

    def _write(self, data: bytes) -> None:
        if not data:
            return
        try:
            if self._port is not None:
                self._port.write(data)
            else:
                os.write(self._file, data)
        except OSError as error:
            raise FeedbackError(
                f"{self._settings.device} does not accept text ({error}): plug it in again"
            ) from error


def plain(text: str) -> str:
    """Return the text in ASCII: letters without accents, '?' for characters that have no plain letter."""
    decomposed = unicodedata.normalize("NFKD", text.translate(_PUNCTUATION))
    letters = "".join(character for character in decomposed if not unicodedata.combining(character))
    return letters.encode("ascii", "replace").decode()


_PUNCTUATION: Final = str.maketrans(
    {"\u2019": "'", "\u2018": "'", "\u201c": '"', "\u201d": '"', "\u2013": "-", "\u2014": "-"}
)
