"""The audit log: actions on people's data with their actors, as a hash chain that reveals every change.

Each entry holds the hash of the one before and its own:

    hash = SHA-256( UTF-8 of the JSON array
        [id, at, actor, action, subject, detail, previous] )

with `at` in UTC as ``YYYY-MM-DDTHH:MM:SS.ffffffZ``, `previous` in lower-case hexadecimal, the keys of
`detail` sorted, and ``,`` and ``:`` as separators without spaces; all of it is ASCII. Ids begin at 1 and
rise by 1; the first entry's `previous` is `GENESIS`. The chain reveals a changed, removed or inserted entry;
compared with a head noted elsewhere, it also reveals a truncated or rewritten log.

Before retention deletes the oldest entries, an entry ``audit-log.trimmed`` records the number and the hash of
the last of them, and the chain begins there.
"""

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple
from uuid import UUID

from psycopg import AsyncConnection
from psycopg.types.json import Jsonb

from hubwell.storage.queries import Queries

GENESIS: Final = hashlib.sha256(b"hubwell audit log 1").digest()
"""The `previous` hash of the first entry."""
TRIMMED: Final = "audit-log.trimmed"
_SQL: Final = Queries("hubwell.audit")
_ACTION: Final = re.compile(r"[a-z]+(-[a-z]+)*(\.[a-z]+(-[a-z]+)*)+")
_WHO: Final = re.compile(r"[a-z]+(-[a-z]+)*(:[a-z0-9][a-z0-9./-]{0,127})?")
_WORD: Final = re.compile(r"[a-z0-9][a-z0-9.:_-]{0,63}")
_KEY: Final = re.compile(r"[a-z][a-z0-9_]{0,39}")
_PSEUDONYM: Final = re.compile(r"(?<![0-9a-f])([0-9a-f]{32}|[0-9a-f]{14})(?![0-9a-f])")
_HEXADECIMAL: Final = re.compile(r"[0-9a-f]{13}(?=[0-9a-f])")
_PERSONAL: Final = frozenset(
    (
        "badge",
        "email",
        "label",
        "login",
        "mail",
        "name",
        "password",
        "phone",
        "pseudonym",
        "title",
        "token",
        "uid",
    )
)
_LARGEST: Final = 2**53
"""Every JSON parser reads integers up to here exactly."""

Value = str | int | bool | datetime | UUID | Sequence[str] | None


class AuditContentError(ValueError):
    """Content that the audit log does not accept; the text names the field and what is accepted."""


class Link(NamedTuple):
    """A place in the chain: the number of an entry and its hash."""

    id: int
    hash: bytes

    def __str__(self) -> str:
        """Return it as ``17:9f86d0…``, to be noted outside of the database."""
        return f"{self.id}:{self.hash.hex()}"

    @classmethod
    def parse(cls, text: str) -> "Link":
        """Parse a noted head. Raises ValueError."""
        match = re.fullmatch(r"(\d{1,18}):([0-9a-fA-F]{64})", text.strip())
        if match is None:
            raise ValueError("a head is written as NUMBER:HASH, as `hubwell audit-log head` prints it")
        return cls(int(match[1]), bytes.fromhex(match[2]))


class Entry(NamedTuple):
    """One entry of the log, as it is stored."""

    id: int
    at: datetime
    actor: str
    action: str
    subject: str
    detail: dict[str, Any]
    previous: bytes
    hash: bytes


@dataclass(frozen=True, slots=True)
class ChainCheck:
    """Result of `verify`. `broken` is the number of the first broken entry; None for a valid chain.

    `entries` is the number of valid entries, `head` the last of them.
    """

    entries: int
    head: Link
    broken: int | None = None
    why: str = ""


async def record(
    conn: AsyncConnection[Any],
    *,
    actor: str,
    action: str,
    subject: str = "",
    detail: Mapping[str, Value] | None = None,
) -> int:
    """Add an entry in the caller's transaction and return its number.

    `actor` and `subject` are a kind with an id (``account:UUID``, ``reader:pi-1/door``) or one word
    (``worker``, ``cli``); `action` is dotted (``person.enrolled``); `detail` has short lower-case words,
    whole numbers, times and ids. Call it last in a transaction: it holds a lock until the commit, which lets
    one transaction at a time add entries. Raises AuditContentError for names, pseudonyms and the like.
    """
    content = _content(actor, action, subject, detail or {})
    await conn.execute(_SQL["lock"])
    row = await (await conn.execute(_SQL["head"])).fetchone()
    before = Link(*row) if row else Link(0, GENESIS)
    at = datetime.now(UTC)
    entry = Entry(before.id + 1, at, *content, before.hash, b"")
    values = entry._replace(hash=hash_of(entry))._asdict()
    await conn.execute(_SQL["add"], {**values, "detail": Jsonb(entry.detail)})
    return entry.id


def plain_id(key: str) -> str:
    """Return an id as a subject holds it: one that looks like a pseudonym is written with dots in it."""
    return _HEXADECIMAL.sub(r"\g<0>.", key)


def hash_of(entry: Entry) -> bytes:
    """Return the hash that an entry must have, as the module's docstring defines it."""
    at = entry.at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    content = [entry.id, at, entry.actor, entry.action, entry.subject, entry.detail, entry.previous.hex()]
    return hashlib.sha256(json.dumps(content, sort_keys=True, separators=(",", ":")).encode()).digest()


