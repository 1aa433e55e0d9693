"""Repeatable noise: numbers that depend only on a name and a counter, never on the run.

A restart in the middle of a day must continue with the same noise, so nothing here has state.
"""

import random
from hashlib import blake2b
from math import cos, pi, sqrt
from typing import Final

_MASK: Final = 2**64 - 1
_STEP: Final = 0x9E3779B97F4A7C15
_BELL_SCALE: Final = sqrt(3) / 2**16


def stream(*names: object) -> int:
    """Return the 64-bit key of the stream with these names."""
    return int.from_bytes(blake2b("|".join(map(str, names)).encode(), digest_size=8).digest())


def generator(*names: object) -> random.Random:
    """Return a random generator seeded by the names, for planning one person's day."""
    return random.Random(stream(*names))  # noqa: S311 - a repeatable simulation, not a secret


def _mix(key: int, index: int) -> int:
    # SplitMix64 (Steele, Lea and Flood 2014): a full-period counter hash, fast in plain Python.
    z = key + index * _STEP & _MASK
    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9 & _MASK
    z = (z ^ z >> 27) * 0x94D049BB133111EB & _MASK
    return z ^ z >> 31


def uniform(key: int, index: int) -> float:
    """Return number `index` of the stream, uniform in [0, 1)."""
    return (_mix(key, index) >> 11) / 2**53


def bell(key: int, index: int) -> float:
    """Return number `index` of the stream, bell-shaped: mean 0, variance 1, within +/-3.5.

    The sum of four uniform 16-bit numbers.
    """
    z = _mix(key, index)
    return ((z & 0xFFFF) + (z >> 16 & 0xFFFF) + (z >> 32 & 0xFFFF) + (z >> 48) - 2 * 0xFFFF) * _BELL_SCALE


def smooth(key: int, position: float) -> float:
    """Return a smooth curve through the stream's `bell` numbers, one at each whole `position`."""
    floor = int(position // 1)
    weight = (1 - cos(pi * (position - floor))) / 2
    return bell(key, floor) * (1 - weight) + bell(key, floor + 1) * weight
