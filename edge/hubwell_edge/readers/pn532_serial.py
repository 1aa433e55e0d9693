"""A serial port as Adafruit's PN532 library wants it, without waiting for bytes that never come.

The library asks for the longest answer there could be. A plain port would let the time limit pass at each
answer that is shorter; this one sees where the frame ends.
"""

import termios
import time
from typing import Final

from hubwell_edge.drivers.hardware import SerialPort

_QUIET_S: Final = 0.2
"""So long after its last byte half a frame is given to the library as it is."""
_START: Final = b"\x00\xff"
_AROUND: Final = 4
"""Bytes of a frame after its start beside the data: length, its check, check of the data, postamble."""


class FramePort:
    """Stands where `busio.UART` stands."""

    def __init__(self, port: SerialPort) -> None:
        self._port = port

    @property
    def in_waiting(self) -> int:
        """Bytes that can be read at once. Raises OSError when the port is gone."""
        return self._port.in_waiting

    def reset_input_buffer(self) -> None:
        """Forget what came and was not read. Raises OSError when the port is gone."""
        try:
            self._port.reset_input_buffer()
        except termios.error as error:  # what pyserial lets through when the port is gone
            raise OSError(*error.args) from error

    def write(self, data: bytes) -> int | None:
        """Write all bytes."""
        return self._port.write(bytes(data))

    def read(self, count: int) -> bytes:
        """Return a whole frame, or `count` bytes, or what came before the line fell quiet."""
        got = b""
        last = time.monotonic()
        while len(got) < count and not _is_whole(got) and time.monotonic() - last < _QUIET_S:
            more = self._port.read(min(count - len(got), max(1, self._port.in_waiting)))
            if more:
                got += more
                last = time.monotonic()
        return got

    def close(self) -> None:
        """Close the port."""
        self._port.close()


def _is_whole(data: bytes) -> bool:
    """Say whether `data` holds a frame to its end (UM0701-02, 6.2.1.1)."""
    start = data.find(_START)
    length_at = start + len(_START)
    return start >= 0 and len(data) > length_at and len(data) >= length_at + _AROUND + data[length_at]
