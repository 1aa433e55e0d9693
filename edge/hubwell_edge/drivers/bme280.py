"""Temperature, humidity and air pressure from a Bosch BME280 through adafruit_bme280."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

from pydantic import Field

from hubwell_edge.drivers.hardware import Hardware, I2CBus, library, plain_i2c_errors
from hubwell_edge.drivers.sensor import Channel, I2CSettings, Measurement, PartName, SensorError


class Bme280Settings(I2CSettings):
    """A BME280 of the device file."""

    part: PartName = "bme280"
    address: Annotated[int, Field(ge=0x76, le=0x77, description="0x76 or 0x77, by the board's SDO pin")] = (
        0x76
    )
    every_s: Annotated[float, Field(ge=1, le=3600, description="seconds between two reads")] = 10


class Bme280:
    """One BME280, woken for each read so that it does not warm itself."""

    def __init__(self, settings: Bme280Settings, hardware: Hardware) -> None:
        self._settings = settings
        self._hardware = hardware
        self._bus: I2CBus | None = None
        self._device: Any = None
        self.part = settings.part
        self.bus = f"i2c-{settings.bus}"
        self.every_s = settings.every_s
        self.timeout_s = settings.timeout_s
        stuck = settings.stuck_after
        # Operating range of the data sheet, table 1. The library clips humidity to 0..100.
        self.channels: Mapping[str, Channel] = {
            "temp": Channel("Cel", -40, 85, stuck),
            "rh": Channel("%RH", 0.1, 100, stuck),
            "pressure": Channel("hPa", 300, 1100, stuck),
        }

    def open(self) -> None:
        """Find the chip, reset it and read its calibration. Raises SensorError."""
        driver = library("adafruit_bme280.basic")
        settings = self._settings
        with plain_i2c_errors(self.part, settings.bus, settings.address):
            self._bus = self._hardware.i2c(settings.bus)
            self._device = driver.Adafruit_BME280_I2C(self._bus, settings.address)

    def read(self) -> Sequence[Measurement]:
        """Return temperature in °C, humidity in %RH and pressure in hPa. Raises SensorError."""
        device = self._device
        if device is None:
            raise SensorError(f"{self.part} is not open")
        with plain_i2c_errors(self.part, self._settings.bus, self._settings.address):
            return [
                Measurement("temp", round(float(device.temperature), 2), "Cel"),
                Measurement("rh", round(float(device.relative_humidity), 2), "%RH"),
                Measurement("pressure", round(float(device.pressure), 2), "hPa"),
            ]

    def close(self) -> None:
        """Release the bus; the chip is asleep between reads."""
        bus, self._bus, self._device = self._bus, None, None
        if bus is not None:
            bus.deinit()
