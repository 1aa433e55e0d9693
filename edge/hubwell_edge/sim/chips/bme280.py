"""Model of a Bosch BME280 as seen over I2C: 256 registers, with the calibration example of the data sheet.

With raw temperature 519888 and raw pressure 415148 a correct driver computes 25.08 °C and 1006.53 hPa (data
sheet BMP280, section 3.12, whose compensation is that of the BME280).
"""

import struct
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from hubwell_edge.sim.chips.bus import no_acknowledge

ADDRESS: Final = 0x76

CHIP_ID = 0xD0
RESET = 0xE0
CTRL_HUM = 0xF2
STATUS = 0xF3
CTRL_MEAS = 0xF4
DATA = 0xF7
RESET_WORD: Final = 0xB6
MEASURING: Final = 0x08
_MODE: Final = 0x03
_SLEEP: Final = 0

TEMPERATURE_CALIBRATION: Final = (27504, 26435, -1000)
PRESSURE_CALIBRATION: Final = (36477, -10685, 3024, 2855, 140, -7, 15500, -14600, 6000)
HUMIDITY_CALIBRATION: Final = (75, 364, 0, 313, 50, 30)
"""H1 to H6 of an ordinary part; the data sheet has no example for humidity."""


@dataclass(frozen=True, slots=True)
class Raw:
    """Output of the chip's converter before compensation: 20, 20 and 16 bits."""

    temperature: int = 519888
    pressure: int = 415148
    humidity: int = 27500


class Bme280Chip:
    """The chip. `raw` is called for each conversion.

    Faults to order: `absent` (no acknowledge), `never_done` (its status is permanently "measuring", on which
    some drivers wait without limit).
    """

    def __init__(self, raw: Callable[[], Raw] = Raw) -> None:
        self.absent = False
        self.never_done = False
        self._raw = raw
        self._pointer = 0
        self._registers = bytearray(256)
        self._registers[CHIP_ID] = 0x60
        self._registers[0x88:0xA0] = struct.pack("<Hhh", *TEMPERATURE_CALIBRATION) + struct.pack(
            "<Hhhhhhhhh", *PRESSURE_CALIBRATION
        )
        h1, h2, h3, h4, h5, h6 = HUMIDITY_CALIBRATION
        self._registers[0xA1] = h1
        # H4 and H5 have 12 bits each and share the register 0xE5 (data sheet BME280, table 16).
        shared = (h4 & 0x0F) | ((h5 & 0x0F) << 4)
        self._registers[0xE1:0xE8] = struct.pack("<hBbBbb", h2, h3, h4 >> 4, shared, h5 >> 4, h6)
        self._convert()

    def write(self, data: bytes) -> None:
        """Set the register pointer, and registers if values follow. Raises OSError 121 if absent."""
        if self.absent:
            raise no_acknowledge()
        if not data:
            return
        self._pointer = data[0]
        # Several registers are written as pairs of register and value (data sheet 6.2.1).
        for register, value in zip(data[0::2], data[1::2], strict=False):
            self._set(register, value)

    def read(self, count: int) -> bytes:
        """Return registers from the pointer on. Raises OSError 121 if absent."""
        if self.absent:
            raise no_acknowledge()
        if self._pointer == STATUS:
            self._registers[STATUS] = MEASURING if self.never_done else 0
        answer = bytes(self._registers[(self._pointer + step) % 256] for step in range(count))
        self._pointer = (self._pointer + count) % 256
        return answer

    def _set(self, register: int, value: int) -> None:
        if register == RESET:
            if value == RESET_WORD:
                self._registers[CTRL_HUM] = self._registers[CTRL_MEAS] = 0
        elif register in {CTRL_HUM, CTRL_MEAS, 0xF5}:
            self._registers[register] = value
            if register == CTRL_MEAS and value & _MODE != _SLEEP:
                self._convert()

    def _convert(self) -> None:
        raw = self._raw()
        self._registers[DATA : DATA + 8] = (
            (raw.pressure << 4).to_bytes(3, "big")
            + (raw.temperature << 4).to_bytes(3, "big")
            + raw.humidity.to_bytes(2, "big")
        )
