"""Reads all sensors of a device for ever and yields observations: readings, and faults as they come and go.

Each bus has its own thread (`lane.py`), each sensor its own asyncio task. A sensor that fails is opened
again with growing pauses. One fault is reported when it fails and one when it is back, not one for each
failed read.
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
"""A sensor that stays broken is tried again every five minutes."""
WAITING_OBSERVATIONS: Final = 64
"""So many observations may wait for the agent before sensors are read less often."""

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
        """Return the series that the sensors will give, for the device's `meta` message."""
        return tuple(
            SensorMeta(s=f"{sensor.part}/{quantity}", u=channel.unit, every_s=sensor.every_s)
            for sensor in self._sensors
            for quantity, channel in sensor.channels.items()
        )

    async def observations(self, cursor: str | None = None) -> AsyncGenerator[Observation, None]:
        """Yield readings and faults until closed. There is nothing to go on from, so `cursor` is not used.

        Close it (`contextlib.aclosing`) to let the sensors go.
        """
        del cursor
        out: asyncio.Queue[Observation] = asyncio.Queue(WAITING_OBSERVATIONS)
        lanes = {bus: BusExecutor(bus) for bus in dict.fromkeys(sensor.bus for sensor in self._sensors)}
        care = [_SensorWorker(sensor, lanes[sensor.bus], out, self._sleep) for sensor in self._sensors]
        # Not a TaskGroup: it must not be entered and left around the yields of a generator.
        tasks = [asyncio.create_task(one.run(), name=f"sensor-{one.part}") for one in care]
        try:
            async for observation in _until_a_task_ends(out, tasks):
                yield observation
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await asyncio.gather(*(one.close() for one in care))
            for lane in lanes.values():
                lane.stop()


async def _until_a_task_ends(
    out: asyncio.Queue[Observation], tasks: Sequence[asyncio.Task[None]]
) -> AsyncGenerator[Observation, None]:
    """Yield from the queue; a task that ends has met an error of ours, which is raised here."""
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
    """Keeps one sensor open, reads it in time, and knows whether it is well."""

    def __init__(
        self, sensor: Sensor, lane: BusExecutor, out: asyncio.Queue[Observation], sleep: Sleep
    ) -> None:
        self._sensor = sensor
        self._sleep = sleep
        self._lane = lane
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
        """Read the sensor every `every_s` for ever."""
        if isinstance(self._sensor, WatchableSensor):
            self._sensor.watch(self._changed_in_thread)
        due = self._loop.time()
        while True:
            pause = await self._read_once()
            now = self._loop.time()
            # On the grid of every_s while all goes well, so that reads do not drift; never a burst.
            due = max(due + pause, now) if self._opened else now + pause
            await self._sleep(due - now)

    async def close(self) -> None:
        """Let the sensor go; one that hangs is left as it is."""
        try:
            await self._lane.call(self.part, self._sensor.close, self._sensor.timeout_s)
        except Exception as error:  # noqa: BLE001 - we are leaving; a driver that cannot close must not stop that
            log.warning("%s could not be closed: %s", self.part, error)

    async def _read_once(self) -> float:
        """Read and report; return the seconds until the next try."""
        try:
            if not self._opened:
                await self._lane.call(self.part, self._reopen, self._sensor.timeout_s)
                self._opened = True
            raw = await self._lane.call(self.part, self._sensor.read, self._sensor.timeout_s)
            measurements = self._plausibility.judge(raw)
        except BusBusyError as error:
            # Nothing is wrong with this part: no pause, and it stays open.
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
        self._sensor.close()
        self._sensor.open()

    async def _failed(self, state: FaultState, detail: str) -> float:
        self._opened = False
        pause = min(self._sensor.every_s * 2.0**self._failures, max(LONGEST_PAUSE_S, self._sensor.every_s))
        self._failures = min(self._failures + 1, 30)
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
                Reading(s=f"{self.part}/{one.quantity}", v=one.value, u=one.unit, q=one.quality)
                for one in measurements
            )
        )

    def _changed_in_thread(self, measurements: Sequence[Measurement]) -> None:
        try:
            self._loop.call_soon_threadsafe(self._changed, measurements)
        except RuntimeError:
            log.debug("a change of %s came after the end", self.part)

    def _changed(self, measurements: Sequence[Measurement]) -> None:
        try:
            self._out.put_nowait(self._observation(measurements))
        except asyncio.QueueFull:
            log.warning("the agent is busy: a change of %s waits for its next report", self.part)
