"""Physics of one well-mixed room as pure functions: CO2, heat, moisture, sound.

The CO2 model is the usual mass balance V dC/dt = 1e6 g N - Q (C - Cout), solved exactly for a step in which
people and ventilation stay the same; moisture is the same balance in other units.
"""

from math import exp, log10
from typing import Final

OUTDOOR_CO2: Final = 420.0
"""ppm."""
CO2_PER_PERSON: Final = 0.020
"""m3/h of a seated adult."""
VAPOUR_PER_PERSON: Final = 50.0
"""g/h of a seated adult."""
HEAT_PER_PERSON: Final = 90.0
"""W of sensible heat of a seated adult."""
AIR_HEAT: Final = 0.335
"""Wh per m3 and K: density times heat capacity of air."""


def mixed_after(
    level: float, *, source: float, volume_m3: float, air_changes: float, hours: float, outdoor: float
) -> float:
    """Return the level of a well-mixed room after `hours`.

    `source` is the emission per hour, in the unit of the level times m3; `air_changes` is per hour. C' = Cout
    + (C - Cout) a + S/(V k) (1 - a) with a = exp(-k dt).
    """
    if air_changes <= 0:
        return level + source / volume_m3 * hours
    remaining = exp(-air_changes * hours)
    steady = source / (volume_m3 * air_changes)
    return outdoor + (level - outdoor) * remaining + steady * (1 - remaining)


def co2_after(
    ppm: float,
    *,
    people: float,
    volume_m3: float,
    air_changes: float,
    hours: float,
    outdoor: float = OUTDOOR_CO2,
    per_person: float = CO2_PER_PERSON,
) -> float:
    """Return the CO2 in ppm after `hours` with `people` people; `per_person` in m3/h."""
    return mixed_after(
        ppm,
        source=1e6 * per_person * people,
        volume_m3=volume_m3,
        air_changes=air_changes,
        hours=hours,
        outdoor=outdoor,
    )


def co2_steady(
    *,
    people: float,
    volume_m3: float,
    air_changes: float,
    outdoor: float = OUTDOOR_CO2,
    per_person: float = CO2_PER_PERSON,
) -> float:
    """Return the CO2 in ppm at which a room with `people` people settles."""
    return outdoor + 1e6 * per_person * people / (volume_m3 * air_changes)


def saturation(temperature: float) -> float:
    """Return the water vapour in g/m3 of saturated air at a temperature in degrees Celsius.

    Magnus formula with the coefficients of Sonntag (1990), then the ideal gas law.
    """
    pressure_pa = 611.2 * exp(17.62 * temperature / (243.12 + temperature))
    return 2.16679 * pressure_pa / (273.15 + temperature)


def relative_humidity(vapour: float, temperature: float) -> float:
    """Return the relative humidity in per cent of air with `vapour` g/m3."""
    return min(99.0, max(1.0, 100 * vapour / saturation(temperature)))


def heat_demand(temperature: float, setpoint: float, volume_m3: float) -> float:
    """Return the watts of heating (positive) or cooling (negative) at a room temperature.

    Proportional control, 10 W per K and m3, at most 40 W/m3; cooling begins 4 K above the set point.
    """
    error = setpoint - temperature
    if error < 0:
        error = min(0.0, error + 4.0)
    return max(-40.0, min(40.0, 10.0 * error)) * volume_m3


def temperature_after(
    temperature: float,
    *,
    outdoor: float,
    watts: float,
    volume_m3: float,
    air_changes: float,
    window_air_changes: float,
    hours: float,
) -> float:
    """Return the room temperature after a short step (Euler; `hours` well below one).

    `watts` is the sum of people, machines, lamps, sun and heating. The walls lose 0.2 W per K and m3; the
    ventilation recovers 70 % of its heat, the window none. Furniture and walls store 20 times as much heat as
    the air.
    """
    loss = 0.2 + AIR_HEAT * (0.3 * air_changes + window_air_changes)
    gain = watts / volume_m3 - loss * (temperature - outdoor)
    return temperature + gain * hours / (20 * AIR_HEAT)


def level_sum(*sources: tuple[float, float]) -> float:
    """Return the level in dB of incoherent sources, each given as (number, level of a single one in dB)."""
    power = sum(number * 10 ** (level / 10) for number, level in sources if number > 0)
    return 10 * log10(power)
