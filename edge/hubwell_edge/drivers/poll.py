"""Reads all sensors of a device continuously and yields observations: readings, and faults with recoveries.

Each bus has its own thread (`bus_executor.py`), each sensor its own asyncio task. A failed sensor is opened
again after growing pauses. One fault is reported when a sensor fails and one recovery when it works again,
not one for each failed read.
"""

import asyncio
import logging
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from typing import Any, Final, Literal

from hubwell_edge.drivers.bus_executor import BusBusyError, BusExecutor
from hubwell_edge.drivers.plausibility import Plausibility
from hubwell_edge.drivers.sensor import Measurement, Sensor, SensorError, WatchableSensor
from hubwell_edge.sources.observation import Observation
from hubwell_wire.fields import as_text
from hubwell_wire.messages import FaultData, Reading, SensorMeta

LONGEST_PAUSE_S: Final = 300.0
"""A sensor that stays broken is opened again every five minutes."""
WAITING_OBSERVATIONS: Final = 64
"""How many observations may wait for the agent before sensors are read less often."""

log = logging.getLogger(__name__)

FaultState = Literal["silent", "error", "recovered"]
Sleep = Callable[[float], Awaitable[object]]


class Poller:
    """The sensors of one device as a source of the agent."""

    name = "sensors"

    def __init__(self, sensors: Sequence[Sensor], *, sleep: Sleep = asyncio.sleep) -> None:
        self._sensors = tuple(sensors)
        self._sleep = sleep

    def meta(self) -> tuple[SensorMeta, ...]:
        """Return the series that the sensors will send, for the device's `meta` message."""
        return tuple(
            SensorMeta(s=f"{sensor.part}/{quantity}", u=channel.unit, every_s=sensor.every_s)
            for sensor in self._sensors
            for quantity, channel in sensor.channels.items()
        )

    async def observations(self, cursor: str | None = None) -> AsyncGenerator[Observation, None]:
        """Yield readings and faults until closed. Sensors have no history, so `cursor` is not used.

        Close the generator (`contextlib.aclosing`) to release the sensors.
        """
        del cursor
        out: asyncio.Queue[Observation] = asyncio.Queue(WAITING_OBSERVATIONS)
        executors = {bus: BusExecutor(bus) for bus in dict.fromkeys(sensor.bus for sensor in self._sensors)}
        workers = [_SensorWorker(sensor, executors[sensor.bus], out, self._sleep) for sensor in self._sensors]
        # Not a TaskGroup: it must not be entered and left around the yields of a generator.
        tasks = [asyncio.create_task(worker.run(), name=f"sensor-{worker.part}") for worker in workers]
        try:
            async for observation in _until_a_task_ends(out, tasks):
                yield observation
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await asyncio.gather(*(worker.close() for worker in workers))
            for executor in executors.values():
                executor.stop()


async def _until_a_task_ends(
    out: asyncio.Queue[Observation], tasks: Sequence[asyncio.Task[None]]
) -> AsyncGenerator[Observation, None]:
    """Yield from the queue. A task ends only through a programming error, which is raised here."""
    while True:
        get = asyncio.create_task(out.get())
        everything: set[asyncio.Task[Any]] = {get, *tasks}
        try:
            await asyncio.wait(everything, return_when=asyncio.FIRST_COMPLETED)
            for task in tasks:
                if task.done():
                    task.result()
            if get.done():
                yield get.result()
        finally:
            get.cancel()


class _SensorWorker:
    """Keeps one sensor open, reads it at its interval, and tracks whether it has a fault."""

    def __init__(
        self, sensor: Sensor, executor: BusExecutor, out: asyncio.Queue[Observation], sleep: Sleep
    ) -> None:
        self._sensor = sensor
        self._sleep = sleep
        self._executor = executor
        self._out = out
        self._plausibility = Plausibility(sensor.part, sensor.channels)
        self._loop = asyncio.get_running_loop()
        self._opened = False
        self._failures = 0
        self._fault: FaultState | None = None

    @property
    def part(self) -> str:
        return self._sensor.part

    async def run(self) -> None:
        """Read the sensor every `every_s` seconds until cancelled."""
        if isinstance(self._sensor, WatchableSensor):
            self._sensor.watch(self._changed_in_thread)
        due = self._loop.time()
        while True:
            pause = await self._read_once()
            now = self._loop.time()
            # While reads succeed they stay on the grid of every_s; late reads are not made up for.
            due = max(due + pause, now) if self._opened else now + pause
            await self._sleep(due - now)

    async def close(self) -> None:
        """Close the sensor; one that hangs is left behind."""
        try:
            await self._executor.call(self.part, self._sensor.close, self._sensor.timeout_s)
        except Exception as error:  # noqa: BLE001 - a driver that cannot close must not stop the shutdown
            log.warning("%s could not be closed: %s", self.part, error)

    async def _read_once(self) -> float:
        """Read and report; return the seconds until the next attempt."""
        try:
            if not self._opened:
                await self._executor.call(self.part, self._reopen, self._sensor.timeout_s)
                self._opened = True
            raw = await self._executor.call(self.part, self._sensor.read, self._sensor.timeout_s)
            measurements = self._plausibility.assess(raw)
        except BusBusyError as error:
            # The fault is another part's on this bus: no growing pause, and this part stays open.
            await self._report(error.state, str(error))
            return self._sensor.every_s
        except SensorError as error:
            return await self._failed(error.state, str(error))
        except Exception as error:
            # A fault in one driver must not take the other sensors with it.
            log.exception("the driver of %s failed; please report this with the lines below", self.part)
            return await self._failed(
                "error", f"the driver of {self.part} failed: {type(error).__name__}: {error}"
            )
        if measurements:
            self._failures = 0
            if self._fault is not None:
                await self._report("recovered", f"{self.part} gives values again")
            await self._out.put(self._observation(measurements))
        return self._sensor.every_s

    def _reopen(self) -> None:
        # A failed `open` or `read` may have left the bus or a pin reserved.
        self._sensor.close()
        self._sensor.open()

    async def _failed(self, state: FaultState, detail: str) -> float:
        self._opened = False
        pause = min(self._sensor.every_s * 2.0**self._failures, max(LONGEST_PAUSE_S, self._sensor.every_s))
        self._failures = min(self._failures + 1, 30)  # keeps the power of two above within a float
        await self._report(state, detail)
        return pause

    async def _report(self, state: FaultState, detail: str) -> None:
        now = None if state == "recovered" else state
        if now == self._fault:
            return
        self._fault = now
        level = logging.INFO if state == "recovered" else logging.WARNING
        log.log(level, "sensor %s: %s", state, detail)
        fault = FaultData(part=self.part, state=state, detail=as_text(detail))
        await self._out.put(Observation(event=fault))

    def _observation(self, measurements: Sequence[Measurement]) -> Observation:
        return Observation(
            readings=tuple(
                Reading(s=f"{self.part}/{m.quantity}", v=m.value, u=m.unit, q=m.quality) for m in measurements
            )
        )

    def _changed_in_thread(self, measurements: Sequence[Measurement]) -> None:
        try:
            self._loop.call_soon_threadsafe(self._changed, measurements)
        except RuntimeError:
            log.debug("a change of %s arrived after the event loop had closed", self.part)

    def _changed(self, measurements: Sequence[Measurement]) -> None:
        try:
            self._out.put_nowait(self._observation(measurements))
        except asyncio.QueueFull:
            log.warning("the agent is busy: a change of %s is sent with its next report", self.part)
