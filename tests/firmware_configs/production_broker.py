"""The production configuration of the broker, run by the real Mosquitto, and clients that look at it."""

import os
import re
import shutil
import ssl
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from queue import Queue
from typing import Any, Self

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.reasoncodes import ReasonCode

from lanes.missing_part import missing
from lanes.servers import Server, accepts, free_port, leashed

CONFIGS = Path(__file__).resolve().parents[2] / "firmware_configs" / "mosquitto"
WAIT_S = 5.0
NOT_AUTHORIZED = 0x87
SUCCESS = 0
PASSWORDS = {
    "ingest": "of-ingest",
    "bridge": "of-bridge",
    "room-1": "of-room-1",
    "room-2": "of-room-2",
    "room-3": "of-room-3",
}


@dataclass(frozen=True)
class Broker:
    """The broker under test."""

    port: int
    server_port: int
    health_port: int
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


@contextmanager
def production_broker(folder: Path) -> Iterator[Broker]:
    """Install as the documentation says, with other folders and another port, and run it."""
    program = shutil.which("mosquitto") or shutil.which("mosquitto", path="/usr/sbin:/usr/local/sbin")
    if program is None:
        missing("mosquitto")
    certificates = folder / "certificates"
    run("make-certificates", certificates, "hub.example", "192.0.2.7")
    installed = folder / "installed"
    ingest, bridge = PASSWORDS["ingest"], PASSWORDS["bridge"]
    arguments = ("-f", installed, "hub", certificates)
    run("setup", *arguments, HUBWELL_INGEST_PASSWORD=ingest, HUBWELL_BRIDGE_PASSWORD=bridge)
    add_device(installed, "room-1")
    port, server_port, health_port = free_port(), free_port(), free_port()
    configuration = folder / "mosquitto.conf"
    text = (CONFIGS / "mosquitto.conf").read_text()
    for production, here in {
        "/etc/mosquitto/hubwell/": f"{installed}/",
        "/var/lib/mosquitto/": f"{folder}/",
        "listener 8883\n": f"listener {port} 127.0.0.1\n",
        "listener 8884\n": f"listener {server_port} 127.0.0.1\n",
        "listener 8885 127.0.0.1\n": f"listener {health_port} 127.0.0.1\n",
    }.items():
        assert production in text
        text = text.replace(production, here)
    # As root it would become the user mosquitto, who may not look into the folders of tests.
    configuration.write_text(text + "user root\n")
    server = Server("mosquitto", leashed([program, "-c", str(configuration)]), folder / "mosquitto.log")
    server.start(lambda: accepts(port) and accepts(server_port))
    yield Broker(port, server_port, health_port, installed, installed / "ca.crt", server)
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
        port: int | None = None,
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
        own_port = broker.server_port if user == "ingest" else broker.port
        self._paho.connect("127.0.0.1", port or own_port)
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

    @property
    def connected(self) -> bool:
        """Whether the broker still holds this connection."""
        return self._paho.is_connected()

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


def is_let_in(broker: Broker, user: str, *, name: str = "") -> bool:
    with Client(broker, user, name=name) as client:
        return client.refusal is None
