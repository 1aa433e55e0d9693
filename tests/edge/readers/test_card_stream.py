"""The asyncio stream of cards: failures, recovery, an end in time."""

import asyncio
import logging
import threading
from collections.abc import Callable
from contextlib import aclosing
from queue import Empty, SimpleQueue

import pytest

from hubwell_edge.readers.card_stream import cards
from hubwell_edge.readers.reader import Card, ReaderError, ReaderSilentError
from hubwell_wire.messages import FaultData

ONE, TWO = Card(uid=b"\x04\x01\x02\x03"), Card(uid=b"\x04\x01\x02\x04")


class ScriptedReader:
    """Does what the test puts into `script`: gives a card, raises, or calls something."""

    name, driver, bus = "door", "scripted", "scripted"

    def __init__(self, *script: Card | Exception | Callable[[], None]) -> None:
        self.script: SimpleQueue[Card | Exception | Callable[[], None]] = SimpleQueue()
        for step in script:
            self.script.put(step)
        self.opened = self.closed = 0
        self.threads: set[int] = set()

    def open(self) -> None:
        self.threads.add(threading.get_ident())
        self.opened += 1

    def wait(self, timeout_s: float) -> Card | None:
        self.threads.add(threading.get_ident())
        try:
            step = self.script.get(timeout=timeout_s)
        except Empty:
            return None
        if isinstance(step, Card):
            return step
        if isinstance(step, Exception):
            raise step
        step()
        return None

    def close(self) -> None:
        self.threads.add(threading.get_ident())
        self.closed += 1


async def take(reader: ScriptedReader, count: int, faults: list[FaultData]) -> list[Card]:
    found: list[Card] = []
    async with asyncio.timeout(20), aclosing(cards(reader, faults.append, first_pause_s=0.01)) as stream:
        async for card in stream:
            assert isinstance(card, Card)
            found.append(card)
            if len(found) == count:
                break
    return found


async def test_cards_come_in_order_and_the_reader_is_let_go() -> None:
    reader, faults = ScriptedReader(ONE, TWO, ONE), list[FaultData]()
    assert await take(reader, 3, faults) == [ONE, TWO, ONE]
    assert faults == []
    assert (reader.opened, reader.closed) == (1, 1)
    assert len(reader.threads) == 1
    assert threading.get_ident() not in reader.threads


async def test_failure_is_told_once_and_recovery_too(caplog: pytest.LogCaptureFixture) -> None:
    trouble = ReaderSilentError("door was unplugged: plug it in again")
    reader, faults = ScriptedReader(ONE, trouble, trouble, trouble, TWO), list[FaultData]()
    with caplog.at_level(logging.INFO):
        assert await take(reader, 2, faults) == [ONE, TWO]
    assert [(fault.part, fault.state) for fault in faults] == [("door", "silent"), ("door", "recovered")]
    assert faults[0].detail == str(trouble)
    assert reader.opened == 4


async def test_another_kind_of_failure_is_told_too() -> None:
    reader, faults = ScriptedReader(ReaderSilentError("a"), ReaderError("b"), ONE), list[FaultData]()
    await take(reader, 1, faults)
    assert [fault.state for fault in faults] == ["silent", "error", "recovered"]


async def test_error_of_a_driver_is_a_fault_without_its_text(caplog: pytest.LogCaptureFixture) -> None:
    reader, faults = ScriptedReader(RuntimeError("number 04a1b2c3"), ONE), list[FaultData]()
    assert await take(reader, 1, faults) == [ONE]
    assert [fault.state for fault in faults] == ["error", "recovered"]
    assert "RuntimeError" in faults[0].detail
    assert "04a1b2c3" not in caplog.text + faults[0].detail


async def test_reader_that_hangs_is_told_and_comes_back() -> None:
    go_on = threading.Event()

    def hang() -> None:
        go_on.wait(20)

    faults: list[FaultData] = []
    reader = ScriptedReader(hang, ONE)

    def report(fault: FaultData) -> None:
        faults.append(fault)
        go_on.set()

    async with asyncio.timeout(20), aclosing(cards(reader, report, hung_s=0.6)) as stream:
        assert await anext(stream) == ONE
    assert [fault.state for fault in faults] == ["silent", "recovered"]
    assert "disconnect its power" in faults[0].detail


async def test_thread_that_cannot_go_on_ends_the_stream() -> None:
    class Stopped(BaseException): ...

    def stop() -> None:
        raise Stopped

    with pytest.raises(Stopped):
        await take(ScriptedReader(stop), 1, [])
