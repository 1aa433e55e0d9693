"""Lists and erasures through real brokers: who gets them, when, and that a lost badge is refused at once."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import aiomqtt
import pytest
from nacl.signing import VerifyKey

from feed.ingest_setup import settings_for
from feed.notifications import notify_of
from hubwell.allowlist.publish import Publisher
from hubwell.evacuation import actions as evacuation
from hubwell.keys import Keys
from hubwell.mqtt.publisher import DevicePublisher
from hubwell.people import credentials
from hubwell.people.credentials import NewPerson
from hubwell.settings import Settings
from hubwell.spaces.register import put_device, put_space
from hubwell.storage.connect import connect
from hubwell.switchboard import Switchboard
from hubwell.vocabulary import LANGUAGES
from hubwell.worker import reader_texts
from hubwell_wire.commands import Forget, Roster, SealedRoster
from hubwell_wire.messages import Status
from hubwell_wire.signature import split_signature
from lanes.brokers import IotCore, Mosquitto
from lanes.database_lane import Database
from services.people.people_register import Register, badge, now, opened

pytestmark = pytest.mark.broker


@pytest.fixture
async def register(database: Database) -> AsyncIterator[Register]:
    """Give a register with a door, and with a sensor that has no reader."""
    async with opened(database) as register:
        await register.device("door-1", '{"readers": [{"name": "door"}]}')
        await register.device("sensor-1")
        yield register


@dataclass
class Door:
    """A device that keeps what it is sent."""

    client: aiomqtt.Client
    key: VerifyKey
    lists: list[Roster] = field(default_factory=list)
    forgets: list[Forget] = field(default_factory=list)
    _news: asyncio.Event = field(default_factory=asyncio.Event)

    async def listen(self) -> None:
        """Read on."""
        async for message in self.client.messages:
            payload = bytes(message.payload)
            if str(message.topic).endswith("/config"):
                sealed = SealedRoster.model_validate_json(payload)
                self.key.verify(sealed.body.encode(), bytes.fromhex(sealed.sig))
                self.lists.append(Roster.model_validate_json(sealed.body))
            else:
                covered = split_signature(str(message.topic), payload)
                assert covered is not None
                self.key.verify(*covered)
                self.forgets.append(Forget.model_validate_json(payload))
                times = [forgotten.at for forgotten in self.forgets if forgotten.at is not None]
                assert times == sorted(set(times))
                assert len(times) == len(self.forgets)
            self._news.set()

    async def until(self, done: "Callable[[Door], bool]") -> None:
        """Wait until a condition on this door holds."""
        async with asyncio.timeout(15):
            while not done(self):
                self._news.clear()
                await self._news.wait()

    async def says_online(self) -> None:
        """Publish the retained status of a device that has just started."""
        status = Status.model_validate_json(f'{{"v":1,"state":"online","ts":"{now().isoformat()}"}}')
        await self.client.publish("hub/v1/hub/door-1/status", status.encode(), qos=1, retain=True)


@asynccontextmanager
async def door(port: int, keys: Keys, *, protocol: aiomqtt.ProtocolVersion) -> AsyncIterator[Door]:
    """Connect a device of the name door-1."""
    client = aiomqtt.Client("127.0.0.1", port, identifier="door-1", protocol=protocol)
    async with client:
        device = Door(client, keys.roster_key().verify_key)
        listening = asyncio.create_task(device.listen())
        await client.subscribe("hub/v1/hub/door-1/down/#", qos=1)
        try:
            yield device
        finally:
            listening.cancel()
            with suppress(asyncio.CancelledError, aiomqtt.MqttError):
                await listening


@asynccontextmanager
async def publishing(
    register: Register, broker_url: str, keys: Keys, *, assembly_point: str = ""
) -> AsyncIterator[Publisher]:
    """Run what the worker runs."""
    settings = Settings(
        database_url=register.database.url,
        broker_url=broker_url,
        keys_dir=keys.folder,
        site="hub",
        assembly_point=assembly_point,
    )
    link = DevicePublisher(settings)
    publisher = Publisher(settings, link, reader_texts(settings))
    tasks = [asyncio.create_task(link.run()), asyncio.create_task(publisher.run())]
    try:
        yield publisher
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


@pytest.fixture
def keys(tmp_path: Path) -> Keys:
    """Give the hub's secrets, with the key of epoch 1."""
    keys = Keys(tmp_path / "keys")
    keys.newest_epoch()
    return keys


