"""Orders in the server's name to a device that has the hub's key: a real agent, a real broker, forgeries."""

import asyncio
from asyncio import Event
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import aiomqtt
import pytest
from nacl.signing import SigningKey
from typer.testing import CliRunner

from edge.agent_builders import BADGE, ListSource, receipt, running, settings, start_agent, until
from edge.fake_server import FakeServer
from edge.taps.sample_badges import HUB, HUB_PUBLIC, forget, muster, signed
from hubwell_edge.agent.device import run_device
from hubwell_edge.cli import app
from hubwell_edge.settings import EdgeSettings
from hubwell_edge.sources.observation import Observation
from hubwell_edge.taps.files.muster_file import load
from hubwell_wire.commands import Muster, MusterSnapshot
from hubwell_wire.messages import TapData
from lanes.brokers import Mosquitto

ACK, CMD = "hub/v1/hub/room-1/down/ack", "hub/v1/hub/room-1/down/cmd"
OTHER_DEVICE = "hub/v1/hub/room-2/down/ack"
STRANGER = SigningKey(b"\x09" * 32)
TAP = TapData(reader="desk", badge=BADGE, epoch=1)


@pytest.fixture
async def server(mosquitto: Mosquitto) -> AsyncIterator[FakeServer]:
    async with FakeServer(mosquitto.url) as fake_server:
        yield fake_server


@pytest.fixture
async def liar(mosquitto: Mosquitto) -> AsyncIterator[aiomqtt.Client]:
    async with aiomqtt.Client("127.0.0.1", mosquitto.port, identifier="liar") as client:
        yield client


def with_key(mosquitto: Mosquitto, folder: Path) -> EdgeSettings:
    return settings(mosquitto.url, folder / "box", badges={"roster_key": HUB_PUBLIC})


def taps(count: int, *, ends: bool = False) -> ListSource:
    return ListSource([Observation(event=TAP)] * count, ends=ends)


def now(**ahead: float) -> datetime:
    return datetime.now(UTC) + timedelta(**ahead)


def count(caplog: pytest.LogCaptureFixture, words: str) -> int:
    return sum(words in line for line in caplog.messages)


async def sent_again(server: FakeServer, number: int) -> None:
    """Wait until so many messages are each sent again: a device that deleted one sends it no more."""
    before = dict(server.copies)
    assert len(before) == number
    await until(lambda: all(server.copies[key] > copies for key, copies in before.items()))


FORGERIES = [
    (lambda boot: receipt(boot, 3).encode(), "a receipt without a signature is refused"),
    (lambda boot: signed(ACK, receipt(boot, 3), now(), STRANGER), "signature of a receipt is not the hub's"),
    (lambda boot: signed(OTHER_DEVICE, receipt(boot, 3), now()), "signature of a receipt is not the hub's"),
    (lambda boot: signed(CMD, receipt(boot, 3), now()), "signature of a receipt is not the hub's"),
    (lambda boot: signed(ACK, receipt(boot, 0), now()).replace(b':0,"at', b':3,"at'), "is not the hub's"),
    (lambda boot: signed(ACK, receipt(boot, 3), now())[:-1] + b',"x":3}', "without a signature is refused"),
    (lambda boot: signed(ACK, receipt(boot, 3), now(minutes=6)), "is dated more than 5 minutes ahead"),
]


@pytest.mark.parametrize(("forge", "words"), FORGERIES)
async def test_forged_receipt_deletes_nothing(
    mosquitto: Mosquitto,
    server: FakeServer,
    liar: aiomqtt.Client,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    forge: Callable[[UUID], bytes],
    words: str,
) -> None:
    server.answers = False
    async with running(with_key(mosquitto, tmp_path), taps(3, ends=True)) as task:
        await until(lambda: len(server.received) == 3)
        for _ in range(3):
            await liar.publish(ACK, forge(server.received[0].boot), qos=1)
        await until(lambda: count(caplog, words))
        await sent_again(server, 3)
        server.answers = True
        assert await task
    assert count(caplog, words) == 1


@pytest.mark.parametrize("minutes", [-600, 4])
async def test_right_receipt_is_applied_also_late(
    mosquitto: Mosquitto, server: FakeServer, liar: aiomqtt.Client, tmp_path: Path, minutes: int
) -> None:
    server.answers = False
    async with running(with_key(mosquitto, tmp_path), taps(1, ends=True)) as task:
        await until(lambda: len(server.received) == 1)
        right = receipt(server.received[0].boot, 1)
        await liar.publish(ACK, signed(ACK, right, now(minutes=minutes)), qos=1)
        assert await task


