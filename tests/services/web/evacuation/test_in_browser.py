"""The muster in a real browser: accessible in every state, by keyboard, on a phone, also without script."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import pytest
from playwright.async_api import Browser, Page, Route, expect
from psycopg import AsyncConnection

from hubwell.access import sessions
from services.evacuation.populated_hub import House
from services.web.axe_check import problems
from services.web.running_site import Site

pytestmark = pytest.mark.browser
PHONE = (360, 780)


@asynccontextmanager
async def officer(
    browser: Browser, site: Site, house: House, login: str, *roles: str, script: bool = True
) -> AsyncIterator[Page]:
    """Give the page of somebody who is signed in; what the console says fails the test."""
    account = house.account(login, *(roles or ("osh",)))
    async with await AsyncConnection.connect(site.database.url, autocommit=True) as conn:
        ticket = await sessions.begin(conn, account_id=account, now=datetime.now(UTC))
    context = await browser.new_context(
        viewport={"width": PHONE[0], "height": PHONE[1]}, java_script_enabled=script
    )
    await context.add_cookies([{"name": "hubwell", "value": ticket, "url": site.address}])
    page = await context.new_page()
    page.set_default_timeout(15_000)
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: said.append(str(error)))
    yield page
    await context.close()
    assert [line for line in said if not any(part in line for part in ("410", "ERR_FAILED"))] == []


async def start(page: Page, site: Site, kind: str = "alarm", people: int = 4) -> None:
    await page.goto(site.address + "/muster")
    await page.locator(f"button[value={kind}]").click()
    await expect(page.locator("#muster-list .person")).to_have_count(people)


@pytest.mark.slow
async def test_axe_finds_nothing_on_any_page_in_any_state(browser: Browser, site: Site, house: House) -> None:
    house.sensor("wood", "ld2450/people/count", 5)
    async with (
        officer(browser, site, house, "first") as page,
        officer(browser, site, house, "second") as other,
    ):
        for path in ("/muster", "/muster/names", "/muster/reports"):
            await page.goto(site.address + path)
            assert await problems(page) == [], path
        await start(page, site, "drill")
        assert await problems(page) == [], "drill"
        await page.goto(site.address + "/muster/names")
        await page.get_by_role("button", name="Ask").click()
        await page.fill("#reason", "a rucksack was found")
        await page.get_by_role("button", name="Ask").click()
        assert await problems(page) == [], "asked"
        await other.goto(site.address + "/muster/names")
        assert await problems(other) == [], "waiting"
        await other.get_by_role("button", name="Agree").click()
        await expect(other.locator(".muster-names")).to_contain_text("Two people agreed")
        await other.get_by_role("button", name="Safe: Ada Example").click()
        await other.get_by_role("button", name="Missing: Bo Sample").click()
        await expect(other.locator(".muster-missing")).to_be_visible()
        assert await problems(other) == [], "ticked"
        for path in ("/muster/sheet", "/muster/close", "/muster?zone=-", "/muster?problem=already-open"):
            await other.goto(site.address + path)
            assert await problems(other) == [], path
        await other.goto(site.address + "/muster/close")
        await other.get_by_role("button", name="Close and delete the list").click()
        await expect(other.locator("h1")).to_have_text("Drill")
        assert await problems(other) == [], "report"
        await other.goto(site.address + "/muster/reports")
        assert await problems(other) == [], "reports"


async def test_two_officers_see_each_other_s_ticks_without_reloading(
    browser: Browser, site: Site, house: House
) -> None:
    async with (
        officer(browser, site, house, "first") as page,
        officer(browser, site, house, "second") as other,
    ):
        await start(page, site)
        await other.goto(site.address + "/muster")
        await page.evaluate("window.kept = true")

        await page.get_by_role("button", name="Safe: Ada Example").click()
        await expect(other.locator(".muster-sum .progress")).to_have_text("1 of 4 people are accounted for")
        await other.get_by_role("button", name="Missing: Bo Sample").click()
        await expect(page.locator(".muster-missing")).to_have_text("1 person is missing.")
        await expect(page.locator("#news")).to_have_text(
            "1 of 4 people are accounted for. 1 person is missing."
        )
        house.inside("Eve Late", "cafe")
        await expect(page.get_by_role("button", name="Safe: Eve Late")).to_be_visible()
        assert await page.evaluate("window.kept")

        await other.goto(site.address + "/muster/close")
        await other.get_by_role("button", name="Close and delete the list").click()
        await expect(page.locator("h1")).to_have_text("No evacuation is open")


async def test_tick_made_without_a_network_is_kept_and_sent_later(
    browser: Browser, site: Site, house: House
) -> None:
    async with officer(browser, site, house, "first") as page:
        await start(page, site)

        async def away(route: Route) -> None:
            await route.abort()

        await page.route("**/muster/**", away)
        await page.get_by_role("button", name="Safe: Ada Example").click()
        await expect(page.locator("#unsent")).to_contain_text("not sent yet")
        await expect(page.locator("#muster-live")).to_contain_text("Not live since")
        assert await problems(page) == []
        await page.unroute("**/muster/**")

        await expect(page.locator("#unsent")).to_be_hidden()
        await expect(page.locator("#muster-live")).to_have_text("Live")
        await expect(page.locator(".muster-sum .progress")).to_have_text("1 of 4 people are accounted for")


async def test_everything_by_keyboard(browser: Browser, site: Site, house: House) -> None:
    async with officer(browser, site, house, "first") as page:
        await page.goto(site.address + "/muster")
        await reach(page, "Start an evacuation")
        await page.keyboard.press("Enter")
        await expect(page.locator("h1")).to_contain_text("Evacuation since")
        await reach(page, "Safe: Ada Example")
        await page.keyboard.press("Space")
        await expect(page.locator(".muster-sum .progress")).to_have_text("1 of 4 people are accounted for")
        assert await page.evaluate("document.activeElement.getAttribute('aria-label')") == "Undo: Ada Example"
        await reach(page, "Close")
        await page.keyboard.press("Enter")
        await expect(page.locator("h1")).to_have_text("Close the evacuation?")
        await reach(page, "Close and delete the list")
        await page.keyboard.press("Enter")
        await expect(page.locator("h1")).to_have_text("Evacuation")


async def reach(page: Page, name: str) -> None:
    """Press Tab until the control of this name has the focus."""
    said = "document.activeElement.getAttribute('aria-label') ?? document.activeElement.textContent.trim()"
    for _ in range(80):
        await page.keyboard.press("Tab")
        if await page.evaluate(said) == name:
            return
    raise AssertionError(f"Tab never reaches {json.dumps(name)}")


async def test_everything_without_a_script(browser: Browser, site: Site, house: House) -> None:
    async with officer(browser, site, house, "first", script=False) as page:
        await start(page, site)
        await page.get_by_role("button", name="Safe: Ada Example").click()
        await expect(page.locator(".muster-sum .progress")).to_have_text("1 of 4 people are accounted for")
        assert "#person-" in page.url
        await page.get_by_label("Zone").select_option("Ground floor, south")
        await page.get_by_role("button", name="Show, and renew").click()
        await expect(page.locator(".person")).to_have_count(1)
        await page.get_by_role("button", name="Missing: Cleo Specimen").click()
        await expect(page.locator(".person")).to_have_count(1)
        await page.get_by_role("link", name="Close").click()
        await page.get_by_role("button", name="Close and delete the list").click()
        await expect(page.locator("h1")).to_have_text("Evacuation")


async def test_targets_are_large_on_a_phone(browser: Browser, site: Site, house: House) -> None:
    async with officer(browser, site, house, "first") as page:
        await page.goto(site.address + "/muster")
        alarm = await page.locator("button.alarm").bounding_box()
        assert alarm is not None
        assert alarm["height"] >= 120
        assert alarm["width"] >= 300
        await start(page, site)
        for button in await page.locator(".person button").all():
            box = await button.bounding_box()
            assert box is not None
            assert box["height"] >= 52
            assert box["width"] >= 88
