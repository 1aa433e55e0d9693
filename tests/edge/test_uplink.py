"""Device against a real Mosquitto and a stand-in for the server."""

import asyncio
import logging
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import aiomqtt
import pytest

from edge.agent_builders import (
    BADGE,
    ListSource,
    ManualClock,
    reading,
    receipt,
    running,
    settings,
    stamp,
    tap,
    telemetry,
    until,
)
from edge.fake_server import FakeServer
from hubwell_edge.agent.device import run_device
from hubwell_edge.outbox.message import DraftMessage
from hubwell_edge.outbox.store import Outbox
from hubwell_edge.sources.observation import Observation
from hubwell_wire.messages import SensorMeta, TapData, Telemetry
from hubwell_wire.topics import Channel, Topic
from lanes.brokers import IotCore, Mosquitto

START = datetime(2026, 11, 22, 12, tzinfo=UTC)


@pytest.fixture
async def server(mosquitto: Mosquitto) -> AsyncIterator[FakeServer]:
    async with FakeServer(mosquitto.url) as fake_server:
        yield fake_server


def _observations(count: int, *, cursor: bool = True) -> list[Observation]:
    return [
        Observation(
            readings=(reading(float(n)),),
            taken=START + timedelta(seconds=n),
            cursor=str(n + 1) if cursor else None,
        )
        for n in range(count)
    ]


def _fill(folder: Path, drafts: list[DraftMessage], **options: int) -> None:
    box = Outbox(folder, **options)  # type: ignore[arg-type] # only cap_bytes
    for draft in drafts:
        box.put([draft])
    box.close()


async def test_everything_arrives_once_in_order_and_the_outbox_is_empty_then(
    mosquitto: Mosquitto, server: FakeServer, tmp_path: Path
) -> None:
    device = settings(mosquitto.url, tmp_path / "box")
    source = ListSource(_observations(100))
    sensors = (SensorMeta(s="scd41/co2", u="ppm", every_s=10),)
    assert await run_device(device, [source], stop=asyncio.Event(), sensors=sensors)
    assert server.values == [float(n) for n in range(100)]
    assert server.unexplained() == []
    await until(lambda: server.statuses[-1].state == "offline")
    first, last = server.statuses[0], server.statuses[-1]
    assert (first.state, first.boot, last.last_seq, last.pending) == ("online", last.boot, 20, 0)
    assert server.metas[0].sensors == sensors


async def test_times_of_readings_arrive_exactly(
    mosquitto: Mosquitto, server: FakeServer, tmp_path: Path
) -> None:
    device = settings(mosquitto.url, tmp_path / "box")
    await run_device(device, [ListSource(_observations(13))], stop=asyncio.Event())
    times = [
        message.ts + timedelta(milliseconds=one.t)
        for message in server.received
        if isinstance(message, Telemetry)
        for one in message.r
    ]
    assert times == [START + timedelta(seconds=n) for n in range(13)]


async def test_version_311_works_too_also_with_the_embedded_broker(
    iotcore_broker: IotCore, tmp_path: Path
) -> None:
    async with FakeServer(iotcore_broker.url) as server:
        device = settings(iotcore_broker.url, tmp_path / "box", broker={"protocol": 311})
        assert await run_device(device, [ListSource(_observations(30))], stop=asyncio.Event())
        assert len(server.values) == 30


async def test_event_goes_at_once_with_what_was_collected_before(
    mosquitto: Mosquitto, server: FakeServer, tmp_path: Path
) -> None:
    device = settings(mosquitto.url, tmp_path / "box", batch={"readings": 1000, "seconds": 3600})
    event = Observation(event=TapData(reader="desk", badge=BADGE, epoch=1))
    source = ListSource([Observation(readings=(reading(1.0),)), event], ends=False)
    async with running(device, source):
        await until(lambda: len(server.received) == 2)
    assert [type(message).__name__ for message in server.received] == ["Telemetry", "Tap"]


async def test_lost_receipts_mean_sending_again_and_deleting_at_last(
    mosquitto: Mosquitto, server: FakeServer, tmp_path: Path
) -> None:
    server.answers = False
    async with running(settings(mosquitto.url, tmp_path / "box"), ListSource(_observations(30))) as task:
        await until(lambda: server.copies and min(server.copies.values()) >= 2)
        assert not task.done()
        server.answers = True
        assert await task
    assert server.values == [float(n) for n in range(30)]
    assert server.unexplained() == []


