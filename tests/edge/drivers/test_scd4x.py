from typing import Any

import adafruit_scd4x
import pytest

from hubwell_edge.drivers.scd4x import Scd4x, Scd4xSettings
from hubwell_edge.drivers.sensor import Measurement, SensorError, SensorSilentError
from hubwell_edge.sim.chips.board import Board
from hubwell_edge.sim.chips.scd41 import Air, Scd41


def opened(board: Board, **options: Any) -> Scd4x:
    sensor = Scd4x(Scd4xSettings(**options), board.hardware, board.clock)
    sensor.open()
    return sensor


def test_real_library_reads_what_the_chip_measured(board: Board) -> None:
    assert opened(board).read() == [
        Measurement("co2", 812.0, "ppm"),
        Measurement("temp", 23.4, "Cel"),
        Measurement("rh", 41.2, "%RH"),
    ]


def test_between_two_measurements_there_is_nothing_and_no_error(board: Board) -> None:
    board.bus.chips[0x62] = Scd41(lambda: Air(co2=500), board.clock)
    sensor = opened(board)
    assert sensor.read() == []
    board.now += 5
    assert sensor.read()[0].value == 500
    assert sensor.read() == []


def test_low_power_measures_every_thirty_seconds_and_has_more_patience(board: Board) -> None:
    board.bus.chips[0x62] = Scd41(clock=board.clock)
    sensor = opened(board, low_power=True)
    board.now += 29
    assert sensor.read() == []
    board.now += 1
    assert len(sensor.read()) == 3


def test_never_ready_is_an_error_only_after_three_periods(board: Board) -> None:
    board.scd41.never_ready = True
    sensor = opened(board, every_s=10)
    board.now += 29
    assert sensor.read() == []
    board.now += 1
    with pytest.raises(SensorSilentError, match="has measured nothing for 30 s"):
        sensor.read()


def test_not_acknowledged_says_what_to_check(board: Board) -> None:
    sensor = opened(board)
    board.scd41.absent = True
    with pytest.raises(
        SensorError, match=r"does not answer at address 0x62 of I2C bus 1: check power and wires"
    ):
        sensor.read()
    board.scd41.absent = False
    assert len(sensor.read()) == 3


def test_absent_chip_cannot_be_opened(board: Board) -> None:
    board.scd41.absent = True
    with pytest.raises(SensorError, match="i2cdetect -y 1"):
        opened(board)


def test_wrong_checksum_gives_no_value(board: Board) -> None:
    sensor = opened(board)
    board.scd41.wrong_crc = True
    with pytest.raises(SensorError, match="wrong checksum: shorten the cable"):
        sensor.read()


def test_options_reach_the_chip(board: Board) -> None:
    opened(board, altitude_m=440, self_calibration=False)
    device = adafruit_scd4x.SCD4X(board.bus)
    assert (device.altitude, device.self_calibration_enabled) == (440, False)


def test_open_again_after_close_works(board: Board) -> None:
    sensor = opened(board)
    sensor.close()
    sensor.close()
    with pytest.raises(SensorError, match="not open"):
        sensor.read()
    sensor.open()
    assert len(sensor.read()) == 3
