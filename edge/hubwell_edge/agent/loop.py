"""The agent loop: sources -> stamps -> batches -> outbox.

Sending is left to the uplink, which reads the same outbox at its own pace.
"""

import asyncio
import logging
import re
from collections.abc import AsyncGenerator, Callable, Sequence
from typing import Final

from hubwell_edge.agent.batch import Batch
from hubwell_edge.clock import STEP_MS, Clock, Stamp
from hubwell_edge.outbox.thread import OutboxThread
from hubwell_edge.settings import BatchSettings
from hubwell_edge.sources.observation import Observation, Source, SourceError
from hubwell_wire.fields import as_text
from hubwell_wire.messages import FaultData

logger: Final = logging.getLogger(__name__)

_TICK_S: Final = 1.0
_LONGEST_PAUSE_S: Final = 60.0


class Agent:
    """Reads all sources of one device into its outbox; calls `pulse` while that makes progress."""

    def __init__(
        self,
        outbox: OutboxThread,
        sources: Sequence[Source],
        *,
        clock: Clock,
        batch: BatchSettings,
        pulse: Callable[[], None] = lambda: None,
    ) -> None:
        self._outbox = outbox
        self._sources = sources
        self._clock = clock
        self._settings = batch
        self._pulse = pulse
        self._batch = Batch()
        self._last = Stamp(0, 0, synced=False)

    async def run(self) -> None:
        """Read until every source has ended; the outbox then holds everything that was read.

        Cancel it to stop earlier; observations collected so far are stored before it returns. Raises
        SourceError when a source cannot continue.
        """
        self._last = self._clock.now()
        if self._last.synced:
            await self._outbox.restamp(self._last)
        ticker = asyncio.create_task(self._tick(), name="agent.tick")
        failed: BaseExceptionGroup[SourceError] | None = None
        try:
            async with asyncio.TaskGroup() as group:
                for source in self._sources:
                    group.create_task(self._run_source(source), name=f"agent.source.{source.name}")
        except* SourceError as failures:
            failed = failures  # raised below: Python before 3.11.4 wraps what is raised in here
        finally:
            ticker.cancel()
            await self._flush()
        if failed is not None:
            raise failed.exceptions[0]

    async def _run_source(self, source: Source) -> None:
        """Read one source to its end.

        A failing source is reported and started again after a growing pause.
        """
        pause = _TICK_S
        while True:
            try:
                await self._read(source)
            except SourceError:
                raise
            except Exception as error:
                # No failure of one driver may stop the other sensors of the device.
                logger.exception("source %s failed", source.name, extra={"action": "source-failed"})
                detail = as_text(f"{type(error).__name__}: {error}")
                await self._take(source, _fault(source, "error", detail))
            else:
                return
            await asyncio.sleep(pause)
            pause = min(pause * 2, _LONGEST_PAUSE_S)
            await self._take(source, _fault(source, "recovered", "started again"))

    async def _read(self, source: Source) -> None:
        cursor = await self._outbox.cursor(source.name)
        observations = source.observations(cursor)
        try:
            async for observation in observations:
                await self._take(source, observation)
                if observation.cursor is not None:
                    await self._outbox.wait_while_crowded(self._settings.backlog)
        finally:
            if isinstance(observations, AsyncGenerator):
                await observations.aclose()
        await self._flush()

    async def _take(self, source: Source, observation: Observation) -> None:
        self._batch.add(source.name, observation, self._clock.now())
        if self._batch.urgent or self._batch.readings >= self._settings.readings:
            await self._flush()

    async def _flush(self) -> None:
        drafts, cursors = self._batch.take()
        await self._outbox.put(drafts, cursors)

    async def _tick(self) -> None:
        pause = min(_TICK_S, self._settings.seconds)
        loop = asyncio.get_running_loop()
        due = loop.time() + self._settings.seconds
        while True:
            await asyncio.sleep(pause)
            await self._check_clock()
            # One batch for all sources: the device sends one message where its parts would send ten.
            if loop.time() >= due:
                await self._flush()
                due = loop.time() + self._settings.seconds
            self._pulse()

    async def _check_clock(self) -> None:
        now, last = self._clock.now(), self._last
        self._last = now
        if now.synced and not last.synced:
            await self._flush()
            count = await self._outbox.restamp(now)
            logger.info(
                "the clock is synchronised now; %d messages corrected", count, extra={"action": "restamp"}
            )
        elif now.synced and abs(now.offset_ms - last.offset_ms) > STEP_MS:
            await self._report_step(now.offset_ms - last.offset_ms)

    async def _report_step(self, step_ms: int) -> None:
        """Report that a synchronised clock was set by `step_ms` milliseconds.

        How long it had been wrong, and whether it is right now, is unknown, so existing times are left
        unchanged; the sequence numbers preserve the order.
        """
        text = f"the clock was set by {step_ms / 1000:+.1f} s; earlier times are left unchanged"
        logger.warning("%s", text, extra={"action": "clock-step"})
        self._batch.add("clock", _clock_fault(text), self._clock.now())
        await self._flush()


def _fault(source: Source, state: str, detail: str) -> Observation:
    part = re.sub(r"[^a-z0-9_-]", "-", source.name.lower()).lstrip("-_")[:63]
    return Observation(event=FaultData.model_validate({"part": part, "state": state, "detail": detail}))


def _clock_fault(detail: str) -> Observation:
    return Observation(event=FaultData(part="clock", state="recovered", detail=detail))