async def test_broker_away_then_back_loses_nothing(
    mosquitto: Mosquitto, server: FakeServer, tmp_path: Path
) -> None:
    device = settings(mosquitto.url, tmp_path / "box", broker={"window": 5})
    server.answers = False
    async with running(device, ListSource(_observations(60))) as task:
        await until(lambda: server.received)
        mosquitto.kill()
        await asyncio.sleep(0.3)
        mosquitto.start()
        server.answers = True
        assert await task
    assert server.values == [float(n) for n in range(60)]


async def test_broker_that_is_not_there_yet_is_awaited(mosquitto: Mosquitto, tmp_path: Path) -> None:
    mosquitto.kill()
    device = settings(mosquitto.url, tmp_path / "box")
    async with running(device, ListSource(_observations(10))) as task:
        await asyncio.sleep(0.3)
        mosquitto.start()
        async with FakeServer(mosquitto.url) as server:
            assert await task
            assert len(server.values) == 10


async def test_outage_fills_the_outbox_and_the_server_learns_exactly_what_was_dropped(
    mosquitto: Mosquitto, tmp_path: Path
) -> None:
    folder = tmp_path / "box"
    _fill(folder, [telemetry(float(n)) for n in range(1500)] + [tap()], cap_bytes=64 * 1024)
    device = settings(mosquitto.url, folder, outbox={"cap_bytes": 64 * 1024})
    async with FakeServer(mosquitto.url) as server:
        assert await run_device(device, [], stop=asyncio.Event())
        (gap,) = server.gaps
        assert gap.data.count == 1501 - len(server.received) + 1
        assert (gap.data.first, gap.data.last) == (1, gap.data.count)
        assert server.unexplained() == []
        assert server.values[-1] == 1499


