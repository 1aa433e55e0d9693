"""The audit log: whole while nobody touches it, and every way of touching it shows."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest

from hubwell.audit import log
from hubwell.audit.log import AuditContentError, Entry, Link
from hubwell.storage.connect import connect
from lanes.database_lane import Database

VECTOR = "d85b4017a66ae29a545a41f01e7ed5d0f622c5bfef4cec336ffb3d27133cf48e"
Conn = psycopg.AsyncConnection[Any]


@pytest.fixture
async def conn(database: Database) -> AsyncIterator[Conn]:
    async with await connect(database.url, name="test") as conn:
        yield conn


async def write(conn: Conn, entries: int) -> None:
    for number in range(entries):
        async with conn.transaction():
            await log.record(
                conn, actor="cli", action="person.enrolled", subject=f"person:{uuid4()}", detail={"n": number}
            )


async def test_untouched_log_is_whole(conn: Conn) -> None:
    assert await log.verify(conn) == log.ChainCheck(0, Link(0, log.GENESIS))
    await write(conn, 5)

    verdict = await log.verify(conn)

    assert (verdict.entries, verdict.broken, verdict.head.id) == (5, None, 5)
    assert verdict.head == await log.head(conn)
    assert [entry.id for entry in await log.newest(conn, 2)] == [5, 4]


async def test_rolled_back_entry_leaves_no_hole(conn: Conn) -> None:
    await write(conn, 1)
    async with conn.transaction(force_rollback=True):
        await log.record(conn, actor="worker", action="retention.ran")
    await write(conn, 1)

    assert (await log.verify(conn)).head.id == 2


async def test_two_writers_at_once_make_one_chain(database: Database) -> None:
    async def writer() -> None:
        async with await connect(database.url, name="test") as conn:
            await write(conn, 10)

    await asyncio.gather(writer(), writer(), writer())

    async with await connect(database.url, name="test") as conn:
        verdict = await log.verify(conn)
    assert (verdict.entries, verdict.broken) == (30, None)


CHANGES = [
    ("UPDATE audit_entry SET action = 'person.renamed' WHERE id = 3", 3, "changed"),
    ("UPDATE audit_entry SET actor = 'worker' WHERE id = 3", 3, "changed"),
    ("UPDATE audit_entry SET subject = '' WHERE id = 3", 3, "changed"),
    ("UPDATE audit_entry SET at = at + interval '1 microsecond' WHERE id = 3", 3, "changed"),
    ("UPDATE audit_entry SET detail = detail || '{\"n\": 7}' WHERE id = 3", 3, "changed"),
    ("UPDATE audit_entry SET hash = sha256('') WHERE id = 3", 3, "changed"),
    ("UPDATE audit_entry SET previous = sha256('') WHERE id = 3", 3, "does not follow"),
    ("DELETE FROM audit_entry WHERE id = 3", 4, "removed"),
    ("DELETE FROM audit_entry WHERE id <= 2", 3, "removed"),
    (
        (
            "INSERT INTO audit_entry SELECT 7, at, actor, action, subject, detail, previous, hash "
            "FROM audit_entry WHERE id = 6"
        ),
        7,
        "does not follow",
    ),
    (
        (
            "INSERT INTO audit_entry SELECT 0, at, actor, action, subject, detail, previous, hash "
            "FROM audit_entry WHERE id = 1"
        ),
        0,
        "removed",
    ),
]


@pytest.mark.parametrize(("change", "broken", "why"), CHANGES)
async def test_change_shows_at_its_first_entry(conn: Conn, change: str, broken: int, why: str) -> None:
    await write(conn, 6)
    await conn.execute(change.encode())

    verdict = await log.verify(conn)

    assert verdict.broken == broken
    assert why in verdict.why


async def test_entry_put_in_between_shows(conn: Conn) -> None:
    await write(conn, 4)
    await conn.execute("UPDATE audit_entry SET id = id + 100 WHERE id > 2")
    await conn.execute("UPDATE audit_entry SET id = id - 99 WHERE id > 100")
    await conn.execute(
        "INSERT INTO audit_entry SELECT 3, at, actor, action, subject, detail, previous, hash "
        "FROM audit_entry WHERE id = 2"
    )

    assert (await log.verify(conn)).broken == 3


async def test_cut_off_end_shows_against_a_noted_head(conn: Conn) -> None:
    await write(conn, 6)
    noted = Link.parse(str(await log.head(conn)))
    await write(conn, 1)
    assert (await log.verify(conn, noted)).broken is None
    await conn.execute("DELETE FROM audit_entry WHERE id > 4")

    assert (await log.verify(conn)).broken is None
    verdict = await log.verify(conn, noted)
    assert verdict.broken == 5
    assert "noted up to entry 6" in verdict.why


async def test_log_written_anew_shows_against_a_noted_head(conn: Conn) -> None:
    await write(conn, 3)
    noted = await log.head(conn)
    await conn.execute("TRUNCATE audit_entry")
    await write(conn, 4)

    assert (await log.verify(conn)).broken is None
    assert (await log.verify(conn, noted)).broken == 3


async def test_trimmed_log_is_whole_and_its_new_beginning_is_held(conn: Conn) -> None:
    await write(conn, 5)
    async with conn.transaction():
        assert await log.trim(conn, datetime.now(UTC) + timedelta(minutes=1)) == 5
    await write(conn, 3)
    verdict = await log.verify(conn)
    assert (verdict.entries, verdict.broken, verdict.head.id) == (4, None, 9)

    await conn.execute("DELETE FROM audit_entry WHERE id = 6")
    assert (await log.verify(conn)).broken == 7


async def test_newest_entries_are_examined_alone(conn: Conn) -> None:
    await write(conn, 6)
    await conn.execute("UPDATE audit_entry SET actor = 'worker' WHERE id = 2")
    assert (await log.verify(conn)).broken == 2
    assert await log.verify(conn, newest=3) == log.ChainCheck(3, await log.head(conn))
    assert (await log.verify(conn, newest=50)).broken == 2
    await conn.execute("UPDATE audit_entry SET actor = 'worker' WHERE id = 4")
    assert (await log.verify(conn, newest=3)).broken == 4


async def test_hash_is_what_the_module_states() -> None:
    """The vector was computed with sha256sum from the text that the docstring describes."""
    entry = Entry(
        1,
        datetime(2026, 11, 23, 9, 30, 0, 250_000, UTC),
        "cli",
        "person.enrolled",
        f"person:{UUID(int=7)}",
        {"b": 2, "a": ["x", "y"]},
        log.GENESIS,
        b"",
    )
    assert log.hash_of(entry).hex() == VECTOR


@pytest.mark.parametrize(
    "detail",
    [
        {"note": "Ada Lovelace"},
        {"name": "ada"},
        {"reason": "seen in the café"},
        {"value": "4628dce36e856e9a990ff7c8a5a3ebb0"},
        {"value": "04de5f1eacc040"},
        {"value": 1.5},
        {"value": 2**60},
        {"value": b"\x04\xde"},
        {"value": {"deep": "x"}},
        {"value": datetime(2026, 1, 1)},  # noqa: DTZ001 (what is refused)
        {"hash": "x"},
        {"Reason": "x"},
        {"words": ["ok", "Not ok"]},
    ],
)
async def test_personal_content_is_refused(conn: Conn, detail: dict[str, Any]) -> None:
    with pytest.raises(AuditContentError) as refused:
        await log.record(conn, actor="cli", action="person.enrolled", detail=detail)
    for value in detail.values():
        assert str(value) not in str(refused.value) or value == "x"
    assert (await log.verify(conn)).entries == 0


@pytest.mark.parametrize(
    ("actor", "action", "subject"),
    [
        ("", "person.enrolled", ""),
        ("Ada Lovelace", "person.enrolled", ""),
        ("account:ada@example.org", "person.enrolled", ""),
        ("cli", "Enrolled Ada", ""),
        ("cli", "enrolled", ""),
        ("cli", "person.enrolled", "badge:4628dce36e856e9a990ff7c8a5a3ebb0"),
    ],
)
async def test_actor_action_and_subject_are_ids_and_words(
    conn: Conn, actor: str, action: str, subject: str
) -> None:
    with pytest.raises(AuditContentError):
        await log.record(conn, actor=actor, action=action, subject=subject)


async def test_values_of_every_allowed_kind_survive_the_database(conn: Conn) -> None:
    detail: dict[str, log.Value] = {
        "count": 3,
        "really": True,
        "nothing": None,
        "at": datetime(2026, 11, 23, tzinfo=UTC),
        "id": UUID(int=1),
        "roles": ["staff", "osh"],
        "why": "lost",
    }
    await log.record(conn, actor=f"account:{uuid4()}", action="sign-in.made", detail=detail)

    assert (await log.verify(conn)).broken is None
    (entry,) = await log.newest(conn, 1)
    assert entry.detail["roles"] == ["osh", "staff"]
