"""My visits: a person erases themselves, and what becomes of an account that is theirs."""

from datetime import UTC, datetime

import httpx

from feed.ingest_setup import one, rows
from hubwell.access import accounts, sessions
from hubwell.audit import log
from hubwell.vocabulary import Role
from services.access.running_app import House, send
from services.web.my_data.person_with_visits import NAME, Somebody
from services.web.staffed_hub import text_of


async def test_erasing_says_what_is_lost_then_shows_the_proof(house: House, somebody: Somebody) -> None:
    asked = text_of(await somebody.browser.get("/me/erase"))
    assert "3 visits, with their taps" in asked
    assert "Backups that were made before" in asked
    answer = await send(somebody.browser, "/me/erase", "/me/erase")

    page = text_of(answer)
    assert answer.status_code == 200
    assert "Proof of deletion number 1" in page
    assert "nothing was left" in page
    assert NAME not in answer.text
    for table in ("person", "visit", "tap", "credential", "sign_in"):
        assert rows(somebody.url, f"SELECT FROM {table}") == [], table
    assert "Code from the kiosk" in text_of(await somebody.browser.get("/me"))
    async with house.connection() as conn:
        assert (await log.newest(conn, 1))[0].action == "person.erased"


async def linked(house: House, somebody: Somebody, *roles: Role) -> httpx.AsyncClient:
    """Return the browser of an account that belongs to the person."""
    client = house.browser()
    async with house.connection() as conn:
        account = await accounts.add(conn, login="wilma", name="", password_hash=None, roles=roles)
        await accounts.link(conn, account, somebody.id)
        ticket = await sessions.begin(conn, account_id=account, now=datetime.now(UTC))
    client.cookies.set("hubwell", ticket)
    return client


async def test_account_that_is_linked_sees_the_same(house: House, somebody: Somebody) -> None:
    client = await linked(house, somebody, Role.STAFF)
    assert f"Visits of {NAME}" in text_of(await client.get("/me"))
    await send(client, "/me/shown", "/me", shown_as="mentor")
    assert rows(somebody.url, "SELECT shown_on_site, shown_as FROM person") == [(True, "mentor")]


async def test_account_goes_with_the_person_only_if_asked(house: House, somebody: Somebody) -> None:
    client = await linked(house, somebody)
    answer = await send(client, "/me/erase", "/me/erase")
    assert answer.status_code == 200
    assert rows(somebody.url, "SELECT login, person_id FROM account") == [("wilma", None)]


async def test_account_is_erased_when_asked(house: House, somebody: Somebody) -> None:
    client = await linked(house, somebody)
    assert "Also delete my account" in (await client.get("/me/erase")).text
    await send(client, "/me/erase", "/me/erase", account="yes")
    assert rows(somebody.url, "SELECT login FROM account") == []
    assert one(somebody.url, "SELECT count(*) FROM person") == 0


async def test_last_administrator_cannot_erase_their_account(house: House, somebody: Somebody) -> None:
    client = await linked(house, somebody, Role.ADMIN)
    answer = await send(client, "/me/erase", "/me/erase", account="yes")
    assert answer.status_code == 422
    assert "This is the last administrator. Add another one first." in text_of(answer)
    assert one(somebody.url, "SELECT count(*) FROM person") == 1
