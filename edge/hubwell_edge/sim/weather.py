"""Weather outside the simulated hub: temperature, moisture and daylight as functions of time and seed.

A mild northern climate, not a forecast; all values follow from the scenario and the time.
"""

import math
from dataclasses import dataclass
from functools import lru_cache
from math import cos, pi, radians, sin
from typing import Final

from hubwell_edge.sim import noise, physics
from hubwell_edge.sim.scenario import Scenario

_DAY_S: Final = 86400
_YEAR_S: Final = 365.2422 * _DAY_S
_WARMEST_S: Final = 203 * _DAY_S
_LONGEST_S: Final = 171 * _DAY_S
"""22 July and 21 June, counted from 1 January 1970."""


@dataclass(frozen=True, slots=True)
class Weather:
    """Outdoor temperature (degrees Celsius), water vapour (g/m3) and illuminance (lx)."""

    temperature: float
    vapour: float
    light: float


class Sky:
    """The weather of one scenario."""

    def __init__(self, scenario: Scenario) -> None:
        self._latitude = radians(scenario.latitude)
        self._longitude = scenario.longitude
        self._front = noise.stream(scenario.seed, "weather", "front")
        self._cloud = noise.stream(scenario.seed, "weather", "cloud")
        self._minute = lru_cache(maxsize=4096)(self._at_minute)

    def at(self, epoch_s: int) -> Weather:
        """Return the weather of the minute that contains this Unix time in seconds."""
        return self._minute(epoch_s // 60)

    def _at_minute(self, minute: int) -> Weather:
        seconds = minute * 60
        summer = cos(2 * pi * (seconds - _WARMEST_S) / _YEAR_S)
        solar_day = (seconds / _DAY_S + self._longitude / 360) % 1
        temperature = (
            6.5
            + 11.0 * summer
            + (1.5 + summer) * cos(2 * pi * (solar_day - 0.625))  # warmest in mid-afternoon
            + 2.5 * noise.smooth(self._front, seconds / (2 * _DAY_S))
        )
        vapour = physics.saturation(temperature) * (0.82 - 0.12 * summer)
        return Weather(temperature, vapour, self._light(seconds, solar_day))

    def _light(self, seconds: int, solar_day: float) -> float:
        declination = radians(23.44) * cos(2 * pi * (seconds - _LONGEST_S) / _YEAR_S)
        height = sin(self._latitude) * sin(declination) - cos(self._latitude) * cos(declination) * cos(
            2 * pi * solar_day
        )
        clear = 0.45 + 0.2 * max(-2.0, min(2.0, noise.smooth(self._cloud, seconds / 5400)))
        return 90_000 * math.pow(max(0.0, height), 1.2) * clear
