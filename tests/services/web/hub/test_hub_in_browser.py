"""The first start in a real browser: accessible in every state, by keyboard, without JavaScript."""

import hashlib
import os
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Final

import pytest
from playwright.async_api import Browser, Page, expect

from hubwell.vocabulary import Role
from lanes.database_lane import Database
from services.access.running_app import PASSWORD, House, open_house
from services.access.test_browser import enter, press_to
from services.web.axe_check import problems

pytestmark = pytest.mark.browser
CODE: Final = "a code of the terminal"
PICTURES: Final = os.environ.get("HUBWELL_PICTURES", "")
"""A folder for pictures of each page at two sizes, to be looked at by a person."""


@pytest.fixture
async def house(database: Database) -> AsyncIterator[House]:
    digest = hashlib.sha256(CODE.encode()).hexdigest()
    async with open_house(database, hub_name=None, setup_hash=digest) as house:
        yield house


@pytest.fixture
async def page(browser: Browser, house: House) -> AsyncIterator[Page]:
    page = await browser.new_page(viewport={"width": 1024, "height": 600}, locale="en-GB")
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on("request", lambda request: None if house.address in request.url else said.append(request.url))
    yield page
    await page.close()
    assert [line for line in said if "status of 4" not in line] == []


async def picture(page: Page, name: str) -> None:
    if PICTURES:
        for scheme, width in (("light", 360), ("light", 1440), ("dark", 1440)):
            await page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
            await page.set_viewport_size({"width": width, "height": 780})
            await page.screenshot(path=Path(PICTURES, f"{name}-{width}-{scheme}.png"), full_page=True)


async def test_axe_finds_nothing_from_the_link_to_the_last_step(house: House, page: Page) -> None:
    await page.goto(f"{house.address}/setup?code={CODE}")
    assert await problems(page) == []
    await picture(page, "setup")
    await page.get_by_label("Login").fill("ida")
    await page.get_by_label("Password").fill("short")
    await page.get_by_label("Time zone").fill("Europe/Rigga")
    await page.get_by_label("Ours:").check()
    await page.get_by_label("Our colour").fill("#ffee00")
    await page.get_by_role("button", name="Set up the hub").click()
    await expect(page.get_by_role("alert")).to_contain_text("Did you mean Europe/Riga?")
    assert await problems(page) == []
    await picture(page, "setup-mistakes")
    await page.get_by_label("Password").fill(PASSWORD)
    await page.get_by_label("Time zone").fill("Europe/Riga")
    await page.get_by_label("Our colour").fill("#a0207a")
    await page.get_by_role("button", name="Set up the hub").click()
    await expect(page.locator("h1")).to_have_text("Getting started")
    await page.emulate_media(color_scheme="light")
    colour = await page.locator(".steps a").first.evaluate("element => getComputedStyle(element).color")
    assert colour == "rgb(160, 32, 122)"
    for path in ("/start", "/start/device", "/start/reader", "/start/restore", "/start/grafana", "/hub"):
        await page.goto(house.address + path)
        assert await problems(page) == [], path
        await picture(page, path.strip("/").replace("/", "-"))


async def test_hub_is_changed_by_keyboard_alone(house: House, page: Page) -> None:
    await enter(page, house, "ida", Role.ADMIN)
    await page.goto(f"{house.address}/hub")
    await press_to(page, "What is the hub called?")
    await page.keyboard.press("Control+A")
    await page.keyboard.type("Kallio Makers")
    await press_to(page, "Time zone")
    await page.keyboard.press("Control+A")
    await page.keyboard.type("Europe/Atlantis")
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("alert")).to_contain_text("There is no time zone")
    assert await page.get_by_label("What is the hub called?").input_value() == "Kallio Makers"
    await press_to(page, "Time zone")
    await page.keyboard.press("Control+A")
    await page.keyboard.type("Europe/Riga")
    await press_to(page, "Save")
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("status")).to_have_text("It is saved.")
    await expect(page.locator(".brand")).to_have_text("Kallio Makers")


async def test_first_start_without_javascript(house: House, browser: Browser) -> None:
    context = await browser.new_context(java_script_enabled=False, locale="en-GB")
    page = await context.new_page()
    await page.goto(f"{house.address}/setup?code={CODE}")
    await page.get_by_label("Login").fill("ida")
    await page.get_by_label("Password").fill(PASSWORD)
    await page.get_by_label("What is the hub called?").fill("Kallio Makers")
    await page.get_by_label("Keep people safe").check()
    await page.get_by_role("button", name="Set up the hub").click()
    await expect(page.locator("h1")).to_have_text("Getting started")
    await page.get_by_role("link", name="Connect Grafana, or do without").click()
    await page.get_by_role("button", name="We do not use Grafana").click()
    await page.get_by_role("link", name="Back to Getting started").click()
    await expect(page.locator(".steps .done")).to_have_count(1)
    await context.close()
