"""The machine's own I2C buses, with Blinka's real part for Linux down to its calls of the kernel."""

import errno
from pathlib import Path

import pytest

from hubwell_edge.drivers.hardware import Hardware, machine_i2c
from hubwell_edge.drivers.sensor import SensorError
from hubwell_edge.registry import build_sensors
from hubwell_edge.sim.chips import bme280, scd41
from hubwell_edge.sim.chips.board import Board


class Kernel:
    """`/dev/i2c-1` as Blinka opens it; it hands transfers to the board's bus."""

    def __init__(self, board: Board) -> None:
        self.bus = board.bus
        self.opened: list[int] = []

    def open(self, number: int) -> "Kernel":
        self.opened.append(number)
        return self

    def write_quick(self, address: int) -> None:
        self.bus.writeto(address, b"")

    def read_byte(self, address: int) -> int:
        return self.read_bytes(address, 1)[0]

    def write_bytes(self, address: int, data: bytes) -> None:
        self.bus.writeto(address, bytes(data))

    def read_bytes(self, address: int, count: int) -> bytes:
        data = bytearray(count)
        self.bus.readfrom_into(address, data)
        return bytes(data)

    def read_i2c_block_data(self, address: int, command: bytes, count: int) -> bytes:
        data = bytearray(count)
        self.bus.writeto_then_readfrom(address, bytes(command), data)
        return bytes(data)


@pytest.fixture
def kernel(board: Board, monkeypatch: pytest.MonkeyPatch) -> Kernel:
    kernel = Kernel(board)
    monkeypatch.setattr("Adafruit_PureIO.smbus.SMBus", kernel.open)
    real = Path.exists
    monkeypatch.setattr(Path, "exists", lambda path: str(path) == "/dev/i2c-1" or real(path))
    return kernel


@pytest.mark.parametrize("driver", ["bme280", "scd4x"])
def test_sensor_gives_the_same_through_the_kernel(board: Board, kernel: Kernel, driver: str) -> None:
    def values(hardware: Hardware) -> list[tuple[str, float]]:
        (sensor,) = build_sensors([{"driver": driver}], hardware)
        sensor.open()
        found = [(one.quantity, one.value) for one in sensor.read()]
        sensor.close()
        return found

    through_the_kernel = values(Hardware())
    assert kernel.opened == [1]
    assert through_the_kernel == values(board.hardware)


@pytest.mark.usefixtures("kernel")
def test_scan_finds_both_parts() -> None:
    bus = machine_i2c(1)
    assert bus.scan() == [scd41.ADDRESS, bme280.ADDRESS]
    bus.deinit()


@pytest.mark.usefixtures("kernel")
def test_bus_is_one_s_own_until_it_is_given_back() -> None:
    bus = machine_i2c(1)
    assert bus.try_lock()
    assert not bus.try_lock()
    bus.unlock()
    assert bus.try_lock()


def test_bus_that_is_not_there_is_named() -> None:
    with pytest.raises(FileNotFoundError) as missing:
        machine_i2c(99)
    assert (missing.value.errno, missing.value.filename) == (errno.ENOENT, "/dev/i2c-99")
    (sensor,) = build_sensors([{"driver": "bme280", "bus": 9}], Hardware())
    with pytest.raises(SensorError, match="I2C bus 9 does not exist: switch I2C on"):
        sensor.open()
