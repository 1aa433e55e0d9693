"""What a reader hears over a real broker: the answer to its tap, then the receipt, both after the commit."""

import asyncio
from contextlib import suppress
from datetime import UTC, datetime

import aiomqtt
import pytest

from feed.enrolled_people import enrol
from feed.ingest_setup import device_in, ingest_of, one, settings_for
from feed.simulated_device import SITE
from hubwell import ingest_process
from hubwell.storage.connect import connect_sync
from hubwell_wire.commands import Answer
from hubwell_wire.messages import Receipt
from hubwell_wire.parse import Parsed, parse
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
