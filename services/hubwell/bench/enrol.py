"""Measure the machine's share of the ten seconds in which staff enrol a badge.

Each badge in turn is tapped at a desk's reader, shown on the open desk page, enrolled with a name in its
form, and added to the list of the reader at a door, with a real broker and real `hubwell ingest`, `api` and
`worker`. The other seconds are for the people, who tap, read and type a name. Network and browser are not
included.
"""

import asyncio
import os
import re
import statistics
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

import httpx

from hubwell.access import tokens
from hubwell.bench.outcome import Outcome
from hubwell.bench.scratch_environment import (
    LOOPBACK,
    Stage,
    free_port,
    hubwell_command,
    port_open,
    process,
    stage,
    until_subscribed,
)
from hubwell.keys import Keys
from hubwell.mqtt.subscriber import MqttSource
from hubwell.settings import Settings
from hubwell.spaces.initial import put_device
from hubwell.storage.connect import connect_sync, connection
from hubwell.vocabulary import Role
from hubwell_wire.commands import Roster, SealedRoster
from hubwell_wire.messages import Meta, ReaderMeta, Status, Tap, TapData, new_message_id
from hubwell_wire.topics import Channel, Topic

TARGET_MS: Final = 2000.0
"""The slowest enrolment: a fifth of the ten seconds."""
_PEOPLE: Final = 20
_WARM_UP: Final = 2
"""First enrolments, which are not measured: they open connections and plan queries."""
_PATIENCE_S: Final = 30.0
_DESK: Final = Topic("bench", "desk", Channel.EVENT)
_LISTS: Final = Topic("bench", "door", Channel.CONFIG)
_ENROL_LINK: Final = re.compile(r'href=\\?"(/desk/taps/\d+)')


@dataclass(frozen=True, slots=True)
class _Enrolment:
    """Milliseconds from the tap to the desk page, for the form, and from its answer to the door's reader."""

    to_desk: float
    form: float
    to_door: float

    @property
    def whole(self) -> float:
        return self.to_desk + self.form + self.to_door


async def measure(settings: Settings) -> Outcome:
    """Return medians and the worst in milliseconds; the ratio is 2000 ms over the worst whole enrolment."""
    server = settings.database_url if "database_url" in settings.model_fields_set else None
    async with stage(server) as scene:
        with connect_sync(scene.database_url, name="bench") as conn:
            for device in ("desk", "door"):
                put_device(conn, device_id=device, space_id=None)
            conn.execute("INSERT INTO reader (device_id, name, purpose) VALUES ('desk', 'desk', 'desk')")
        async with _hub(scene) as hub:
            samples = [await hub.enrol(number) for number in range(_WARM_UP + _PEOPLE)][_WARM_UP:]
    worst = max(sample.whole for sample in samples)
    ratio = round(TARGET_MS / worst, 3)
    figures: dict[str, Any] = {
        "engine": str(scene.version.engine),
        "broker": scene.broker,
        "cpus": os.cpu_count(),
        "samples": len(samples),
        "tap_to_desk_page_ms": round(statistics.median(sample.to_desk for sample in samples), 1),
        "form_ms": round(statistics.median(sample.form for sample in samples), 1),
        "form_to_door_ms": round(statistics.median(sample.to_door for sample in samples), 1),
        "whole_median_ms": round(statistics.median(sample.whole for sample in samples), 1),
        "whole_worst_ms": round(worst, 1),
    }
    return Outcome("enrol", figures, {"2000 ms over worst": ratio}, {"2000 ms over worst": 1.0}, ratio >= 1.0)


@asynccontextmanager
async def _hub(scene: Stage) -> AsyncIterator["_Hub"]:
    """Start the processes that an enrolment needs, and wait until the door's reader has its first list."""
    port = free_port()
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="hubwell-bench-keys-")))
        Keys(folder).newest_epoch()
        environment = {
            **scene.environment,
            "HUBWELL_HTTP_HOST": LOOPBACK,
            "HUBWELL_HTTP_PORT": str(port),
            "HUBWELL_KEYS_DIR": str(folder),
        }
        for part in ("ingest", "worker", "api"):
            await stack.enter_async_context(process(hubwell_command(part), environment))
        desk = await stack.enter_async_context(_source(scene, Topic("bench", "desk", Channel.CMD)))
        door = await stack.enter_async_context(_source(scene, _LISTS))
        for source in (desk, door):
            await asyncio.wait_for(source.ready(), _PATIENCE_S)
        with connect_sync(scene.database_url, name="bench") as conn:
            await until_subscribed(scene, conn, 1, device="door")
        await port_open(port)
        header, address = await _staff(scene.database_url), f"http://{LOOPBACK}:{port}"
        pages = httpx.AsyncClient(base_url=address, headers=header, timeout=_PATIENCE_S)
        hub = _Hub(desk, door, await stack.enter_async_context(pages))
        await hub.open_door()
        yield hub


