"""Every page, found by its route: no fault that axe finds, from 320 px to 4K, at twice the size of text."""

from collections.abc import AsyncIterator
from typing import Any, Final

import psycopg
import pytest
from playwright.async_api import Browser, CDPSession, Page

from hubwell.vocabulary import Role
from lanes.database_lane import Database
from services.access.running_app import House, open_house
from services.web.axe_check import axe
from services.web.page_addresses import PAGES
from services.web.sample_hub import ordinary_day
from services.web.test_floor_plan import add_plan

_OF_A_SPACE: Final = (
    "/spaces/studio?days=7",
    "/spaces/studio/edit",
    "/spaces/studio/parts",
    "/bookings/new?day=2099-01-01&start=10:00&end=11:00&people=x&title=",
    "/spaces/studio/archive",
    "/panel/studio",
    "/devices/library-1",
    "/devices/library-1/archive",
)
_OF_A_PLAN: Final = ("/?view=plan", "/register/plans/1", "/register/plans/1/change")
_SIZES: Final = ((320, 640, 16), (1280, 800, 32), (3840, 2160, 16))
"""Width, height, and the size of text that a reader has set in the browser; 16 px is the usual one."""
_MOST_SHIFT: Final = 0.01
_SHIFT: Final = """
window.shift = 0;
new PerformanceObserver(list => { for (const entry of list.getEntries()) window.shift += entry.value; })
    .observe({type: 'layout-shift', buffered: true});
"""
_SIZE_OF_TEXT: Final = "getComputedStyle(document.documentElement).fontSize"
_TOO_WIDE: Final = "document.documentElement.scrollWidth > window.innerWidth"


@pytest.fixture
async def house(database: Database) -> AsyncIterator[House]:
    """Give an ordinary day on a floor plan with its server."""
    with psycopg.connect(database.url, autocommit=True) as conn:
        plan = add_plan(ordinary_day(conn, database.url))
        conn.execute("INSERT INTO space_place VALUES ('studio', %s, 90, 10)", (plan,))
    async with open_house(database) as running:
        yield running


async def _addresses(house: House) -> list[str]:
    """Return the addresses of every page that a signed-in person with all roles gets."""
    client = await house.signed_in("boss", *Role)
    client.follow_redirects = False
    found = []
    for path in [*PAGES, *_OF_A_SPACE, *_OF_A_PLAN]:
        answer = await client.get(path, headers={"accept": "text/html"})
        if answer.status_code == 200 and "<main" in answer.text:
            found.append(path)
    return found


async def _faults(page: Page, devtools: CDPSession) -> list[str]:
    shift = await page.evaluate("window.shift")
    found = [f"shifts by {shift} while it loads"] if shift > _MOST_SHIFT else []
    for width, height, text in _SIZES:
        await page.set_viewport_size({"width": width, "height": height})
        await devtools.send("Page.setFontSizes", {"fontSizes": {"standard": text, "fixed": text}})
        assert await page.evaluate(_SIZE_OF_TEXT) == f"{text}px", "the page follows the reader's choice"
        if await page.evaluate(_TOO_WIDE):
            found.append(f"scrolls sideways at {width}, text of {text} px")
    await devtools.send("Page.setFontSizes", {"fontSizes": {"standard": 16, "fixed": 13}})
    await page.set_viewport_size({"width": 1024, "height": 600})
    for media in ({}, {"color_scheme": "dark"}, {"color_scheme": "light", "forced_colors": "active"}):
        await page.emulate_media(**media)  # type: ignore[arg-type]
        found += [f"{media}: {fault}" for fault in await axe(page)]
    await page.emulate_media(color_scheme="light", forced_colors="none")
    return found


@pytest.mark.slow
@pytest.mark.browser
async def test_every_page_is_accessible_at_every_size(house: House, browser: Browser) -> None:
    addresses = await _addresses(house)
    assert set(_OF_A_PLAN) <= set(addresses)
    assert {"/", "/use", "/hub", "/start", "/devices", "/wall", "/spaces/studio?days=7"} <= set(addresses)
    context = await browser.new_context()
    ticket = (await house.signed_in("boss-too", *Role)).cookies["hubwell"]
    await context.add_cookies([{"name": "hubwell", "value": ticket, "url": house.address}])
    page = await context.new_page()
    await page.add_init_script(_SHIFT)
    devtools = await context.new_cdp_session(page)
    faults: dict[str, Any] = {}
    for address in addresses:
        await page.goto(house.address + address)
        if found := await _faults(page, devtools):
            faults[address] = found
    assert faults == {}
