"""Times and values that no measurement can have: one rule for the server, and for what prepares messages.

Each problem is a code and one sentence that names the value and the remedy.
"""

import math
from datetime import UTC, datetime, timedelta
from typing import Final, NamedTuple

OLDEST: Final = datetime(2000, 1, 1, tzinfo=UTC)
"""No measurement for Hubwell is older; a clock without a battery starts in 1970."""
FUTURE: Final = timedelta(minutes=5)
"""How far a clock may be ahead (edge-and-mqtt reference, section 11)."""
LARGEST: Final = 1e15
"""No unit of Hubwell needs more, and sums of values near the end of float8 make the database's means fail."""


class Limits(NamedTuple):
    """Lowest and highest value that the air, light or use of a room can have."""

    low: float
    high: float


LIMITS: Final[dict[str, Limits]] = {
    "co2": Limits(300, 40_000),
    "temp": Limits(-39.9, 84.9),
    "rh": Limits(0.1, 99.9),
    "pressure": Limits(300, 1100),
    "light": Limits(0, 150_000),
    "noise": Limits(10, 140),
    "presence": Limits(0, 1),
    "motion": Limits(0, 1),
    "occupancy": Limits(0, 1),
    "count": Limits(0, math.inf),
    "pm25": Limits(0, 5000),
}
"""By quantity, in its unit; a reading outside is in doubt. Other quantities have no limits.

CO2: outdoor air has more than 400 ppm, and the output of an SCD4x ends at 40,000 (data sheet, table 1). A raw
word of 0 or 65535, from a broken wire or an idle part, becomes 0 or 65535 ppm, -45 or 130 °C and 0 or 100 %RH
(SCD4x data sheet, 3.6). Temperature and pressure: operating range of the BME280 (data sheet, tables 1 and 3)
without its ends, with which other parts report a fault (DS18B20: 85 °C after a reset). Light: the sun gives
about 130,000 lx. Noise: no microphone hears 0 dB(A), and 140 dB is the peak limit of directive 2003/10/EC.
Particles: five times the range of an SPS30 (data sheet, table 1), as sanding makes more than it measures.
"""
NO_LIMITS: Final = Limits(-math.inf, math.inf)


def in_doubt(quantity: str, value: float) -> bool:
    """Return whether no room can have this value: the part that measured it has to be checked."""
    low, high = LIMITS.get(quantity, NO_LIMITS)
    return not low <= value <= high


NEVER_CONSTANT: Final = frozenset({"co2"})
"""Quantities whose sensors have noise above their resolution, so that a value that stays is no measurement.

A SCD4x repeats within 10 ppm and gives whole ppm (data sheet, table 1). Not so others: presence and counts
may stay, light at night and fine dust are 0, noise has a floor, and many sensors of temperature, humidity and
pressure round to steps in which a quiet room stays for hours. Drivers know their part and judge those too.
"""
STUCK_READS: Final = 60
"""Equal values in a row from which on a series is stuck; also the drivers' default."""
STUCK_FOR: Final = timedelta(minutes=4, seconds=30)
"""Least time from the first of them to the last. A SCD4x measures every 5 s, so that 60 of its values take
five minutes; a gateway that repeats each value every second is not stuck."""


class Problem(NamedTuple):
    """Why a time or a value cannot be stored."""

    code: str
    reason: str


def time_problem(time: datetime, now: datetime) -> Problem | None:
    """Return the problem of a time of measurement, given the current time; None for a possible one."""
    if time > now + FUTURE:
        ahead = time - now
        words = f"{ahead.days} days" if ahead.days else f"{ahead.seconds // 60} minutes"
        return Problem(
            "time-future",
            f"ts: {time.isoformat()} is {words} ahead of the server: set the device's clock (NTP)",
        )
    if time < OLDEST:
        return Problem(
            "time-past", f"ts: {time.isoformat()} is before {OLDEST.date()}: set the device's clock (NTP)"
        )
    return None


def value_problem(series: str, value: float, unit: str) -> Problem | None:
    """Return the problem of a value; None for a possible one."""
    if abs(value) <= LARGEST:
        return None
    return Problem(
        "value", f"{series}: {value} {unit} is beyond {LARGEST:g}, which nothing measures: check the sensor"
    )
