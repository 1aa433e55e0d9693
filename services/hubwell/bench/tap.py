"""Measure a tap: from publishing it as a reader does until the server's answer arrives there.

50 taps per second come from ten doors, in and out in turn, while twenty devices send their readings, through
a real broker and a real `hubwell ingest`. The client in this module publishes taps as an uplink does and
receives the answers, which are sent after the commit. The delay of a reader's outbox is not included.
"""

import asyncio
import itertools
import math
import os
import statistics
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID, uuid4

from hubwell.bench.outcome import Outcome
from hubwell.bench.scratch_environment import Stage, hubwell_command, process, stage, until_subscribed
from hubwell.mqtt.subscriber import MqttSource
from hubwell.settings import Settings
from hubwell.spaces.initial import put_device, put_space
from hubwell.storage.connect import connect_sync
from hubwell.vocabulary import SpaceKind
from hubwell_wire.commands import Answer
from hubwell_wire.messages import Reading, Tap, TapData, Telemetry, new_message_id
from hubwell_wire.parse import parse
from hubwell_wire.topics import Channel, Topic

TARGET_MS: Final = 150.0
"""p99 from tap to feedback."""
_TAPS_PER_S: Final = 50
_SECONDS: Final = 12
_WARM_UP: Final = 2 * _TAPS_PER_S
"""First taps, which are not measured: they open connections and plan queries."""
_DOORS: Final = 10
_PEOPLE: Final = 300
"""So many that no person taps twice within six seconds, which would be one gesture."""
_SENSORS: Final = 20
_MESSAGES_PER_S: Final = 40
_READINGS: Final = 10
_PATIENCE_S: Final = 30.0
_SITE: Final = "bench"
_NO_MESSAGES: Final = [("hub/v1/bench/nobody/status", 1)]
"""A source needs a subscription; no message comes on this one."""
_ENROL: Final = """
WITH everybody AS (
    INSERT INTO person (id, kind) SELECT gen_random_uuid(), 'enrolled' FROM generate_series(1, %(people)s)
    RETURNING id
), held AS (
    INSERT INTO credential (person_id, kind, valid)
    SELECT id, 'badge', tstzrange('2020-01-01', NULL) FROM everybody RETURNING id
)
INSERT INTO credential_pseudonym (badge, credential_id, epoch)
SELECT decode(lpad(to_hex(row_number() OVER () - 1), 32, '0'), 'hex'), id, 1 FROM held
"""


@dataclass(slots=True)
class _Readers:
    """The readers at the doors: number their taps as an agent does; when each was sent and answered."""

    boots: list[UUID] = field(default_factory=lambda: [uuid4() for _ in range(_DOORS)])
    sent: dict[tuple[UUID, int], float] = field(default_factory=dict)
    """Time (s) at which a tap was created, by boot and sequence number."""
    delays: dict[tuple[UUID, int], float] = field(default_factory=dict)
    """Seconds until its answer."""

    def tap(self, number: int) -> tuple[str, bytes]:
        """Return topic and payload of one tap; a person always taps at the same door."""
        person = number % _PEOPLE
        door, seq = person % _DOORS, number // _DOORS + 1
        message = Tap(
            **_envelope(self.boots[door], seq),
            type="tap",
            data=TapData(reader="door", badge=f"{person:032x}", epoch=1),
        )
        self.sent[self.boots[door], seq] = time.perf_counter()
        return str(Topic(_SITE, f"door-{door}", Channel.EVENT)), message.encode()

    def receive(self, topic: str, payload: bytes) -> None:
        """Store the delay of an answer; other messages are ignored. Raises BadMessageError."""
        received_at = time.perf_counter()
        message = parse(topic, payload).message
        if isinstance(message, Answer):
            key = (message.boot, message.seq)
            self.delays[key] = received_at - self.sent[key]