async def bury(register: Register) -> None:
    """Leave the mark of an erased badge, as erasure does."""
    await register.conn.execute(
        "INSERT INTO erased VALUES (decode(md5('salt'), 'hex'), sha256('tag'), now() + interval '1 day')"
    )
    await register.conn.execute(notify_of("hubwell_forget").encode())


async def test_lost_badge_is_refused_at_once(register: Register, mosquitto: Mosquitto, keys: Keys) -> None:
    held = badge()
    made = await credentials.enrol(register.conn, held, NewPerson("Ada", "et"), now())
    name = held.pseudonym.hex()
    async with (
        door(mosquitto.port, keys, protocol=aiomqtt.ProtocolVersion.V311) as device,
        publishing(register, mosquitto.url, keys),
    ):
        await device.until(lambda door: any(name in one.badges for one in door.lists))
        assert device.lists[-1].badges[name].lang == "et"

        revoked = await credentials.revoke(register.conn, made.credential_id, "lost", now())
        await Switchboard.of(settings_for(register.database.url)).commit(register.conn, revoked.facts)

        await device.until(lambda door: door.lists[-1].badges[name].revoked)
        assert device.lists[-1].at >= device.lists[0].at


async def test_door_learns_at_once_of_an_evacuation_and_of_its_end(
    register: Register, mosquitto: Mosquitto, keys: Keys
) -> None:
    react = Switchboard.of(settings_for(register.database.url)).commit
    async with (
        door(mosquitto.port, keys, protocol=aiomqtt.ProtocolVersion.V311) as device,
        publishing(register, mosquitto.url, keys, assembly_point="Car park"),
    ):
        await device.until(lambda door: bool(door.lists))
        assert not any(one.evacuation for one in device.lists)

        opened_muster = await evacuation.open_muster(register.conn, "drill", None, now())
        await react(register.conn, opened_muster.facts)
        await device.until(lambda door: door.lists[-1].evacuation is not None)
        told = device.lists[-1].evacuation

        closed = await evacuation.close(register.conn, opened_muster.id, now())
        await react(register.conn, closed.facts)
        await device.until(lambda door: door.lists[-1].evacuation is None)

    assert told is not None
    assert told.texts["en"].startswith("Evacuation drill: leave the building now")
    assert all("Car park" in text for text in told.texts.values())
    assert set(told.texts) == set(LANGUAGES)
    assert timedelta(hours=23) < told.until - now() <= timedelta(hours=24)


async def test_door_learns_at_once_that_its_space_holds_fewer(
    register: Register, mosquitto: Mosquitto, keys: Keys
) -> None:
    async def furnish(capacity: int) -> None:
        settings = Settings(database_url=register.database.url)
        async with await connect(settings.database_url, name="test") as conn, conn.transaction():
            space = await put_space(conn, space_id="lab", name="Lab", kind="workshop", capacity=capacity)
            device = await put_device(conn, device_id="door-1", space_id="lab")
            await Switchboard.of(settings).commit(conn, (*space, *device))

    def holds(capacity: int) -> Callable[[Door], bool]:
        return lambda door: any(one.space and one.space.capacity == capacity for one in door.lists)

    async with (
        door(mosquitto.port, keys, protocol=aiomqtt.ProtocolVersion.V5) as device,
        publishing(register, mosquitto.url, keys),
    ):
        await furnish(8)
        await device.until(holds(8))
        await furnish(3)
        await device.until(holds(3))


