"""Model of a Sensirion SCD41 as seen over I2C (data sheet SCD4x, sections 3.4 to 3.10).

Answers the commands that drivers use, with CRC-8 on every word, and refuses what the chip refuses.
"""

import struct
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from hubwell_edge.sim.chips.bus import no_acknowledge

ADDRESS: Final = 0x62

START = 0x21B1
START_LOW_POWER = 0x21AC
STOP = 0x3F86
READ_MEASUREMENT = 0xEC05
DATA_READY = 0xE4B8
SERIAL_NUMBER = 0x3682
VARIANT = 0x202F
AMBIENT_PRESSURE = 0xE000
SELF_TEST = 0x3639
SETTERS: Final = {0x241D: 0x2318, 0x2427: 0x2322, 0x2416: 0x2313}
"""Write command -> read command: temperature offset, altitude in m, automatic self-calibration."""
WITHOUT_ANSWER: Final = frozenset({0x3615, 0x3632, 0x3646})
"""Persist settings, factory reset, reinit."""
WHILE_MEASURING: Final = frozenset({READ_MEASUREMENT, DATA_READY, STOP, AMBIENT_PRESSURE})

SERIAL_WORDS: Final = (0xF896, 0x9F07, 0x3BBE)
SCD41_VARIANT: Final = 0x1440
READY: Final = 0x8006
NOT_READY: Final = 0x8000
_PERIODS_S: Final = {START: 5.0, START_LOW_POWER: 30.0}
_WORD_ON_WIRE: Final = 3
_COMMAND: Final = 2


@dataclass(frozen=True, slots=True)
class Air:
    """The air around the chip: CO2 in ppm, temperature in °C, humidity in %RH."""

    co2: float = 812.0
    temp: float = 23.4
    rh: float = 41.2


def crc8(data: bytes) -> int:
    """Return Sensirion's CRC-8: polynomial 0x31, start 0xFF; the bytes BE EF give 0x92."""
    crc = 0xFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = (crc << 1) ^ 0x31 if crc & 0x80 else crc << 1
            crc &= 0xFF
    return crc


class Scd41:
    """The chip. `air` is called for each measurement; with `always_ready` every poll finds a new one.

    Faults to order: `absent` (no acknowledge), `wrong_crc` (on everything it sends), `never_ready`.
    """

    def __init__(
        self,
        air: Callable[[], Air] = Air,
        clock: Callable[[], float] = time.monotonic,
        *,
        always_ready: bool = False,
    ) -> None:
        self.absent = False
        self.wrong_crc = False
        self.never_ready = False
        self._air = air
        self._clock = clock
        self._always_ready = always_ready
        self._period_s: float | None = None
        self._measured_at = 0.0
        self._answer: bytes | None = None
        self._values = dict.fromkeys(SETTERS.values(), 0) | {AMBIENT_PRESSURE: 1013, 0x2313: 1}

    @property
    def measuring(self) -> bool:
        """Whether periodic measurement runs."""
        return self._period_s is not None

    def write(self, data: bytes) -> None:
        """Execute a command with its argument. Raises OSError 121 for what the chip refuses."""
        if self.absent:
            raise no_acknowledge()
        if not data:
            return
        command = int.from_bytes(data[:_COMMAND], "big")
        arguments = _words(data[_COMMAND:])
        if len(data) < _COMMAND or (self.measuring and command not in WHILE_MEASURING):
            raise no_acknowledge()
        self._answer = None
        if arguments:
            self._set(command, arguments)
        else:
            self._do(command)

    def read(self, count: int) -> bytes:
        """Return the first bytes of the answer to the last command. Raises OSError 121 without one."""
        if self.absent or self._answer is None or count > len(self._answer):
            raise no_acknowledge()
        answer, self._answer = self._answer, None
        return answer[:count]

    def _set(self, command: int, arguments: list[int]) -> None:
        if command == AMBIENT_PRESSURE:
            self._values[AMBIENT_PRESSURE] = arguments[0]
        elif command in SETTERS:
            self._values[SETTERS[command]] = arguments[0]
        else:
            raise no_acknowledge()

    def _do(self, command: int) -> None:
        if command in _PERIODS_S:
            self._period_s = _PERIODS_S[command]
            self._measured_at = self._clock()
        elif command == STOP:
            self._period_s = None
        elif command == DATA_READY:
            self._reply(READY if self._ready() else NOT_READY)
        elif command == READ_MEASUREMENT:
            self._measure()
        elif command == SERIAL_NUMBER:
            self._reply(*SERIAL_WORDS)
        elif command == VARIANT:
            self._reply(SCD41_VARIANT)
        elif command == SELF_TEST:
            self._reply(0)
        elif command in self._values:
            self._reply(self._values[command])
        elif command not in WITHOUT_ANSWER:
            raise no_acknowledge()

    def _ready(self) -> bool:
        if self._period_s is None or self.never_ready:
            return False
        return self._always_ready or self._clock() - self._measured_at >= self._period_s

    def _measure(self) -> None:
        if not self._ready():
            return  # without an answer, the read that follows is not acknowledged
        self._measured_at = self._clock()
        air = self._air()
        self._reply(
            _word(air.co2),
            _word((air.temp + 45) / 175 * 65535),  # data sheet 3.6.2
            _word(air.rh / 100 * 65535),
        )

    def _reply(self, *words: int) -> None:
        flipped_bit = 0x01 if self.wrong_crc else 0
        packed = [struct.pack(">H", word) for word in words]
        self._answer = b"".join(word + bytes([crc8(word) ^ flipped_bit]) for word in packed)


def _word(value: float) -> int:
    return max(0, min(0xFFFF, round(value)))


def _words(data: bytes) -> list[int]:
    """Return the words of an argument. Raises OSError 121 if a CRC is wrong, as the chip does."""
    words = []
    for start in range(0, len(data), _WORD_ON_WIRE):
        word, crc = data[start : start + 2], data[start + 2 : start + _WORD_ON_WIRE]
        if crc != bytes([crc8(word)]):
            raise no_acknowledge()
        words.append(int.from_bytes(word, "big"))
    return words