async def test_forged_erasure_deletes_nothing_and_the_right_one_does(
    mosquitto: Mosquitto,
    server: FakeServer,
    liar: aiomqtt.Client,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    server.answers = False
    order = forget(BADGE)
    async with running(with_key(mosquitto, tmp_path), taps(2)):
        await until(lambda: len(server.received) == 2)
        for forged in (order.encode(), signed(CMD, order, now(), STRANGER), signed(CMD, order, now(hours=1))):
            await liar.publish(CMD, forged, qos=1)
        await until(lambda: count(caplog, "an erasure is dated more than 5 minutes ahead"))
        await sent_again(server, 2)
        await server.send("room-1", order)
        await until(lambda: server.gaps)
    assert [gap.data.cause for gap in server.gaps] == ["erased"]
    assert count(caplog, "an erasure without a signature") == count(caplog, "of an erasure is not the") == 1


async def test_replayed_erasure_spares_the_badge_that_was_enrolled_again(
    mosquitto: Mosquitto,
    server: FakeServer,
    liar: aiomqtt.Client,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Also by an agent that was started again; a newer erasure is carried out."""
    server.answers = False
    device, order, at = with_key(mosquitto, tmp_path), forget(BADGE), now()
    recorded = [signed(CMD, order, at - timedelta(milliseconds=ms)) for ms in (1, 0)]
    async with running(device, ListSource([], ends=False)):
        await until(lambda: server.statuses)
        for payload in recorded:
            await liar.publish(CMD, payload, qos=1)
        await until((tmp_path / "box" / "orders.json").exists)
    caplog.clear()
    async with running(device, taps(2)):
        await until(lambda: len(server.received) == 2)
        for payload in reversed(recorded):
            await liar.publish(CMD, payload, qos=1)
        await until(lambda: count(caplog, "an erasure is older than the newest one carried out"))
        await sent_again(server, 2)
        assert server.gaps == []
        await server.send("room-1", order)
        await until(lambda: server.gaps)


async def test_forged_or_replayed_muster_does_not_replace_the_right_one(
    mosquitto: Mosquitto,
    server: FakeServer,
    liar: aiomqtt.Client,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    def at(**ahead: float) -> Muster:
        return muster(MusterSnapshot(at=now(**ahead), inside=()))

    earlier, right, later = signed(CMD, at(minutes=-9), now()), at(minutes=-5), at(minutes=-1)
    async with running(with_key(mosquitto, tmp_path), ListSource([], ends=False)):
        await until(lambda: server.statuses)
        for payload in (earlier, signed(CMD, right, now()), earlier):
            await liar.publish(CMD, payload, qos=1)
        for payload in (later.encode(), signed(CMD, later, now(), STRANGER), signed(CMD, at(hours=1), now())):
            await liar.publish(CMD, payload, qos=1)
        await until(lambda: count(caplog, "a muster is dated more than 5 minutes ahead"))
        stored = load(tmp_path / "box")
        assert stored is not None
        assert stored.sealed == right.sealed
        await server.send("room-1", later)
        await until(lambda: (kept := load(tmp_path / "box")) is not None and kept.sealed == later.sealed)
    assert count(caplog, "a muster without a signature") == count(caplog, "signature of a muster is not") == 1


async def test_device_without_the_key_obeys_an_older_server(
    mosquitto: Mosquitto, server: FakeServer, tmp_path: Path
) -> None:
    server.key = None
    assert await run_device(settings(mosquitto.url, tmp_path / "box"), [taps(3, ends=True)], stop=Event())


DEVICE = """
site = "hub"
device = "room-1"
clock = "trust"
[broker]
url = "{url}"
resend_s = 0.5
status_s = 1
[outbox]
dir = "{dir}"
[badges]
roster_key = "{key}"
[[sensor]]
driver = "steady"
rate = 100
count = 50
"""


async def test_older_server_deletes_nothing_and_doctor_names_the_update(
    mosquitto: Mosquitto, server: FakeServer, tmp_path: Path
) -> None:
    """All is kept until the server is updated; the log has one line of it."""
    server.key = None
    config, log = tmp_path / "device.toml", tmp_path / "log"
    config.write_text(DEVICE.format(url=mosquitto.url, dir=tmp_path / "box", key=HUB_PUBLIC))
    agent = start_agent("run", "--config", str(config), log=log)
    try:
        await until(lambda: len(server.values) == 50)
        await sent_again(server, len(server.received))
        shown = await asyncio.to_thread(CliRunner().invoke, app, ["doctor", "--config", str(config)])
        assert shown.exit_code == 1
        words = " ".join(shown.output.split())
        assert "BAD orders: a receipt without a signature is refused: update the server" in words
        assert agent.poll() is None
        server.key = HUB
        assert await asyncio.to_thread(agent.wait, 30) == 0
    finally:
        agent.kill()
        agent.wait()
    assert log.read_text().count("a receipt without a signature is refused") == 1
    assert server.unexplained() == []
