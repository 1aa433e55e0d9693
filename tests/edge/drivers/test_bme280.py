import pytest

from hubwell_edge.drivers.bme280 import Bme280, Bme280Settings
from hubwell_edge.drivers.sensor import Measurement, SensorError
from hubwell_edge.sim.chips.bme280 import CHIP_ID
from hubwell_edge.sim.chips.board import Board


def test_real_library_finds_the_data_sheet_example(board: Board) -> None:
    sensor = Bme280(Bme280Settings(), board.hardware)
    sensor.open()
    temp, rh, pressure = sensor.read()
    assert temp == Measurement("temp", 25.08, "Cel")
    assert pressure == Measurement("pressure", 1006.53, "hPa")
    assert rh.value == pytest.approx(41.3, abs=0.1)


def test_not_acknowledged_then_back(board: Board) -> None:
    sensor = Bme280(Bme280Settings(), board.hardware)
    sensor.open()
    board.bme280.absent = True
    with pytest.raises(SensorError, match=r"bme280 does not answer at address 0x76"):
        sensor.read()
    board.bme280.absent = False
    assert len(sensor.read()) == 3


def test_another_chip_at_the_address_is_named(board: Board) -> None:
    board.bme280._registers[CHIP_ID] = 0x58  # a BMP280, often sold in its place
    with pytest.raises(SensorError, match=r"is not a bme280 .*0x58.*correct 'address'"):
        Bme280(Bme280Settings(), board.hardware).open()


def test_wrong_address_is_not_found(board: Board) -> None:
    with pytest.raises(SensorError, match=r"does not answer at address 0x77"):
        Bme280(Bme280Settings(address=0x77), board.hardware).open()
