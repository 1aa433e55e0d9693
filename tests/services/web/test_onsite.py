"""Who is on site: by their own choice, by name and role, for everybody to read, never where."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest
from playwright.async_api import Browser

from lanes.database_lane import Database
from services.people.people_register import now
from services.web.axe_check import problems
from services.web.staffed_hub import Staffed, staffed, text_of


@pytest.fixture
async def hub(database: Database, tmp_path: Path) -> AsyncIterator[Staffed]:
    """Give a staffed hub."""
    async with staffed(database, tmp_path / "keys") as hub:
        yield hub


async def here(hub: Staffed, name: str, shown_as: str = "", *, left: bool = False) -> None:
    """Let somebody be in the wood workshop, shown if they chose a role."""
    person = await hub.register.value(
        "INSERT INTO person (kind, name, shown_on_site, shown_as) "
        "VALUES ('enrolled', %s, %s, %s) RETURNING id",
        name,
        bool(shown_as),
        shown_as,
    )
    end = now() - timedelta(minutes=10) if left else None
    await hub.register.visit(person, "wood", now() - timedelta(hours=1), end)


async def test_those_who_chose_it_are_shown_while_they_are_in(hub: Staffed) -> None:
    await here(hub, "Ada", "mentor")
    await here(hub, "Bea", "ambassador")
    await here(hub, "Cleo")
    await here(hub, "Dora", "mentor", left=True)

    said = text_of(await hub.house.browser().get("/on-site"))

    assert "Ada Mentor" in said
    assert "Bea Learning ambassador" in said
    assert "Cleo" not in said
    assert "Dora" not in said
    assert "wood" not in said.lower()


async def test_empty_page_says_whom_to_ask(hub: Staffed) -> None:
    await here(hub, "Cleo")

    said = text_of(await hub.house.browser().get("/on-site"))

    assert "Nobody who chose to be shown" in said
    assert "Cleo" not in said


async def test_staff_name_the_role_and_cannot_choose_to_show_somebody(hub: Staffed) -> None:
    address = await hub.enrol("Ada")
    await hub.send(f"{address}/visit", way="in", space="wood")

    answer = await hub.send(f"{address}/shown", address, shown_as="mentor", shown_on_site="1")

    assert '<option value="mentor" selected>' in (await hub.staff.get(answer.headers["location"])).text
    assert "Ada" not in text_of(await hub.house.browser().get("/on-site"))


@pytest.mark.browser
async def test_axe_finds_nothing(hub: Staffed, browser: Browser) -> None:
    page = await hub.page(browser)
    await page.goto(f"{hub.house.address}/on-site")
    assert await problems(page) == []
    await here(hub, "Ada", "mentor")
    await page.goto(f"{hub.house.address}/on-site")
    assert await problems(page) == []
    await page.context.close()
