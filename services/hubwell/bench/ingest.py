"""Measure ingest: readings per second from MQTT to committed rows, against COPY of the same rows.

In each round the same rows go through the whole path (broker, `hubwell ingest` with its reactions, ledger and
receipts, PostgreSQL) and then, into the same emptied table, through one binary COPY, PostgreSQL's fastest
way to insert rows. The targets are for the ratio of the medians.
"""

import asyncio
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final
from uuid import UUID, uuid4

from psycopg import Connection

from hubwell.bench.outcome import Outcome
from hubwell.bench.publisher import write_load
from hubwell.bench.scratch_environment import Stage, hubwell_command, process, stage, until_subscribed
from hubwell.settings import Settings
from hubwell.spaces.initial import put_device, put_space
from hubwell.storage.connect import connect_sync
from hubwell.vocabulary import SpaceKind
from hubwell_wire.messages import Reading, Telemetry, new_message_id

TARGETS: Final = {"8 readings a message": 0.2, "100 readings a message": 0.5}
_READINGS: Final = {"8 readings a message": 8, "100 readings a message": 100}
_PROCESSES: Final = 2
"""Ingest processes on the shared subscription, which lets an operator use a second core."""
_ROWS: Final = 160_000
_ROUNDS: Final = 3
_DEVICES: Final = 20
_EVERY_S: Final = 10
"""Seconds between two samples of a sensor."""
_PATIENCE_S: Final = 120.0
_DURATION: Final = """
SELECT extract(epoch FROM (SELECT max(last_received_at) FROM stream) - min(received_at)) FROM message
"""
_WORKING: Final = """
SELECT FROM pg_stat_activity WHERE datname = current_database() AND application_name LIKE 'hubwell-ingest-%'
    AND (state <> 'idle' OR state_change > clock_timestamp() - interval '0.5 s') LIMIT 1
"""
_QUANTITIES: Final = (
    ("scd41/co2", "ppm", 640.0),
    ("scd41/temp", "Cel", 21.5),
    ("scd41/rh", "%RH", 41.0),
    ("bme280/pressure", "hPa", 1013.2),
    ("mic/noise", "dB", 47.5),
    ("bh1750/light", "lx", 480.0),
    ("pir/presence", "/", 1.0),
    ("sps30/pm25", "ug/m3", 6.2),
    ("door/count", "count", 3.0),
    ("usb/voltage", "V", 5.1),
)


async def measure(settings: Settings) -> Outcome:
    """Measure both message sizes and return rates (rows/s), ratios and targets."""
    server = settings.database_url if "database_url" in settings.model_fields_set else None
    async with stage(server) as scene:
        figures: dict[str, Any] = {
            "engine": str(scene.version.engine),
            "broker": scene.broker,
            "rows": _ROWS,
            "rounds": _ROUNDS,
            "ingest_processes": _processes(scene),
            "cpus": os.cpu_count(),
        }
        ratios = {}
        _register(scene.database_url)
        for name, per_message in _READINGS.items():
            rounds = [await _round(scene, per_message) for _ in range(_ROUNDS)]
            ingest_rate = statistics.median(rate for rate, _ in rounds)
            copy_rate = statistics.median(rate for _, rate in rounds)
            figures[name] = {"rows_per_s": round(ingest_rate), "copy_rows_per_s": round(copy_rate)}
            ratios[name] = round(ingest_rate / copy_rate, 3)
    ok = all(ratios[name] >= target for name, target in TARGETS.items())
    return Outcome("ingest", figures, ratios, TARGETS, ok)


def _processes(scene: Stage) -> int:
    return _PROCESSES if scene.broker == "mosquitto" else 1  # the embedded broker has no shared subscriptions


def _register(url: str) -> None:
    with connect_sync(url, name="bench") as conn:
        for number in range(_DEVICES):
            put_space(
                conn, space_id=f"space-{number}", name=f"Space {number}", kind=SpaceKind.WORKSHOP, capacity=20
            )
            put_device(conn, device_id=f"device-{number}", space_id=f"space-{number}")


