"""One-time codes: each works once, for its person, for ten minutes, however it is typed."""

from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import psycopg
import pytest

from hubwell.access import codes
from hubwell.storage.connect import connect
from hubwell.vocabulary import CODE_ALPHABET
from lanes.database_lane import Database

Conn = psycopg.AsyncConnection[Any]


@pytest.fixture
async def conn(database: Database) -> AsyncIterator[Conn]:
    async with await connect(database.url, name="test") as conn:
        yield conn


async def somebody(conn: Conn) -> UUID:
    row = await (await conn.execute("INSERT INTO person (kind) VALUES ('enrolled') RETURNING id")).fetchone()
    assert row is not None
    return UUID(str(row[0]))


async def test_code_works_once(conn: Conn) -> None:
    person = await somebody(conn)
    code = await codes.issue(conn, person)

    assert await codes.redeem(conn, code) == person
    assert await codes.redeem(conn, code) is None


@pytest.mark.parametrize("typed", ["{}", " {} ", "{lower}", "{bare}", "{spaced}"])
async def test_how_it_is_typed_does_not_matter(conn: Conn, typed: str) -> None:
    person = await somebody(conn)
    code = await codes.issue(conn, person)
    bare = code.replace("-", "")
    text = typed.format(code, lower=code.lower(), bare=bare, spaced=" ".join(bare))

    assert await codes.redeem(conn, text) == person


async def test_expired_code_is_refused_and_gone(conn: Conn) -> None:
    person = await somebody(conn)
    code = await codes.issue(conn, person)
    await conn.execute("UPDATE visit_code SET expires_at = now() - interval '1 second'")

    assert await codes.redeem(conn, code) is None
    assert await (await conn.execute("SELECT FROM visit_code")).fetchall() == []


async def test_new_code_replaces_the_one_before(conn: Conn) -> None:
    person, other = await somebody(conn), await somebody(conn)
    first, others = await codes.issue(conn, person), await codes.issue(conn, other)
    second = await codes.issue(conn, person)

    assert await codes.redeem(conn, first) is None
    assert await codes.redeem(conn, second) == person
    assert await codes.redeem(conn, others) == other


@pytest.mark.parametrize("code", ["", "-", "AAAA-AAAA", "0" * 400, "Ä\x00", "'; DROP TABLE person"])
async def test_wrong_code_is_nobody(conn: Conn, code: str) -> None:
    await codes.issue(conn, await somebody(conn))
    assert await codes.redeem(conn, code) is None


async def test_stored_is_a_hash_only_and_codes_differ(conn: Conn) -> None:
    seen = set()
    for _ in range(50):
        code = await codes.issue(conn, await somebody(conn))
        assert len(code) == 9
        assert set(code.replace("-", "")) <= set(CODE_ALPHABET)
        seen.add(code)
    assert len(seen) == 50
    assert len(set(CODE_ALPHABET)) == 32
    stored = await (await conn.execute("SELECT visit_code::text FROM visit_code")).fetchall()
    assert not any(code.replace("-", "") in str(row) for code in seen for row in stored)


async def test_code_of_an_erased_person_is_worth_nothing(conn: Conn) -> None:
    person = await somebody(conn)
    code = await codes.issue(conn, person)
    await conn.execute("DELETE FROM person")
    assert await codes.redeem(conn, code) is None
    with pytest.raises(psycopg.errors.ForeignKeyViolation):
        await codes.issue(conn, person)
