"""The cards of one reader as an endless asyncio stream; a failed reader is opened again after growing pauses.

The blocking reader has a thread of its own. One fault is reported when the reader fails and one recovery when
it works again, not one for each attempt.
"""

import asyncio
import logging
import threading
import time
import traceback
from collections.abc import AsyncGenerator, Callable
from typing import Final

from hubwell_edge.drivers.sensor import SensorError
from hubwell_edge.readers.reader import Card, NoticesUnreadable, Reader, Unreadable
from hubwell_wire.fields import as_text
from hubwell_wire.messages import FaultData

WAIT_S: Final = 0.5
"""How long the thread waits for a card before it checks whether it should stop."""
FIRST_PAUSE_S: Final = 1.0
LONGEST_PAUSE_S: Final = 60.0
"""A reader that stays broken is opened again every minute, because people may be trying to tap."""
HUNG_S: Final = 20.0
"""A reader that has not returned from a call for this long is reported as hung."""

Report = Callable[[FaultData], None]
"""Called in the event loop for each fault and each recovery."""

log = logging.getLogger(__name__)


async def cards(
    reader: Reader, report: Report, *, first_pause_s: float = FIRST_PAUSE_S, hung_s: float = HUNG_S
) -> AsyncGenerator[Card | Unreadable, None]:
    """Yield every card that is presented to `reader`, and what it cannot read, until closed.

    Close the generator (`contextlib.aclosing`) to release the reader. It does not end on its own, and raises
    only after a programming error.
    """
    out: asyncio.Queue[Card | Unreadable | None] = asyncio.Queue()
    thread = _ReaderThread(reader, report, out, asyncio.get_running_loop(), first_pause_s)
    thread.start()
    try:
        while True:
            try:
                async with asyncio.timeout(hung_s):
                    card = await out.get()
            except TimeoutError:
                thread.check_for_hang(hung_s)
                continue
            if card is None:  # the thread has ended
                thread.raise_failure()
            else:
                yield card
    finally:
        await thread.stop()


class _ReaderThread:
    """The thread of one reader, and the state of the reader's fault."""

    def __init__(
        self,
        reader: Reader,
        report: Report,
        out: asyncio.Queue[Card | Unreadable | None],
        loop: asyncio.AbstractEventLoop,
        first_pause_s: float,
    ) -> None:
        self._reader = reader
        self._report = report
        self._out = out
        self._loop = loop
        self._first_pause_s = first_pause_s
        self._stopping = threading.Event()
        self._ended = asyncio.Event()
        self._thread = threading.Thread(target=self._work, name=f"reader-{reader.name}", daemon=True)
        self._failure: BaseException | None = None
        self._fault: str | None = None
        self._last_call_end = time.monotonic()

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    async def stop(self) -> None:
        """Stop the thread, which closes the reader; a hung one is left behind and does not block the exit."""
        self._stopping.set()
        try:
            async with asyncio.timeout(4 * WAIT_S):
                await self._ended.wait()
        except TimeoutError:
            log.warning("reader %s does not answer and is left open", self._reader.name)

    def check_for_hang(self, hung_s: float) -> None:
        """Report a fault if the thread has been in one call for too long."""
        if self._fault is None and time.monotonic() - self._last_call_end > hung_s:
            self._report_state(
                "silent",
                f"{self._reader.name} has not answered for {hung_s:g} s: disconnect its power for a moment, "
                "or restart the agent",
            )

    def raise_failure(self) -> None:
        """Raise the exception that ended the thread, if any."""
        if self._failure is not None:
            raise self._failure

    def _work(self) -> None:
        try:
            pause = self._first_pause_s
            while not self._stopping.is_set():
                if self._read_until_failure():
                    pause = self._first_pause_s
                self._stopping.wait(pause)
                pause = min(pause * 2, LONGEST_PAUSE_S)
        except BaseException as error:  # noqa: BLE001 - raised again where the cards are awaited
            self._failure = error
            self._in_loop(self._out.put_nowait, None)
        finally:
            self._in_loop(self._ended.set)

    def _read_until_failure(self) -> bool:
        """Open the reader and read cards until it fails; return whether any call had succeeded."""
        worked = False
        try:
            self._reader.open()
            while not self._stopping.is_set():
                card = self._reader.wait(WAIT_S)
                worked = True
                self._last_call_end = time.monotonic()
                if self._fault is not None:
                    self._in_loop(self._report_state, "recovered", f"{self._reader.name} reads cards again")
                reader = self._reader
                if isinstance(reader, NoticesUnreadable) and (reason := reader.take_unreadable()) is not None:
                    self._in_loop(self._out.put_nowait, Unreadable(reason))
                if card is not None:
                    self._in_loop(self._out.put_nowait, card)
        except SensorError as error:
            self._in_loop(self._report_state, error.state, str(error))
        except Exception as error:  # noqa: BLE001 - a fault in one driver must not stop the device
            # The traceback without the error's own text, which could contain a card's number.
            where, name = "".join(traceback.format_tb(error.__traceback__)), type(error).__name__
            log.error("the driver of %s failed; please report this: %s\n%s", self._reader.name, name, where)  # noqa: TRY400
            self._in_loop(self._report_state, "error", f"the driver of {self._reader.name} failed: {name}")
        finally:
            self._reader.close()
        self._last_call_end = time.monotonic()
        return worked

    def _report_state(self, state: str, detail: str) -> None:
        now = None if state == "recovered" else state
        if now == self._fault:
            return
        self._fault = now
        log.log(logging.INFO if now is None else logging.WARNING, "reader %s: %s", state, detail)
        fault = {"part": self._reader.name, "state": state, "detail": as_text(detail)}
        self._report(FaultData.model_validate(fault))

    def _in_loop(self, call: Callable[..., object], *values: object) -> None:
        try:
            self._loop.call_soon_threadsafe(call, *values)
        except RuntimeError:
            log.debug("reader %s reported after the event loop had closed", self._reader.name)
