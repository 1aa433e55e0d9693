"""The agent as a process: bytes come in on a terminal, words go out to a file, messages to a real broker."""

import asyncio
import os
import pty
import signal
import tty
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import pytest
from typer.testing import CliRunner

from edge.agent_builders import start_agent, until
from edge.fake_server import FakeServer
from edge.taps.sample_badges import (
    BADGE,
    HUB_PUBLIC,
    NEXT_KEY,
    OTHER,
    OTHER_UID,
    UID,
    ago,
    bytes_below,
    forget,
    put_keys,
    roster,
    sealed,
)
from hubwell_edge.cli import app
from hubwell_edge.taps.verdicts import DEFAULT_TEXTS
from hubwell_wire.commands import Answer, RosterBadge
from hubwell_wire.messages import Tap
from hubwell_wire.pseudonym import pseudonym
from lanes.brokers import IotCore, Mosquitto

DEVICE = """
site = "hub"
device = "room-1"
clock = "trust"
[broker]
url = "{url}"
protocol = {protocol}
resend_s = 0.5
[outbox]
dir = "{folder}/box"
[badges]
keys_dir = "{folder}/keys"
roster_key = "{key}"
patience_ms = {patience_ms}
debounce_s = 0
[[reader]]
driver = "line"
name = "door"
device = "{terminal}"
number_bytes = 7
[[reader.feedback]]
driver = "screen"
device = "{folder}/screen"
style = "lines"
"""
PHONE = bytes.fromhex("08a1b2c3")
MEMORY_LIMIT = 80 * 2**20


@dataclass
class Scene:
    """A folder with a device file, and the other end of the reader's terminal."""

    folder: Path
    terminal: int
    name: str

    def configure(self, url: str, *, protocol: int = 5, patience_ms: int = 100) -> Path:
        path = self.folder / "device.toml"
        text = DEVICE.format(
            url=url,
            protocol=protocol,
            folder=self.folder,
            key=HUB_PUBLIC,
            terminal=self.name,
            patience_ms=patience_ms,
        )
        path.write_text(text)
        return path

    def tap(self, uid: bytes = UID) -> None:
        os.write(self.terminal, uid.hex().encode() + b"\r\n")

    @property
    def screen(self) -> list[str]:
        return [line for line in self._lines() if DEFAULT_TEXTS["phone"] not in line]

    @property
    def log(self) -> str:
        return (self.folder / "log").read_text()

    @asynccontextmanager
    async def agent(self, config: Path) -> AsyncIterator[Any]:
        process = start_agent("run", "--config", str(config), log=self.folder / "log")
        try:
            # What comes before the terminal is open is lost, as with a real one.
            (self.folder / "screen").unlink(missing_ok=True)
            await until(self._hears, 30)
            yield process
        finally:
            process.terminate()
            assert await asyncio.to_thread(process.wait, 30) in {0, -signal.SIGKILL}, self.log

    def _hears(self) -> bool:
        """Hold a phone to the reader, which is never sent, and tell whether the agent has refused one."""
        self.tap(PHONE)
        return len(self._lines()) > len(self.screen)

    def _lines(self) -> list[str]:
        file = self.folder / "screen"
        return file.read_text().splitlines() if file.exists() else []


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    put_keys(tmp_path / "keys")
    ours, theirs = pty.openpty()
    tty.setraw(ours)
    tty.setraw(theirs)
    yield Scene(tmp_path, ours, os.ttyname(theirs))
    os.close(ours)
    os.close(theirs)


@pytest.fixture
async def server(mosquitto: Mosquitto) -> AsyncIterator[FakeServer]:
    async with FakeServer(mosquitto.url) as fake_server:
        yield fake_server


def welcome(tap: Tap) -> Answer:
    return Answer(
        v=1, type="answer", boot=tap.boot, seq=tap.seq, verdict="in", text="The server says welcome."
    )


async def listed(server: FakeServer) -> None:
    await until(lambda: server.statuses and server.statuses[-1].roster_at is not None)


async def test_tap_arrives_with_the_right_pseudonym_and_its_answer_is_shown(
    mosquitto: Mosquitto, server: FakeServer, scene: Scene
) -> None:
    server.reply = welcome
    async with scene.agent(scene.configure(mosquitto.url, patience_ms=5000)):
        await until(lambda: server.statuses)
        scene.tap()
        await until(lambda: scene.screen)
        await until(lambda: server.taps)
    (tap,) = server.taps
    assert (tap.data.badge, tap.data.reader, tap.data.epoch) == (BADGE, "door", 1)
    assert scene.screen == ["✔ The server says welcome."]
    assert [(reader.name, reader.driver) for reader in server.metas[0].readers] == [("door", "line")]
    assert UID.hex().encode() not in bytes_below(scene.folder)
    assert BADGE not in scene.log


