"""Paired screens in a real browser: pairing, following, revoking, wrong clocks, every size, accessible."""

import asyncio
import os
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

import pytest
from playwright.async_api import Browser, Page, expect

from feed.enrolled_people import enrol
from feed.simulated_device import Device
from services.web.axe_check import problems
from services.web.running_site import away
from services.web.screens.screen_browsers import COOKIE, Foyer
from services.web.screens.test_kiosk import BADGE, CODE, sent, tap

pytestmark = pytest.mark.browser
PICTURES: Final = os.environ.get("HUBWELL_PICTURES", "")
"""A folder for pictures of each page, to be looked at by a person."""
SIZES = [
    (1920, 1080),
    (3840, 2160),
    (1280, 720),
    (1024, 600),
    (1080, 1920),
    (600, 1024),
    (360, 740),
    (640, 360),
]
CUT_OFF = """() => [...document.querySelectorAll('h1,h2,p,li,.picture,.panel,.kiosk,.pairing')].filter(x => {
    const box = x.getBoundingClientRect();
    const inside = x.matches('.panel, .kiosk, .pairing') && x.scrollHeight > x.clientHeight + 1;
    return box.width && (inside || box.bottom > innerHeight + 1 || box.right > innerWidth + 1 || box.top < 0);
}).map(x => x.innerText || x.className)"""
ZONE = ZoneInfo("Europe/Helsinki")


async def picture(page: Page, name: str) -> None:
    if PICTURES:
        for width, height in ((1920, 1080), (1024, 600), (600, 1024)):
            await page.set_viewport_size({"width": width, "height": height})
            await page.screenshot(path=Path(PICTURES, f"{name}-{width}.png"))


@pytest.fixture
async def page(browser: Browser) -> AsyncIterator[Page]:
    page = await browser.new_page(viewport={"width": 1024, "height": 600}, locale="en-GB")
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: said.append(str(error)))
    yield page
    await page.close()
    assert [line for line in said if "Failed to load resource" not in line] == []


async def paired(page: Page, foyer: Foyer, name: str, shows: str, **fields: str) -> None:
    await page.goto(f"{foyer.house.address}/screen")
    code = (await page.locator(".code").inner_text()).replace(" ", "")
    assert (await foyer.pair(code, name, shows, **fields)).status_code == 303
    await expect(page.locator(".code")).to_have_count(0, timeout=20_000)


async def fits(page: Page, name: str) -> None:
    for width, height in SIZES:
        await page.set_viewport_size({"width": width, "height": height})
        assert await page.evaluate(CUT_OFF) == [], (name, width, height)


async def test_screen_is_paired_follows_and_is_unpaired_by_itself(foyer: Foyer, page: Page) -> None:
    await page.goto(f"{foyer.house.address}/screen")
    assert await problems(page) == []
    await picture(page, "pairing")
    await fits(page, "pairing")
    await paired(page, foyer, "Foyer", "wall")
    await expect(page.locator(".tile")).to_have_count(3)
    await foyer.change("Foyer", shows="panel", space="lab")
    await expect(page.locator(".panel h1")).to_have_text("Lab", timeout=5_000)
    await foyer.revoke("Foyer")
    await expect(page.locator("h1")).to_have_text("This screen is not paired any more.", timeout=5_000)
    assert await page.locator("header, .panel, .tile").count() == 0
    assert await problems(page) == []
    await fits(page, "unpaired")
    await page.get_by_role("link", name="Pair it again").click()
    await expect(page.locator(".code")).to_be_visible()


async def test_screen_is_paired_without_javascript(foyer: Foyer, browser: Browser) -> None:
    context = await browser.new_context(java_script_enabled=False)
    page = await context.new_page()
    await paired(page, foyer, "Foyer", "wall")
    await expect(page.locator(".tile")).to_have_count(3)
    await foyer.revoke("Foyer")
    await expect(page.locator("h1")).to_have_text("This screen is not paired any more.", timeout=5_000)
    await context.close()


async def test_kiosk_shows_a_tap_and_forgets_it_also_without_the_network(foyer: Foyer, page: Page) -> None:
    await asyncio.to_thread(enrol, foyer.url, BADGE, language="it")
    await sent(foyer, tap(Device("lab-pi"), "door"))
    await page.clock.install()
    await paired(page, foyer, "Kiosk", "kiosk", reader="kiosk-pi/kiosk")
    assert await problems(page) == []
    await picture(page, "kiosk-rest")
    await fits(page, "kiosk at rest")
    await sent(foyer, tap(Device("kiosk-pi"), "kiosk"))
    await expect(page.locator(".answer .code")).to_be_visible(timeout=5_000)
    assert CODE.fullmatch(await page.locator(".answer .code").inner_text())
    assert await page.locator(".answer").get_attribute("lang") == "it"
    await picture(page, "kiosk-code")
    assert await problems(page) == []
    await fits(page, "kiosk with a code")
    await page.context.set_offline(True)
    await page.clock.run_for(50_000)
    await expect(page.locator(".answer")).to_have_count(0)
    await expect(page.locator(".rest h1")).to_be_visible()