async def _round(scene: Stage, per_message: int) -> tuple[float, float]:
    """Return (rows/s through the whole path, rows/s by COPY). Raises RuntimeError when rows are missing."""
    with connect_sync(scene.database_url, name="bench") as conn, tempfile.TemporaryDirectory() as folder:
        conn.execute("TRUNCATE reading, message, event, delivery, episode, stream CASCADE")
        load = Path(folder) / "load"
        write_load(load, _messages(per_message))
        ingest_rate = await _through_ingest(scene, conn, load)
        stored = conn.execute("SELECT count(*) FROM reading").fetchone()
        if stored is None or stored[0] != _ROWS:
            raise RuntimeError(f"{stored} of {_ROWS} rows arrived: the measurement is void")
        return ingest_rate, _copy_rate(conn)


def _messages(per_message: int) -> Iterator[tuple[str, bytes]]:
    """Yield (topic, payload) of each message: devices in turn, with samples that end about now."""
    samples = -(-per_message // len(_QUANTITIES))
    per_device = _ROWS // per_message // _DEVICES
    start = datetime.now(UTC).replace(microsecond=0) - timedelta(seconds=per_device * samples * _EVERY_S)
    boots = [uuid4() for _ in range(_DEVICES)]
    for seq in range(1, per_device + 1):
        ts = start + timedelta(seconds=seq * samples * _EVERY_S)
        for device, boot in enumerate(boots):
            yield f"hub/v1/bench/device-{device}/up/telemetry", _message(boot, seq, ts, per_message)


def _message(boot: UUID, seq: int, ts: datetime, per_message: int) -> bytes:
    readings = tuple(
        Reading(
            s=name,
            v=value + (seq + number // len(_QUANTITIES)) % 40 / 10,
            u=unit,
            t=-_EVERY_S * 1000 * (number // len(_QUANTITIES)),
        )
        for number, (name, unit, value) in (
            (n, _QUANTITIES[n % len(_QUANTITIES)]) for n in range(per_message)
        )
    )
    return Telemetry(
        v=1, id=new_message_id(), boot=boot, seq=seq, ts=ts, clock="synced", mono_ms=seq * 1000, r=readings
    ).encode()


async def _through_ingest(scene: Stage, conn: Connection[Any], load: Path) -> float:
    """Return rows/s from the first message's receipt to the last one's, by the database's clock.

    Raises TimeoutError.
    """
    async with AsyncExitStack() as stack:
        for worker in range(_processes(scene)):
            command = hubwell_command("ingest", "--worker", str(worker))
            await stack.enter_async_context(process(command, scene.environment))
            await until_subscribed(scene, conn, worker, device="device-0")
        publisher = [sys.executable, "-m", "hubwell.bench.publisher", scene.broker_url, str(load)]
        async with process(publisher), asyncio.timeout(_PATIENCE_S):
            while True:
                stored = conn.execute("SELECT coalesce(sum(readings), 0) FROM message").fetchone()
                if stored is not None and stored[0] >= _ROWS:
                    break
                await asyncio.sleep(0.1)
            await _until_at_rest(conn)
        duration = conn.execute(_DURATION).fetchone()
    return _ROWS / float(duration[0]) if duration is not None else 0.0


async def _until_at_rest(conn: Connection[Any]) -> None:
    """Wait until every ingest process has been idle for half a second: then every message is acknowledged.

    A process stopped between its commit and the acknowledgement would get the batch again in the next round.
    """
    while conn.execute(_WORKING).fetchone() is not None:  # noqa: ASYNC110 - the other side is another process
        await asyncio.sleep(0.1)


def _copy_rate(conn: Connection[Any]) -> float:
    """COPY the table's rows out, empty it, COPY them back in, and return the rows/s of the way in."""
    with conn.cursor().copy("COPY (SELECT * FROM reading ORDER BY time) TO STDOUT (FORMAT BINARY)") as out:
        encoded = b"".join(bytes(block) for block in out)
    conn.execute("TRUNCATE reading")
    began = time.perf_counter()
    with conn.cursor().copy("COPY reading FROM STDIN (FORMAT BINARY)") as copy:
        copy.write(encoded)
    return _ROWS / (time.perf_counter() - began)
