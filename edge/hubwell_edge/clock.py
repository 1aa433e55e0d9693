"""What time it is, and whether that can be believed: wall clock, boot clock and synchronisation.

A Raspberry Pi has no battery-backed clock: after power-up its wall clock is old until the network tells
the time. Every message is therefore stamped with both clocks, and the outbox corrects it later.
"""

import ctypes
import os
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final, Literal, Protocol

from hubwell_wire.fields import ClockState

ClockMode = Literal["auto", "trust"]

STEP_MS: Final = 2000
"""A wall clock that moved this much (milliseconds) against the boot clock was set, not just adjusted."""

_TIMESYNCD_FLAG: Final = Path("/run/systemd/timesync/synchronized")
_BOOT_ID: Final = Path("/proc/sys/kernel/random/boot_id")
_TIME_ERROR: Final = 5
_STA_UNSYNC: Final = 0x40
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Stamp:
    """One look at the clocks: milliseconds since 1970 and since boot, and whether the first is believed."""

    wall_ms: int
    mono_ms: int
    synced: bool

    @property
    def state(self) -> ClockState:
        """The clock state as it is written in messages."""
        return "synced" if self.synced else "unsynced"

    @property
    def offset_ms(self) -> int:
        """Wall clock minus boot clock: constant until somebody sets the clock."""
        return self.wall_ms - self.mono_ms


class Clock(Protocol):
    """Where stamps come from; tests and the simulator bring their own."""

    def now(self) -> Stamp:
        """Look at the clocks."""
        ...


class SystemClock:
    """The clocks of this machine.

    With mode ``trust`` the wall clock is always believed (containers, simulation, a machine that keeps
    time in a way the kernel does not know). With ``auto`` the kernel or systemd-timesyncd must say so;
    once they did, it stays believed until the agent ends: a crystal drifts a few seconds a day at most,
    while the kernel withdraws its word some hours after the network went away.
    """

    def __init__(self, mode: ClockMode = "auto") -> None:
        self._synced = mode == "trust"

    def now(self) -> Stamp:
        """Look at the clocks of this machine."""
        if not self._synced:
            self._synced = is_synchronised()
        return Stamp(time.time_ns() // 1_000_000, boot_clock_ms(), self._synced)


def boot_clock_ms() -> int:
    """Milliseconds since the kernel started, sleep included; it never jumps."""
    return time.clock_gettime_ns(time.CLOCK_BOOTTIME) // 1_000_000


def kernel_boot_id() -> str:
    """Return the kernel's name for this boot; a fresh one each time where the kernel gives none."""
    try:
        return _BOOT_ID.read_text(encoding="ascii").strip()
    except OSError:
        return f"unknown-{os.getpid()}-{time.time_ns()}"


def is_synchronised() -> bool:
    """Tell whether the kernel or systemd-timesyncd says that the wall clock was set from the network."""
    return _kernel_says_synchronised() or _TIMESYNCD_FLAG.exists()


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


def _kernel_says_synchronised() -> bool:
    try:
        adjtimex = ctypes.CDLL(None, use_errno=True).adjtimex
    except (OSError, AttributeError):  # not Linux, or a libc without it
        return False
    timex = _Timex()  # modes = 0: only read, needs no right
    state = adjtimex(ctypes.byref(timex))
    return 0 <= state < _TIME_ERROR and not timex.status & _STA_UNSYNC


def to_ms(moment: datetime) -> int:
    """Return an aware time as whole milliseconds since 1970, rounded down."""
    return (moment - _EPOCH) // timedelta(milliseconds=1)


def to_datetime(wall_ms: int) -> datetime:
    """Return milliseconds since 1970 as an aware time in UTC."""
    return _EPOCH + timedelta(milliseconds=wall_ms)


def to_rfc3339(wall_ms: int) -> str:
    """Return milliseconds since 1970 as RFC 3339 in UTC, for example ``2026-11-22T21:04:05.123Z``."""
    return to_datetime(wall_ms).isoformat(timespec="milliseconds").replace("+00:00", "Z")