def _source(scene: Stage, topic: Topic) -> MqttSource:
    return MqttSource(
        scene.broker_url, f"hubwell-bench-{topic.device}", [(str(topic), 1)], session_expiry_s=0
    )


async def _staff(url: str) -> dict[str, str]:
    """Return the request headers of a principal with the role staff."""
    soon = datetime.now(UTC) + timedelta(hours=1)
    async with connection(url, name="bench") as conn:
        _, token = await tokens.add(conn, name="bench", roles=[Role.STAFF], expires_at=soon)
    return {"authorization": f"Bearer {token}", "accept": "text/html"}


class _Hub:
    """Client of a running hub: the desk page, the desk's reader and the door's reader."""

    def __init__(self, desk: MqttSource, door: MqttSource, pages: httpx.AsyncClient) -> None:
        self._desk, self._door, self._pages = desk, door, pages
        self._boot, self._shown_links = uuid4(), set[str]()

    async def open_door(self) -> None:
        """Publish the door's description with its reader, as an agent does, and wait for the list.

        Raises TimeoutError.
        """
        meta = Meta(v=1, readers=(ReaderMeta(name="door"),))
        online = Status(v=1, state="online", boot=self._boot)
        await self._door.publish(str(Topic("bench", "door", Channel.META)), meta.encode(), retain=True)
        await self._door.publish(str(Topic("bench", "door", Channel.STATUS)), online.encode(), retain=True)
        async with asyncio.timeout(_PATIENCE_S):
            await self._door.batch(most=1, wait_s=0)

    async def enrol(self, number: int) -> _Enrolment:
        """Enrol an unknown badge and return the times. Raises TimeoutError, httpx.HTTPStatusError."""
        badge = f"{number + 1:032x}"
        async with asyncio.timeout(_PATIENCE_S), self._open_desk() as shown:
            began = time.perf_counter()
            await self._tap(number + 1, badge)
            link = await self._until_shown(shown)
            on_desk = time.perf_counter()
            (await self._pages.get(link)).raise_for_status()
            form = {"owner": "new", "name": f"Person {number}"}
            answer = await self._pages.post(link, data=form, follow_redirects=True)
            answer.raise_for_status()
            answered = time.perf_counter()
            await self._until_at_door(badge)
            at_door = time.perf_counter()
        return _Enrolment(
            1000 * (on_desk - began), 1000 * (answered - on_desk), 1000 * max(0.0, at_door - answered)
        )

    @asynccontextmanager
    async def _open_desk(self) -> AsyncIterator[AsyncIterator[str]]:
        """Open the desk page's event stream and yield its lines after the first list."""
        async with self._pages.stream("GET", "/desk/live") as answer:
            answer.raise_for_status()
            lines = answer.aiter_lines()
            async for line in lines:
                if line.startswith("data:"):
                    self._shown_links.update(_ENROL_LINK.findall(line))
                    break
            yield lines

    async def _tap(self, seq: int, badge: str) -> None:
        message = Tap(
            v=1,
            id=new_message_id(),
            boot=self._boot,
            seq=seq,
            ts=datetime.now(UTC),
            clock="synced",
            mono_ms=seq,
            type="tap",
            data=TapData(reader="desk", badge=badge, epoch=1),
        )
        await self._desk.publish(str(_DESK), message.encode())

    async def _until_shown(self, lines: AsyncIterator[str]) -> str:
        async for line in lines:
            for link in map(str, _ENROL_LINK.findall(line)):
                if link not in self._shown_links:
                    self._shown_links.add(link)
                    return link
        raise RuntimeError("the desk page's stream ended: the measurement is void")

    async def _until_at_door(self, badge: str) -> None:
        is_listed = False
        while not is_listed:
            deliveries = await self._door.batch(most=10, wait_s=0)
            self._door.acknowledge(deliveries)
            lists = (_roster(delivery.payload) for delivery in deliveries if delivery.payload)
            is_listed = any(badge in roster.badges for roster in lists)


def _roster(payload: bytes) -> Roster:
    return Roster.model_validate_json(SealedRoster.model_validate_json(payload).body)
