"""Checks measurements of one part: impossible or unchanging values are marked as suspect.

A suspect value is still sent, because it helps to find the fault.
"""

import math
from collections.abc import Iterable, Mapping
from dataclasses import replace

from hubwell_edge.drivers.sensor import Channel, Measurement, SensorError
from hubwell_wire.plausible import in_doubt


class Plausibility:
    """Stores the last value of each channel of one part, and for how many reads it has not changed."""

    def __init__(self, part: str, channels: Mapping[str, Channel]) -> None:
        self._part = part
        self._channels = channels
        self._same: dict[str, tuple[float, int]] = {}

    def assess(self, measurements: Iterable[Measurement]) -> list[Measurement]:
        """Return the measurements with their quality.

        Raises SensorError for a value that is not a finite number.
        """
        return [self._assessed(measurement) for measurement in measurements]

    def _assessed(self, measurement: Measurement) -> Measurement:
        if not math.isfinite(measurement.value):
            raise SensorError(
                f"{self._part} gave {measurement.value} for {measurement.quantity}, not a number"
            )
        channel = self._channels.get(measurement.quantity)
        if channel is None:
            return measurement
        outside = not channel.low <= measurement.value <= channel.high or in_doubt(
            measurement.quantity, measurement.value
        )
        stuck = 0 < channel.stuck_after <= self._count(measurement)
        return replace(measurement, quality="suspect") if outside or stuck else measurement

    def _count(self, measurement: Measurement) -> int:
        value, count = self._same.get(measurement.quantity, (math.nan, 0))
        count = count + 1 if value == measurement.value else 1
        self._same[measurement.quantity] = (measurement.value, count)
        return count
