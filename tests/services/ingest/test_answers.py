"""What a reader hears over a real broker: the answer to its tap, then the receipt, both after the commit."""

import asyncio
import json
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import aiomqtt
import pytest

from feed.enrolled_people import enrol
from feed.ingest_setup import device_in, ingest_of, one, settings_for
from feed.simulated_device import SITE
from hubwell import ingest_process
from hubwell.keys import Keys
from hubwell.storage.connect import connect_sync
from hubwell_wire.commands import Answer
from hubwell_wire.messages import Receipt
from hubwell_wire.parse import Parsed, parse
from hubwell_wire.signature import split_signature
from lanes.brokers import Mosquitto
from lanes.database_lane import Database

BADGE = bytes(range(16))
PATIENCE_S = 30


async def heard(client: aiomqtt.Client, count: int) -> list[Parsed]:
    async with asyncio.timeout(PATIENCE_S):
        found = []
        async for message in client.messages:
            found.append(parse(message.topic.value, bytes(message.payload)))
            if len(found) == count:
                return found
    raise AssertionError("the broker ended the connection")


@pytest.mark.broker
async def test_answer_comes_after_the_commit_and_before_the_receipt(
    mosquitto: Mosquitto, database: Database
) -> None:
    url = database.url
    door = await asyncio.to_thread(device_in, url, "lab")
    await asyncio.to_thread(enrol, url, BADGE, language="it")
    settings = settings_for(url, broker_url=mosquitto.url, unknown_badges="refuse")
    async with aiomqtt.Client("127.0.0.1", mosquitto.port) as reader:
        await reader.subscribe(f"hub/v1/{SITE}/{door.name}/down/#", qos=1)
        working = asyncio.create_task(ingest_process.run(settings))
        try:
            tap = door.tap(datetime.now(UTC), BADGE)
            await reader.publish(tap.topic, tap.payload, qos=1)
            answer, receipt = await heard_or_sent_again(reader, tap.topic, tap.payload)
        finally:
            working.cancel()
            with suppress(asyncio.CancelledError):
                await working
    assert isinstance(answer.message, Answer)
    assert (answer.message.boot, answer.message.seq) == (door.boot, 1)
    assert (answer.message.verdict, answer.message.lang) == ("in", "it")
    assert isinstance(receipt.message, Receipt)
    assert receipt.message.upto == 1
    assert one(url, "SELECT count(*) FROM visit") == 1
    assert answer.message.sig is receipt.message.sig is None  # no device has a key to check them with


@pytest.mark.broker
async def test_answer_and_receipt_are_signed_with_the_key_of_the_lists(
    mosquitto: Mosquitto, database: Database, tmp_path: Path
) -> None:
    """Made while ingest runs; bytes on the broker, checked with the key that devices are given."""
    url, keys = database.url, Keys(tmp_path / "keys")
    door = await asyncio.to_thread(device_in, url, "lab")
    settings = settings_for(url, broker_url=mosquitto.url, keys_dir=keys.folder)
    async with aiomqtt.Client("127.0.0.1", mosquitto.port) as reader:
        await reader.subscribe(f"hub/v1/{SITE}/{door.name}/down/#", qos=1)
        working = asyncio.create_task(ingest_process.run(settings))
        public = keys.roster_key().verify_key
        sent_at = datetime.now(UTC)
        signed: set[str] = set()
        tap = door.tap(sent_at, BADGE)
        try:
            async with asyncio.timeout(60):
                while signed != {"cmd", "ack"}:
                    await reader.publish(tap.topic, tap.payload, qos=1)
                    with suppress(TimeoutError):
                        async with asyncio.timeout(1):
                            async for message in reader.messages:
                                topic, payload = str(message.topic), bytes(message.payload)
                                covered = split_signature(topic, payload)
                                assert covered is not None
                                public.verify(*covered)
                                sent = datetime.fromisoformat(json.loads(payload)["at"])
                                assert abs(sent - sent_at) < timedelta(minutes=2)
                                signed.add(topic.rpartition("/")[2])
        finally:
            working.cancel()
            with suppress(asyncio.CancelledError):
                await working


@pytest.mark.broker
@pytest.mark.parametrize("kind", ["alarm", "drill"])
async def test_reader_says_evacuation_and_the_place_in_the_persons_language(
    mosquitto: Mosquitto, database: Database, kind: str
) -> None:
    url = database.url
    door = await asyncio.to_thread(device_in, url, "lab")
    await asyncio.to_thread(enrol, url, BADGE, language="it")
    await asyncio.to_thread(one, url, "INSERT INTO muster (kind) VALUES (%s) RETURNING 1", kind)
    settings = settings_for(url, broker_url=mosquitto.url, assembly_point="Car park")
    async with aiomqtt.Client("127.0.0.1", mosquitto.port) as reader:
        await reader.subscribe(f"hub/v1/{SITE}/{door.name}/down/#", qos=1)
        working = asyncio.create_task(ingest_process.run(settings))
        try:
            tap = door.tap(datetime.now(UTC), BADGE)
            await reader.publish(tap.topic, tap.payload, qos=1)
            answer, _ = await heard_or_sent_again(reader, tap.topic, tap.payload)
        finally:
            working.cancel()
            with suppress(asyncio.CancelledError):
                await working
    assert isinstance(answer.message, Answer)
    assert answer.message.text.startswith("Evacuazione" if kind == "alarm" else "Prova di evacuazione")
    assert "Car park" in answer.message.text
    assert answer.message.verdict == "in"


async def heard_or_sent_again(client: aiomqtt.Client, topic: str, payload: bytes) -> list[Parsed]:
    """Wait for two messages; send again while ingest is not subscribed yet, as an uplink would."""
    waiting = asyncio.create_task(heard(client, 2))
    while not waiting.done():
        await asyncio.wait({waiting}, timeout=1)
        if not waiting.done():
            await client.publish(topic, payload, qos=1)
    return waiting.result()


async def test_no_answer_without_a_commit(database: Database) -> None:
    """A transaction that fails answers nobody; the one that succeeds answers once."""
    url = database.url
    door = await asyncio.to_thread(device_in, url, "lab")
    await asyncio.to_thread(enrol, url, BADGE)
    with connect_sync(url, name="test") as conn:
        conn.execute("ALTER TABLE tap RENAME TO away")
    async with ingest_of(url) as ingest:
        committing = asyncio.create_task(ingest.commit([door.tap(datetime.now(UTC), BADGE)]))
        done, _ = await asyncio.wait({committing}, timeout=1)
        assert not done
        with connect_sync(url, name="test") as conn:
            conn.execute("ALTER TABLE away RENAME TO tap")
        (outcome,) = await asyncio.wait_for(committing, PATIENCE_S)
    assert [answer.verdict for answer in outcome.answers] == ["in"]
