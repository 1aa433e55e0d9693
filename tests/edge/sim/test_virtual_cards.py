"""Virtual cards at the simulated hub's socket: a tap through the device's own outbox, and its answer back."""

import asyncio
import json
import stat
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest

from edge.agent_builders import ManualClock, stamp
from hubwell_edge.outbox.store import Outbox
from hubwell_edge.outbox.thread import OutboxThread
from hubwell_edge.sim import virtual_cards
from hubwell_edge.sim.people import simulated_key
from hubwell_edge.sim.scenario import load_scenario
from hubwell_edge.sim.virtual_cards import CARDS, VirtualReader, serving
from hubwell_wire.commands import Answer

KEY = simulated_key(load_scenario())


@pytest.fixture
def socket_path() -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as folder:
        yield Path(folder) / "edge" / "taps"


@pytest.fixture
async def thread(tmp_path: Path) -> AsyncIterator[OutboxThread]:
    thread = OutboxThread(Outbox(tmp_path))
    yield thread
    await thread.close()


@pytest.fixture
def reader(thread: OutboxThread) -> VirtualReader:
    reader = VirtualReader(KEY)
    reader.connect(thread, ManualClock(stamp()))
    return reader


async def ask(path: Path, line: bytes) -> dict[str, Any]:
    reading, writing = await asyncio.open_unix_connection(path)
    writing.write(line)
    await writing.drain()
    answer: dict[str, Any] = json.loads(await reading.readline())
    writing.close()
    return answer


async def hold(path: Path, card: int, device: str = "pi") -> dict[str, Any]:
    return await ask(path, json.dumps({"device": device, "card": card}).encode() + b"\n")


def leave_behind(path: Path) -> None:
    """Leave what a simulation that was killed leaves."""
    path.parent.mkdir()
    path.touch()


def mode_of(path: Path) -> int:
    return path.stat().st_mode if path.exists() else 0


def answer_to(outbox: Outbox, seq: int) -> Answer:
    return Answer(v=1, type="answer", boot=outbox.boot, seq=seq, verdict="in", text="Welcome.", lang="en")


async def test_card_becomes_a_stored_tap_and_the_answer_comes_back(
    socket_path: Path, thread: OutboxThread, reader: VirtualReader
) -> None:
    async with serving(socket_path, {"pi": reader}):
        held = asyncio.create_task(hold(socket_path, 1))
        async with asyncio.timeout(10):
            await thread.wakeup.wait()
        (message,) = thread.outbox.unsent(10)
        reader.answered(answer_to(thread.outbox, message.seq + 1000))  # of a simulated person
        reader.answered(answer_to(thread.outbox, message.seq))
        result = await held
    assert result["verdict"] == "in"
    assert (result["boot"], result["seq"]) == (str(thread.outbox.boot), message.seq)
    assert result["text"] == "Welcome."


async def test_answer_that_comes_before_the_number_is_known_is_kept(
    thread: OutboxThread, reader: VirtualReader
) -> None:
    reader.answered(answer_to(thread.outbox, 1))
    assert (await reader.hold(2))["verdict"] == "in"


async def test_tap_without_an_answer_is_stored_all_the_same(
    thread: OutboxThread, reader: VirtualReader, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(virtual_cards, "_ANSWER_WITHIN_S", 0.01)
    assert set(await reader.hold(1)) == {"boot", "seq"}
    assert len(thread.outbox.unsent(10)) == 1


async def test_cards_are_told_apart_and_stay_the_same(
    thread: OutboxThread, reader: VirtualReader, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(virtual_cards, "_ANSWER_WITHIN_S", 0.01)
    for card in (1, 2, 3, 1):
        await reader.hold(card)
    badges = [json.loads(message.body)["data"]["badge"] for message in thread.outbox.unsent(10)]
    assert badges[0] == badges[3]
    assert len(set(badges)) == CARDS


async def test_socket_is_for_this_user_alone_and_gone_afterwards(
    socket_path: Path, reader: VirtualReader
) -> None:
    leave_behind(socket_path)
    async with serving(socket_path, {"pi": reader}):
        mode = mode_of(socket_path)
        assert stat.S_IMODE(mode) & 0o077 == 0
        assert stat.S_ISSOCK(mode)
    assert mode_of(socket_path) == 0


@pytest.mark.parametrize(
    ("line", "error"),
    [
        (b"\n", "unreadable"),
        (b"nonsense\n", "unreadable"),
        (b'{"device": "pi", "card": 0}\n', "unreadable"),
        (b'{"device": "pi", "card": 4}\n', "unreadable"),
        (b'{"device": "pi", "card": 1, "badge": "ab"}\n', "unreadable"),
        (b'{"device": "other", "card": 1}\n', "no-such-door"),
    ],
)
async def test_bad_requests_send_no_tap(
    socket_path: Path, thread: OutboxThread, reader: VirtualReader, line: bytes, error: str
) -> None:
    async with serving(socket_path, {"pi": reader}):
        assert await ask(socket_path, line) == {"error": error}
    assert thread.outbox.unsent(10) == []


async def test_device_that_has_not_begun_says_so() -> None:
    assert await VirtualReader(KEY).hold(1) == {"error": "not-ready"}


async def test_simulation_goes_on_where_no_socket_can_be(tmp_path: Path, reader: VirtualReader) -> None:
    file = tmp_path / "file"
    file.touch()
    async with serving(file / "taps", {"pi": reader}):
        pass
    async with serving(tmp_path / ("x" * 200), {"pi": reader}):
        pass