async def test_refusal_by_the_server_deletes_and_tells_the_reason_once(
    mosquitto: Mosquitto, server: FakeServer, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    server.refuse = lambda _: "unit 'ppb' of series 'scd41/co2' is unknown"
    assert await run_device(
        settings(mosquitto.url, tmp_path / "box"), [ListSource(_observations(40))], stop=asyncio.Event()
    )
    lines = [line for line in caplog.messages if "the server refuses message" in line]
    assert len(lines) == 1
    assert "unit 'ppb'" in lines[0]


async def test_clock_becoming_right_corrects_what_waited(
    mosquitto: Mosquitto, server: FakeServer, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    noon = stamp().wall_ms
    clock = ManualClock(stamp(wall_ms=1000, mono_ms=5000, synced=False))
    source = ListSource([Observation(readings=(reading(1.0),))], ends=False)
    async with running(settings(mosquitto.url, tmp_path / "box"), source, clock=clock):
        await until(lambda: server.statuses)
        await until(lambda: "the clock is not set: messages wait on this device" in caplog.text)
        clock.advance(2000, step_ms=noon - 1000, synced=True)
        await until(lambda: server.received)
    (message,) = server.received
    assert message.clock == "synced"
    assert message.ts == START
    assert message.mono_ms == 5000


async def test_rows_of_an_earlier_boot_that_never_knew_the_time_go_up_flagged(
    mosquitto: Mosquitto, server: FakeServer, tmp_path: Path
) -> None:
    box = Outbox(tmp_path / "box", kernel_boot="an earlier one")
    box.put([telemetry(7.0, stamp(wall_ms=1000, synced=False))])
    box.close()
    assert await run_device(settings(mosquitto.url, tmp_path / "box"), [], stop=asyncio.Event())
    assert [message.clock for message in server.received] == ["unsynced"]


async def test_clock_set_back_is_reported_and_the_order_stays(
    mosquitto: Mosquitto, server: FakeServer, tmp_path: Path
) -> None:
    clock = ManualClock(stamp())
    go_on = asyncio.Event()

    class Two:
        name = "two"

        async def observations(self, cursor: str | None) -> AsyncIterator[Observation]:
            del cursor
            yield Observation(readings=(reading(1.0),))
            await go_on.wait()
            yield Observation(readings=(reading(2.0),))

    async with running(settings(mosquitto.url, tmp_path / "box"), Two(), clock=clock) as task:
        await until(lambda: server.values == [1.0])
        clock.advance(1000, step_ms=-3_600_000)
        await until(lambda: server.faults)
        go_on.set()
        await task
    first, fault, second = server.received
    assert (first.ts, second.ts - first.ts) == (START, timedelta(seconds=-3599))
    assert (first.seq, fault.seq, second.seq) == (1, 2, 3)
    assert server.faults[0].data.detail.startswith("the clock was set by -3600.0 s")


async def test_failing_source_is_reported_and_started_again(
    mosquitto: Mosquitto, server: FakeServer, tmp_path: Path
) -> None:
    class Fragile:
        name = "fragile"
        tries = 0

        async def observations(self, cursor: str | None) -> AsyncIterator[Observation]:
            self.tries += 1
            yield Observation(readings=(reading(float(self.tries)),), cursor=str(self.tries))
            if self.tries == 1:
                raise OSError("wire pulled out")
            assert cursor == "1"

    healthy = ListSource(_observations(3))
    assert await run_device(
        settings(mosquitto.url, tmp_path / "box"), [Fragile(), healthy], stop=asyncio.Event()
    )
    assert [(f.data.part, f.data.state) for f in server.faults] == [
        ("fragile", "error"),
        ("fragile", "recovered"),
    ]
    assert "wire pulled out" in server.faults[0].data.detail
    assert sorted(server.values) == [0.0, 1.0, 1.0, 2.0, 2.0]


@pytest.mark.parametrize("protocol", [5, 311])
async def test_two_agents_with_one_name_take_turns_lose_nothing_and_say_so(
    mosquitto: Mosquitto,
    server: FakeServer,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
    protocol: int,
) -> None:
    monkeypatch.setattr("hubwell_edge.agent.uplink._TAKEN_OVER_DELAY_S", 0.5)
    caplog.set_level(logging.WARNING)
    one = settings(mosquitto.url, tmp_path / "one", broker={"protocol": protocol})
    two = settings(mosquitto.url, tmp_path / "two", broker={"protocol": protocol})
    first = ListSource(_observations(200), ends=False)
    second = ListSource(_observations(200), ends=False)
    async with running(one, first), running(two, second):
        await until(lambda: len(server.values) == 400)
        await until(lambda: any("a second agent uses the name" in line for line in caplog.messages))
    assert sorted(server.values) == sorted([float(n) for n in range(200)] * 2)
    assert server.unexplained() == []


@pytest.fixture
def strict_mosquitto(tmp_path: Path) -> object:
    folder = tmp_path / "strict"
    folder.mkdir()
    rules = folder / "rules"
    rules.write_text("topic readwrite hub/v1/hub/room-1/status\ntopic read hub/v1/hub/room-1/down/ack\n")
    broker = Mosquitto(folder, lines=(f"acl_file {rules}",))
    broker.start()
    yield broker
    broker.stop()


async def test_publish_that_the_broker_refuses_is_said_once_and_stays(
    strict_mosquitto: Mosquitto, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder, source = tmp_path / "box", ListSource(_observations(20), ends=False)
    async with running(settings(strict_mosquitto.url, folder), source):
        await until(lambda: source.taken == 20)
        await until(
            lambda: any("the broker refuses what this device publishes" in m for m in caplog.messages)
        )
    box = Outbox(folder)
    assert box.pending == 4
    box.close()
    assert sum("the broker refuses what" in line for line in caplog.messages) == 1


async def test_receipt_that_is_not_understood_harms_nothing(
    mosquitto: Mosquitto, server: FakeServer, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    server.answers = False
    ack = str(Topic("hub", "room-1", Channel.ACK))
    async with running(settings(mosquitto.url, tmp_path / "box"), ListSource(_observations(10))) as task:
        await until(lambda: server.received)
        host, port = "127.0.0.1", mosquitto.port
        async with aiomqtt.Client(host, port, identifier="liar") as liar:
            for payload in (b"not json", b"{}", receipt(server.received[0].boot, 0).encode()):
                await liar.publish(ack, payload, qos=1)
        await until(lambda: any("is not understood" in line for line in caplog.messages))
        assert not task.done()
        server.answers = True
        assert await task


async def test_last_will_says_offline_when_the_connection_breaks(
    mosquitto: Mosquitto, server: FakeServer, tmp_path: Path
) -> None:
    device = settings(mosquitto.url, tmp_path / "box", broker={"resend_s": 60})
    task = asyncio.create_task(
        run_device(device, [ListSource(_observations(1), ends=False)], stop=asyncio.Event())
    )
    await until(lambda: server.statuses)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    await until(lambda: server.statuses[-1].state == "offline")


async def test_retained_list_that_is_taken_back_is_no_message(
    mosquitto: Mosquitto, server: FakeServer, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    config = str(Topic("hub", "room-1", Channel.CONFIG))
    async with running(settings(mosquitto.url, tmp_path / "box"), ListSource([], ends=False)):
        await until(lambda: server.statuses)
        assert server._client is not None
        for payload in (b"", b"nonsense"):
            await server._client.publish(config, payload, qos=1)
        await until(lambda: "not understood" in caplog.text)
    (told,) = [record.message for record in caplog.records if "not understood" in record.message]
    assert "nonsense" in told
