"""Sealed lists for the edge: what the server seals, two officers open together, and nobody else."""

import asyncio
import base64
import re
import sys
from asyncio.subprocess import PIPE
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import aiomqtt
import pytest
from mnemonic import Mnemonic
from nacl.exceptions import CryptoError
from nacl.public import PrivateKey, SealedBox
from psycopg import AsyncConnection
from typer.testing import CliRunner, Result

from hubwell.cli import app
from hubwell.evacuation import stations as module
from hubwell.evacuation.seal import make_key_parts, seal, snapshot
from hubwell.evacuation.stations import AT_LEAST_EVERY, Stations
from hubwell.keys import Keys
from hubwell.mqtt.device_messages import BrokerUnavailableError
from hubwell.mqtt.publisher import DevicePublisher
from hubwell.settings import Settings
from hubwell_edge.clock import Stamp, to_ms
from hubwell_edge.muster.key_parts import combine_parts
from hubwell_edge.muster.opening import merge_taps, unseal
from hubwell_edge.muster.sheet import as_text
from hubwell_edge.taps.files.muster_file import MusterFileError, save
from hubwell_wire.commands import Muster, MusterSnapshot
from hubwell_wire.enumerations import Language
from hubwell_wire.parse import parse
from lanes.brokers import Mosquitto
from lanes.database_lane import Database
from services.evacuation.background_task import running
from services.evacuation.populated_hub import NORTH, SOUTH, House

Conn = AsyncConnection[Any]
TOPIC = "hub/v1/hub/{}/down/cmd"


def opened(message: Muster, part_a: str, part_b: str) -> MusterSnapshot:
    """Open a sealed list as a muster station does: the parts are words, the key is derived from them."""
    bits = sorted(bytes(Mnemonic("english").to_entropy(part)) for part in (part_a, part_b))
    plain = SealedBox(PrivateKey.from_seed(b"".join(bits))).decrypt(base64.b64decode(message.sealed))
    return MusterSnapshot.model_validate_json(plain)


async def test_what_is_sealed_here_opens_with_both_parts_and_with_no_single_one(
    house: House, conn: Conn
) -> None:
    ada = house.conn.execute("SELECT id FROM person WHERE name = 'Ada Example'").fetchone()
    assert ada is not None
    old, new = house.badge(ada[0], epoch=1), house.badge(ada[0], epoch=2)
    keys = make_key_parts()
    now = datetime.now(UTC)

    content = await snapshot(conn, [2], "No name {n}", now)
    message = seal(keys.public, content)
    topic = TOPIC.format("door-1")
    parsed = parse(topic, message.encode()).message

    assert isinstance(parsed, Muster)
    found = opened(parsed, keys.a, keys.b)
    assert {entry.name for entry in found.inside} == {
        "Ada Example",
        "Bo Sample",
        "No name 1",
        "Cleo Specimen",
    }
    first = next(entry for entry in found.inside if entry.name == "Ada Example")
    assert (first.space, first.zone, first.badges) == ("wood", NORTH, (new.hex(),))
    assert b"Ada" not in message.encode()
    assert old.hex() not in {badge for entry in found.inside for badge in entry.badges}
    other = make_key_parts()
    for a, b in ((keys.a, keys.a), (keys.a, other.b), (other.a, keys.b)):
        with pytest.raises(CryptoError):
            opened(parsed, a, b)


async def test_edge_opens_what_is_sealed_here(house: House, conn: Conn) -> None:
    house.badge(house.person("Dee Outside"))
    keys = make_key_parts()
    now = datetime.now(UTC)

    message = seal(keys.public, await snapshot(conn, [1], "No name {n}", now))
    found = merge_taps(unseal(message, combine_parts(keys.b, keys.a)), [])

    assert len(found.inside) == house.count("visit") == 4
    assert {person.zone for person in found.inside} == {NORTH, SOUTH}
    with pytest.raises(MusterFileError, match="do not open"):
        unseal(message, combine_parts(keys.a, make_key_parts().b))


async def test_enrolled_people_outside_are_there_with_their_badges(house: House, conn: Conn) -> None:
    outside = house.person("Dee Outside")
    badge = house.badge(outside)
    house.person("Eve Badgeless")
    house.badge(house.person(kind="counted"))

    found = await snapshot(conn, [1], "No name {n}", datetime.now(UTC))

    assert [(entry.name, entry.space, entry.badges) for entry in found.people] == [
        ("Dee Outside", "", (badge.hex(),))
    ]


async def test_revoked_badge_is_not_among_the_pseudonyms(house: House, conn: Conn) -> None:
    person = house.inside("Dee Lost", "metal")
    house.badge(person)
    house.conn.execute(
        "UPDATE credential SET valid = tstzrange(lower(valid), now()), revoked_why = 'lost' "
        "WHERE person_id = %s",
        (person,),
    )

    found = await snapshot(conn, [1], "No name {n}", datetime.now(UTC))

    assert next(entry for entry in found.inside if entry.name == "Dee Lost").badges == ()