async def head(conn: AsyncConnection[Any]) -> Link:
    """Return the newest link; noted elsewhere, it later reveals a truncated log."""
    row = await (await conn.execute(_SQL["head"])).fetchone()
    return Link(*row) if row else Link(0, GENESIS)


async def newest(
    conn: AsyncConnection[Any],
    most: int,
    *,
    kinds: Sequence[str] | None = None,
    actor: str | None = None,
    before: datetime | None = None,
) -> list[Entry]:
    """Return at most `most` entries, the newest first.

    `kinds` are first words of actions (``muster``), `actor` is one actor, `before` a time; None means all.
    """
    chosen = {"kinds": None if kinds is None else list(kinds), "actor": actor, "before": before}
    rows = await (await conn.execute(_SQL["newest"], {"most": most, **chosen})).fetchall()
    return [Entry(*row) for row in rows]


async def actors(conn: AsyncConnection[Any]) -> list[str]:
    """Return every actor in the log."""
    return [row[0] for row in await (await conn.execute(_SQL["actors"])).fetchall()]


async def verify(
    conn: AsyncConnection[Any], noted: Link | None = None, *, newest: int | None = None
) -> ChainCheck:
    """Check the chain, whole or its `newest` entries only, and that it still holds the `noted` link.

    Entries are read through a cursor in one transaction: the log may be larger than the memory.
    """
    trims = await (await conn.execute(_SQL["trims"], {"action": TRIMMED})).fetchall()
    beginnings = {(int(upto), bytes.fromhex(digest)) for upto, digest in trims} | {(0, GENESIS)}
    before, count = await _link_before(conn, newest), 0
    async with conn.transaction(), conn.cursor(name="audit_log") as cursor:
        await cursor.execute(_SQL["after"], {"id": before.id if before else None})
        async for row in cursor:
            entry = Entry(*row)
            if before is None:
                before = _beginning(entry, beginnings)
            why = _broken(entry, before, noted)
            if why:
                return ChainCheck(count, before, entry.id, why)
            before, count = Link(entry.id, entry.hash), count + 1
    end = before or Link(0, GENESIS)
    if noted is not None and noted.id > end.id:
        return ChainCheck(count, end, end.id + 1, f"it is missing: the log was noted up to entry {noted.id}")
    return ChainCheck(count, end)


async def _link_before(conn: AsyncConnection[Any], newest: int | None) -> Link | None:
    """Return the link before the newest entries; None where the log has no more entries."""
    if newest is None:
        return None
    row = await (await conn.execute(_SQL["link_before"], {"newest": newest})).fetchone()
    return Link(*row) if row else None


async def trim(conn: AsyncConnection[Any], before: datetime) -> int:
    """Delete the entries before a time and return their number; the new beginning is recorded first."""
    row = await (await conn.execute(_SQL["last_before"], {"before": before})).fetchone()
    if row is None:
        return 0
    last = Link(*row)
    await record(conn, actor="worker", action=TRIMMED, detail={"upto": last.id, "hash": last.hash.hex()})
    return (await conn.execute(_SQL["delete_upto"], {"id": last.id})).rowcount


def _beginning(first: Entry, beginnings: set[tuple[int, bytes]]) -> Link:
    """Return the link that the first entry must follow: where the log was last trimmed, or the genesis."""
    return Link(*next((link for link in beginnings if link[0] == first.id - 1), (0, GENESIS)))


def _broken(entry: Entry, before: Link, noted: Link | None) -> str:
    if entry.id != before.id + 1:
        return f"entry {before.id + 1} should come before it and was removed"
    if entry.previous != before.hash:
        return "it does not follow from the entry before it"
    if hash_of(entry) != entry.hash:
        return "its content was changed after it was written"
    if noted is not None and noted.id == entry.id and noted.hash != entry.hash:
        return "it is not the entry that was noted: the log was rewritten"
    return ""


def _content(
    actor: str, action: str, subject: str, detail: Mapping[str, Value]
) -> tuple[str, str, str, dict[str, Any]]:
    if not _ACTION.fullmatch(action):
        raise AuditContentError(f"action {action!r}: write dotted lower-case words, as in 'person.enrolled'")
    for who in (actor, subject):
        if (who or who is actor) and (not _WHO.fullmatch(who) or _PSEUDONYM.search(who)):
            raise AuditContentError("an actor or subject is a kind and an id, as in 'account:UUID'")
    return actor, action, subject, {key: _plain(key, value) for key, value in detail.items()}


def _plain(key: str, value: object) -> object:
    """Return a value as it is stored in JSON. Raises AuditContentError, whose text omits the value."""
    if not _KEY.fullmatch(key) or key in _PERSONAL:
        raise AuditContentError(f"detail {key!r}: the audit log holds no names, labels, badges or secrets")
    match value:
        case None | bool():
            return value
        case int() if abs(value) <= _LARGEST:
            return value
        case datetime() if value.tzinfo is not None:
            return value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        case UUID():
            return str(value)
        case str() if _is_word(key, value):
            return str(value)
        case list() | tuple() | set() | frozenset() if all(isinstance(item, str) for item in value):
            return sorted(str(_plain(key, item)) for item in value)
        case _:
            raise AuditContentError(
                f"detail {key!r}: give a short lower-case word, a whole number, a time or an id"
            )


def _is_word(key: str, text: str) -> bool:
    if key == "hash":
        return re.fullmatch(r"[0-9a-f]{64}", text) is not None
    return bool(_WORD.fullmatch(text)) and not _PSEUDONYM.search(text)
