"""How a PN532 model is attached: at the end of a real pseudo-terminal, or on an SPI bus in memory."""

import os
import pty
import select
import threading
import tty
from typing import Final

from hubwell_edge.sim.chips.pn532 import Pn532Chip

_LOOK_S: Final = 0.01
_STATUS, _WRITE, _READ = 0x02, 0x01, 0x03
"""First byte of a transfer over SPI (UM0701-02, 6.2.5)."""


class SerialCable:
    """A pseudo-terminal with the chip at its far end; `path` is what a driver opens.

    Raises OSError where the machine has no pseudo-terminals.
    """

    def __init__(self, chip: Pn532Chip) -> None:
        self._chip = chip
        self._far, self._near = pty.openpty()
        tty.setraw(self._far)
        tty.setraw(self._near)
        self.path = os.ttyname(self._near)
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._work, name="pn532-model", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Pull the cable out: the driver's next read or write fails."""
        self._stopping.set()
        self._thread.join()
        os.close(self._far)
        os.close(self._near)

    def _work(self) -> None:
        while not self._stopping.is_set():
            if select.select([self._far], [], [], _LOOK_S)[0]:
                self._chip.take(os.read(self._far, 1024))
            if self._chip.ready:
                os.write(self._far, self._chip.give())


class SpiBus:
    """Stands where `busio.SPI` stands; the chip speaks the lowest bit first, and so does this."""

    def __init__(self, chip: Pn532Chip) -> None:
        self._chip = chip
        self._lock = threading.Lock()

    def try_lock(self) -> bool:
        """Take the bus if it is free."""
        return self._lock.acquire(blocking=False)

    def unlock(self) -> None:
        """Give the bus back."""
        self._lock.release()

    def configure(self, **options: object) -> None:
        """Take any speed and polarity."""
        del options

    def deinit(self) -> None:
        """Do nothing: the next driver may open it again."""

    def write(self, buffer: bytes | bytearray) -> None:
        """Take a transfer; one that does not begin with "write" only wakes the chip up."""
        data = mirrored(bytes(buffer))
        if data[:1] == bytes([_WRITE]):
            self._chip.take(data[1:])

    def write_readinto(self, buffer_out: bytes | bytearray, buffer_in: bytearray) -> None:
        """Answer "status" and "read"; the first byte that comes back means nothing."""
        count = len(buffer_in) - 1
        asked = mirrored(bytes(buffer_out[:1]))[0]
        answer = bytes([self._chip.ready]) if asked == _STATUS else b""
        if asked == _READ:
            answer = self._chip.give(count)
        buffer_in[1:] = mirrored(answer.ljust(count, b"\x00"))


class SelectPin:
    """Stands where `digitalio.DigitalInOut` stands for the chip's select line."""

    def __init__(self) -> None:
        self.value = True

    def switch_to_output(self, value: bool = False, **options: object) -> None:  # noqa: FBT001, FBT002 - as there
        """Become an output."""
        del options
        self.value = value

    def deinit(self) -> None:
        """Do nothing."""


class SilentKeyboard:
    """An input device at which nobody types."""

    def __init__(self) -> None:
        self.fd, self._far = os.pipe()

    def close(self) -> None:
        """Close it; harmless a second time."""
        if self.fd >= 0:
            os.close(self.fd)
            os.close(self._far)
        self.fd = self._far = -1


def mirrored(data: bytes) -> bytes:
    """Return each byte with its bits turned around."""
    return bytes(int(f"{byte:08b}"[::-1], 2) for byte in data)
