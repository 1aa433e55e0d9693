"""An I2C bus in memory with the interface of `busio.I2C`; passes each transfer to a chip model.

Real drivers use it in tests and in the agent's mode without hardware.
"""

import os
import threading
from collections.abc import Mapping
from typing import Protocol

from hubwell_edge.drivers.hardware import EREMOTEIO


class Chip(Protocol):
    """The chip at one address. Both methods raise OSError 121 where the chip would not acknowledge."""

    def write(self, data: bytes) -> None:
        """Receive the bytes of one write transfer; empty when a driver scans the bus."""
        ...

    def read(self, count: int) -> bytes:
        """Return the `count` bytes of one read transfer."""
        ...


def no_acknowledge() -> OSError:
    """Return the error that Linux raises when a chip does not acknowledge."""
    return OSError(EREMOTEIO, os.strerror(EREMOTEIO))


class SimulatedI2C:
    """The bus. After `hang`, every transfer blocks, as when a part holds the clock line, until `release`."""

    def __init__(self, chips: Mapping[int, Chip]) -> None:
        self.chips = dict(chips)
        self._lock = threading.Lock()
        self._free = threading.Event()
        self._free.set()

    def hang(self) -> None:
        """Block all transfers from now on."""
        self._free.clear()

    def release(self) -> None:
        """Let blocked transfers continue."""
        self._free.set()

    def try_lock(self) -> bool:
        """Lock the bus if it is free; return whether it was."""
        return self._lock.acquire(blocking=False)

    def unlock(self) -> None:
        """Unlock the bus."""
        self._lock.release()

    def deinit(self) -> None:
        """Do nothing: other users of the same bus continue."""

    def scan(self) -> list[int]:
        """Return the addresses that acknowledge."""
        return sorted(address for address in self.chips if self._acknowledges(address))

    def writeto(
        self, address: int, buffer: bytes | bytearray, *, start: int = 0, end: int | None = None
    ) -> None:
        """Write ``buffer[start:end]``. Raises OSError 121 if the chip does not acknowledge."""
        self._chip(address).write(bytes(buffer[start:end]))

    def readfrom_into(
        self, address: int, buffer: bytearray, *, start: int = 0, end: int | None = None
    ) -> None:
        """Fill ``buffer[start:end]``. Raises OSError 121 if the chip does not acknowledge."""
        stop = len(buffer) if end is None else end
        buffer[start:stop] = self._chip(address).read(stop - start)

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
        """Write and read without releasing the bus in between. Raises OSError 121 like the two alone."""
        self.writeto(address, buffer_out, start=out_start, end=out_end)
        self.readfrom_into(address, buffer_in, start=in_start, end=in_end)

    def _chip(self, address: int) -> Chip:
        self._free.wait()
        chip = self.chips.get(address)
        if chip is None:
            raise no_acknowledge()
        return chip

    def _acknowledges(self, address: int) -> bool:
        try:
            self._chip(address).write(b"")
        except OSError:
            return False
        return True
