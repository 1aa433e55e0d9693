"""Orders as the real server sends them, through a real broker, to a device that obeys its own hub only.

Musters and notices of departures are published by the worker, on its own and not as answers of ingest.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from queue import Queue
from typing import Any

import paho.mqtt.client as paho
import pytest
from paho.mqtt.enums import CallbackAPIVersion

from feed.enrolled_people import enrol
from feed.ingest_setup import one
from flows.line_reader_door import LineDoor, line_door, terminal
from flows.system_processes import System, eventually
from hubwell.keys import Keys
from hubwell_edge.taps.files.roster import signed_by
from hubwell_wire.pseudonym import pseudonym
from hubwell_wire.signature import split_signature
from lanes.brokers import Mosquitto

ADA = bytes.fromhex("04a1b2c3d4e5f0")
CMD, ACK = "hub/v1/hub/lab-pi/down/cmd", "hub/v1/hub/lab-pi/down/ack"


@pytest.fixture
def ada(hub: System) -> str:
    """Furnish a space whose door is a muster station; return the id of a person with a badge."""
    for command in (
        ("space", "add", "lab", "--name", "Lab", "--kind", "workshop", "--capacity", "12"),
        ("device", "add", "lab-pi", "--space", "lab"),
        ("muster", "keys"),
        ("muster", "station", "lab-pi", "on"),
    ):
        done = hub.run(*command)
        assert done.returncode == 0, done.stderr
    return str(enrol(hub.database, bytes.fromhex(pseudonym(ADA, Keys(hub.folder / "keys").newest_epoch()))))


@pytest.fixture
def door(hub: System, ada: str) -> Iterator[LineDoor]:
    assert ada
    with terminal() as line:
        yield line_door(hub, "lab-pi", line)


@contextmanager
def orders(mosquitto: Mosquitto) -> Iterator[list[tuple[str, bytes]]]:
    """Give a list that grows by each order to the door, as the broker delivers it."""
    heard: list[tuple[str, bytes]] = []
    subscribed: Queue[Any] = Queue()
    client = paho.Client(CallbackAPIVersion.VERSION2, client_id="listener")
    client.on_message = lambda _c, _u, message: heard.append((message.topic, bytes(message.payload)))
    client.on_subscribe = lambda *_: subscribed.put(None)
    client.connect("127.0.0.1", mosquitto.port)
    client.loop_start()
    try:
        client.subscribe([(CMD, 1), (ACK, 1)])
        subscribed.get(timeout=10)
        yield heard
    finally:
        client.disconnect()
        client.loop_stop()


def kinds(heard: list[tuple[str, bytes]]) -> list[tuple[str, str]]:
    """Return type and verdict of each order on `down/cmd`."""
    found = [json.loads(payload) for topic, payload in heard if topic == CMD]
    return [(order["type"], order.get("verdict", "")) for order in found]


@pytest.mark.slow
def test_device_obeys_musters_and_departures_that_the_real_server_signed(
    hub: System, door: LineDoor, ada: str, mosquitto: Mosquitto
) -> None:
    ingest, worker = hub.ingest(), hub.server("worker")
    worker.begin()
    with orders(mosquitto) as heard:
        door.agent.begin("connected to")
        listed = "SELECT roster_at IS NOT NULL FROM device"
        eventually(lambda: bool(one(hub.database, listed)), "the door has its list of badges")
        door.tap(ADA.hex(), "in")
        eventually(lambda: ("muster", "") in kinds(heard), "a muster is sent", within=90)
        assert hub.run("person", "check-out", ada).returncode == 0
        eventually(lambda: ("answer", "out") in kinds(heard), "the notice that the person left")
        received = list(heard)

    public = bytes(Keys(hub.folder / "keys").roster_key().verify_key).hex()
    assert {topic for topic, _ in received} == {CMD, ACK}
    for topic, payload in received:
        covered = split_signature(topic, payload)
        assert covered is not None, payload
        assert signed_by(public, *covered)
        other_door = split_signature(topic.replace("lab-pi", "den-pi"), payload)
        assert other_door is not None
        assert not signed_by(public, *other_door)

    # The device carried them out: alone, it lets the person in again, whom it would have checked out.
    for program in (ingest, worker):
        program.stop()
    mosquitto.stop()
    door.tap(ADA.hex(), "in", within=40)
    assert "refused" not in door.agent.said()
    (muster,) = (hub.folder / "outbox" / "lab-pi").rglob("muster.json")
    assert muster.stat().st_size > 100
