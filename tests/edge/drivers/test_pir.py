import queue
from collections.abc import Iterator

import pytest

from hubwell_edge.drivers.pir import Pir, PirSettings
from hubwell_edge.drivers.sensor import SensorError
from hubwell_edge.sim.chips.board import Board

ENOUGH_S = 10


@pytest.fixture
def told() -> queue.Queue[float]:
    return queue.Queue()


@pytest.fixture
def pir(board: Board, told: queue.Queue[float]) -> Iterator[Pir]:
    sensor = Pir(PirSettings(pin=17), board.hardware)
    sensor.watch(lambda measurements: told.put(measurements[0].value))
    sensor.open()
    yield sensor
    sensor.close()


def test_motion_and_its_end_are_told_at_once(board: Board, pir: Pir, told: queue.Queue[float]) -> None:
    assert [one.value for one in pir.read()] == [0.0]
    board.pins.drive(17, high=True)
    assert told.get(timeout=ENOUGH_S) == 1.0
    assert [(one.quantity, one.value, one.unit) for one in pir.read()] == [("presence", 1.0, "/")]
    board.pins.drive(17, high=False)
    assert told.get(timeout=ENOUGH_S) == 0.0
    assert [one.value for one in pir.read()] == [0.0]


def test_active_low_output_is_turned_round(board: Board) -> None:
    sensor = Pir(PirSettings(pin=4, active_high=False), board.hardware)
    sensor.open()
    assert [one.value for one in sensor.read()] == [0.0]
    sensor.close()


@pytest.mark.usefixtures("pir")
def test_pin_in_use_says_so(board: Board) -> None:
    with pytest.raises(SensorError, match=r"GPIO17 cannot be used for pir-2 .*check 'pin'"):
        Pir(PirSettings(part="pir-2", pin=17), board.hardware).open()


def test_pin_can_be_opened_again(pir: Pir) -> None:
    pir.close()
    with pytest.raises(SensorError, match="not open"):
        pir.read()
    pir.open()
    assert len(pir.read()) == 1