async def test_stop_in_the_moment_of_the_brokers_answer_is_a_stop(mosquitto: Mosquitto) -> None:
    link = DevicePublisher(Settings(broker_url=mosquitto.url, site="hub"))
    running = asyncio.create_task(link.run())
    async with asyncio.timeout(15):
        await link.connected()
    assert link._client is not None
    paho: Any = link._client._client
    heard = paho.on_publish

    def answered(*what: object) -> None:
        heard(*what)
        sending.cancel()  # before the publish has seen its answer

    paho.on_publish = answered
    sending = asyncio.create_task(link.publish("hub/v1/hub/door-1/down/cmd", b"{}"))
    with pytest.raises(asyncio.CancelledError):
        await sending
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running


async def test_lists_are_kept_by_the_broker_for_devices_that_come_later(
    register: Register, mosquitto: Mosquitto, keys: Keys
) -> None:
    held = badge()
    await credentials.enrol(register.conn, held, NewPerson("Ada"), now())
    async with (
        publishing(register, mosquitto.url, keys),
        door(mosquitto.port, keys, protocol=aiomqtt.ProtocolVersion.V5) as first,
    ):
        await first.until(lambda door: bool(door.lists))

    async with door(mosquitto.port, keys, protocol=aiomqtt.ProtocolVersion.V5) as later:
        await later.until(lambda door: bool(door.lists))
        assert set(later.lists[0].badges) == {held.pseudonym.hex()}


async def test_embedded_broker_carries_lists_and_erasures(
    register: Register, iotcore_broker: IotCore, keys: Keys
) -> None:
    held = badge()
    await credentials.enrol(register.conn, held, NewPerson("Ada"), now())
    async with (
        door(iotcore_broker.port, keys, protocol=aiomqtt.ProtocolVersion.V311) as device,
        publishing(register, iotcore_broker.v5_url, keys),
    ):
        await device.until(lambda door: any(held.pseudonym.hex() in one.badges for one in door.lists))
        await bury(register)
        await device.until(lambda door: bool(door.forgets))


async def test_erasures_go_out_at_once_and_again_to_who_comes_online(
    register: Register, mosquitto: Mosquitto, keys: Keys
) -> None:
    async with (
        door(mosquitto.port, keys, protocol=aiomqtt.ProtocolVersion.V5) as device,
        publishing(register, mosquitto.url, keys),
    ):
        await device.until(lambda door: bool(door.lists))
        assert device.forgets == []
        await bury(register)
        await device.until(lambda door: len(door.forgets) == 1)

        await device.says_online()

        await device.until(lambda door: len(door.forgets) == 2)
        assert device.forgets[0].badges == device.forgets[1].badges


async def test_broker_that_lost_everything_gets_the_lists_again(
    register: Register, tmp_path: Path, keys: Keys
) -> None:
    folder = tmp_path / "forgetful"
    folder.mkdir()
    broker = Mosquitto(folder, persistence=False)
    broker.start()
    try:
        async with publishing(register, broker.url, keys):
            async with door(broker.port, keys, protocol=aiomqtt.ProtocolVersion.V5) as device:
                await device.until(lambda door: bool(door.lists))
            broker.restart()
            async with door(broker.port, keys, protocol=aiomqtt.ProtocolVersion.V5) as device:
                await device.until(lambda door: bool(door.lists))
    finally:
        broker.stop()


async def test_device_whose_last_reader_goes_loses_its_list(
    register: Register, mosquitto: Mosquitto, keys: Keys
) -> None:
    empty = asyncio.Event()
    async with (
        aiomqtt.Client("127.0.0.1", mosquitto.port) as watcher,
        publishing(register, mosquitto.url, keys),
    ):
        await watcher.subscribe("hub/v1/hub/door-1/down/config", qos=1)

        async def watch() -> None:
            seen = False
            async for message in watcher.messages:
                seen |= bool(message.payload)
                if not seen:
                    continue
                if not message.payload:
                    empty.set()
                    return
                await register.conn.execute("UPDATE device SET meta = '{}' WHERE id = 'door-1'")
                await register.conn.execute(notify_of("hubwell_roster").encode())

        async with asyncio.timeout(15):
            await watch()
    assert empty.is_set()