async def test_version_311_and_the_embedded_broker_do_too(iotcore_broker: IotCore, scene: Scene) -> None:
    async with FakeServer(iotcore_broker.url) as server:
        server.reply = welcome
        config = scene.configure(iotcore_broker.url, protocol=311, patience_ms=5000)
        async with scene.agent(config):
            await until(lambda: server.statuses)
            await server.send("room-1", sealed(roster(ago(minutes=1))))
            await listed(server)
            scene.tap()
            await until(lambda: scene.screen)
    assert scene.screen == ["✔ The server says welcome."]


async def test_unreadable_presentations_are_answered_once(
    mosquitto: Mosquitto, server: FakeServer, scene: Scene
) -> None:
    """Whatever is held to the reader gets light, sound and a word, once while it stays; nothing is sent."""
    config = scene.configure(mosquitto.url)
    config.write_text(config.read_text().replace("debounce_s = 0", "debounce_s = 2"))
    async with scene.agent(config):
        await until(lambda: server.statuses)
        await asyncio.sleep(2.2)  # a line that the opening of the terminal cut was a presentation too
        for line in (b"8804A1B2", b"8804A1B2", b"04A1B2C3D4", b"]C104A1B2C3D4E5F6", b"hello"):
            os.write(scene.terminal, line + b"\r\n")
        await until(lambda: scene.log.count("neither a card number") == 5)
        scene.tap()
        await until(lambda: server.taps)
    sentence = "✘ " + DEFAULT_TEXTS["unknown"]
    assert scene.screen.count(sentence) == 1
    assert scene.screen[0] == sentence
    assert len(server.taps) == 1
    assert "set the reader to send the whole number of 7 bytes" in scene.log
    assert not [number for number in ("8804A1B2", "04A1B2C3D4", "hello") if number in scene.log]


async def test_silent_server_means_a_local_answer_that_is_corrected_later(
    mosquitto: Mosquitto, server: FakeServer, scene: Scene
) -> None:
    async with scene.agent(scene.configure(mosquitto.url)):
        await until(lambda: server.statuses)
        await server.send("room-1", sealed(roster(ago(minutes=1))))
        await listed(server)
        scene.tap()
        await until(lambda: scene.screen)
        assert scene.screen == ["✔ Benvenuta."]
        await until(lambda: server.taps)
        full = welcome(server.taps[0]).model_copy(update={"verdict": "full", "text": "No room."})
        await server.send("room-1", full)
        await until(lambda: len(scene.screen) == 2)
    assert scene.screen[1] == "✘ No room."
    assert server.taps[0].data.said is None


async def test_wrong_lists_are_refused_by_the_running_agent(
    mosquitto: Mosquitto, server: FakeServer, scene: Scene
) -> None:
    right, made = roster(ago(minutes=1)), ago(minutes=1)
    forged = sealed(roster(made)).model_copy(update={"sig": "00" * 64})
    wrong = [forged, sealed(roster(made, device="room-2")), sealed(roster(ago(hours=5)))]
    async with scene.agent(scene.configure(mosquitto.url)):
        await until(lambda: server.statuses)
        await server.send("room-1", sealed(right))
        await listed(server)
        for one in wrong:
            await server.send("room-1", one)
        await until(lambda: "older than the stored one" in scene.log)
    assert server.statuses[-1].roster_at == right.at
    assert "signature of a list of badges is not the hub's" in scene.log
    assert "is for hub/room-2, not for this device" in scene.log


async def test_taps_without_a_network_are_answered_kept_over_a_kill_and_sent_in_order(
    mosquitto: Mosquitto, server: FakeServer, scene: Scene
) -> None:
    config = scene.configure(mosquitto.url)
    async with scene.agent(config):
        await until(lambda: server.statuses)
        await server.send("room-1", sealed(roster(ago(minutes=1), badges={BADGE: RosterBadge()})))
        await listed(server)
    mosquitto.stop()
    async with scene.agent(config) as agent:
        for count, uid in enumerate([UID, OTHER_UID, UID], start=1):
            await until(lambda: "no broker answers" in scene.log)
            scene.tap(uid)
            await until(lambda count=count: len(scene.screen) == count)  # type: ignore[misc] # bound now
        agent.send_signal(signal.SIGKILL)
    assert scene.screen == ["✔ Welcome.", "✘ Not known.", "✔ Goodbye."]
    mosquitto.start()
    async with scene.agent(config):
        await until(lambda: len(server.taps) == 3)
    sent_taps = [(tap.data.badge, tap.data.said) for tap in server.taps]
    assert sent_taps == [(BADGE, "in"), (OTHER, "unknown"), (BADGE, "out")]
    assert server.unexplained() == []


async def test_change_of_keys_links_only_who_is_listed(
    mosquitto: Mosquitto, server: FakeServer, scene: Scene
) -> None:
    put_keys(scene.folder / "keys", NEXT_KEY)
    async with scene.agent(scene.configure(mosquitto.url)):
        await until(lambda: server.statuses)
        await server.send("room-1", sealed(roster(ago(minutes=1))))
        await listed(server)
        for uid in (UID, OTHER_UID):
            scene.tap(uid)
        await until(lambda: len(server.taps) == 2)
    known, stranger = server.taps
    assert (known.data.badge, known.data.epoch, known.data.was) == (pseudonym(UID, NEXT_KEY), 2, BADGE)
    assert (stranger.data.epoch, stranger.data.was) == (2, None)


