"""CO2, temperature and humidity from a Sensirion SCD40, SCD41 or SCD43 through adafruit_scd4x."""

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Any, Final

from pydantic import Field

from hubwell_edge.drivers.hardware import Hardware, I2CBus, library, plain_i2c_errors
from hubwell_edge.drivers.sensor import (
    Channel,
    I2CSettings,
    Measurement,
    PartName,
    SensorError,
    SensorSilentError,
)

PERIOD_S: Final = 5.0
LOW_POWER_PERIOD_S: Final = 30.0
"""Seconds between two measurements of the chip (data sheet SCD4x, 3.6 and 3.9)."""
PATIENCE_PERIODS: Final = 3


class Scd4xSettings(I2CSettings):
    """An SCD4x of the device file."""

    part: PartName = "scd41"
    address: Annotated[int, Field(ge=0x08, le=0x77, description="always 0x62 unless behind a translator")] = (
        0x62
    )
    every_s: Annotated[float, Field(ge=5, le=3600, description="seconds between reads; the chip needs 5")] = (
        10
    )
    low_power: Annotated[bool, Field(description="measure every 30 s to save power")] = False
    altitude_m: Annotated[
        int | None, Field(ge=0, le=3000, description="height above the sea in m; CO2 depends on air pressure")
    ] = None
    self_calibration: Annotated[
        bool | None, Field(description="false for rooms that never reach outdoor air for an hour a day")
    ] = None


class Scd4x:
    """One SCD4x in periodic measurement. `clock` is monotonic and in seconds."""

    def __init__(
        self, settings: Scd4xSettings, hardware: Hardware, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._settings = settings
        self._hardware = hardware
        self._clock = clock
        self._bus: I2CBus | None = None
        self._device: Any = None
        self._fresh_at = 0.0
        self.part = settings.part
        self.bus = f"i2c-{settings.bus}"
        self.every_s = settings.every_s
        self.timeout_s = settings.timeout_s
        stuck = settings.stuck_after
        # The chip's output ends at 40000 ppm; it gives 0 when it has nothing. No room is below outdoor air.
        self.channels: Mapping[str, Channel] = {
            "co2": Channel("ppm", 300, 40_000, stuck),
            "temp": Channel("Cel", -10, 60, stuck),
            "rh": Channel("%RH", 0.1, 100, stuck),
        }

    def open(self) -> None:
        """Stop any running measurement, configure the chip and start periodic measurement.

        Raises SensorError.
        """
        driver = library("adafruit_scd4x")
        settings = self._settings
        with plain_i2c_errors(self.part, settings.bus, settings.address):
            self._bus = self._hardware.i2c(settings.bus)
            self._device = driver.SCD4X(self._bus, settings.address)
            if settings.altitude_m is not None:
                self._device.altitude = settings.altitude_m
            if settings.self_calibration is not None:
                self._device.self_calibration_enabled = settings.self_calibration
            if settings.low_power:
                self._device.start_low_periodic_measurement()
            else:
                self._device.start_periodic_measurement()
        self._fresh_at = self._clock()

    def read(self) -> Sequence[Measurement]:
        """Return CO2 in ppm, temperature in °C and humidity in %RH; empty between two measurements.

        Raises SensorSilentError without a new value for three periods, SensorError for all other problems.
        """
        device = self._device
        if device is None:
            raise SensorError(f"{self.part} is not open")
        with plain_i2c_errors(self.part, self._settings.bus, self._settings.address):
            if not device.data_ready:
                self._check_patience()
                return []
            measured = [
                Measurement("co2", float(device.CO2), "ppm"),
                Measurement("temp", round(float(device.temperature), 2), "Cel"),
                Measurement("rh", round(float(device.relative_humidity), 2), "%RH"),
            ]
        self._fresh_at = self._clock()
        return measured

    def close(self) -> None:
        """Release the bus. The chip continues measuring, which is harmless."""
        bus, self._bus, self._device = self._bus, None, None
        if bus is not None:
            bus.deinit()

    def _check_patience(self) -> None:
        own = LOW_POWER_PERIOD_S if self._settings.low_power else PERIOD_S
        # Read less often than the chip measures, three of the reader's own periods must pass.
        patience = PATIENCE_PERIODS * max(own, self.every_s)
        waited = self._clock() - self._fresh_at
        if waited >= patience:
            raise SensorSilentError(
                f"{self.part} answers but has measured nothing for {waited:.0f} s: it is started again; "
                "if that does not help, disconnect its power for a moment"
            )
