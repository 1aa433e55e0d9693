"""Accounts and tokens through the API, for administrators and their programs."""

from collections.abc import AsyncIterator
from datetime import timedelta
from secrets import token_hex
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest

from hubwell.vocabulary import Role
from lanes.database_lane import Database
from services.access.running_app import House, open_house, sign_in
from services.api.test_desk import API, problem_of, program
from services.people.people_register import now


@pytest.fixture
async def house(database: Database) -> AsyncIterator[House]:
    async with open_house(database) as running:
        yield running


@pytest.fixture
async def admin(house: House) -> httpx.AsyncClient:
    """Give a program with the role of administrators."""
    return program(house, await house.token("admin", [Role.ADMIN]))


async def add(admin: httpx.AsyncClient, login: str, *roles: str) -> dict[str, Any]:
    made = await admin.post(f"{API}/accounts", json={"login": login, "roles": roles})
    assert made.status_code == 201, made.text
    return dict(made.json())


async def actions(house: House) -> list[str]:
    async with house.connection() as conn:
        rows = await (await conn.execute("SELECT action FROM audit_entry ORDER BY id")).fetchall()
    return [row[0] for row in rows]


async def test_account_is_added_and_logs_in_with_its_password(house: House, admin: httpx.AsyncClient) -> None:
    made = await add(admin, "Ada", "staff")
    account = (await admin.get(f"{API}/accounts/{made['id']}")).json()
    assert (account["login"], account["local_roles"], account["has_password"]) == ("ada", ["staff"], True)
    assert "password_hash" not in account
    assert (await sign_in(house.browser(), "ada", made["password"])).status_code == 303

    reset = (await admin.post(f"{API}/accounts/{made['id']}/password")).json()
    assert (await sign_in(house.browser(), "ada", made["password"])).status_code == 422
    assert (await sign_in(house.browser(), "ada", reset["password"])).status_code == 303
    (listed,) = (await admin.get(f"{API}/accounts")).json()["accounts"]
    assert listed["id"] == made["id"]
    assert await actions(house) == ["account.added", "account.password-reset"]


async def test_account_is_changed_closed_opened_and_erased(house: House, admin: httpx.AsyncClient) -> None:
    path = f"{API}/accounts/{(await add(admin, 'ada', 'staff'))['id']}"
    assert (await admin.put(f"{path}/roles", json={"roles": ["osh", "staff"]})).status_code == 204
    assert (await admin.post(f"{path}/disable")).status_code == 204
    closed = (await admin.get(path)).json()
    assert (closed["local_roles"], closed["disabled_at"] is None) == (["osh", "staff"], False)
    assert (await admin.post(f"{path}/enable")).status_code == 204
    assert (await admin.delete(path)).status_code == 204
    for answer in (
        await admin.get(path),
        await admin.post(f"{path}/password"),
        await admin.post(f"{path}/disable"),
        await admin.post(f"{path}/enable"),
        await admin.put(f"{path}/roles", json={"roles": ["osh"]}),
        await admin.delete(path),
    ):
        assert problem_of(answer)[:2] == (404, "account-unknown")
    expected = ["account.added", "account.roles-changed", "account.disabled"]
    assert await actions(house) == [*expected, "account.enabled", "account.erased"]


async def test_last_administrator_stays(house: House, admin: httpx.AsyncClient) -> None:
    path = f"{API}/accounts/{(await add(admin, 'root', 'admin'))['id']}"
    for answer in (
        await admin.put(f"{path}/roles", json={"roles": []}),
        await admin.post(f"{path}/disable"),
        await admin.delete(path),
    ):
        assert problem_of(answer)[1] == "last-admin"
    assert (await admin.get(path)).json()["local_roles"] == ["admin"]
    assert await actions(house) == ["account.added"]


async def test_own_account_is_erased_by_another_administrator(house: House) -> None:
    await house.add("other", Role.ADMIN)
    client = await house.signed_in("root", Role.ADMIN, accept="application/json")
    page = await client.get("/accounts", headers={"accept": "text/html"})
    token = page.text.partition('name="csrf" value="')[2].partition('"')[0]
    own = await house.value("SELECT id FROM account WHERE login = 'root'")
    refused = await client.delete(f"{API}/accounts/{own}", headers={"x-csrf-token": token})
    assert problem_of(refused)[:2] == (409, "own-account")


async def test_person_is_erased_with_the_account_on_wish(house: House, admin: httpx.AsyncClient) -> None:
    for with_person, left in ((False, 1), (True, 0)):
        person = await house.value("INSERT INTO person (kind, name) VALUES ('enrolled', 'Ada') RETURNING id")
        made = await add(admin, "ada", "learner")
        await house.run("UPDATE account SET person_id = %s WHERE id = %s", person, UUID(made["id"]))
        query = {"with_person": with_person}
        assert (await admin.delete(f"{API}/accounts/{made['id']}", params=query)).status_code == 204
        assert await house.value("SELECT count(*) FROM person WHERE id = %s", person) == left


async def test_accounts_that_cannot_be(admin: httpx.AsyncClient) -> None:
    await add(admin, "ada", "staff")
    for body, expected in (
        ({"login": "ada", "roles": ["staff"]}, "login-taken"),
        ({"login": "a b", "roles": ["staff"]}, "login-not-plain"),
        ({"login": "bea", "roles": []}, "bad-parameters"),
        ({"login": "bea", "roles": ["king"]}, "bad-parameters"),
        ({"login": "bea", "roles": ["staff"], "password": "mine"}, "bad-parameters"),
    ):
        assert problem_of(await admin.post(f"{API}/accounts", json=body))[1] == expected
    assert len((await admin.get(f"{API}/accounts")).json()["accounts"]) == 1


async def test_token_is_made_used_and_revoked(house: House, admin: httpx.AsyncClient) -> None:
    until = (now() + timedelta(days=30)).isoformat()
    body = {"name": "printer", "roles": ["osh"], "expires_at": until}
    made = await admin.post(f"{API}/tokens", json=body)
    assert made.status_code == 201, made.text
    printer = program(house, made.json()["token"])
    assert (await printer.get(f"{API}/muster")).status_code == 200
    assert problem_of(await printer.get(f"{API}/accounts"))[:2] == (403, "not-allowed")
    listed = {token["name"]: token for token in (await admin.get(f"{API}/tokens")).json()["tokens"]}
    assert listed["printer"]["roles"] == ["osh"]
    assert made.json()["token"] not in str(listed)

    assert (await admin.post(f"{API}/tokens/revoke", json={"name": "printer"})).status_code == 204
    assert problem_of(await printer.get(f"{API}/muster"))[:2] == (401, "bad-token")
    unknown = await admin.post(f"{API}/tokens/revoke", json={"name": "plotter"})
    assert problem_of(unknown)[:2] == (404, "token-unknown")
    for wrong, code in (
        ({"name": " ", "roles": ["osh"]}, "token-unnamed"),
        ({"name": "printer", "roles": ["osh"]}, "token-name-taken"),
        ({"name": "new", "roles": []}, "roles-missing"),
        ({"name": token_hex(2000), "roles": ["osh"]}, "name-too-long"),  # too long for an index
    ):
        assert problem_of(await admin.post(f"{API}/tokens", json=wrong))[1] == code
    assert await actions(house) == ["token.added", "token.revoked"]


async def test_unknown_account_is_a_problem(admin: httpx.AsyncClient) -> None:
    assert problem_of(await admin.get(f"{API}/accounts/{uuid4()}"))[:2] == (404, "account-unknown")
    assert problem_of(await admin.get(f"{API}/accounts/root"))[:2] == (422, "bad-parameters")
