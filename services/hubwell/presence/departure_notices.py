"""Notify a door's device that a visit ended elsewhere, so that its offline state is right.

A visit ends without a tap at its door when the person moves, is checked out at the desk, or is forgotten at
closing. The device would still count them as inside, and answer "out" when they come back while the server
is away. It gets a second answer to the tap that began the visit: out. That needs the tap's number and nothing
about the person.
"""

import logging
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from psycopg import AsyncConnection

from hubwell.errors import DomainError
from hubwell.events import DoorLeft, TapAnswered
from hubwell.keys import Keys
from hubwell.mqtt.device_messages import BrokerUnavailableError, DeviceMessages
from hubwell.mqtt.order_signature import sign_order
from hubwell.presence.visit_store import TapNumber
from hubwell.settings import Settings
from hubwell.storage.connect import connection
from hubwell.storage.notify import Channel, listen
from hubwell.storage.queries import Queries
from hubwell.storage.retry import WarnOnce
from hubwell.vocabulary import LONGEST_VISIT
from hubwell_wire import topics
from hubwell_wire.commands import Answer

_LOG: Final = logging.getLogger(__name__)
_SQL: Final = Queries("hubwell.presence")
AGAIN: Final = timedelta(minutes=15)
"""How long departures at closing are repeated, every five minutes: a publish may be lost."""


async def answers(conn: AsyncConnection[Any], left: Sequence[TapNumber]) -> list[TapAnswered]:
    """Return the answers for the devices of these taps; they have no text, because no person waits there."""
    if not left:
        return []
    streams, seqs = zip(*left, strict=True)
    cursor = await conn.execute(_SQL["doors_of"], {"streams": list(streams), "seqs": list(seqs)})
    return [
        TapAnswered(device_id=device, boot=boot, seq=seq, verdict="out", text="", language="en")
        for device, boot, seq in await cursor.fetchall()
    ]


def doors_left(left: Iterable[TapNumber]) -> list[DoorLeft]:
    """Return the facts by which the worker sends word to the devices, for callers without a link to them."""
    return [DoorLeft(stream_id=stream, seq=seq) for stream, seq in left]


async def doors_left_at_closing(conn: AsyncConnection[Any], now: datetime) -> list[DoorLeft]:
    """Return the doors of visits that the clock ended, once a tap there is no late leaver's any more.

    The same ones are returned again at each turn for a while.
    """
    values = {"since": now - LONGEST_VISIT - AGAIN, "until": now - LONGEST_VISIT}
    return doors_left(await (await conn.execute(_SQL["doors_left_at_closing"], values)).fetchall())


async def tell_doors(settings: Settings, link: DeviceMessages) -> None:
    """Inform devices of departures as the database notifies of them, until cancelled: a task of the worker.

    A departure while database or broker are away is not repeated: such a device answers "out" where "in"
    would be right, until its next answer, and at most until `LONGEST_VISIT` has passed.
    """
    warn = WarnOnce(_LOG, "devices are not informed of departures: %s", action="left")

    async def receive(_: Channel, payload: str) -> None:
        stream, seq = map(int, payload.split())
        async with connection(settings.database_url, name="left-read") as conn:
            departures = await answers(conn, [(stream, seq)])
        try:
            key = Keys(settings.keys_dir).order_key()
            for departure in departures:
                topic = topics.Topic(settings.site, departure.device_id, topics.Channel.CMD)
                order = sign_order(topic, _out(departure), key, datetime.now(UTC))
                await link.publish(str(topic), order)
            warn.clear()
        except (BrokerUnavailableError, DomainError) as error:
            warn(error)

    await listen(settings.database_url, [Channel.DEPARTURES], receive, name="left")


def _out(answered: TapAnswered) -> Answer:
    return Answer(v=1, type="answer", boot=answered.boot, seq=answered.seq, verdict=answered.verdict)
