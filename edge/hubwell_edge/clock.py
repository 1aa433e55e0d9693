"""Wall clock, boot clock, and whether the wall clock is synchronised.

A Raspberry Pi has no battery-backed clock: after power-up its wall clock is wrong until the network provides
the time. Every message is therefore stamped with both clocks, and the outbox corrects it later.
"""

import ctypes
import os
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final, Literal, Protocol

from hubwell_wire.enumerations import ClockState

ClockMode = Literal["auto", "trust"]

STEP_MS: Final = 2000
"""A wall clock that moved by more than this (milliseconds) against the boot clock was set, not adjusted."""

_TIMESYNCD_FLAG: Final = Path("/run/systemd/timesync/synchronized")
_BOOT_ID: Final = Path("/proc/sys/kernel/random/boot_id")
_TIME_ERROR: Final = 5
_STA_UNSYNC: Final = 0x40
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Stamp:
    """One reading of both clocks in milliseconds, since 1970 and since boot.

    `synced` if the first is trusted.
    """

    wall_ms: int
    mono_ms: int
    synced: bool

    @property
    def state(self) -> ClockState:
        """The clock state as used in messages."""
        return "synced" if self.synced else "unsynced"

    @property
    def offset_ms(self) -> int:
        """Wall clock minus boot clock: constant until the wall clock is set."""
        return self.wall_ms - self.mono_ms


class Clock(Protocol):
    """A source of stamps; tests and the simulator have implementations of their own."""

    def now(self) -> Stamp:
        """Read the clocks."""
        ...


class SystemClock:
    """The clocks of this machine.

    With mode ``trust`` the wall clock is always trusted (containers, simulation, a machine whose time comes
    from a service that the kernel does not report). With ``auto`` it is trusted from the moment at which the
    kernel or systemd-timesyncd reports it as synchronised, until the agent ends: a crystal drifts by a few
    seconds a day at most, while the kernel withdraws its report some hours after the network was lost.
    """

    def __init__(self, mode: ClockMode = "auto") -> None:
        self._synced = mode == "trust"

    def now(self) -> Stamp:
        """Read the clocks of this machine."""
        if not self._synced:
            self._synced = is_synchronised()
        return Stamp(time.time_ns() // 1_000_000, boot_clock_ms(), self._synced)


def boot_clock_ms() -> int:
    """Return the milliseconds since the kernel started, including sleep; this clock never jumps."""
    return time.clock_gettime_ns(time.CLOCK_BOOTTIME) // 1_000_000


def kernel_boot_id() -> str:
    """Return the kernel's id of this boot; a new unique name where the kernel provides none."""
    try:
        return _BOOT_ID.read_text(encoding="ascii").strip()
    except OSError:
        return f"unknown-{os.getpid()}-{time.time_ns()}"


def is_synchronised() -> bool:
    """Return whether the kernel or systemd-timesyncd reports the wall clock as set from the network."""
    return _is_kernel_synchronised() or _TIMESYNCD_FLAG.exists()


class _Timex(ctypes.Structure):
    """The C ``struct timex`` of adjtimex(2), with room for its reserved tail."""

    _fields_ = (
        ("modes", ctypes.c_uint),
        ("offset", ctypes.c_long),
        ("freq", ctypes.c_long),
        ("maxerror", ctypes.c_long),
        ("esterror", ctypes.c_long),
        ("status", ctypes.c_int),
        ("rest", ctypes.c_byte * 256),
    )


def _is_kernel_synchronised() -> bool:
    try:
        adjtimex = ctypes.CDLL(None, use_errno=True).adjtimex
    except (OSError, AttributeError):  # not Linux, or a libc without it
        return False
    timex = _Timex()  # modes = 0 only reads, which needs no privilege
    state = adjtimex(ctypes.byref(timex))
    return 0 <= state < _TIME_ERROR and not timex.status & _STA_UNSYNC


def to_ms(moment: datetime) -> int:
    """Return a timezone-aware time as whole milliseconds since 1970, rounded down."""
    return (moment - _EPOCH) // timedelta(milliseconds=1)


def to_datetime(wall_ms: int) -> datetime:
    """Return milliseconds since 1970 as a timezone-aware time in UTC."""
    return _EPOCH + timedelta(milliseconds=wall_ms)


def to_rfc3339(wall_ms: int) -> str:
    """Return milliseconds since 1970 as RFC 3339 in UTC, for example ``2026-11-22T21:04:05.123Z``."""
    return to_datetime(wall_ms).isoformat(timespec="milliseconds").replace("+00:00", "Z")
