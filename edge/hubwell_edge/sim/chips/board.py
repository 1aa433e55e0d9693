"""A test board with fixed values, faults to order, and a clock that the test advances."""

from hubwell_edge.drivers.hardware import Hardware
from hubwell_edge.sim.chips import bme280, scd41
from hubwell_edge.sim.chips.bus import SimulatedI2C
from hubwell_edge.sim.chips.pins import SimulatedPins


class Board:
    """An SCD41 and a BME280 on bus 1, a second SCD41 on bus 2, and pins driven by the test.

    The chips give 812 ppm, 23.4 °C, 41.2 %RH, and 25.08 °C, 1006.53 hPa at every read.
    """

    def __init__(self) -> None:
        self.now = 1000.0
        """Seconds of `clock`; they pass only when the test adds to them."""
        self.scd41 = scd41.Scd41(clock=self.clock, always_ready=True)
        self.bme280 = bme280.Bme280Chip()
        self.bus = SimulatedI2C({scd41.ADDRESS: self.scd41, bme280.ADDRESS: self.bme280})
        self.second_bus = SimulatedI2C({scd41.ADDRESS: scd41.Scd41(clock=self.clock, always_ready=True)})
        self.pins = SimulatedPins()
        buses = {1: self.bus, 2: self.second_bus}
        self.hardware = Hardware(i2c=buses.__getitem__, pins=lambda: self.pins)

    def clock(self) -> float:
        """Return `now`."""
        return self.now

    def close(self) -> None:
        """Release everything that was made to hang."""
        self.bus.release()
        self.second_bus.release()
        self.bme280.never_done = False
