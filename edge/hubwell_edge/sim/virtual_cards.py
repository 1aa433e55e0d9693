"""Virtual cards: a page of the demonstration holds one to a simulated door, whose device sends the tap.

The tap goes the way of every tap: outbox, uplink, broker, ingest; what comes back is the answer that a reader
would show. Requests come in through a Unix socket that only this user can open, one line of JSON each:
``{"device": "wood-workshop-1", "card": 1}``. There is one only where `hubwell up` asks for it.
"""

import asyncio
import json
import logging
import os
import socket
import stat
import time
from collections import OrderedDict
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Annotated, Any, Final

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from hubwell_edge.clock import Clock
from hubwell_edge.outbox.message import draft_event
from hubwell_edge.outbox.thread import OutboxThread
from hubwell_edge.sim.hub import DOOR
from hubwell_edge.taps.local_presence import Number
from hubwell_wire.commands import Answer
from hubwell_wire.messages import TapData
from hubwell_wire.pseudonym import EpochKey, proof, pseudonym

logger: Final = logging.getLogger(__name__)

CARDS: Final = 3
_ANSWER_WITHIN_S: Final = 5.0
_MOST_EARLY: Final = 16
_LONGEST_LINE: Final = 1024
_READ_WITHIN_S: Final = 5.0


class Hold(BaseModel):
    """A request: which card is held to the reader of which device."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    device: str
    card: Annotated[int, Field(ge=1, le=CARDS)]


class VirtualReader:
    """The reader of one simulated device, for virtual cards; `run_device` connects it to the device."""

    def __init__(self, key: EpochKey) -> None:
        self._key = key
        self._outbox: OutboxThread | None = None
        self._clock: Clock | None = None
        self._waiting: dict[Number, asyncio.Future[Answer]] = {}
        self._early: OrderedDict[Number, Answer] = OrderedDict()

    def connect(self, outbox: OutboxThread, clock: Clock) -> None:
        """Send through this outbox from now on."""
        self._outbox, self._clock = outbox, clock

    def answered(self, answer: Answer) -> None:
        """Take an answer of the server; those to the taps of simulated people are not waited for."""
        number = (answer.boot, answer.seq)
        waiting = self._waiting.pop(number, None)
        if waiting is None:  # it may have come before the tap's number was known here
            self._early[number] = answer
            while len(self._early) > _MOST_EARLY:
                self._early.popitem(last=False)
        elif not waiting.done():
            waiting.set_result(answer)

    async def hold(self, card: int) -> dict[str, Any]:
        """Send the tap of a card and wait for the answer; without one, the answer's fields are left out."""
        if self._outbox is None or self._clock is None:
            return {"error": "not-ready"}
        uid = _number_of(card)
        data = TapData(
            reader=DOOR.name,
            badge=pseudonym(uid, self._key),
            epoch=self._key.epoch,
            proof=proof(uid, self._key),
        )
        begun = time.monotonic()
        number = await self._outbox.put_event(draft_event(data, self._clock.now()))
        if number is None:
            return {"error": "disk"}
        sent: dict[str, Any] = {"boot": str(number[0]), "seq": number[1]}
        answer = await self._answer_to(number)
        if answer is None:
            return sent
        spent = round((time.monotonic() - begun) * 1000)
        return sent | {"verdict": answer.verdict, "text": answer.text, "lang": answer.lang, "ms": spent}

    async def _answer_to(self, number: Number) -> Answer | None:
        early = self._early.pop(number, None)
        if early is not None:
            return early
        waiting: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self._waiting[number] = waiting
        try:
            async with asyncio.timeout(_ANSWER_WITHIN_S):
                return await waiting
        except TimeoutError:
            return None
        finally:
            self._waiting.pop(number, None)


@asynccontextmanager
async def serving(path: Path, readers: Mapping[str, VirtualReader]) -> AsyncIterator[None]:
    """Answer requests at a socket of this user; without a folder of their own, none are answered."""

    async def answer(incoming: asyncio.StreamReader, outgoing: asyncio.StreamWriter) -> None:
        with suppress(OSError, TimeoutError, ValueError):
            async with asyncio.timeout(_READ_WITHIN_S):
                line = await incoming.readline()
            outgoing.write(json.dumps(await _result(line, readers)).encode() + b"\n")
            await outgoing.drain()
        outgoing.close()

    try:
        listening = _listen(path)
    except OSError as error:
        logger.warning("no virtual cards: %s", error, extra={"action": "no-virtual-cards"})
        yield
        return
    server = await asyncio.start_unix_server(answer, sock=listening, limit=_LONGEST_LINE)
    try:
        yield
    finally:
        server.close()
        _remove(path)


async def _result(line: bytes, readers: Mapping[str, VirtualReader]) -> dict[str, Any]:
    try:
        wanted = Hold.model_validate_json(line)
    except ValidationError:
        return {"error": "unreadable"}
    reader = readers.get(wanted.device)
    return {"error": "no-such-door"} if reader is None else await reader.hold(wanted.card)


def _listen(path: Path) -> socket.socket:
    """Bind a socket that only this user can open. Raises OSError, also for a folder of somebody else."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    folder = path.parent.lstat()
    if not stat.S_ISDIR(folder.st_mode) or folder.st_uid != os.geteuid():
        raise PermissionError(f"{path.parent} is not a folder of this user")
    _remove(path)  # of a simulation that was killed
    listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    before = os.umask(0o177)
    try:
        listening.bind(str(path))
    except OSError:
        listening.close()
        raise
    finally:
        os.umask(before)
    return listening


def _remove(path: Path) -> None:
    with suppress(FileNotFoundError):
        path.unlink()


def _number_of(card: int) -> bytes:
    """Return the made-up number of a virtual card; the first byte is the manufacturer code of NXP."""
    return b"\x04HWTRY" + bytes([card])
