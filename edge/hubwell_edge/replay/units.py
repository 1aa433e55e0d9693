"""Units that recorded files use, and how to convert them to the units of the contract.

The factors of pressure and illuminance are those of NIST SP 811 (2008), appendix B.
"""

from dataclasses import dataclass
from typing import Final

from hubwell_wire.units import QUANTITIES, UNITS, quantity_of, unit_problem


@dataclass(frozen=True, slots=True)
class Conversion:
    """`value` of the file becomes ``(value + offset) * times / by`` in `unit`."""

    unit: str
    times: float = 1.0
    by: float = 1.0
    offset: float = 0.0

    def convert(self, value: float) -> float:
        """Return the value in `unit`."""
        return (value + self.offset) * self.times / self.by


FOREIGN: Final[dict[str, tuple[Conversion, ...]]] = {
    "°C": (Conversion("Cel"),),
    "C": (Conversion("Cel"),),
    "degC": (Conversion("Cel"),),
    "°F": (Conversion("Cel", 5, 9, -32),),
    "F": (Conversion("Cel", 5, 9, -32),),
    "degF": (Conversion("Cel", 5, 9, -32),),
    "K": (Conversion("Cel", offset=-273.15),),
    "Pa": (Conversion("hPa", by=100),),
    "kPa": (Conversion("hPa", 10),),
    "bar": (Conversion("hPa", 1000),),
    "mbar": (Conversion("hPa"),),
    "mb": (Conversion("hPa"),),
    "mmHg": (Conversion("hPa", 1.333224),),
    "inHg": (Conversion("hPa", 33.86389),),
    "ppb": (Conversion("ppm", by=1000),),
    "%": (Conversion("%RH"), Conversion("/", by=100)),
    "%rH": (Conversion("%RH"),),
    "% RH": (Conversion("%RH"),),
    "/": (Conversion("%RH", 100),),
    "µg/m³": (Conversion("ug/m3"),),
    "μg/m³": (Conversion("ug/m3"),),
    "µg/m3": (Conversion("ug/m3"),),
    "ug/m³": (Conversion("ug/m3"),),
    "mg/m³": (Conversion("ug/m3", 1000),),
    "mg/m3": (Conversion("ug/m3", 1000),),
    "lux": (Conversion("lx"),),
    "klx": (Conversion("lx", 1000),),
    "fc": (Conversion("lx", 10.76391),),
    "dBA": (Conversion("dB"),),
    "dB(A)": (Conversion("dB"),),
    "mV": (Conversion("V", by=1000),),
    "kW": (Conversion("W", 1000),),
    "mW": (Conversion("W", by=1000),),
    "Wh": (Conversion("kWh", by=1000),),
    "MWh": (Conversion("kWh", 1000),),
    "l/s": (Conversion("m3/s", by=1000),),
    "m³/h": (Conversion("m3/s", by=3600),),
    "m3/h": (Conversion("m3/s", by=3600),),
    "km/h": (Conversion("m/s", by=3.6),),
    "cm": (Conversion("mm", 10),),
    "m": (Conversion("mm", 1000),),
    "in": (Conversion("mm", 25.4),),
}
"""Unit in a file -> the units of the contract that it can become."""


def conversion_for(series: str, unit: str) -> Conversion:
    """Return the conversion of a file's unit for a series. Raises ValueError with the units that would do."""
    wanted = QUANTITIES.get(quantity_of(series))
    candidates = [Conversion(unit)] if unit in UNITS else []
    candidates += FOREIGN.get(unit, ())
    for conversion in candidates:
        if wanted in {None, conversion.unit}:
            return conversion
    raise ValueError(_problem(series, unit, wanted))


def _problem(series: str, unit: str, wanted: str | None) -> str:
    if wanted is None:
        return unit_problem(series, unit) or f"unit {unit!r} cannot be converted"
    others = sorted(name for name, ways in FOREIGN.items() if wanted in {way.unit for way in ways})
    convertible = f", and is converted from: {', '.join(others)}" if others else ""
    return (
        f"unit {unit!r} does not fit series {series!r}; {quantity_of(series)!r} is in {wanted!r}{convertible}"
    )
