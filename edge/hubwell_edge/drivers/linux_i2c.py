"""An I2C bus of Linux by its number.

Blinka's `busio.I2C` expects the two pins of a bus instead, and supports only the pairs listed for a board;
its module for the kernel's interface takes the number.
"""

import threading
from typing import Any


class LinuxI2C:
    """One ``/dev/i2c-N`` with the interface of `busio.I2C`."""

    def __init__(self, transfers: Any) -> None:  # noqa: ANN401 - no types in the library
        """Wrap an opened `adafruit_blinka.microcontroller.generic_linux.i2c.I2C`."""
        self._transfers = transfers
        self._lock = threading.Lock()

    def try_lock(self) -> bool:
        """Lock the bus if it is free; return whether it was."""
        return self._lock.acquire(blocking=False)

    def unlock(self) -> None:
        """Unlock the bus."""
        self._lock.release()

    def deinit(self) -> None:
        """Close the bus."""
        self._transfers = None  # the library closes its file with the last reference

    def scan(self) -> list[int]:
        """Return the addresses that acknowledge."""
        return list(self._transfers.scan())

    def writeto(
        self, address: int, buffer: bytes | bytearray, *, start: int = 0, end: int | None = None
    ) -> None:
        """Write ``buffer[start:end]``. Raises OSError."""
        self._transfers.writeto(address, buffer, start=start, end=end)

    def readfrom_into(
        self, address: int, buffer: bytearray, *, start: int = 0, end: int | None = None
    ) -> None:
        """Fill ``buffer[start:end]``. Raises OSError."""
        self._transfers.readfrom_into(address, buffer, start=start, end=end)

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
        """Write and then read without releasing the bus in between. Raises OSError."""
        self._transfers.writeto_then_readfrom(
            address,
            buffer_out,
            buffer_in,
            out_start=out_start,
            out_end=out_end,
            in_start=in_start,
            in_end=in_end,
        )
