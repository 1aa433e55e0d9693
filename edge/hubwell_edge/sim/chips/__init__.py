"""Models of chips, buses and pins, so that the real driver code runs without hardware.

Tests order faults from the models; the agent with simulated hardware reads randomly varying air.
"""

import random
from functools import cache

from hubwell_edge.drivers.hardware import Hardware, I2CBus, SerialPort, machine_serial
from hubwell_edge.sim.chips import bme280, scd41
from hubwell_edge.sim.chips.attached import SelectPin, SerialCable, SilentKeyboard, SpiBus
from hubwell_edge.sim.chips.bus import Chip, SimulatedI2C
from hubwell_edge.sim.chips.pins import pins_with_people
from hubwell_edge.sim.chips.pn532 import Pn532Chip
from hubwell_edge.sim.chips.visitors import Visitors


class _Walk:
    """A seeded random walk that returns to its `centre`; `spread` is its standard deviation."""

    def __init__(self, generator: random.Random, centre: float, spread: float) -> None:
        self._generator = generator
        self._centre = centre
        self._spread = spread
        self._value = centre

    def step(self) -> float:
        # Ornstein-Uhlenbeck in steps: with pull p and noise s*sqrt(2p - p*p) the standard deviation stays s.
        pull = 0.02
        noise = self._spread * (2 * pull - pull * pull) ** 0.5
        self._value += pull * (self._centre - self._value) + self._generator.gauss(0, noise)
        return self._value


def simulated_i2c(seed: int = 0) -> SimulatedI2C:
    """Return a bus with an SCD41 and a BME280 in varying air; the same seed gives the same values."""
    generator = random.Random(seed)  # noqa: S311 - weather, not a secret
    co2, temp, rh = (_Walk(generator, *walk) for walk in ((812.0, 120.0), (23.4, 0.8), (41.2, 3.0)))
    # In units of the converter: about 0.0003 °C, 0.2 Pa and 0.006 %RH each.
    raw = bme280.Raw()
    t, p, h = (
        _Walk(generator, *walk)
        for walk in ((raw.temperature, 2500.0), (raw.pressure, 2000.0), (raw.humidity, 400.0))
    )
    chips: dict[int, Chip] = {
        scd41.ADDRESS: scd41.Scd41(lambda: scd41.Air(max(420.0, co2.step()), temp.step(), rh.step())),
        bme280.ADDRESS: bme280.Bme280Chip(
            lambda: bme280.Raw(round(t.step()), round(p.step()), round(h.step()))
        ),
    }
    return SimulatedI2C(chips)


def simulated_hardware(seed: int = 0) -> Hardware:
    """Return simulated hardware.

    Every I2C bus has the two chips, every pin detects people, every serial port and SPI bus has a PN532 to
    which people hold cards, and every keyboard is silent.
    """

    @cache
    def bus(number: int) -> I2CBus:
        return simulated_i2c(seed + number)

    @cache
    def cable(path: str) -> SerialCable:
        return SerialCable(Pn532Chip(Visitors(f"{seed}:{path}")))

    @cache
    def spi(number: int, select_pin: int) -> tuple[SpiBus, SelectPin]:
        return SpiBus(Pn532Chip(Visitors(f"{seed}:spi-{number}:{select_pin}"))), SelectPin()

    def serial(path: str, baud: int) -> SerialPort:
        return machine_serial(cable(path).path, baud)

    return Hardware(
        i2c=bus,
        pins=cache(lambda: pins_with_people(seed)),
        serial=serial,
        spi=spi,
        keyboard=lambda _path: SilentKeyboard(),
    )
