"""The production configuration of the broker, run by the real Mosquitto with real certificates."""

import asyncio
import os
import re
import shutil
import signal
import ssl
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from queue import Queue
from typing import Any, Self

import paho.mqtt.client as paho
import pytest
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.reasoncodes import ReasonCode

from hubwell.ingest.consumer import subscriptions
from hubwell.mqtt.subscriber import MqttSource
from lanes.missing_part import missing
from lanes.servers import Server, accepts, free_port, leashed, until

CONFIGS = Path(__file__).resolve().parents[2] / "firmware_configs" / "mosquitto"
WAIT_S = 5.0
NOT_AUTHORIZED = 0x87
SUCCESS = 0
PASSWORDS = {"ingest": "of-ingest", "bridge": "of-bridge", "room-1": "of-room-1", "room-2": "of-room-2"}


@dataclass(frozen=True)
class Broker:
    """The broker under test."""

    port: int
    folder: Path
    ca: Path
    server: Server


def run(
    script: str, *arguments: object, fails: int = 0, **environment: str
) -> subprocess.CompletedProcess[str]:
    command = [str(CONFIGS / script), *(str(argument) for argument in arguments)]
    done = subprocess.run(
        command, env=os.environ | environment, capture_output=True, text=True, timeout=30, check=False
    )
    assert done.returncode == fails, done.stderr
    return done


def add_device(folder: Path, name: str) -> None:
    run("add-account", "-f", folder, "device", name, HUBWELL_ACCOUNT_PASSWORD=PASSWORDS[name])


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    """Install as the documentation says, with other folders and another port, and run it."""
    program = shutil.which("mosquitto") or shutil.which("mosquitto", path="/usr/sbin:/usr/local/sbin")
    if program is None:
        missing("mosquitto")
    folder = tmp_path_factory.mktemp("mosquitto")
    certificates = folder / "certificates"
    run("make-certificates", certificates, "hub.example", "192.0.2.7")
    installed = folder / "installed"
    ingest, bridge = PASSWORDS["ingest"], PASSWORDS["bridge"]
    arguments = ("-f", installed, "hub", certificates)
    run("setup", *arguments, HUBWELL_INGEST_PASSWORD=ingest, HUBWELL_BRIDGE_PASSWORD=bridge)
    add_device(installed, "room-1")
    port = free_port()
    configuration = folder / "mosquitto.conf"
    text = (CONFIGS / "mosquitto.conf").read_text()
    for production, here in {
        "/etc/mosquitto/hubwell/": f"{installed}/",
        "/var/lib/mosquitto/": f"{folder}/",
        "listener 8883\n": f"listener {port} 127.0.0.1\n",
    }.items():
        assert production in text
        text = text.replace(production, here)
    # As root it would become the user mosquitto, who may not look into the folders of tests.
    configuration.write_text(text + "user root\n")
    server = Server("mosquitto", leashed([program, "-c", str(configuration)]), folder / "mosquitto.log")
    server.start(lambda: accepts(port))
    yield Broker(port, installed, installed / "ca.crt", server)
    server.stop()
    complaints = re.findall(
        r"^\S+: (?:Error|Warning).*", (folder / "mosquitto.log").read_text(), re.MULTILINE
    )
    assert not [line for line in complaints if "run as root" not in line]


class Client:
    """One MQTT connection over TLS, seen from outside: what the broker answered, what it delivered."""

    def __init__(
        self,
        broker: Broker,
        user: str | None,
        password: str | None = None,
        *,
        v5: bool = True,
        name: str = "",
    ) -> None:
        self._answers: Queue[Any] = Queue()
        self._confirmed: Queue[ReasonCode] = Queue()
        self.messages: Queue[paho.MQTTMessage] = Queue()
        protocol = MQTTProtocolVersion.MQTTv5 if v5 else MQTTProtocolVersion.MQTTv311
        self._paho = paho.Client(
            CallbackAPIVersion.VERSION2,
            client_id=name or f"hubwell-test-{user}",
            protocol=protocol,
            reconnect_on_failure=False,
        )
        if user is not None:
            self._paho.username_pw_set(user, PASSWORDS.get(user) if password is None else password)
        self._paho.tls_set_context(ssl.create_default_context(cafile=str(broker.ca)))
        self._paho.on_connect = lambda _c, _u, _f, code, _p: self._answers.put(code)
        self._paho.on_publish = lambda _c, _u, _m, code, _p: self._confirmed.put(code)
        self._paho.on_subscribe = lambda _c, _u, _m, codes, _p: self._answers.put(codes)
        self._paho.on_message = lambda _c, _u, message: self.messages.put(message)
        self._paho.connect("127.0.0.1", broker.port)
        self._paho.loop_start()
        self.refusal: ReasonCode | None = None
        code = self._answers.get(timeout=WAIT_S)
        if code.is_failure:
            self.refusal = code

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._paho.disconnect()
        self._paho.loop_stop()

    def publish(self, topic: str, payload: bytes = b"{}", *, retain: bool = False) -> int:
        """Publish at QoS 1 and return the reason code of the answer."""
        self._paho.publish(topic, payload, qos=1, retain=retain)
        return int(self._confirmed.get(timeout=WAIT_S).value)

    def subscribe(self, *filters: str) -> None:
        self._paho.subscribe([(one, 1) for one in filters])
        self._answers.get(timeout=WAIT_S)

    def heard(self, mark: str) -> list[str]:
        """Return the topics heard until the message that ends in `mark`."""
        topics = []
        while True:
            message = self.messages.get(timeout=WAIT_S)
            topics.append(message.topic)
            if message.payload == mark.encode():
                return topics


