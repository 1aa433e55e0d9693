"""The command ``hubwell-edge`` as a user or systemd runs it."""

import asyncio
import signal
import socket
from collections.abc import AsyncIterator
from pathlib import Path

import psutil
import pytest
from typer.testing import CliRunner

from edge.agent_builders import start_agent, until
from edge.fake_server import FakeServer
from hubwell_edge.cli import app
from hubwell_edge.settings import EdgeSettings, SettingsError
from hubwell_edge.systemd import notify
from lanes.brokers import Mosquitto

STEADY = """
site = "hub"
device = "room-1"
clock = "trust"
[broker]
url = "{url}"
resend_s = 0.5
[outbox]
dir = "{dir}"
[batch]
readings = 10
seconds = 0.05
[[sensor]]
driver = "steady"
rate = {rate}
count = {count}
"""
SENSORS = """
site = "hub"
device = "room-1"
clock = "trust"
[broker]
url = "{url}"
[outbox]
dir = "{dir}"
"""
ONE = """
[[sensor]]
driver = "{driver}"
part = "part-{n}"
{more}
"""
MEMORY_LIMIT = 80 * 2**20


@pytest.fixture
async def server(mosquitto: Mosquitto) -> AsyncIterator[FakeServer]:
    async with FakeServer(mosquitto.url) as fake_server:
        yield fake_server


def _device_file(folder: Path, text: str, **values: object) -> Path:
    path = folder / "device.toml"
    path.write_text(text.format(dir=folder / "box", **values))
    return path


async def test_agent_killed_again_and_again_loses_and_doubles_nothing(
    mosquitto: Mosquitto, server: FakeServer, tmp_path: Path
) -> None:
    config = _device_file(tmp_path, STEADY, url=mosquitto.url, rate=2000, count=6000)
    log = tmp_path / "log"
    for goal in (500, 1500, 2500, 3500):
        agent = start_agent("run", "--config", str(config), log=log)
        await until(lambda goal=goal: len(server.values) >= goal)  # type: ignore[misc] # bound now
        agent.send_signal(signal.SIGKILL)
        agent.wait()
    agent = start_agent("run", "--config", str(config), log=log)
    assert await asyncio.to_thread(agent.wait, 60) == 0, log.read_text()
    assert server.values == [float(n) for n in range(6000)]
    assert server.unexplained() == []
    assert len(server.messages) == 1


async def test_agent_stops_cleanly_on_sigterm_and_goes_on_later(
    mosquitto: Mosquitto, server: FakeServer, tmp_path: Path
) -> None:
    config = _device_file(tmp_path, STEADY, url=mosquitto.url, rate=1000, count=1_000_000)
    agent = start_agent("run", "--config", str(config), log=tmp_path / "log")
    await until(lambda: len(server.values) >= 100)
    agent.send_signal(signal.SIGTERM)
    assert await asyncio.to_thread(agent.wait, 30) == 0
    await until(lambda: server.statuses[-1].state == "offline")
    assert server.statuses[-1].pending == 0
    last = server.statuses[-1].last_seq
    assert last == len(server.received)
    assert server.values == [float(n) for n in range(len(server.values))]


async def test_second_agent_on_the_same_outbox_is_one_clear_sentence(
    mosquitto: Mosquitto, server: FakeServer, tmp_path: Path
) -> None:
    config = _device_file(tmp_path, STEADY, url=mosquitto.url, rate=10, count=1_000_000)
    first = start_agent("run", "--config", str(config), log=tmp_path / "log")
    try:
        await until(lambda: server.statuses)
        second = start_agent("run", "--config", str(config), log=tmp_path / "second")
        assert await asyncio.to_thread(second.wait, 30) == 2
        (line,) = (tmp_path / "second").read_text().splitlines()
        assert f"another agent (process {first.pid}) already uses the outbox" in line
    finally:
        first.terminate()
        first.wait()


async def test_ten_sensors_at_one_hertz_stay_small(
    mosquitto: Mosquitto, server: FakeServer, tmp_path: Path
) -> None:
    # The SCD41 itself measures every five seconds; the others are read at 1 Hz.
    kinds = ["scd4x"] * 2 + ["bme280"] * 6 + ["pir"] * 2
    options = {
        "scd4x": "every_s = 5\nbus = {n}",
        "bme280": "every_s = 1\nbus = {n}",
        "pir": "every_s = 1\npin = {n}",
    }
    text = SENSORS + "".join(
        ONE.format(driver=kind, n=n, more=options[kind].format(n=n)) for n, kind in enumerate(kinds)
    )
    config = tmp_path / "device.toml"
    text += "[batch]\nseconds = 1\n"
    config.write_text(text.replace("{url}", mosquitto.url).replace("{dir}", str(tmp_path / "box")))
    log = tmp_path / "log"
    agent = start_agent("run", "--config", str(config), "--simulate-hardware", log=log)
    try:
        await until(lambda: len({r.s for m in server.received for r in getattr(m, "r", ())}) >= 20, 40)
        size = psutil.Process(agent.pid).memory_info().rss
        assert size < MEMORY_LIMIT, f"{size / 2**20:.1f} MB"
    finally:
        agent.terminate()
        assert agent.wait(30) == 0, log.read_text()