async def measure(settings: Settings) -> Outcome:
    """Return the median, 99th percentile and worst in milliseconds; the ratio is 150 ms over the 99th."""
    server = settings.database_url if "database_url" in settings.model_fields_set else None
    async with stage(server) as scene:
        _register(scene.database_url)
        async with process(hubwell_command("ingest"), scene.environment):
            with connect_sync(scene.database_url, name="bench") as conn:
                await until_subscribed(scene, conn, 1, device="door-0")
            readers = await _taps_and_telemetry(scene)
    measured = [delay for (_, seq), delay in readers.delays.items() if seq > _WARM_UP // _DOORS]
    ordered = sorted(delay * 1000 for delay in measured)
    expected_count = _TAPS_PER_S * _SECONDS - _WARM_UP
    if not ordered:
        raise RuntimeError("no tap was answered: the measurement is void")
    p99 = ordered[math.ceil(len(ordered) * 0.99) - 1]
    ratio = round(TARGET_MS / p99, 3)
    figures: dict[str, Any] = {
        "engine": str(scene.version.engine),
        "broker": scene.broker,
        "cpus": os.cpu_count(),
        "taps_per_s": _TAPS_PER_S,
        "readings_per_s": _MESSAGES_PER_S * _READINGS,
        "samples": len(ordered),
        "unanswered": expected_count - len(ordered),
        "p50_ms": round(statistics.median(ordered), 1),
        "p99_ms": round(p99, 1),
        "worst_ms": round(ordered[-1], 1),
    }
    ok = ratio >= 1.0 and figures["unanswered"] == 0
    return Outcome("tap", figures, {"150 ms over p99": ratio}, {"150 ms over p99": 1.0}, ok)


def _register(url: str) -> None:
    with connect_sync(url, name="bench") as conn:
        for number in range(_DOORS):
            put_space(
                conn,
                space_id=f"space-{number}",
                name=f"Space {number}",
                kind=SpaceKind.WORKSHOP,
                capacity=_PEOPLE,
            )
            put_device(conn, device_id=f"door-{number}", space_id=f"space-{number}")
        for number in range(_SENSORS):
            put_device(conn, device_id=f"sensor-{number}", space_id=f"space-{number % _DOORS}")
        conn.execute(_ENROL, {"people": _PEOPLE})


async def _taps_and_telemetry(scene: Stage) -> _Readers:
    readers = _Readers()
    topics = [
        str(Topic(_SITE, f"door-{n}", channel))
        for n in range(_DOORS)
        for channel in (Channel.CMD, Channel.ACK)
    ]
    async with AsyncExitStack() as stack:
        doors = MqttSource(
            scene.broker_url, "hubwell-bench-doors", [(t, 1) for t in topics], session_expiry_s=0
        )
        sensors = MqttSource(scene.broker_url, "hubwell-bench-sensors", _NO_MESSAGES, session_expiry_s=0)
        for client in (doors, sensors):
            await stack.enter_async_context(client)
            await asyncio.wait_for(client.ready(), _PATIENCE_S)
        listening = asyncio.create_task(_listen(doors, readers))
        sending = asyncio.create_task(_send_readings(sensors))
        await _send_taps(doors, readers)
        await _until_answered(readers)
        for task in (listening, sending):
            task.cancel()
        await asyncio.gather(listening, sending, return_exceptions=True)
    return readers


async def _send_taps(doors: MqttSource, readers: _Readers) -> None:
    async for number in _paced(_TAPS_PER_S, _TAPS_PER_S * _SECONDS):
        await doors.publish(*readers.tap(number))


async def _send_readings(sensors: MqttSource) -> None:
    boots, seq = [uuid4() for _ in range(_SENSORS)], 0
    async for number in _paced(_MESSAGES_PER_S, None):
        sensor = number % _SENSORS
        seq += sensor == 0
        await sensors.publish(
            str(Topic(_SITE, f"sensor-{sensor}", Channel.TELEMETRY)), _readings(boots[sensor], seq)
        )


def _readings(boot: UUID, seq: int) -> bytes:
    readings = tuple(
        Reading(s="scd41/co2", v=600.0 + (seq + n) % 50, u="ppm", t=-40 * n) for n in range(_READINGS)
    )
    return Telemetry(**_envelope(boot, seq), r=readings).encode()


async def _listen(doors: MqttSource, readers: _Readers) -> None:
    while True:
        deliveries = await doors.batch(most=100, wait_s=0)
        for delivery in deliveries:
            readers.receive(delivery.topic, delivery.payload)
        doors.acknowledge(deliveries)


async def _until_answered(readers: _Readers) -> None:
    async for _ in _paced(100, round(100 * _PATIENCE_S)):
        if len(readers.delays) == len(readers.sent):
            return


async def _paced(per_s: int, count: int | None) -> AsyncIterator[int]:
    """Yield 0, 1, 2 ... at a fixed rate; a slow step shortens the pauses after it, and none is skipped."""
    began = time.monotonic()
    for number in itertools.count() if count is None else range(count):
        await asyncio.sleep(max(0.0, began + number / per_s - time.monotonic()))
        yield number


def _envelope(boot: UUID, seq: int) -> dict[str, Any]:
    return {
        "v": 1,
        "id": new_message_id(),
        "boot": boot,
        "seq": seq,
        "ts": datetime.now(UTC),
        "clock": "synced",
        "mono_ms": seq,
    }