@pytest.fixture
def device(broker: Broker) -> Iterator[Client]:
    with Client(broker, "room-1") as client:
        assert client.refusal is None
        yield client


@pytest.mark.parametrize("topic", ["up/telemetry", "up/event", "status", "meta"])
def test_device_writes_its_own_topics(device: Client, topic: str) -> None:
    assert device.publish(f"hub/v1/hub/room-1/{topic}", b"") in {SUCCESS, 0x10}  # 0x10: nobody subscribes


@pytest.mark.parametrize(
    "topic",
    [
        "hub/v1/hub/room-2/up/telemetry",
        "hub/v1/hub/room-2/status",
        "hub/v1/other/room-1/up/telemetry",
        "hub/v1/other/room-1/status",
        "hub/v1/hub/room-1/down/ack",
        "hub/v1/hub/room-2/down/cmd",
        "elsewhere",
    ],
)
def test_device_writes_nothing_else(device: Client, topic: str) -> None:
    assert device.publish(topic) == NOT_AUTHORIZED


def test_device_of_mqtt_3_is_not_told_but_nothing_passes(broker: Broker) -> None:
    with Client(broker, "ingest") as server, Client(broker, "room-1", v5=False) as device:
        server.subscribe("hub/v1/hub/+/up/telemetry")
        assert device.publish("hub/v1/hub/room-2/up/telemetry", b"false") == SUCCESS
        device.publish("hub/v1/hub/room-1/up/telemetry", b"end")
        assert server.heard("end") == ["hub/v1/hub/room-1/up/telemetry"]


@pytest.mark.parametrize(("user", "password"), [("room-1", "wrong"), ("stranger", "of-room-1"), (None, None)])
@pytest.mark.parametrize("v5", [True, False])
def test_stranger_is_refused(broker: Broker, user: str | None, password: str | None, *, v5: bool) -> None:
    with Client(broker, user, password, v5=v5) as client:
        assert client.refusal is not None


def test_plain_text_is_refused(broker: Broker) -> None:
    client = paho.Client(CallbackAPIVersion.VERSION2, client_id="hubwell-plain")
    client.connect("127.0.0.1", broker.port)
    client.loop_start()
    closed = any(not client.is_connected() and client.socket() is None for _ in until(WAIT_S))
    client.loop_stop()
    assert closed


def test_device_hears_only_what_is_for_it(broker: Broker, device: Client) -> None:
    device.subscribe("hub/v1/hub/room-1/down/#", "hub/v1/hub/room-2/down/#", "#")
    with Client(broker, "ingest") as server:
        server.publish("hub/v1/hub/room-2/down/ack", b"not for room-1")
        server.publish("hub/v1/hub/room-1/down/ack", b"end")
    assert set(device.heard("end")) == {"hub/v1/hub/room-1/down/ack"}


def test_status_and_meta_are_retained_and_the_last_will_passes(broker: Broker) -> None:
    status = "hub/v1/hub/room-1/status"
    with Client(broker, "room-1") as device:
        device.publish(status, b"online", retain=True)
        device.publish("hub/v1/hub/room-1/meta", b"end", retain=True)
    with Client(broker, "ingest") as server:
        server.subscribe("hub/v1/hub/+/status")
        server.subscribe("hub/v1/hub/+/meta")
        assert {status, "hub/v1/hub/room-1/meta"} <= set(server.heard("end"))
        with Client(broker, "room-1") as device:
            device.publish(status, b"", retain=True)
            device.publish("hub/v1/hub/room-1/meta", b"", retain=True)


def test_ingest_shares_a_subscription_and_cannot_pretend_to_be_a_device(
    broker: Broker, device: Client
) -> None:
    shared = "$share/hubwell/hub/v1/hub/+/up/telemetry"
    with (
        Client(broker, "ingest", name="hubwell-ingest-1") as one,
        Client(broker, "ingest", name="hubwell-ingest-2") as two,
    ):
        one.subscribe(shared)
        two.subscribe(shared)
        for _ in range(10):
            assert device.publish("hub/v1/hub/room-1/up/telemetry") == SUCCESS
        arrived = any(one.messages.qsize() + two.messages.qsize() == 10 for _ in until(WAIT_S))
        assert arrived
        assert one.messages.qsize()
        assert two.messages.qsize()
        assert one.publish("hub/v1/hub/room-1/up/telemetry") == NOT_AUTHORIZED