class Sent:
    """Stands for the broker; `down` makes it refuse."""

    def __init__(self) -> None:
        self.messages: list[tuple[str, Muster]] = []
        self.down = False

    async def publish(self, topic: str, payload: bytes) -> None:
        if self.down:
            raise BrokerUnavailableError("away")
        message = parse(topic, payload).message
        assert isinstance(message, Muster)
        self.messages.append((topic, message))


def told(tmp_path: Path) -> tuple[Stations, Sent, Settings]:
    settings = Settings(keys_dir=tmp_path / "keys")
    sent = Sent()
    return Stations(settings, sent.publish), sent, settings


def choose(house: House, *devices: str) -> None:
    for device in devices:
        house.conn.execute("INSERT INTO device (id, muster_station) VALUES (%s, true)", (device,))


async def test_stations_are_told_of_changes_and_every_five_minutes(
    house: House, conn: Conn, tmp_path: Path
) -> None:
    stations, sent, settings = told(tmp_path)
    now = datetime.now(UTC)
    choose(house, "door-1")
    house.badge(house.person("Fay Outside"), epoch=Keys(settings.keys_dir).newest_epoch().epoch)
    assert await stations.turn(conn, now) == []  # no keys yet
    keys = make_key_parts()
    Keys(settings.keys_dir).put_muster_key(keys.public)

    assert await stations.turn(conn, now) == ["door-1"]
    assert await stations.turn(conn, now + timedelta(seconds=30)) == []
    choose(house, "door-2")
    assert await stations.turn(conn, now + timedelta(seconds=60)) == ["door-2"]
    house.inside("Dee New", "cafe")
    assert await stations.turn(conn, now + timedelta(seconds=90)) == ["door-1", "door-2"]
    assert await stations.turn(conn, now + timedelta(seconds=89) + AT_LEAST_EVERY) == []
    assert await stations.turn(conn, now + timedelta(seconds=90) + AT_LEAST_EVERY) == ["door-1", "door-2"]

    assert [topic for topic, _ in sent.messages[:2]] == [TOPIC.format("door-1"), TOPIC.format("door-2")]
    newest = opened(sent.messages[-1][1], keys.a, keys.b)
    assert "Dee New" in {entry.name for entry in newest.inside}
    assert newest.at == sent.messages[-1][1].at


async def test_station_that_was_not_reached_is_told_the_next_time(
    house: House, conn: Conn, tmp_path: Path
) -> None:
    stations, sent, settings = told(tmp_path)
    Keys(settings.keys_dir).put_muster_key(make_key_parts().public)
    choose(house, "door-1")
    sent.down = True

    with pytest.raises(BrokerUnavailableError):
        await stations.turn(conn, datetime.now(UTC))
    sent.down = False

    assert await stations.turn(conn, datetime.now(UTC)) == ["door-1"]


