"""Use cases of accounts: what they change, what they end, and what the audit log says, without the secret."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import psycopg
import pytest
from psycopg import AsyncConnection

from hubwell.access import codes, sessions
from hubwell.access.principal import Principal
from hubwell.errors import DomainError
from hubwell.vocabulary import Role
from hubwell.workflows import accounts, course_sessions
from lanes.database_lane import Database

HASH = "hash"
OPERATOR = Principal(actor="cli")
Conn = AsyncConnection[Any]


@pytest.fixture
async def conn(database: Database) -> AsyncIterator[Conn]:
    async with await psycopg.AsyncConnection.connect(database.url, autocommit=True) as connection:
        yield connection


async def account(conn: Conn, login: str, *roles: Role) -> Principal:
    """Add an account; return it as a principal."""
    account_id = await accounts.add(conn, OPERATOR, login=login, name="", password_hash=HASH, roles=roles)
    await conn.execute("DELETE FROM audit_entry")
    return Principal(account_id=account_id, actor=f"account:{account_id}")


async def log_in(conn: Conn, principal: Principal) -> None:
    await sessions.begin(conn, account_id=principal.account_id, now=datetime.now(UTC))


async def value(conn: Conn, query: Any, *values: object) -> Any:
    row = await (await conn.execute(query, values)).fetchone()
    return row[0] if row else None


async def entries(conn: Conn) -> list[tuple[str, str, str]]:
    rows = await conn.execute("SELECT actor, action, subject FROM audit_entry ORDER BY id")
    return await rows.fetchall()


async def test_first_administrator_is_their_own_actor(conn: Conn) -> None:
    async with conn.transaction():
        admin = await accounts.add_first_admin(conn, login="ada", name="Ada", password_hash=HASH)
    who = f"account:{admin.account_id}"
    assert (admin.actor, admin.roles) == (who, frozenset([Role.ADMIN]))
    assert await entries(conn) == [(who, "account.added", who)]


async def test_reset_password_ends_the_sessions_of_the_account(conn: Conn) -> None:
    ada = await account(conn, "ada", Role.STAFF)
    assert ada.account_id is not None
    await log_in(conn, ada)
    await accounts.reset_password(conn, OPERATOR, ada.account_id, "other")
    assert await value(conn, "SELECT count(*) FROM sign_in") == 0
    assert await value(conn, "SELECT password_hash FROM account") == "other"
    assert await entries(conn) == [("cli", "account.password-reset", ada.actor)]


async def test_own_password_ends_the_sessions_too(conn: Conn) -> None:
    ada = await account(conn, "ada", Role.STAFF)
    await log_in(conn, ada)
    await accounts.change_password(conn, ada, "other")
    assert await value(conn, "SELECT count(*) FROM sign_in") == 0
    assert await entries(conn) == [(ada.actor, "account.password-changed", ada.actor)]


async def test_code_from_the_kiosk_links_an_account_once(conn: Conn) -> None:
    ada = await account(conn, "ada", Role.LEARNER)
    person: UUID = await value(conn, "INSERT INTO person (kind) VALUES ('enrolled') RETURNING id")
    code = await codes.issue(conn, person)
    assert not await accounts.link_person(conn, ada, "WRONG-CODE")
    assert await accounts.link_person(conn, ada, code)
    assert await value(conn, "SELECT person_id FROM account") == person
    assert not await accounts.link_person(conn, ada, code), "a code works once"
    await accounts.unlink_person(conn, ada)
    assert await value(conn, "SELECT person_id FROM account") is None
    assert await value(conn, "SELECT count(*) FROM person") == 1, "the person stays"
    assert [action for _, action, _ in await entries(conn)] == ["account.linked", "account.unlinked"]


async def test_token_is_in_no_entry(conn: Conn) -> None:
    until = datetime.now(UTC)
    token_id, token = await accounts.add_token(
        conn, OPERATOR, name="printer", roles=[Role.OSH], expires_at=until
    )
    assert await accounts.revoke_token(conn, OPERATOR, "printer", until) == token_id
    assert [action for _, action, _ in await entries(conn)] == ["token.added", "token.revoked"]
    log = await value(conn, "SELECT string_agg(detail::text || subject, '') FROM audit_entry")
    assert token not in log
    assert "printer" not in log


@pytest.mark.parametrize("actor", [OPERATOR, Principal(actor="token:1"), Principal(actor="person:1")])
async def test_what_is_ones_own_needs_an_account(conn: Conn, actor: Principal) -> None:
    now = datetime.now(UTC)
    for work in (
        accounts.change_password(conn, actor, "other"),
        accounts.link_person(conn, actor, "CODE"),
        accounts.unlink_person(conn, actor),
        course_sessions.read_roll(conn, actor, UUID(int=0), now),
        course_sessions.delete(conn, actor, UUID(int=0)),
    ):
        with pytest.raises(DomainError, match="Your roles do not allow this"):
            await work
    assert await entries(conn) == []
