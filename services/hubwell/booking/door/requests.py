"""What was pressed at a panel, and waits there for a badge at the reader of the space."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Final, Literal
from uuid import UUID

from psycopg import AsyncConnection
from psycopg.rows import dict_row

from hubwell.storage.queries import Queries

_SQL: Final = Queries("hubwell.booking.door")
WAITS: Final = timedelta(seconds=30)
"""How long a request waits for a badge."""
_ON_THE_WAY: Final = timedelta(seconds=5)
"""How long a tap may take to the server, and how far the clock of a reader may be off."""
_DONE: Final = "done"
Conn = AsyncConnection[Any]
State = Literal["waiting", "done", "refused", "expired"]


class Wish(StrEnum):
    """What a person wants of a space at its door."""

    TAKE = "take"
    EXTEND = "extend"
    END = "end"


@dataclass(frozen=True, slots=True)
class DoorRequest:
    """A request that waits for a badge. `minutes` is how long, or how much longer; 0 to end."""

    space_id: str
    id: UUID
    wish: Wish
    minutes: int
    asked_at: datetime
    expires_at: datetime

    def is_answered_by(self, tapped_at: datetime) -> bool:
        """Return whether a tap of this time, as its reader noted it, came after the request and in time."""
        return self.asked_at - _ON_THE_WAY <= tapped_at <= self.expires_at + _ON_THE_WAY


@dataclass(frozen=True, slots=True)
class DoorAnswer:
    """What became of a request. `refusal` is the code of a refusal, `part` the name of the part taken."""

    request: DoorRequest
    state: State
    refusal: str = ""
    until: datetime | None = None
    part: str = ""


async def ask(conn: Conn, space_id: str, wish: Wish, minutes: int, now: datetime) -> DoorRequest:
    """Let a request wait at a space, in place of an earlier one."""
    until = now + WAITS
    values = {"space": space_id, "wish": wish, "minutes": minutes, "now": now, "until": until}
    row = await (await conn.execute(_SQL["ask"], values)).fetchone()
    assert row is not None  # noqa: S101 (INSERT … RETURNING gives a row)
    return DoorRequest(space_id, row[0], wish, minutes, now, until)


async def waiting(conn: Conn, space_ids: Sequence[str], now: datetime) -> dict[str, DoorRequest]:
    """Return the requests that wait at these spaces, locked until the transaction ends."""
    values = {"spaces": list(space_ids), "since": now - _ON_THE_WAY}
    rows = await (await conn.execute(_SQL["waiting"], values)).fetchall()
    return {row[0]: DoorRequest(row[0], row[1], Wish(row[2]), *row[3:]) for row in rows}


async def grant(conn: Conn, request: DoorRequest, until: datetime, part: str) -> None:
    """Note that a request was done."""
    await _answer(conn, request, _DONE, until, part)


async def refuse(conn: Conn, request: DoorRequest, code: str) -> None:
    """Note why a request was refused."""
    await _answer(conn, request, code, None, "")


async def answer_to(conn: Conn, space_id: str, request_id: UUID, now: datetime) -> DoorAnswer | None:
    """Return what became of a request; None where another one took its place."""
    cursor = conn.cursor(row_factory=dict_row)
    row = await (await cursor.execute(_SQL["request"], {"space": space_id, "id": request_id})).fetchone()
    if row is None:
        return None
    answer, until, part = (row.pop(name) for name in ("answer", "until", "part"))
    request = DoorRequest(**row | {"wish": Wish(row["wish"])})
    if answer == _DONE:
        return DoorAnswer(request, "done", until=until, part=part)
    if answer:
        return DoorAnswer(request, "refused", answer)
    return DoorAnswer(request, "expired" if request.expires_at + _ON_THE_WAY <= now else "waiting")


async def _answer(conn: Conn, request: DoorRequest, answer: str, until: datetime | None, part: str) -> None:
    values = {"space": request.space_id, "id": request.id, "answer": answer, "until": until, "part": part}
    await conn.execute(_SQL["answer"], values)