async def test_too_long_a_list_keeps_who_is_inside(
    house: House, conn: Conn, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_LARGEST", 900)
    stations, sent, settings = told(tmp_path)
    Keys(settings.keys_dir).newest_epoch()
    keys = make_key_parts()
    Keys(settings.keys_dir).put_muster_key(keys.public)
    choose(house, "door-1")
    for number in range(20):
        house.badge(house.person(f"Outside {number}"))

    await stations.turn(conn, datetime.now(UTC))

    found = opened(sent.messages[0][1], keys.a, keys.b)
    assert (len(found.inside), found.people) == (4, ())


@pytest.mark.parametrize("language", ["en", "it", "fi", "et", "lv", "nl"])
async def test_device_prints_the_list_in_the_hub_s_language_time_and_names(
    house: House, conn: Conn, tmp_path: Path, language: Language
) -> None:
    settings = Settings(keys_dir=tmp_path / "keys", language=language, zone="Europe/Riga")
    sent, keys = Sent(), make_key_parts()
    Keys(settings.keys_dir).put_muster_key(keys.public)
    choose(house, "door-1")
    house.space("maker", "Makers' den", NORTH)
    house.inside("Dee Made-Up", "maker")
    now = datetime.now(UTC)
    await Stations(settings, sent.publish).turn(conn, now)
    message = sent.messages[0][1]

    printed = await _printed_by_a_device(tmp_path, message, keys.a, keys.b)

    english = opened(message, keys.a, keys.b).model_copy(update={"texts": {}, "lang": None})
    in_english = list(as_text(merge_taps(english, []), now))
    line = next(line for line in printed if "Dee Made-Up" in line)
    local = now.astimezone(ZoneInfo("Europe/Riga"))
    assert f"{local:%Y-%m-%d %H:}" in printed[0]
    assert "Europe/Riga" in printed[0]
    assert "Makers' den" in line
    differs = [ours != theirs for ours, theirs in zip(printed, in_english, strict=True) if "[ ]" in theirs]
    assert set(differs) == {language != "en"}
    assert (printed[-1] == in_english[-1]) == (language == "en")


async def _printed_by_a_device(folder: Path, message: Muster, *parts: str) -> list[str]:
    """Give the list to a device without a network, and return what its command prints."""
    box, config = folder / "box", folder / "device.toml"
    box.mkdir()
    assert save(box, message, Stamp(to_ms(message.at), 0, synced=True))
    config.write_text(f'site = "hub"\ndevice = "door-1"\n[broker]\nurl = "mqtt://127.0.0.1:1"\n'
                      f'[outbox]\ndir = "{box}"\n')  # fmt: skip
    command = ["-m", "hubwell_edge", "muster", "--config", str(config)]
    process = await asyncio.create_subprocess_exec(
        sys.executable, *command, *(word for part in parts for word in ("--part", part)), stdout=PIPE
    )
    output, _ = await process.communicate()
    assert process.returncode == 0
    return output.decode().splitlines()


@pytest.mark.broker
async def test_worker_tells_a_station_through_a_broker_that_comes_later(
    house: House, database: Database, mosquitto: Mosquitto, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "EVERY", timedelta(seconds=0.1))
    settings = Settings(
        database_url=database.url, broker_url=mosquitto.url, keys_dir=tmp_path / "keys", site="hub"
    )
    keys = make_key_parts()
    Keys(settings.keys_dir).put_muster_key(keys.public)
    choose(house, "door-1")
    link = DevicePublisher(settings)
    mosquitto.stop()
    with pytest.raises(BrokerUnavailableError):
        await link.publish(TOPIC.format("door-1"), b"{}")
    async with running(link.run(), module.update_stations(settings, link)):
        mosquitto.start()
        async with aiomqtt.Client("127.0.0.1", mosquitto.port) as station:
            await station.subscribe(TOPIC.format("door-1"), qos=1)
            house.inside("Dee New", "cafe")
            async for message in station.messages:
                assert isinstance(message.payload, bytes)
                found = parse(str(message.topic), message.payload).message
                assert isinstance(found, Muster)
                names = {entry.name for entry in opened(found, keys.a, keys.b).inside}
                if "Dee New" in names:
                    break


@pytest.fixture
def hubwell(database: Database, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[..., Result]:
    monkeypatch.setenv("HUBWELL_DATABASE_URL", database.url)
    monkeypatch.setenv("HUBWELL_KEYS_DIR", str(tmp_path / "hubwell-keys"))
    monkeypatch.chdir(tmp_path)
    return lambda *arguments: CliRunner().invoke(app, [*arguments])


def test_keys_are_shown_once_and_only_the_public_half_is_kept(
    hubwell: Callable[..., Result], tmp_path: Path
) -> None:
    said = hubwell("muster", "keys").stdout

    cards = [card.partition("\n\n")[0] for card in re.split(r"^Part [AB]$", said, flags=re.MULTILINE)[1:]]
    parts = [" ".join(re.findall(r"[a-z]+", card)) for card in cards]
    assert [len(part.split()) for part in parts] == [12, 12]
    public = Keys(tmp_path / "hubwell-keys").muster_key()
    private = combine_parts(*cards)  # as a card is read aloud, with its numbers
    assert bytes(PrivateKey(private).public_key) == public
    kept = "".join(path.read_text() for path in (tmp_path / "hubwell-keys").iterdir())
    assert not any(secret in kept for secret in (*parts, private.hex()))

    again = hubwell("muster", "keys")
    assert again.exit_code == 2
    assert "--replace" in again.stderr
    assert Keys(tmp_path / "hubwell-keys").muster_key() == public
    assert hubwell("muster", "keys", "--replace").exit_code == 0
    assert Keys(tmp_path / "hubwell-keys").muster_key() != public


def test_station_is_chosen_and_let_go(hubwell: Callable[..., Result], house: House) -> None:
    house.conn.execute("INSERT INTO device (id) VALUES ('door-1')")

    chosen = hubwell("muster", "station", "door-1", "on")
    assert chosen.exit_code == 0
    assert "hubwell muster keys" in chosen.stdout
    assert house.conn.execute("SELECT muster_station FROM device").fetchone() == (True,)
    assert hubwell("muster", "station", "door-1", "off").exit_code == 0
    assert house.conn.execute("SELECT muster_station FROM device").fetchone() == (False,)
    unknown = hubwell("muster", "station", "door-9", "on")
    assert unknown.exit_code == 2
    assert "no such device" in unknown.stderr
