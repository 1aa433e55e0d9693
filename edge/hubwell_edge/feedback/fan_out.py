"""Shows each verdict on all outputs of a reader, each in a thread of its own so that callers never wait."""

import logging
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from queue import Empty, SimpleQueue
from typing import Final

from hubwell_edge.feedback.output import GROUPS, FeedbackError, Group, Output, Signal
from hubwell_wire.enumerations import Verdict
from hubwell_wire.fields import as_text

SAME_TAP_S: Final = 10.0
"""A final answer within this time after a provisional one is taken to be about the same tap."""
_CLOSE_S: Final = 1.0
_REST: Final = Signal("evacuation", "", quiet=True)
"""Not shown: the output returns to what it shows between taps."""

log = logging.getLogger(__name__)


class FeedbackFanOut:
    """Passes each verdict to all outputs of a reader."""

    def __init__(
        self, reader: str, outputs: Sequence[Output], *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._threads = tuple(_OutputThread(reader, output) for output in outputs)
        self._clock = clock
        self._provisional: tuple[Group, float] | None = None
        self._announced: Signal | None = None

    def open(self) -> None:
        """Start the threads; each opens its output. May be called again after `close`."""
        for thread in self._threads:
            thread.start()

    def show(self, verdict: Verdict, text: str, *, provisional: bool) -> None:
        """Show a verdict on all outputs.

        A final answer that confirms the provisional one changes the text and makes no second sound.
        """
        # Only the group must agree for a confirmation: "in" after "moved" needs no second sound.
        now, group = self._clock(), GROUPS[verdict]
        before, self._provisional = self._provisional, (group, now) if provisional else None
        confirmed = before is not None and before[0] == group and now - before[1] <= SAME_TAP_S
        signal = Signal(verdict, as_text(text), quiet=confirmed and not provisional)
        for thread in self._threads:
            thread.put(signal)

    def announce(self, text: str | None) -> None:
        """Show an evacuation on all outputs whenever no tap is shown, until it is None again."""
        signal = None if text is None else Signal("evacuation", as_text(text))
        if signal != self._announced:
            self._announced = signal
            for thread in self._threads:
                thread.announce(signal)

    def close(self) -> None:
        """Stop the threads and release the outputs."""
        for thread in self._threads:
            thread.stop()
        for thread in self._threads:
            thread.join(_CLOSE_S)


class _OutputThread:
    """One output and the thread that owns it."""

    def __init__(self, reader: str, output: Output) -> None:
        self._output = output
        self._label = f"{output.name} of reader {reader}"
        self._waiting: SimpleQueue[Signal | None] = SimpleQueue()
        self._announced: Signal | None = None
        self._interrupt = threading.Event()
        self._lock = threading.Lock()
        self._name = f"feedback-{reader}"
        self._thread: threading.Thread | None = None
        self._opened = False
        self._failing = False

    def start(self) -> None:
        self._waiting = SimpleQueue()
        self._interrupt.clear()
        if self._announced is not None:
            self._waiting.put(self._announced)
        self._thread = threading.Thread(target=self._work, name=self._name, daemon=True)
        self._thread.start()

    def put(self, signal: Signal | None) -> None:
        with self._lock:
            self._waiting.put(signal)
            if signal is None or not signal.quiet:  # a new text alone does not interrupt a light or a tone
                self._interrupt.set()

    def announce(self, signal: Signal | None) -> None:
        self._announced = signal
        self.put(signal or _REST)

    def stop(self) -> None:
        self.put(None)

    def join(self, timeout_s: float) -> None:
        if self._thread is not None:
            self._thread.join(timeout_s)

    def _work(self) -> None:
        self._try(lambda: None)
        rest_s: float | None = None
        while True:
            try:
                signal = self._newest(rest_s)
            except Empty:
                rest_s = None
                self._rest()
                continue
            if signal is None:
                break
            if signal is _REST:
                rest_s = None
                self._rest()
                continue
            self._show(signal)
            rest_s = self._output.rest_s or None
        self._opened = False
        self._output.close()

    def _newest(self, timeout_s: float | None) -> Signal | None:
        """Wait for a signal and skip older ones. Raises Empty after `timeout_s`."""
        signal = self._waiting.get(timeout=timeout_s)
        with self._lock:
            self._interrupt.clear()
            while signal is not None and not self._waiting.empty():
                newer = self._waiting.get()
                # A quiet correction must not swallow the sound of the skipped answer before it.
                if newer is not None and newer.quiet and not signal.quiet:
                    newer = Signal(newer.verdict, newer.text)
                signal = newer
        return signal

    def _rest(self) -> None:
        announced = self._announced
        if announced is None:
            self._try(self._output.clear)
        else:
            self._show(replace(announced, quiet=True))

    def _show(self, signal: Signal) -> None:
        self._try(lambda: self._output.show(signal, self._interrupt.wait))

    def _try(self, call: Callable[[], None]) -> None:
        try:
            if not self._opened:
                self._output.open()
                self._opened = True
            call()
        except FeedbackError as error:
            self._failed(str(error))
        except Exception as error:  # noqa: BLE001 - a lamp that fails must not keep people from checking in
            self._failed(f"{type(error).__name__}: {error}")
        else:
            self._failing = False

    def _failed(self, detail: str) -> None:
        if not self._failing:
            log.warning("%s cannot show anything: %s", self._label, detail)
        self._failing = True
        if self._opened:
            self._opened = False
            self._output.close()
