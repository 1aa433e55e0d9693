"""The list of defects in a real browser: accessible at every size, by keyboard, without a script."""

import os
from pathlib import Path
from typing import Final

import httpx
import pytest
from playwright.async_api import Browser, Page, expect

from services.access.running_app import House
from services.web.axe_check import axe, problems
from services.web.defects.test_pages import report

pytestmark = pytest.mark.browser
PICTURES: Final = os.environ.get("HUBWELL_PICTURES", "")
SIZES: Final = ((1280, 800), (1024, 600), (360, 740), (320, 568))


async def opened(browser: Browser, house: House, client: httpx.AsyncClient, *, script: bool = True) -> Page:
    context = await browser.new_context(java_script_enabled=script, locale="en-GB")
    ticket = client.cookies["hubwell"]
    await context.add_cookies([{"name": "hubwell", "value": ticket, "url": house.address}])
    return await context.new_page()


async def fill(keeper: httpx.AsyncClient, house: House) -> None:
    for kind, space in (("water", "lab"), ("display", "lab"), ("sensor", "den"), ("other", "den")):
        await report(keeper, kind, space)
    await house.run(
        "UPDATE defect SET first_at = now() - interval '9 days', reports = 12 WHERE kind = 'display'"
    )
    note = "The lamp is new, the switch waits for a spare part that comes on Friday." * 3
    await house.run("UPDATE defect SET closed_at = now(), note = %s WHERE kind = 'other'", note)
    await house.run("UPDATE space SET name = 'Assistive technology and robotics laboratory' WHERE id = 'lab'")


async def test_list_is_accessible_from_320_px_on(
    browser: Browser, house: House, keeper: httpx.AsyncClient
) -> None:
    page = await opened(browser, house, keeper)
    await page.goto(f"{house.address}/defects")
    assert await problems(page) == []
    await fill(keeper, house)
    for path in ("/defects", "/defects?done=reopened", "/spaces/lab"):
        await page.goto(house.address + path)
        assert await problems(page) == [], path
        await page.emulate_media(color_scheme="light", forced_colors="active")
        assert await axe(page) == [], path
        await page.emulate_media(forced_colors="none")
        for width, height in SIZES:
            await page.set_viewport_size({"width": width, "height": height})
            assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth"), (path, width)
            if PICTURES:
                name = path.strip("/").replace("/", "-").replace("?", "-")
                await page.screenshot(path=Path(PICTURES, f"{name}-{width}.png"), full_page=True)


async def test_defect_is_done_by_keyboard_and_opened_again_without_a_script(
    browser: Browser, house: House, keeper: httpx.AsyncClient
) -> None:
    await report(keeper, "water")
    page = await opened(browser, house, keeper, script=False)
    await page.goto(f"{house.address}/defects")
    await page.get_by_label("What was done").focus()
    await page.keyboard.type("New seal")
    await page.keyboard.press("Tab")
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("status")).to_contain_text("It is marked as done.")
    await expect(page.locator("td", has_text="New seal")).to_be_visible()
    await page.get_by_role("button", name="Undo").click()
    await expect(page.get_by_role("status")).to_contain_text("It is open again.")
    await expect(page.get_by_role("heading", name="Water or toilet")).to_be_visible()


async def test_report_on_the_page_of_a_space_by_keyboard(
    browser: Browser, house: House, keeper: httpx.AsyncClient
) -> None:
    page = await opened(browser, house, keeper)
    await page.goto(f"{house.address}/spaces/lab")
    await page.get_by_label("What is broken?").focus()
    await page.keyboard.type("Machine")
    await page.keyboard.press("Tab")
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("status")).to_contain_text("Facilities see it now: Machine or tool.")
    assert await problems(page) == []
