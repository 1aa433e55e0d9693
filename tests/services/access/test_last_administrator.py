"""The last administrator cannot be lost: each way in is tried, SQL by hand and two at one moment too."""

import asyncio
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest
from psycopg import AsyncConnection, IsolationLevel
from typer.testing import CliRunner, Result

from hubwell.access import accounts
from hubwell.access.oidc.account_linking import account_of
from hubwell.access.oidc.claims import Identity
from hubwell.access.oidc.errors import OidcError
from hubwell.access.principal import Principal
from hubwell.cli import app
from hubwell.errors import DomainError
from hubwell.people import persons
from hubwell.privacy import retention
from hubwell.settings import Settings
from hubwell.storage import tables
from hubwell.storage.backup import read_backup, write_backup
from hubwell.storage.connect import connect
from hubwell.vocabulary import Role
from hubwell.workflows import erasure, people
from lanes.database_lane import Database
from services.access.running_app import PASSWORD, House, send

Conn = AsyncConnection[Any]
TEXT = "This is the last administrator. Add another one first."
SENTENCE = "this is the last administrator: make another one first"
NOW = datetime.now(UTC)
CLI = Principal(actor="cli")
HASH = "-"


@pytest.fixture
async def conn(database: Database) -> AsyncIterator[Conn]:
    async with await connect(database.url, name="test") as conn:
        yield conn


