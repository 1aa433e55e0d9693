"""Doors that somebody left without a tap there: moved, checked out by others, forgotten at closing.

Their devices go on holding the person for inside, and would say "out" to who comes back while the server is
away. Each is told once more what became of the tap that brought the person in: they are out. Only the
tap's number is needed for that, never whose it is.
"""

import asyncio
import logging
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

import psycopg
from psycopg import AsyncConnection

from hubwell.events import DoorLeft, TapAnswered
from hubwell.mqtt.publisher import BrokerUnavailableError, DevicePublisher
from hubwell.presence.rules import LATE_LEAVER
from hubwell.presence.visit_store import TapNumber
from hubwell.settings import Settings
from hubwell.storage.connect import connect
from hubwell.storage.queries import Queries
from hubwell.vocabulary import OPEN_VISIT_IGNORED_AFTER
from hubwell_wire.commands import Answer
from hubwell_wire.topics import Channel, Topic

_LOG: Final = logging.getLogger(__name__)
_SQL: Final = Queries("hubwell.presence")
AGAIN: Final = timedelta(minutes=15)
"""How long those who were forgotten at closing are told of, every five minutes: a publish may be lost."""
_PAUSE_S: Final = 2.0


async def answers(conn: AsyncConnection[Any], left: Sequence[TapNumber]) -> list[TapAnswered]:
    """Return what the devices of these taps have to be told; nothing is said to anybody there."""
    if not left:
        return []
    streams, seqs = zip(*left, strict=True)
    found = await conn.execute(_SQL["doors_of"], {"streams": list(streams), "seqs": list(seqs)})
    return [
        TapAnswered(device_id=device, boot=boot, seq=seq, verdict="out", text="", language="en")
        for device, boot, seq in await found.fetchall()
    ]


def doors_left(left: Iterable[TapNumber]) -> list[DoorLeft]:
    """Return the facts by which the worker sends word to the devices, for callers without a link to them."""
    return [DoorLeft(stream_id=stream, seq=seq) for stream, seq in left]


async def doors_left_at_closing(conn: AsyncConnection[Any], now: datetime) -> list[DoorLeft]:
    """Return the doors of visits that closing time ended, once a tap there is no late leaver's any more.

    The same ones are returned again at each turn for a while.
    """
    values = {
        "since": now - LATE_LEAVER - AGAIN,
        "until": now - LATE_LEAVER,
        "born": now - OPEN_VISIT_IGNORED_AFTER,
    }
    return doors_left(await (await conn.execute(_SQL["doors_left_at_closing"], values)).fetchall())


async def tell_doors(settings: Settings, link: DevicePublisher) -> None:
    """Tell devices what the database notifies of, until cancelled: a task of the worker.

    What happens while database or broker are away is not told later: such a device says "out" where "in"
    would be right, until its next answer, and at most for `OPEN_VISIT_IGNORED_AFTER`.
    """
    told = ""
    while True:
        await link.connected()
        try:
            await _listen(settings, link)
        except (psycopg.Error, BrokerUnavailableError) as error:
            reason = str(error).strip().partition("\n")[0]
            if reason != told:
                _LOG.warning("doors that people left are not told: %s", reason, extra={"action": "left"})
            told = reason
        await asyncio.sleep(_PAUSE_S)


async def _listen(settings: Settings, link: DevicePublisher) -> None:
    async with await connect(settings.database_url, name="left") as conn:
        await conn.execute(_SQL["listen_left"])
        async with await connect(settings.database_url, name="left-read") as other:
            async for notice in conn.notifies():
                stream, seq = notice.payload.split()
                for told in await answers(other, [(int(stream), int(seq))]):
                    topic = Topic(settings.site, told.device_id, Channel.CMD)
                    await link.publish(str(topic), _out(told).encode())


def _out(told: TapAnswered) -> Answer:
    return Answer(v=1, type="answer", boot=told.boot, seq=told.seq, verdict=told.verdict)
