"""The first administrator: made once, with the code that the terminal shows."""

import asyncio
import hashlib
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from hubwell.cli import app
from lanes.database_lane import Database
from services.access.running_app import PASSWORD, House, open_house, send

CODE = "a code of the terminal"
FIELDS = {"code": CODE, "login": "Ida", "name": "Ida", "password": PASSWORD}


@pytest.fixture
async def house(database: Database) -> AsyncIterator[House]:
    async with open_house(database, setup_hash=hashlib.sha256(CODE.encode()).hexdigest()) as house:
        yield house


async def test_code_makes_the_first_administrator_and_signs_in(house: House) -> None:
    browser = house.browser()
    page = await browser.get("/setup", params={"code": CODE})
    assert page.status_code == 200

    answer = await browser.post("/setup", data=FIELDS)

    assert (answer.status_code, answer.headers["location"]) == (303, "/start")
    assert (await browser.get("/accounts")).status_code == 200
    assert await house.value("SELECT login FROM account") == "ida"
    assert await house.value("SELECT action FROM audit_entry") == "account.added"


@pytest.mark.parametrize(
    "password", ["Kalliomakerspace1", "kallio makerspace", "Kallio-Makerspace-2026", "Karlsdottir Ida 1"]
)
async def test_names_of_hub_and_person_are_no_password(database: Database, password: str) -> None:
    code = hashlib.sha256(CODE.encode()).hexdigest()
    fields = FIELDS | {"name": "Ida Karlsdottir", "password": password}
    async with open_house(database, setup_hash=code, hub_name="Kallio Makerspace") as house:
        browser = house.browser()

        refused = await browser.post("/setup", data=fields)

        assert (refused.status_code, "This password is easy to guess" in refused.text) == (422, True)
        assert (await browser.post("/setup", data=fields | {"password": PASSWORD})).status_code == 303
        changed = await send(browser, "/account/password", current=PASSWORD, password=password)
        assert (changed.status_code, "This password is easy to guess" in changed.text) == (422, True)


async def test_code_is_over_once_there_is_an_administrator(house: House) -> None:
    await house.browser().post("/setup", data=FIELDS)

    again = await house.browser().post("/setup", data=FIELDS | {"login": "second"})

    assert again.status_code == 403
    assert "This link has expired" in (await house.browser().get("/setup", params={"code": CODE})).text
    assert await house.value("SELECT count(*) FROM account") == 1


async def test_link_of_the_command_line_makes_the_first_administrator_once(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys = tmp_path / "keys"
    monkeypatch.setenv("HUBWELL_DATABASE_URL", database.url)
    monkeypatch.setenv("HUBWELL_KEYS_DIR", str(keys))
    monkeypatch.setenv("HUBWELL_PUBLIC_URL", "https://hub.example")
    monkeypatch.chdir(tmp_path)

    def link() -> Result:
        return CliRunner().invoke(app, ["account", "link"])

    earlier, newest = [(await asyncio.to_thread(link)).stdout.strip() for _ in "12"]
    assert newest.startswith("https://hub.example/setup?code=")
    code = newest.partition("code=")[2]
    async with open_house(database, keys_dir=keys) as house:
        assert (await house.browser().get("/setup", params={"code": code})).status_code == 200
        old = {"code": earlier.partition("code=")[2]}
        assert (await house.browser().get("/setup", params=old)).status_code == 403
        answer = await house.browser().post("/setup", data=FIELDS | {"code": code})
        assert (answer.status_code, answer.headers["location"]) == (303, "/start")
    again = await asyncio.to_thread(link)
    assert (again.exit_code, again.stdout) == (2, "")
    assert "has an administrator" in again.stderr


@pytest.mark.parametrize("code", ["", "another code", "ü"])
async def test_other_code_is_refused(house: House, code: str) -> None:
    assert (await house.browser().get("/setup", params={"code": code})).status_code == 403
    assert (await house.browser().post("/setup", data=FIELDS | {"code": code})).status_code == 403
    assert await house.value("SELECT count(*) FROM account") == 0


async def test_weak_password_is_named_and_what_was_typed_is_kept(house: House) -> None:
    answer = await house.browser().post("/setup", data=FIELDS | {"password": "short"})

    assert answer.status_code == 422
    assert 'href="#password">Choose a password of at least 12 characters.</a>' in answer.text
    assert 'value="Ida"' in answer.text
    assert await house.value("SELECT count(*) FROM account") == 0


async def test_two_at_once_make_one_administrator(house: House) -> None:
    both = [house.browser().post("/setup", data=FIELDS | {"login": login}) for login in ("first", "second")]

    answers = await asyncio.gather(*both)

    assert sorted(answer.status_code for answer in answers) in ([303, 403], [303, 422])
    assert await house.value("SELECT count(*) FROM account") == 1


async def test_closed_administrator_does_not_count(house: House) -> None:
    await house.add("gone")
    await house.run("UPDATE account SET disabled_at = now()")
    # Afterwards: the database refuses to close the last one.
    await house.run(
        "INSERT INTO account_role (account_id, role, granted_by) SELECT id, 'admin', 'local' FROM account"
    )

    assert (await house.browser().get("/setup", params={"code": CODE})).status_code == 200


async def test_without_a_hash_there_is_no_setup(database: Database) -> None:
    async with open_house(database) as house:
        assert (await house.browser().get("/setup", params={"code": ""})).status_code == 403


async def test_nobody_keeps_the_operator_out_by_trying_codes(house: House) -> None:
    for number in range(60):
        assert (await house.browser().get("/setup", params={"code": str(number)})).status_code == 403
        await house.browser().post("/setup", data={"code": str(number)})

    assert (await house.browser().get("/setup", params={"code": CODE})).status_code == 200


async def test_page_with_the_code_is_kept_nowhere(house: House) -> None:
    for code in (CODE, "wrong"):
        answer = await house.browser().get("/setup", params={"code": code})
        assert answer.headers["cache-control"] == "no-store"