async def test_the_server_reads_far_ahead_of_its_commits(broker: Broker, device: Client) -> None:
    source = MqttSource(
        f"mqtts://ingest:{PASSWORDS['ingest']}@localhost:{broker.port}",
        "hubwell-ingest-test",
        subscriptions("hub"),
        ca_file=broker.ca,
    )
    async with source, asyncio.timeout(20):
        await source.ready()
        for _ in range(100):
            await asyncio.to_thread(device.publish, "hub/v1/hub/room-1/up/telemetry")
        batch = await source.batch(most=100, wait_s=10)
        assert len(batch) == 100
        source.acknowledge(batch)


def test_agent_doctor_finds_its_rights_in_order(broker: Broker, tmp_path: Path) -> None:
    (tmp_path / "mqtt_password").write_text(PASSWORDS["room-1"])
    (tmp_path / "device.toml").write_text(
        f"""
        site = "hub"
        device = "room-1"
        mqtt_username = "room-1"
        broker = {{ url = "mqtts://localhost:{broker.port}", ca_file = "{broker.ca}" }}
        outbox = {{ dir = "{tmp_path}/outbox" }}
        """
    )
    program = Path(sys.executable).with_name("hubwell-edge")
    command = [str(program), "doctor", "-c", str(tmp_path / "device.toml"), "--secrets", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    for part in ("broker", "rights"):
        assert re.search(rf"^ok +{part}", done.stdout, re.MULTILINE), done.stdout + done.stderr


def test_bridge_reads_no_taps_and_writes_nothing(broker: Broker, device: Client) -> None:
    with Client(broker, "bridge") as bridge:
        bridge.subscribe("hub/v1/#")
        device.publish("hub/v1/hub/room-1/up/event", b"a tap")
        device.publish("hub/v1/hub/room-1/up/telemetry", b"end")
        heard = bridge.heard("end")
        assert heard[-1] == "hub/v1/hub/room-1/up/telemetry"
        assert "hub/v1/hub/room-1/up/event" not in heard
        for topic in ("hub/v1/hub/room-1/down/cmd", "hub/v1/hub/room-1/up/telemetry"):
            assert bridge.publish(topic) == NOT_AUTHORIZED


def test_message_over_the_limit_goes_nowhere_and_the_connection_stays(broker: Broker) -> None:
    topic = "hub/v1/hub/room-1/up/telemetry"
    # MQTT 3.1.1, because paho has no name for the reason code by which Mosquitto refuses it in MQTT 5.
    with Client(broker, "ingest") as server, Client(broker, "room-1", v5=False) as device:
        server.subscribe(topic)
        device.publish(topic, b" " * 1_000_001)
        device.publish(topic, b" " * 300_000)  # too large for the contract, so the server can say why
        device.publish(topic, b"end")
        assert server.heard("end") == [topic, topic]


def test_new_device_is_let_in_after_a_reload_and_nobody_is_disconnected(
    broker: Broker, device: Client
) -> None:
    with Client(broker, "room-2") as too_early:
        assert too_early.refusal is not None
    add_device(broker.folder, "room-2")
    os.kill(broker.server.pid, signal.SIGHUP)

    def let_in() -> bool:
        with Client(broker, "room-2") as client:
            return client.refusal is None

    assert any(let_in() for _ in until(WAIT_S))
    assert device.publish("hub/v1/hub/room-1/up/telemetry") in {SUCCESS, 0x10}


@pytest.mark.parametrize(
    "name", ["ingest", "bridge", "Rm", "a/b", "+", "#", "-a", "a" * 64, "a\nb", "a:b", ""]
)
def test_add_account_refuses_names_that_would_have_other_rights(tmp_path: Path, name: str) -> None:
    run("add-account", "-f", tmp_path, "device", name, fails=2)
    assert not list(tmp_path.iterdir())


def test_add_account_prints_a_new_password_once_and_keeps_only_its_hash(tmp_path: Path) -> None:
    if shutil.which("mosquitto_passwd") is None:
        missing("mosquitto_passwd")
    first = run("add-account", "-f", tmp_path, "device", "room-1").stdout.strip()
    other = run("add-account", "-f", tmp_path, "device", "room-2").stdout.strip()
    second = run("add-account", "-f", tmp_path, "device", "room-1").stdout.strip()
    assert len({first, other, second}) == 3
    assert len(first) == 48
    kept = (tmp_path / "passwords").read_text()
    assert sorted(line.partition(":")[0] for line in kept.splitlines()) == ["room-1", "room-2"]
    assert not any(password in kept for password in (first, other, second))
    assert (tmp_path / "passwords").stat().st_mode & 0o077 == 0


def test_certificates_are_renewed_under_the_same_authority(tmp_path: Path) -> None:
    run("make-certificates", tmp_path, "hub.example")
    authority, certificate = (tmp_path / "ca.crt").read_text(), (tmp_path / "server.crt").read_text()
    run("make-certificates", tmp_path, "hub.example", "new.example")
    assert (tmp_path / "ca.crt").read_text() == authority
    assert (tmp_path / "server.crt").read_text() != certificate
    context = ssl.create_default_context(cafile=str(tmp_path / "ca.crt"))
    assert context.get_ca_certs()[0]["subject"]
    assert {path.name for path in tmp_path.iterdir() if path.stat().st_mode & 0o077} == {
        "ca.crt",
        "server.crt",
    }
