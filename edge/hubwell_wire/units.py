"""Units and quantities that a reading may carry.

Units are the symbols of SenML (RFC 8428 section 12.1 and the secondary registry of RFC 8798).
A *quantity* is the last part of a series name (``scd41/co2`` -> ``co2``) and has exactly one unit, so that
two sensors of one room can always be compared. A quantity that is not listed may use any listed unit.
"""

import re
from functools import lru_cache
from typing import Final

UNITS: Final[dict[str, str]] = {
    "ppm": "parts per million (RFC 8798)",
    "Cel": "degrees Celsius",
    "%RH": "relative humidity in per cent",
    "hPa": "hectopascal (RFC 8798)",
    "lx": "lux",
    "dB": "decibel; for `noise` A-weighted, re 20 µPa",
    "V": "volt",
    "W": "watt",
    "kWh": "kilowatt hour (RFC 8798)",
    "ug/m3": "microgram per cubic metre (RFC 8798)",
    "m3/s": "cubic metre per second",
    "m/s": "metre per second",
    "mm": "millimetre (RFC 8798)",
    "count": "number of things",
    "/": "ratio, or 0/1 for a switch",
    "%": "per cent",
}

QUANTITIES: Final[dict[str, str]] = {
    "co2": "ppm",
    "temp": "Cel",
    "rh": "%RH",
    "humidity-ratio": "/",
    "pressure": "hPa",
    "light": "lx",
    "noise": "dB",
    "sound": "V",
    "voltage": "V",
    "presence": "/",
    "motion": "/",
    "occupancy": "/",
    "count": "count",
    "pm25": "ug/m3",
}


def quantity_of(series: str) -> str:
    """Return the quantity in a series name: the part after the last slash."""
    return series.rpartition("/")[2]


SERIES_PATTERN: Final = r"^[a-z0-9][a-z0-9_-]{0,62}(/[a-z0-9][a-z0-9_-]{0,62}){1,3}$"
_SERIES: Final = re.compile(SERIES_PATTERN.replace("$", r"\Z"))


class UnitError(ValueError):
    """The unit is unknown, or is not the unit of its quantity."""


def unit_problem(series: str, unit: str) -> str | None:
    """Return a sentence on why `unit` does not fit the series, or None if it does."""
    if unit not in UNITS:
        return f"unit {unit[:40]!r} of series {series!r} is unknown; known units: {', '.join(UNITS)}"
    expected = QUANTITIES.get(quantity_of(series))
    if expected is not None and unit != expected:
        return f"series {series!r} has unit {unit!r}; the quantity {quantity_of(series)!r} is in {expected!r}"
    return None


# A call that raises is not cached, so long invalid names cannot fill the memory.
@lru_cache(maxsize=4096)
def check_series(series: str, unit: str) -> None:
    """Raise ValueError for an invalid series name, UnitError for a unit that does not fit the series."""
    if not _SERIES.match(series):
        raise ValueError(
            f"s: {series[:80]!r} is not SENSOR/QUANTITY in lower-case letters, digits, '-' and '_'"
        )
    problem = unit_problem(series, unit)
    if problem is not None:
        raise UnitError(problem)
