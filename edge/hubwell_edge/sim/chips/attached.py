"""Attaches a PN532 model: to the end of a real pseudo-terminal, or to an SPI bus in memory."""

import os
import pty
import select
import threading
import tty
from typing import Final

from hubwell_edge.sim.chips.pn532 import Pn532Chip

_POLL_S: Final = 0.01
_STATUS, _WRITE, _READ = 0x02, 0x01, 0x03
"""First byte of a transfer over SPI (UM0701-02, 6.2.5)."""


class SerialCable:
    """A pseudo-terminal with the chip at its far end; `path` is opened by the driver.

    Raises OSError on a machine without pseudo-terminals.
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
        """Disconnect the cable: the driver's next read or write fails."""
        self._stopping.set()
        self._thread.join()
        os.close(self._far)
        os.close(self._near)

    def _work(self) -> None:
        while not self._stopping.is_set():
            if select.select([self._far], [], [], _POLL_S)[0]:
                self._chip.receive(os.read(self._far, 1024))
            if self._chip.ready:
                os.write(self._far, self._chip.send())


class SpiBus:
    """An SPI bus with the interface of `busio.SPI`; like the chip, it sends the lowest bit first."""

    def __init__(self, chip: Pn532Chip) -> None:
        self._chip = chip
        self._lock = threading.Lock()

    def try_lock(self) -> bool:
        """Lock the bus if it is free; return whether it was."""
        return self._lock.acquire(blocking=False)

    def unlock(self) -> None:
        """Unlock the bus."""
        self._lock.release()

    def configure(self, **options: object) -> None:
        """Accept any speed and polarity."""
        del options

    def deinit(self) -> None:
        """Do nothing: the next driver may open the bus again."""

    def write(self, buffer: bytes | bytearray) -> None:
        """Receive a transfer; one that does not begin with "write" only wakes the chip."""
        data = mirrored(bytes(buffer))
        if data[:1] == bytes([_WRITE]):
            self._chip.receive(data[1:])

    def write_readinto(self, buffer_out: bytes | bytearray, buffer_in: bytearray) -> None:
        """Answer "status" and "read"; the first byte of the answer has no meaning."""
        count = len(buffer_in) - 1
        operation = mirrored(bytes(buffer_out[:1]))[0]
        answer = bytes([self._chip.ready]) if operation == _STATUS else b""
        if operation == _READ:
            answer = self._chip.send(count)
        buffer_in[1:] = mirrored(answer.ljust(count, b"\x00"))


class SelectPin:
    """The chip's select line with the interface of `digitalio.DigitalInOut`."""

    def __init__(self) -> None:
        self.value = True

    def switch_to_output(self, value: bool = False, **options: object) -> None:  # noqa: FBT001, FBT002 - the signature of digitalio
        """Set the level; the pin is always an output."""
        del options
        self.value = value

    def deinit(self) -> None:
        """Do nothing."""


class SilentKeyboard:
    """An input device that never sends a key."""

    def __init__(self) -> None:
        self.fd, self._far = os.pipe()

    def close(self) -> None:
        """Close it; harmless a second time."""
        if self.fd >= 0:
            os.close(self.fd)
            os.close(self._far)
        self.fd = self._far = -1


def mirrored(data: bytes) -> bytes:
    """Return each byte with its bits in reverse order."""
    return bytes(int(f"{byte:08b}"[::-1], 2) for byte in data)