async def test_forget_purges_the_files_of_a_running_agent_and_declares_the_hole(
    mosquitto: Mosquitto, server: FakeServer, scene: Scene
) -> None:
    server.answers = False
    async with scene.agent(scene.configure(mosquitto.url)):
        await until(lambda: server.statuses)
        both = {BADGE: RosterBadge(), OTHER: RosterBadge()}
        await server.send("room-1", sealed(roster(ago(minutes=1), badges=both)))
        await listed(server)
        for uid in (OTHER_UID, UID, OTHER_UID):
            scene.tap(uid)
        await until(lambda: len(server.taps) == 3 and scene.screen)
        assert BADGE.encode() in bytes_below(scene.folder / "box")
        await server.send("room-1", forget(BADGE))
        await until(lambda: server.gaps)
        assert BADGE.encode() not in bytes_below(scene.folder)
        gap = server.gaps[0].data
        assert (gap.cause, gap.first, gap.last) == ("erased", 2, 2)
        server.answers = True
        scene.tap()
        await until(lambda: scene.screen[-1] == "✘ Not known.")
    assert OTHER.encode() in bytes_below(scene.folder)


async def test_agent_with_reader_list_and_taps_stays_small(
    mosquitto: Mosquitto, server: FakeServer, scene: Scene
) -> None:
    badges = {f"{n:032x}": RosterBadge(lang="fi") for n in range(2000)}
    async with scene.agent(scene.configure(mosquitto.url)) as agent:
        await until(lambda: server.statuses)
        await server.send("room-1", sealed(roster(ago(minutes=1), badges=badges)))
        await listed(server)
        for n in range(20):
            scene.tap(bytes([4, 0, 0, 0, 0, 0, n]))
        await until(lambda: len(server.taps) == 20)
        size = psutil.Process(agent.pid).memory_info().rss
    assert size < MEMORY_LIMIT, f"{size / 2**20:.1f} MB"


def cli(*arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(app, list(arguments))
    return result.exit_code, " ".join(result.output.split())


def test_check_shows_readers_keys_and_the_age_of_the_list(scene: Scene) -> None:
    config = scene.configure("mqtt://127.0.0.1:1")
    code, output = cli("check", "--config", str(config))
    assert code == 0, output
    assert "reads badges at 'door' (line)" in output
    assert "the badge key of epoch 1" in output
    assert "no list of badges yet" in output
    (scene.folder / "box").mkdir()
    (scene.folder / "box" / "roster.json").write_bytes(roster(ago(hours=30)).encode())
    assert "a list of 1 badges, 1 d 6 h old" in cli("check", "--config", str(config))[1]


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ('driver = "line"', 'driver = "lien"', "did you mean 'line'?"),
        ('driver = "screen"', 'driver = "sceen"', "reader 1, feedback 1: driver 'sceen' is not known"),
        (f'roster_key = "{HUB_PUBLIC}"', 'roster_key = "abc"', "badges.roster_key: String should match"),
        ("patience_ms = 100", "patience_ms = -1", "badges.patience_ms: Input should be greater than"),
    ],
)
def test_check_names_what_is_wrong_with_readers(scene: Scene, old: str, new: str, sentence: str) -> None:
    config = scene.configure("mqtt://127.0.0.1:1")
    text = config.read_text()
    assert old in text
    config.write_text(text.replace(old, new))
    code, output = cli("check", "--config", str(config))
    assert (code, sentence in output) == (2, True), output


def test_run_without_a_key_is_one_clear_sentence(scene: Scene) -> None:
    (scene.folder / "keys" / "epoch-1.key").unlink()
    code, output = cli("run", "--config", str(scene.configure("mqtt://127.0.0.1:1")))
    assert code == 2
    assert f"there is no key for badges in {scene.folder / 'keys'}" in output


@pytest.mark.parametrize("where", ["badges/epoch-1.key", "badges_epoch-1.key"])
def test_keys_may_come_as_secrets(scene: Scene, monkeypatch: pytest.MonkeyPatch, where: str) -> None:
    config = scene.configure("mqtt://127.0.0.1:1")
    config.write_text(config.read_text().replace(f'keys_dir = "{scene.folder}/keys"\n', ""))
    key = scene.folder / "secrets" / where
    key.parent.mkdir(parents=True)
    (scene.folder / "keys" / "epoch-1.key").rename(key)
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(scene.folder / "secrets"))
    code, output = cli("check", "--config", str(config))
    assert (code, "the badge key of epoch 1" in output) == (0, True)


async def test_doctor_looks_at_keys_and_list(mosquitto: Mosquitto, scene: Scene) -> None:
    config = scene.configure(mosquitto.url)
    (scene.folder / "keys").chmod(0o755)
    code, output = await asyncio.to_thread(cli, "doctor", "--config", str(config))
    assert code == 1
    assert "other users can read" in output
    assert "BAD badge list: no list of badges yet" in output