def _run(*arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(app, list(arguments))
    return result.exit_code, result.output


def test_check_says_what_it_would_do(tmp_path: Path) -> None:
    text = SENSORS.format(url="mqtts://mqtt.example", dir=tmp_path) + ONE.format(
        driver="scd4x", n=1, more="every_s = 10"
    )
    (tmp_path / "device.toml").write_text(text)
    code, output = _run("check", "--config", str(tmp_path / "device.toml"))
    assert code == 0
    assert "device 'room-1' of site 'hub': the settings are valid" in output
    assert "mqtt.example:8883 with TLS" in output
    assert "reads part-1/co2 in ppm every 10 s" in output


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (
            'device = "room-1"',
            "site is missing: write site = ... in the device file, or set HUBWELL_EDGE__SITE",
        ),
        ('site = "Hub"\ndevice = "room-1"', "site: String should match pattern"),
        ('site = "hub"\ndevice = "a"\nbrokr = 1', "brokr is not a known setting"),
        (
            'site = "hub"\ndevice = "a"\n[broker]\nurl = "localhost"',
            "broker.url: write it as mqtt://HOST:PORT",
        ),
        ('site = "hub"\ndevice = "a"\n[[sensor]]\ndriver = "scd40"', "did you mean 'scd4x'?"),
        ('site = "hub"\ndevice = "a"\n[[sensor]]\ndriver = "steady"\nrate = -1', "sensor steady.rate"),
        ("site =", "device.toml: "),
    ],
)
def test_check_names_what_is_wrong(tmp_path: Path, text: str, line: str) -> None:
    (tmp_path / "device.toml").write_text(text)
    code, output = _run("check", "--config", str(tmp_path / "device.toml"))
    assert code == 2
    assert line in output.replace("\n", " ").replace("  ", " ")


def test_check_of_a_missing_file_is_one_sentence(tmp_path: Path) -> None:
    code, output = _run("check", "--config", str(tmp_path / "none.toml"))
    assert (code, "give the file with --config" in output) == (2, True)


def test_environment_wins_over_secrets_and_secrets_over_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "device.toml"
    file.write_text(
        'site = "hub"\ndevice = "a"\nmqtt_username = "file"\nmqtt_password = "file"\n[broker]\nwindow = 7'
    )
    secrets = tmp_path / "secrets"
    secrets.mkdir()
    (secrets / "mqtt_password").write_text("from-secret\n")
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(secrets))
    monkeypatch.setenv("HUBWELL_EDGE__MQTT_USERNAME", "environment")
    monkeypatch.setenv("HUBWELL_EDGE__BROKER__PROTOCOL", "311")
    loaded = EdgeSettings.load(file)
    assert loaded.address[3:] == ("environment", "from-secret")
    assert (loaded.broker.window, loaded.broker.protocol) == (7, 311)
    assert "from-secret" not in repr(loaded)


def test_password_is_never_shown_in_an_error() -> None:
    with pytest.raises(SettingsError) as failure:
        EdgeSettings.from_values(site="hub", device="a", mqtt_password=["hunter2"])
    assert "hunter2" not in str(failure.value)


async def test_doctor_finds_everything_well(mosquitto: Mosquitto, tmp_path: Path) -> None:
    config = _device_file(tmp_path, SENSORS, url=mosquitto.url)
    code, output = await asyncio.to_thread(_run, "doctor", "--config", str(config))
    assert code == 0, output
    assert f"127.0.0.1:{mosquitto.port} answers" in output
    assert "the broker has no rules" in output


async def test_doctor_says_what_to_do(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        url = f"mqtt://127.0.0.1:{taken.getsockname()[1]}"
        text = SENSORS + '[[sensor]]\ndriver = "scd4x"\npart = "scd41"\nbus = 77\n'
        config = _device_file(tmp_path, text, url=url)
        code, output = await asyncio.to_thread(_run, "doctor", "--config", str(config))
    assert code == 1
    assert "no broker answers at 127.0.0.1" in output
    assert "BAD  i2c-77" in output


@pytest.fixture
def strict_mosquitto(tmp_path: Path) -> object:
    folder = tmp_path / "strict"
    folder.mkdir()
    rules = folder / "rules"
    rules.write_text("topic readwrite hub/v1/hub/room-1/#\n")
    broker = Mosquitto(folder, lines=(f"acl_file {rules}",))
    broker.start()
    yield broker
    broker.stop()


async def test_doctor_sees_that_the_broker_guards_other_devices(
    strict_mosquitto: Mosquitto, tmp_path: Path
) -> None:
    config = _device_file(tmp_path, SENSORS, url=strict_mosquitto.url)
    code, output = await asyncio.to_thread(_run, "doctor", "--config", str(config))
    assert code == 0, output
    assert "may publish to its own topics and to no others" in output


def test_systemd_hears_that_the_agent_is_ready(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.bind(str(tmp_path / "notify"))
        monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
        assert notify("READY=1")
        assert listener.recv(100) == b"READY=1"
    assert not notify("READY=1")
    monkeypatch.delenv("NOTIFY_SOCKET")
    assert not notify("READY=1")


async def test_systemd_watchdog_is_fed_by_a_working_agent(
    mosquitto: Mosquitto, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.bind(str(tmp_path / "notify"))
        listener.settimeout(30)
        monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
        monkeypatch.setenv("WATCHDOG_USEC", "200000")
        config = _device_file(tmp_path, STEADY, url=mosquitto.url, rate=1, count=1000)
        agent = start_agent("run", "--config", str(config), log=tmp_path / "log")
        notifications = [await asyncio.to_thread(listener.recv, 100) for _ in range(3)]
        agent.terminate()
        assert await asyncio.to_thread(agent.wait, 30) == 0
    assert notifications == [b"READY=1", b"WATCHDOG=1", b"WATCHDOG=1"]


def test_help_names_the_commands() -> None:
    code, output = _run("--help")
    assert code == 0
    assert all(name in output for name in ("run", "check", "doctor", "replay", "simulate"))
