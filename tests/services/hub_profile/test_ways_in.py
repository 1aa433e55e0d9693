"""The same use case by command and by API: what the page does, they do."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from hubwell.cli import app
from hubwell.vocabulary import Role
from lanes.database_lane import Database
from services.access.running_app import House, open_house
from services.api.test_desk import API, problem_of, program

STEPS = ["spaces", "device", "reader", "second_admin", "privacy_contact", "restore", "grafana"]


@pytest.fixture
async def house(database: Database) -> AsyncIterator[House]:
    async with open_house(database, hub_name=None, language="it") as running:
        yield running


@pytest.fixture
def _installed(database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HUBWELL_DATABASE_URL", database.url)
    monkeypatch.setenv("HUBWELL_LANGUAGE", "it")
    monkeypatch.chdir(tmp_path)


def typed(*words: str) -> Result:
    return CliRunner().invoke(app, ["hub", *words])


@pytest.mark.usefixtures("_installed")
def test_commands_show_set_and_refuse() -> None:
    done = typed("set", "hub_name=Kallio = Makers", "zone=Europe/Riga")
    assert (done.exit_code, done.stdout) == (0, "The hub is changed.\n")
    fields = {row["name"]: row for row in json.loads(typed("show", "--json").stdout)["fields"]}
    assert (fields["hub_name"]["value"], fields["zone"]["value"]) == ("Kallio = Makers", "Europe/Riga")
    assert (fields["language"]["value"], fields["language"]["set_by"]) == ("it", "HUBWELL_LANGUAGE")

    wrong = typed("set", "zone=Europe/Rigga", "colour=pink", "language=lv")
    assert wrong.exit_code == 2
    for text in ("Did you mean Europe/Riga?", "Write a colour as #", "HUBWELL_LANGUAGE"):
        assert text in wrong.stderr
    for words in (["place=here"], ["zone"], ["=x"]):
        assert typed("set", *words).exit_code == 2
    assert typed("set", "zone=").exit_code == 0
    fields = {row["name"]: row for row in json.loads(typed("show", "--json").stdout)["fields"]}
    assert fields["zone"]["value"] == "Europe/Helsinki"


@pytest.mark.usefixtures("_installed")
def test_drill_ticks_its_step() -> None:
    def steps() -> dict[str, str]:
        return {row["step"]: row["done"] for row in json.loads(typed("start", "--json").stdout)["steps"]}

    assert steps() == dict.fromkeys(STEPS, "no")
    assert typed("restore-proven").exit_code == 0
    assert steps() == dict.fromkeys(STEPS, "no") | {"restore": "yes"}


async def test_api_shows_changes_and_refuses(house: House) -> None:
    admin = program(house, await house.token("admin", [Role.ADMIN]))
    assert (await admin.patch(f"{API}/hub", json={"zone": "Europe/Riga"})).status_code == 204
    assert house.settings.zone == "Europe/Riga"
    fields = {field["name"]: field for field in (await admin.get(f"{API}/hub")).json()["fields"]}
    assert (fields["zone"]["value"], fields["zone"]["set_by_installation"]) == ("Europe/Riga", False)
    assert (fields["language"]["value"], fields["language"]["set_by_installation"]) == ("it", True)
    assert (await admin.get(f"{API}/hub/start")).json()["steps"] == dict.fromkeys(STEPS, False)

    refused = await admin.patch(f"{API}/hub", json={"zone": "Riga/Europe", "colour": "#ffff00"})
    assert problem_of(refused)[0] == 422
    refused = await admin.patch(f"{API}/hub", json={"language": "lv"})
    assert problem_of(refused)[:2] == (409, "set-by-installation")
    assert (await admin.patch(f"{API}/hub", json={"site": "x"})).status_code == 422
    assert await house.value("SELECT count(*) FROM audit_entry WHERE action = 'hub.changed'") == 1


@pytest.mark.usefixtures("_installed")
async def test_command_reaches_the_pages(house: House) -> None:
    assert (await asyncio.to_thread(typed, "set", "hub_name=Kallio Makers")).exit_code == 0
    for _ in range(100):
        if "Kallio Makers</a>" in (await house.browser().get("/")).text:
            return
    pytest.fail("the page still shows the old name")
