import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import aclosing, asynccontextmanager
from typing import Any

import pytest

from hubwell_edge.drivers.bme280 import Bme280, Bme280Settings
from hubwell_edge.drivers.pir import Pir, PirSettings
from hubwell_edge.drivers.poll import Poller
from hubwell_edge.drivers.scd4x import Scd4x, Scd4xSettings
from hubwell_edge.drivers.sensor import Channel, Measurement, Sensor, SensorError
from hubwell_edge.sim.chips.board import Board
from hubwell_edge.sources.observation import Observation
from hubwell_wire.messages import FaultData

ENOUGH_S = 20


class CollectedObservations:
    """What a running poller has yielded, in the words of the tests: `scd41 error`, `scd41/co2`."""

    def __init__(self, stream: AsyncIterator[Observation]) -> None:
        self._stream = stream
        self.all: list[Observation] = []

    @property
    def faults(self) -> list[str]:
        return [f"{one.event.part} {one.event.state}" for one in self.all if isinstance(one.event, FaultData)]

    async def until(self, met: Callable[[Observation], bool]) -> Observation:
        async with asyncio.timeout(ENOUGH_S):
            async for one in self._stream:
                self.all.append(one)
                if met(one):
                    return one
        raise AssertionError("the poller ended")

    async def fault(self, said: str) -> str:
        def met(one: Observation) -> bool:
            return isinstance(one.event, FaultData) and f"{one.event.part} {one.event.state}" == said

        event = (await self.until(met)).event
        assert isinstance(event, FaultData)
        return event.detail

    async def value_of(self, part: str, times: int = 1) -> Observation:
        def met(one: Observation) -> bool:
            return any(reading.s.startswith(f"{part}/") for reading in one.readings)

        for _ in range(times - 1):
            await self.until(met)
        return await self.until(met)


@asynccontextmanager
async def running(*sensors: Sensor) -> AsyncIterator[CollectedObservations]:
    async with aclosing(Poller(sensors).observations()) as stream:
        yield CollectedObservations(stream)


def quick_scd4x(board: Board, **options: Any) -> Scd4x:
    sensor = Scd4x(Scd4xSettings(**options), board.hardware, board.clock)
    sensor.every_s = 0.01
    return sensor


def quick_bme280(board: Board) -> Bme280:
    sensor = Bme280(Bme280Settings(), board.hardware)
    sensor.every_s = 0.01
    return sensor


class Fake:
    """A sensor whose next values or failures are given."""

    part = "fake"
    bus = "fake-bus"
    timeout_s = 5.0

    def __init__(self, script: Sequence[float | Exception], channel: Channel | None = None) -> None:
        self.every_s = 0.001
        self.channels: Mapping[str, Channel] = {"temp": channel or Channel("Cel", -40, 85)}
        self.opened = self.closed = 0
        self.threads: set[int] = set()
        self._script = list(script)

    def open(self) -> None:
        self.opened += 1

    def read(self) -> Sequence[Measurement]:
        self.threads.add(threading.get_ident())
        step = self._script.pop(0) if len(self._script) > 1 else self._script[0]
        if isinstance(step, Exception):
            raise step
        return [Measurement("temp", step, "Cel")]

    def close(self) -> None:
        self.closed += 1


async def test_readings_are_named_by_part_and_quantity(board: Board) -> None:
    async with running(quick_scd4x(board), quick_bme280(board)) as collected:
        scd41 = await collected.value_of("scd41")
        bme280 = await collected.value_of("bme280")
    assert [(r.s, r.v, r.u, r.q) for r in scd41.readings] == [
        ("scd41/co2", 812.0, "ppm", "ok"),
        ("scd41/temp", 23.4, "Cel", "ok"),
        ("scd41/rh", 41.2, "%RH", "ok"),
    ]
    assert [r.s for r in bme280.readings] == ["bme280/temp", "bme280/rh", "bme280/pressure"]
    assert collected.faults == []


async def test_lost_part_is_reported_once_and_once_when_back(board: Board) -> None:
    async with running(quick_scd4x(board), quick_bme280(board)) as collected:
        await collected.value_of("scd41")
        board.scd41.absent = True
        assert "does not answer at address 0x62" in await collected.fault("scd41 error")
        await collected.value_of("bme280", times=20)
        board.scd41.absent = False
        await collected.fault("scd41 recovered")
        await collected.value_of("scd41", times=5)
    assert collected.faults == ["scd41 error", "scd41 recovered"]


async def test_wrong_checksum_is_reported_and_recovers(board: Board) -> None:
    async with running(quick_scd4x(board)) as collected:
        await collected.value_of("scd41")
        board.scd41.wrong_crc = True
        assert "wrong checksum" in await collected.fault("scd41 error")
        board.scd41.wrong_crc = False
        await collected.fault("scd41 recovered")
        await collected.value_of("scd41")
    assert collected.faults == ["scd41 error", "scd41 recovered"]