@pytest.fixture
def hubwell(database: Database, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[..., Result]:
    monkeypatch.setenv("HUBWELL_DATABASE_URL", database.url)
    monkeypatch.chdir(tmp_path)
    return lambda *words: CliRunner().invoke(app, [str(word) for word in words], input=PASSWORD)


async def add(conn: Conn, login: str = "ida", *roles: Role, person: UUID | None = None) -> UUID:
    account = await accounts.add(conn, login=login, name="", password_hash=HASH, roles=roles or [Role.ADMIN])
    if person:
        await accounts.link(conn, account, person)
    return account


async def admins(conn: Conn) -> int:
    """Return how many administrators may sign in."""
    there = await accounts.list_accounts(conn)
    return sum(Role.ADMIN in account.roles and account.disabled_at is None for account in there)


async def run(conn: Conn, query: str, *values: object) -> None:
    async with conn.transaction():
        await conn.execute(query.encode(), values)


@pytest.mark.parametrize("path", ["disable", "roles"])
async def test_page(house: House, path: str) -> None:
    browser = await house.signed_in("ida", Role.ADMIN)
    account = await house.value("SELECT id FROM account")

    answer = await send(browser, f"/accounts/{account}/{path}")

    assert answer.status_code == 422
    assert "This is the last administrator. Add another one first." in answer.text
    assert (await browser.get("/accounts")).status_code == 200


async def test_page_that_erases(house: House) -> None:
    """One administrator erases another; what is refused is the last one's account, also to itself."""
    browser = await house.signed_in("ida", Role.ADMIN)
    ida = await house.value("SELECT id FROM account")
    other = await house.add("rosa", Role.ADMIN)

    assert (await send(browser, f"/accounts/{other}/erase", login="rosa")).status_code == 303
    answer = await send(browser, f"/accounts/{ida}/erase", login="ida")

    assert answer.status_code == 422
    assert "Another administrator can erase your account." in answer.text
    assert await house.value("SELECT count(*) FROM account") == 1


async def test_my_data_with_the_account(conn: Conn) -> None:
    """The page is tested in `web/my_data`; this is what it calls."""
    person = await persons.add(conn, "Ida", None, NOW)
    account = await add(conn, person=person)

    with pytest.raises(DomainError, match=TEXT):
        async with conn.transaction():
            await erasure.erase_account(
                conn, Principal(actor=f"account:{account}"), account, with_person=True
            )

    assert await admins(conn) == 1
    await persons.person(conn, person)


@pytest.mark.parametrize(
    "words", [("role", "ida"), ("disable", "ida"), ("erase", "ida", "--confirm", "ida")], ids=" ".join
)
def test_command_of_accounts(hubwell: Callable[..., Result], words: tuple[str, ...]) -> None:
    assert hubwell("account", "add", "ida", "--role", "admin").exit_code == 0

    answer = hubwell("account", *words)

    assert answer.exit_code == 2
    assert TEXT in answer.output
    assert "admin" in hubwell("account", "list").output


async def test_command_that_erases_a_person_with_the_account(
    conn: Conn, hubwell: Callable[..., Result]
) -> None:
    person = await persons.add(conn, "Ida", None, NOW)
    await add(conn, person=person)

    answer = await asyncio.to_thread(hubwell, "privacy", "erase", person, "--with-account")

    assert answer.exit_code == 2
    assert answer.output == f"{TEXT}\n"
    assert await admins(conn) == 1
    assert (await asyncio.to_thread(hubwell, "privacy", "erase", person)).exit_code == 0
    assert await admins(conn) == 1


async def test_merge_of_persons(conn: Conn) -> None:
    keep, drop = await persons.add(conn, "Ida", None, NOW), await persons.add(conn, "Ida L", None, NOW)
    account = await add(conn, person=drop)

    async with conn.transaction():
        await people.merge(conn, CLI, Settings(_env_file=None), keep=keep, drop=drop)

    assert (await accounts.get_account(conn, account)).person_id == keep
    assert await admins(conn) == 1


async def test_provider_whose_groups_give_the_role_no_longer(conn: Conn) -> None:
    def identity(*roles: Role) -> Identity:
        return Identity("https://school.example", "s-1", "ida", "Ida", frozenset(roles))

    account = await account_of(conn, identity(Role.ADMIN))
    for lost in (identity(Role.STAFF), identity()):
        with pytest.raises(OidcError, match="you are the last one of this hub") as refused:
            async with conn.transaction():
                await account_of(conn, lost)
        assert refused.value.code == "last-admin-at-provider"
    assert account is not None
    assert await accounts.roles_of(conn, account) == {Role.ADMIN}

    await add(conn, "rosa")
    assert await account_of(conn, identity(Role.STAFF)) == account
    assert await accounts.roles_of(conn, account) == {Role.STAFF}


async def test_retention(conn: Conn, monkeypatch: pytest.MonkeyPatch) -> None:
    """No class of data holds accounts; one that came to hold them would be left for its next turn."""
    await add(conn)
    monkeypatch.setattr(tables, "retention_query", lambda of, empty=False: _accounts(of, empty=empty))

    async with conn.transaction():
        done = await retention.run(conn, NOW + timedelta(days=9999), Settings(_env_file=None))

    assert "code" not in {item.data for item in done}
    assert "sign-in" in {item.data for item in done}
    assert await admins(conn) == 1


def _accounts(of: Any, *, empty: bool) -> str | None:
    if empty:
        return None
    table, older = ("account", "IS NOT NULL") if of.name == "code" else ("space", "IS NULL")
    return f"FROM {table} WHERE %(older)s {older}"


@pytest.mark.parametrize(
    "query",
    [
        "DELETE FROM account",
        "DELETE FROM account_role",
        "DELETE FROM account_role WHERE role = 'admin'",
        "UPDATE account_role SET role = 'osh' WHERE role = 'admin'",
        """WITH gone AS (DELETE FROM account WHERE login = 'rosa')
        UPDATE account_role r SET account_id = (SELECT id FROM account WHERE login = 'closed')
        FROM account a WHERE a.id = r.account_id AND login = 'ida'""",
        "UPDATE account SET disabled_at = now()",
        "TRUNCATE account CASCADE",
        "TRUNCATE account_role",
    ],
)
async def test_sql_by_hand(conn: Conn, query: str) -> None:
    await add(conn)
    await add(conn, "rosa")
    closed = await add(conn, "closed", Role.STAFF)
    await accounts.disable(conn, closed, NOW)

    with pytest.raises(psycopg.errors.IntegrityConstraintViolation) as refused:
        await run(conn, query)

    assert refused.value.diag.constraint_name == "account_last_administrator"
    assert await admins(conn) == 2


async def test_two_administrators_who_remove_each_other_at_the_same_moment(
    database: Database, conn: Conn
) -> None:
    ida, rosa = await add(conn), await add(conn, "rosa")

    async def remove(which: UUID) -> str:
        async with await connect(database.url, name="test") as own:
            try:
                async with own.transaction():
                    await accounts.disable(own, which, NOW)
                    await asyncio.sleep(0.2)  # both are in their transactions at once
            except DomainError as error:
                return error.code
        return "done"

    assert sorted(await asyncio.gather(remove(ida), remove(rosa))) == ["done", "last-admin"]
    assert await admins(conn) == 1


@pytest.mark.parametrize("level", [IsolationLevel.REPEATABLE_READ, IsolationLevel.SERIALIZABLE])
async def test_isolation_that_would_count_the_past_is_refused(conn: Conn, level: IsolationLevel) -> None:
    await add(conn)
    rosa = await add(conn, "rosa")

    await conn.set_isolation_level(level)
    with pytest.raises(psycopg.errors.IntegrityConstraintViolation, match="READ COMMITTED"):
        await run(conn, "DELETE FROM account WHERE id = %s", rosa)

    assert await admins(conn) == 2


async def test_hub_without_an_administrator_is_free_to_be_set_up(conn: Conn) -> None:
    staff = await add(conn, "staff", Role.STAFF)
    await accounts.set_roles(conn, staff, [Role.OSH])
    await accounts.disable(conn, staff, NOW)
    await accounts.erase(conn, staff)

    async with conn.transaction():
        await accounts.add_first_admin(conn, login="ida", name="", password_hash=HASH)

    assert await admins(conn) == 1


async def test_administrator_who_is_not_the_last_can_go_and_stay(conn: Conn) -> None:
    ida, rosa = await add(conn), await add(conn, "rosa")
    await accounts.set_roles(conn, ida, [Role.ADMIN, Role.STAFF])
    await accounts.disable(conn, rosa, NOW)
    await accounts.erase(conn, rosa)  # closed already: administers nothing
    await accounts.set_roles(conn, ida, [Role.ADMIN])
    await add(conn, "otto")
    await accounts.erase(conn, ida)
    assert await admins(conn) == 1


async def test_backup_is_restored_and_the_rule_holds_there(
    conn: Conn, database: Database, lanes: Any, tmp_path: Path
) -> None:
    await add(conn)
    file, lane = tmp_path / f"{uuid4()}.zip", lanes("plain")
    await asyncio.to_thread(write_backup, database.url, file)
    target: Database = lane.create("empty")
    try:
        await asyncio.to_thread(read_backup, target.url, file)
        async with await connect(target.url, name="test") as restored:
            assert await admins(restored) == 1
            with pytest.raises(psycopg.errors.IntegrityConstraintViolation, match=SENTENCE):
                await run(restored, "DELETE FROM account")
    finally:
        lane.drop(target)
