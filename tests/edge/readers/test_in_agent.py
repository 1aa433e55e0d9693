"""The agent as a process, with a virtual PC/SC reader and a PN532 at the end of a real terminal."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from edge.agent_builders import start_agent, until
from edge.fake_server import FakeServer
from edge.readers.virtual_card import VirtualReader
from edge.taps.sample_badges import BADGE, HUB_PUBLIC, OTHER, OTHER_UID, UID, bytes_below, put_keys
from hubwell_edge.cli import app
from hubwell_edge.sim.chips.attached import SerialCable
from hubwell_edge.sim.chips.cards import MemoryCard, Ntag424, phone
from hubwell_edge.sim.chips.pn532 import Pn532Chip
from lanes.brokers import Mosquitto

AN12196 = "choose.url.com/ntag424?p=EF963FF7828658A599F3041510671E88&c=94EED9EE65337086"
DEVICE = """
site = "hub"
device = "room-1"
clock = "trust"
[broker]
url = "{url}"
[outbox]
dir = "{folder}/box"
[badges]
keys_dir = "{folder}/keys"
roster_key = "{key}"
[[reader]]
driver = "pcsc"
name = "desk"
reader = "{reader}"
[[reader.feedback]]
driver = "console"
[[reader.feedback]]
driver = "acr122u"
reader = "{reader}"
[[reader]]
driver = "pn532"
name = "door"
port = "{port}"
[[reader.feedback]]
driver = "screen"
device = "{folder}/door.txt"
style = "lines"
"""


@pytest.fixture
def chip() -> Pn532Chip:
    return Pn532Chip()


@pytest.fixture
def cable(chip: Pn532Chip) -> Iterator[SerialCable]:
    cable = SerialCable(chip)
    yield cable
    cable.close()


@pytest.fixture
async def server(mosquitto: Mosquitto) -> AsyncIterator[FakeServer]:
    async with FakeServer(mosquitto.url) as fake_server:
        yield fake_server


@pytest.fixture
def config(mosquitto: Mosquitto, virtual_reader: VirtualReader, cable: SerialCable, tmp_path: Path) -> Path:
    put_keys(tmp_path / "keys")
    config = tmp_path / "device.toml"
    config.write_text(
        DEVICE.format(
            url=mosquitto.url, folder=tmp_path, key=HUB_PUBLIC, reader=virtual_reader.name, port=cable.path
        )
    )
    return config


@pytest.fixture
async def log(server: FakeServer, config: Path, tmp_path: Path) -> AsyncIterator[Path]:
    """The log and console of a running agent."""
    log = tmp_path / "log"
    agent = start_agent("run", "--config", str(config), log=log)
    try:
        await until(lambda: server.statuses)
        yield log
    finally:
        agent.terminate()
        agent.wait(30)


async def test_cards_become_taps_and_their_numbers_stay_here(
    log: Path, server: FakeServer, virtual_reader: VirtualReader, chip: Pn532Chip, tmp_path: Path
) -> None:
    virtual_reader.present(MemoryCard(UID))
    await until(lambda: len(server.taps) == 1)
    await until(lambda: "✔ noted" in log.read_text())
    chip.card = MemoryCard(OTHER_UID)
    await until(lambda: len(server.taps) == 2)
    await until((tmp_path / "door.txt").exists)
    assert [(tap.data.reader, tap.data.badge) for tap in server.taps] == [("desk", BADGE), ("door", OTHER)]
    shown = bytes_below(tmp_path)
    for uid in (UID, OTHER_UID):
        assert uid not in shown
        assert uid.hex().encode() not in shown.lower()


async def test_signed_tap_carries_its_message_and_a_phone_is_refused(
    log: Path, server: FakeServer, virtual_reader: VirtualReader
) -> None:
    virtual_reader.present(phone(b"\x01\x02\x03"))
    await until(lambda: "? phone" in log.read_text())
    virtual_reader.present(Ntag424(bytes.fromhex("04de5f1eacc040"), address=lambda: AN12196))
    await until(lambda: server.taps)
    (tap,) = server.taps
    assert tap.data.sun is not None
    assert tap.data.sun.cmac == "94eed9ee65337086"


async def test_reader_that_fails_and_comes_back_is_told(
    log: Path, server: FakeServer, virtual_reader: VirtualReader
) -> None:
    virtual_reader.stop()
    await until(lambda: [fault.data.state for fault in server.faults][-1:] == ["silent"])
    virtual_reader.start()
    await until(lambda: server.faults[-1].data.state == "recovered", 30)
    assert {fault.data.part for fault in server.faults} == {"desk"}
    virtual_reader.present(MemoryCard(UID))
    await until(lambda: server.taps)
    await until(lambda: "reader recovered: desk reads cards again" in log.read_text())


async def doctor(config: Path) -> list[str]:
    result = await asyncio.to_thread(CliRunner().invoke, app, ["doctor", "--config", str(config)])
    return [line for line in result.output.splitlines() if " reader " in line]


async def test_doctor_looks_at_readers(config: Path, virtual_reader: VirtualReader) -> None:
    lines = await doctor(config)
    assert [line.partition(":")[0].split() for line in lines] == [
        ["ok", "reader", "desk"],
        ["ok", "reader", "door"],
    ], lines
    virtual_reader.stop()
    lines = await doctor(config)
    assert [line.split()[:3] for line in lines] == [["BAD", "reader", "desk:"], ["ok", "reader", "door:"]], (
        lines
    )


@pytest.mark.usefixtures("log")
async def test_doctor_beside_a_running_agent(config: Path) -> None:
    lines = await doctor(config)
    assert len(lines) == 2
    assert all("in use by the running agent" in line for line in lines)
