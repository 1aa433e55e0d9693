"""Measure the time from publishing a reading until the API returns it, one reading at a time."""

import asyncio
import os
import statistics
import time
from datetime import UTC, datetime
from typing import Any, Final
from uuid import uuid4

import httpx

from hubwell.bench.outcome import Outcome
from hubwell.bench.scratch_environment import (
    LOOPBACK,
    Stage,
    free_port,
    hubwell_command,
    process,
    stage,
    until_subscribed,
)
from hubwell.mqtt.subscriber import MqttSource
from hubwell.settings import Settings
from hubwell.spaces.initial import put_device, put_space
from hubwell.storage.connect import connect_sync
from hubwell.vocabulary import SpaceKind
from hubwell_wire.messages import Reading, Telemetry, new_message_id

_SAMPLES: Final = 100
_PATIENCE_S: Final = 30.0
_TOPIC: Final = "hub/v1/bench/probe/up/telemetry"
_NO_MESSAGES: Final = [("hub/v1/bench/nobody/status", 1)]
"""A source needs a subscription; no message comes on this one."""


async def measure(settings: Settings) -> Outcome:
    """Return the median, 95th and 99th percentile in milliseconds; there is no target."""
    server = settings.database_url if "database_url" in settings.model_fields_set else None
    async with stage(server) as scene:
        with connect_sync(scene.database_url, name="bench") as conn:
            put_space(conn, space_id="probe", name="Probe", kind=SpaceKind.WORKSHOP, capacity=10)
            put_device(conn, device_id="probe", space_id="probe")
        port = free_port()
        environment = {**scene.environment, "HUBWELL_HTTP_HOST": LOOPBACK, "HUBWELL_HTTP_PORT": str(port)}
        async with (
            process(hubwell_command("ingest"), environment),
            process(hubwell_command("api"), environment),
        ):
            with connect_sync(scene.database_url, name="bench") as conn:
                await until_subscribed(scene, conn, 1, device="probe")
            delays = await _delays(scene, f"http://{LOOPBACK}:{port}/api/v1/spaces/probe")
    ordered = sorted(delays)
    figures: dict[str, Any] = {
        "engine": str(scene.version.engine),
        "broker": scene.broker,
        "samples": len(ordered),
        "cpus": os.cpu_count(),
        "median_ms": round(statistics.median(ordered) * 1000, 1),
        "p95_ms": round(ordered[int(len(ordered) * 0.95)] * 1000, 1),
        "p99_ms": round(ordered[int(len(ordered) * 0.99)] * 1000, 1),
    }
    return Outcome("visible", figures, None, None, ok=True)


async def _delays(scene: Stage, address: str) -> list[float]:
    boot, delays = uuid4(), []
    async with (
        MqttSource(scene.broker_url, "hubwell-bench-probe", _NO_MESSAGES, session_expiry_s=0) as probe,
        httpx.AsyncClient() as client,
    ):
        await asyncio.wait_for(probe.ready(), _PATIENCE_S)
        for seq in range(1, _SAMPLES + 11):
            # The state of a space is shown at once; numbers are those of closed windows.
            is_used = seq % 2 == 0
            reading = Reading(s="pir/presence", v=float(is_used), u="/")
            message = Telemetry(
                v=1,
                id=new_message_id(),
                boot=boot,
                seq=seq,
                ts=datetime.now(UTC),
                clock="synced",
                mono_ms=seq,
                r=(reading,),
            )
            began = time.perf_counter()
            await probe.publish(_TOPIC, message.encode())
            await _until_seen(client, address, "used" if is_used else "free")
            delays.append(time.perf_counter() - began)
    return delays[10:]  # without the first ten, which wait for the processes to start


async def _until_seen(client: httpx.AsyncClient, address: str, state: str) -> None:
    async with asyncio.timeout(_PATIENCE_S):
        while True:
            try:
                answer = await client.get(address)
                if answer.is_success and answer.json()["state"] == state:
                    return
            except httpx.TransportError:
                await asyncio.sleep(0.1)  # the API is still starting
            await asyncio.sleep(0.001)
