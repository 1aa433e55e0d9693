"""Readers and scanners that type like a keyboard ("keyboard wedge"), through Linux input devices.

The device is grabbed exclusively, so that card numbers never reach a console. Keys are decoded with the
United States layout, which such readers assume.
"""

import errno
import os
import select
import struct
import time
from collections.abc import Iterator
from typing import Annotated, Final

from pydantic import Field

from hubwell_edge.drivers.hardware import Hardware, Keyboard
from hubwell_edge.drivers.sensor import SensorError
from hubwell_edge.readers.reader import Card, ReaderError, ReaderSilentError
from hubwell_edge.readers.text import CardQueue, TextSettings

EVENT: Final = struct.Struct("@llHHi")
"""`struct input_event` of <linux/input.h>: seconds, microseconds, type, code, value."""
_EV_SYN, _EV_KEY = 0, 1
_SYN_DROPPED: Final = 3
"""The kernel's buffer was full and events are lost, also releases of keys (linux/input-event-codes.h)."""
_RELEASED, _PRESSED = 0, 1
_SHIFTS: Final = frozenset({42, 54})
_ENDS: Final = frozenset({15, 28, 96})
"""Tab, Enter, and Enter on the number pad: what readers are set to type at the end."""

# Codes of <linux/input-event-codes.h>, by rows of the keyboard, without and with Shift.
_ROWS: Final = (
    (2, "1234567890-=", "!@#$%^&*()_+"),
    (16, "qwertyuiop[]", "QWERTYUIOP{}"),
    (30, "asdfghjkl;'", 'ASDFGHJKL:"'),
    (43, "\\zxcvbnm,./", "|ZXCVBNM<>?"),
    (57, " ", " "),
    (71, "789", "789"),
    (75, "456", "456"),
    (79, "1230.", "1230."),
)
KEYS: Final = {
    first + place: (plain, shifted)
    for first, row, shifts in _ROWS
    for place, (plain, shifted) in enumerate(zip(row, shifts, strict=True))
}


class KeyParser:
    """Turns bytes of `struct input_event`, in pieces of any size, into lines of text."""

    def __init__(self) -> None:
        self._rest = b""
        self._shifts: set[int] = set()
        self._text = ""
        self._lossy = False

    @property
    def is_within_line(self) -> bool:
        """Whether keys were typed that no Enter has ended yet."""
        return bool(self._text)

    def feed(self, data: bytes) -> Iterator[str | None]:
        """Yield each complete line; None for one of which events were lost."""
        data = self._rest + data
        whole = len(data) - len(data) % EVENT.size
        self._rest = data[whole:]
        for _, _, kind, code, value in EVENT.iter_unpack(data[:whole]):
            if kind == _EV_SYN and code == _SYN_DROPPED:
                self.clear()
                self._lossy = True
            elif kind != _EV_KEY:
                continue
            elif code in _SHIFTS:
                self._shift(code, value)
            elif value == _PRESSED and code in _ENDS:
                line = None if self._lossy else self._text
                self.clear()
                self._lossy = False
                yield line
            elif value == _PRESSED:
                self._text += KEYS.get(code, ("", ""))[bool(self._shifts)]

    def clear(self) -> None:
        """Discard an incomplete line, and a Shift whose release was lost."""
        self._text = ""
        self._shifts.clear()

    def _shift(self, code: int, value: int) -> None:
        if value == _PRESSED:
            self._shifts.add(code)
        elif value == _RELEASED:
            self._shifts.discard(code)


class WedgeSettings(TextSettings):
    """A keyboard-like reader of the device file."""

    device: Annotated[
        str, Field(min_length=1, description="input device, best by its lasting name in /dev/input/by-id")
    ]
    pause_s: Annotated[
        float, Field(gt=0, le=10, description="seconds without a key after which a line is dropped")
    ] = 1.0


class Wedge:
    """One keyboard-like reader."""

    driver = "wedge"

    def __init__(self, settings: WedgeSettings, hardware: Hardware) -> None:
        self._settings = settings
        self._hardware = hardware
        self._keyboard: Keyboard | None = None
        self._keys = KeyParser()
        self._cards = CardQueue(settings)
        self._last_key = 0.0
        self.name = settings.name
        self.bus = settings.device

    def open(self) -> None:
        """Open and grab the device. Raises ReaderError."""
        device = self._settings.device
        try:
            self._keyboard = self._hardware.keyboard(device)
        except SensorError:
            raise
        except OSError as error:
            raise self._fault(error) from error
        self._keys = KeyParser()
        self._cards.clear()

    def wait(self, timeout_s: float) -> Card | None:
        """Return the next card. Raises ReaderError."""
        if self._keyboard is None:
            raise ReaderError(f"{self.name} is not open")
        end = time.monotonic() + timeout_s
        while (card := self._cards.next()) is None and (remaining := end - time.monotonic()) > 0:
            if select.select([self._keyboard.fd], [], [], remaining)[0]:
                self._receive(self._keyboard.fd)
            self._drop_unended()
            if self._cards.unreadable is not None:
                return self._cards.next()
        return card

    def take_unreadable(self) -> str | None:
        """Return, once, why the latest text was not a card."""
        return self._cards.take_unreadable()

    def close(self) -> None:
        """Release the device."""
        keyboard, self._keyboard = self._keyboard, None
        if keyboard is not None:
            keyboard.close()

    def _receive(self, descriptor: int) -> None:
        try:
            data = os.read(descriptor, EVENT.size * 64)
        except OSError as error:
            raise self._fault(error) from error
        if not data:
            raise ReaderSilentError(f"{self._settings.device} was removed: plug {self.name} in again")
        self._drop_unended()
        self._last_key = time.monotonic()
        for line in self._keys.feed(data):
            if line is None:
                self._cards.refuse(
                    "keys were lost while the machine was busy: hold the card to the reader again"
                )
            else:
                self._cards.add(line)

    def _drop_unended(self) -> None:
        """Drop a line after whose last key there was a pause."""
        if self._keys.is_within_line and time.monotonic() - self._last_key > self._settings.pause_s:
            self._keys.clear()
            self._cards.refuse("no Enter came after the text: set the reader to type Enter at the end")

    def _fault(self, error: OSError) -> ReaderError:
        device = self._settings.device
        if error.errno in {errno.ENODEV, errno.ENOENT, errno.ENXIO}:
            return ReaderSilentError(f"{device} does not exist: plug {self.name} in, or correct 'device'")
        if error.errno in {errno.EACCES, errno.EPERM}:
            return ReaderError(
                f"no right to read {device}: add the user of the agent to the group input and start it again"
            )
        if error.errno == errno.EBUSY:
            return ReaderError(f"another program holds {device}: stop it, so that {self.name} can be read")
        return ReaderError(f"{device} of {self.name} failed: {error.strerror or error}")
