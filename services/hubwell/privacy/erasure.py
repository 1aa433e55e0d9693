"""Erase a person: everything goes in one transaction, what is left is counted, and nothing of it comes back.

What stays are figures that were published of groups, the entries of the audit log (an id that refers to
nobody any more), and for two weeks a salted hash of each badge, by which a late message is dropped unread.
Backups made before still hold the person until they are deleted: how long they are kept is the hub's to say.
"""

import hashlib
import json
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from uuid import UUID

from psycopg import AsyncConnection

from hubwell.audit import log
from hubwell.storage.queries import Queries

TOMBSTONE: Final = timedelta(days=14)
"""How long a device may have been away whose late messages of an erased badge are still recognised."""
_SALT_BYTES: Final = 16
_SQL: Final = Queries("hubwell.privacy", "erasure.sql")


class NoSuchPersonError(Exception):
    """There is nobody with this id: erased already, or never there."""


@dataclass(frozen=True, slots=True)
class Proof:
    """What was erased. `number` is that of the row in the table of deletions; `left_over` has to be 0."""

    number: int
    at: datetime
    deleted: dict[str, int]
    left_over: int

    @property
    def rows(self) -> int:
        """How many rows were deleted or emptied."""
        return sum(self.deleted.values())


async def erase_person(
    conn: AsyncConnection[Any], person_id: UUID, *, actor: str, with_account: bool = False
) -> Proof:
    """Erase a person and, if asked, the accounts linked to them; in the caller's transaction.

    An account that stays is only no longer linked. Devices hear of it after the commit: their lists are made
    anew and what waits on them is deleted. Raises NoSuchPersonError.
    """
    values: dict[str, Any] = {"person": person_id}
    if await (await conn.execute(_SQL["lock_person"], values)).fetchone() is None:
        raise NoSuchPersonError("there is nobody with this id")
    now = datetime.now(UTC)
    values |= await _traces(conn, person_id)
    spaces = [row[0] for row in await (await conn.execute(_SQL["open_spaces"], values)).fetchall()]
    deleted = await _delete(conn, values, with_account=with_account)
    await _add_tombstones(conn, values["badges"], now + TOMBSTONE)
    left = sum((await _counted(conn, "left_over", values)).values())
    proof = await _prove(conn, deleted, left, now)
    await conn.execute(_SQL["announce"], {"spaces": json.dumps({"spaces": spaces})})
    await log.record(
        conn,
        actor=actor,
        action="person.erased",
        subject=f"person:{person_id}",
        detail={"proof": proof.number, "rows": proof.rows, "left_over": left, "account": with_account},
    )
    return proof


async def _traces(conn: AsyncConnection[Any], person_id: UUID) -> dict[str, Any]:
    """Return by what a row or a text is recognised as the person's."""
    values = {"person": person_id}
    badges = [bytes(row[0]) for row in await (await conn.execute(_SQL["pseudonyms"], values)).fetchall()]
    signing = await (await conn.execute(_SQL["has_signing_card"], values)).fetchone()
    words = [str(person_id), *(badge.hex() for badge in badges)]
    return {
        "badges": badges,
        "signing": bool(signing and signing[0]),
        "words": words,
        "texts": [word.encode() for word in words],
    }


async def _delete(
    conn: AsyncConnection[Any], values: dict[str, Any], *, with_account: bool
) -> dict[str, int]:
    """Delete and return what was there, by class; most of it goes with the person's own row."""
    deleted = await _counted(conn, "holdings", values)
    deleted["desk-tap"] = (await conn.execute(_SQL["delete_desk_taps"], values)).rowcount
    deleted["rejected"] = (await conn.execute(_SQL["empty_payloads"], values)).rowcount
    if with_account:
        deleted["account"] = (await conn.execute(_SQL["delete_accounts"], values)).rowcount
    await conn.execute(_SQL["delete_person"], values)
    return {kind: rows for kind, rows in deleted.items() if rows}


async def _counted(conn: AsyncConnection[Any], query: str, values: dict[str, Any]) -> dict[str, int]:
    return {str(kind): int(rows) for kind, rows in await (await conn.execute(_SQL[query], values)).fetchall()}


async def _add_tombstones(conn: AsyncConnection[Any], badges: list[bytes], until: datetime) -> None:
    for badge in badges:
        salt = secrets.token_bytes(_SALT_BYTES)
        tag = hashlib.sha256(salt + badge).digest()
        await conn.execute(_SQL["bury"], {"salt": salt, "tag": tag, "until": until})


async def _prove(conn: AsyncConnection[Any], deleted: dict[str, int], left: int, now: datetime) -> Proof:
    values = {
        "class": "person",
        "why": "erasure",
        "rows": sum(deleted.values()),
        "left_over": left,
        "at": now,
    }
    row = await (await conn.execute(_SQL["prove"], values)).fetchone()
    if row is None:
        raise RuntimeError("an INSERT with RETURNING gave no row")
    return Proof(int(row[0]), now, deleted, left)