async def test_code_from_the_kiosk_is_in_the_form_on_the_phone_and_not_in_its_address(
    foyer: Foyer, page: Page
) -> None:
    await page.goto(f"{foyer.house.address}/me#code=K7MP-2XQR")
    await expect(page.get_by_label("Code from the kiosk")).to_have_value("K7MP-2XQR")
    assert page.url == f"{foyer.house.address}/me"


@pytest.mark.parametrize("shift", [timedelta(days=-2000), timedelta(hours=5), timedelta(days=400)])
async def test_clock_is_the_hubs_on_a_tablet_whose_clock_is_wrong(
    foyer: Foyer, browser: Browser, shift: timedelta
) -> None:
    context = await browser.new_context(timezone_id="America/New_York")
    page = await context.new_page()
    await page.clock.install(time=datetime.now(UTC) + shift)
    await paired(page, foyer, "Door", "panel", space="lab")
    await page.clock.run_for(3_000)
    shown = datetime.strptime(await page.locator("#clock").inner_text(), "%H:%M").replace(tzinfo=UTC)
    now = datetime.now(ZONE)
    behind = now.hour * 60 + now.minute - shown.hour * 60 - shown.minute
    assert (behind + 1) % (24 * 60) <= 3  # the page's clock was moved on by three seconds
    await context.close()


async def test_clock_goes_on_right_when_the_tablets_clock_is_set_while_the_network_is_gone(
    foyer: Foyer, page: Page
) -> None:
    await page.clock.install()
    await paired(page, foyer, "Door", "panel", space="lab")
    before = await page.locator("#clock").inner_text()
    await page.context.set_offline(True)
    await page.clock.set_system_time(datetime.now(UTC) + timedelta(hours=7))
    await page.clock.run_for(12_000)
    await expect(page.locator("#live")).to_contain_text("Not live since", timeout=20_000)
    shown = await page.locator("#clock").inner_text()
    minutes = [int(text[:2]) * 60 + int(text[3:]) for text in (before, shown)]
    assert (minutes[1] - minutes[0]) % (24 * 60) <= 2
    await page.context.set_offline(False)


async def test_panel_goes_on_through_a_night_without_the_database(foyer: Foyer, page: Page) -> None:
    await paired(page, foyer, "Door", "panel", space="lab")
    with away(foyer.house.database):
        await expect(page.locator("#live")).to_contain_text("Not live since", timeout=60_000)
        await expect(page.locator(".panel h1")).to_have_text("Lab")
    await expect(page.locator("#live")).to_be_empty(timeout=60_000)
    await foyer.house.run("UPDATE space SET name = 'New name' WHERE id = 'lab'")
    await expect(page.locator(".panel h1")).to_have_text("New name", timeout=60_000)


async def test_hubs_own_colour_is_on_wall_and_panel(foyer: Foyer, page: Page) -> None:
    await foyer.house.run("INSERT INTO hub_profile (colour) VALUES ('#a0207a')")
    async with foyer.house.app.state.parts.database.connection() as conn:
        await foyer.house.app.state.parts.hub.read(conn)
    for path in ("/wall", "/panel/lab"):
        await page.goto(foyer.house.address + path)
        await page.emulate_media(color_scheme="light")
        for what, which in ((".mark", "color"), ("header", "borderBottomColor")):
            colour = await page.locator(what).evaluate(f"element => getComputedStyle(element).{which}")
            assert colour == "rgb(160, 32, 122)", (path, what)


@pytest.mark.parametrize("path", ["/wall", "/panel/lab"])
async def test_wall_and_panel_at_200_percent_are_not_cut_off(
    foyer: Foyer, browser: Browser, path: str
) -> None:
    for width, height in ((1920, 1080), (1024, 600), (600, 1024), (3840, 2160)):
        context = await browser.new_context(
            viewport={"width": width // 2, "height": height // 2}, device_scale_factor=2
        )
        page = await context.new_page()
        await page.goto(foyer.house.address + path)
        assert await page.evaluate(CUT_OFF) == [], (path, width, height)
        await context.close()


async def test_page_of_screens_is_accessible_and_used_by_keyboard(foyer: Foyer, page: Page) -> None:
    screen, code = await foyer.waiting()
    ticket = foyer.staff.cookies["hubwell"]
    await page.context.add_cookies([{"name": "hubwell", "value": ticket, "url": foyer.house.address}])
    await page.goto(f"{foyer.house.address}/screens")
    assert await problems(page) == []
    await page.get_by_label("Code on the screen").focus()
    await page.keyboard.type(code)
    await page.keyboard.press("Tab")
    await page.keyboard.type("Foyer")
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("status")).to_contain_text("The screen is paired.")
    assert 'class="tiles"' in (await screen.get("/screen")).text
    assert await problems(page) == []
    await picture(page, "screens")
    await page.get_by_role("link", name="Foyer").click()
    await expect(page.locator("h1")).to_have_text("Foyer")
    assert await problems(page) == []
    await picture(page, "screen")
    await page.get_by_role("button", name="Unpair this screen").click()
    await expect(page.get_by_role("status")).to_contain_text("not paired any more")
    assert (await screen.get("/screen/now")).status_code == 410
    assert screen.cookies.get(COOKIE)