async def test_part_that_is_never_ready_falls_silent_and_recovers(board: Board) -> None:
    async with running(quick_scd4x(board), quick_bme280(board)) as collected:
        await collected.value_of("scd41")
        board.scd41.never_ready = True
        await collected.value_of("bme280", times=10)
        assert collected.faults == []
        board.now += 15
        assert "has measured nothing for" in await collected.fault("scd41 silent")
        board.scd41.never_ready = False
        await collected.fault("scd41 recovered")
    assert collected.faults == ["scd41 silent", "scd41 recovered"]


async def test_part_missing_at_start_is_reported_and_taken_in_later(board: Board) -> None:
    board.scd41.absent = True
    async with running(quick_scd4x(board)) as collected:
        await collected.fault("scd41 error")
        board.scd41.absent = False
        await collected.fault("scd41 recovered")
        await collected.value_of("scd41")


async def test_hung_part_goes_silent_while_the_other_bus_goes_on(board: Board) -> None:
    board.bme280.never_done = True  # the real library waits for ever for the end of the conversion
    hung = quick_bme280(board)
    hung.timeout_s = 0.2
    neighbour = quick_scd4x(board)
    elsewhere = quick_scd4x(board, bus=2, part="scd41-2")
    async with running(hung, neighbour, elsewhere) as collected:
        assert "holds bus i2c-1" in await collected.fault("bme280 silent")
        if "scd41 silent" not in collected.faults:
            assert "while bme280 hangs" in await collected.fault("scd41 silent")
        await collected.value_of("scd41-2", times=20)
        hung.timeout_s = 5.0
        board.bme280.never_done = False
        await collected.value_of("bme280")
        await collected.value_of("scd41")
    assert sorted(collected.faults) == [
        "bme280 recovered",
        "bme280 silent",
        "scd41 recovered",
        "scd41 silent",
    ]


async def test_hung_bus_does_not_keep_the_poller_from_closing(board: Board) -> None:
    sensor = quick_scd4x(board)
    sensor.timeout_s = 0.2
    async with running(sensor) as collected:
        board.bus.hang()
        await collected.fault("scd41 silent")
    assert collected.faults == ["scd41 silent"]


async def test_motion_is_told_without_waiting_for_the_next_read(board: Board) -> None:
    pir = Pir(PirSettings(pin=17, every_s=3600), board.hardware)
    async with running(pir) as collected:
        assert [r.v for r in (await collected.value_of("pir")).readings] == [0.0]
        board.pins.drive(17, high=True)
        assert [(r.s, r.v, r.u) for r in (await collected.value_of("pir")).readings] == [
            ("pir/presence", 1.0, "/")
        ]
        board.pins.drive(17, high=False)
        assert [r.v for r in (await collected.value_of("pir")).readings] == [0.0]


async def test_value_that_cannot_be_true_is_suspect() -> None:
    async with running(Fake([20.0, 99.0, 21.0])) as collected:
        await collected.value_of("fake", times=3)
    assert [one.readings[0].q for one in collected.all] == ["ok", "suspect", "ok"]


async def test_value_that_does_not_move_becomes_suspect_until_it_does() -> None:
    channel = Channel("Cel", -40, 85, stuck_after=3)
    async with running(Fake([20.0, 20.0, 20.0, 20.0, 20.1], channel)) as collected:
        await collected.value_of("fake", times=5)
    assert [one.readings[0].q for one in collected.all] == ["ok", "ok", "suspect", "suspect", "ok"]


async def test_value_that_is_no_number_is_a_fault_not_a_reading() -> None:
    async with running(Fake([float("nan"), 20.0])) as collected:
        assert "gave nan for temp" in await collected.fault("fake error")
        await collected.fault("fake recovered")


async def test_bug_in_a_driver_is_a_fault_of_its_sensor_only(
    board: Board, caplog: pytest.LogCaptureFixture
) -> None:
    async with running(Fake([TypeError("no float")]), quick_scd4x(board)) as collected:
        assert "TypeError: no float" in await collected.fault("fake error")
        await collected.value_of("scd41", times=3)
    assert collected.faults == ["fake error"]
    assert "the driver of fake failed" in caplog.text


async def test_all_calls_of_one_bus_come_from_one_thread() -> None:
    one, two = Fake([20.0]), Fake([20.0])
    two.part = "second"
    async with running(one, two) as collected:
        await collected.value_of("fake", times=5)
        await collected.value_of("second", times=5)
    assert one.threads == two.threads
    assert threading.get_ident() not in one.threads


async def test_sensors_are_closed_at_the_end() -> None:
    sensor = Fake([20.0])
    async with running(sensor) as collected:
        await collected.value_of("fake")
        closed = sensor.closed
    assert sensor.closed == closed + 1


async def test_broken_part_is_opened_again_with_growing_pauses() -> None:
    pauses: list[float] = []

    async def sleep(seconds: float) -> None:
        pauses.append(seconds)
        await asyncio.sleep(0)

    sensor = Fake([*[SensorError("broken")] * 7, 20.0])
    sensor.every_s = 10.0
    async with aclosing(Poller([sensor], sleep=sleep).observations()) as stream:
        collected = CollectedObservations(stream)
        await collected.fault("fake recovered")
    assert pauses[:7] == pytest.approx([10, 20, 40, 80, 160, 300, 300])
    assert sensor.opened == 8
