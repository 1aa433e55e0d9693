"""The panel's targets in a real browser: by finger, by keyboard, without a script, and through an outage."""

import os
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Final
from uuid import uuid4

import pytest
from playwright.async_api import Browser, Page, Route, expect

from feed.ingest_setup import ingest_of
from feed.simulated_device import Device
from hubwell.http.rate_limits import count_report
from hubwell.ingest.consumer import Ingest
from services.web.axe_check import axe, problems
from services.web.running_site import away
from services.web.screens.screen_browsers import Foyer
from services.web.screens.test_in_browser import CUT_OFF, paired

pytestmark = pytest.mark.browser
PICTURES: Final = os.environ.get("HUBWELL_PICTURES", "")
"""A folder for pictures of each part, to be looked at by a person."""
SIZES: Final = ((1024, 600), (1280, 800), (600, 1024), (360, 740), (320, 568))
PARTS: Final = ("", "badge", "free", "broken", "reported")
_SMALLEST_TARGET: Final = 44
TARGETS: Final = """() => [...document.querySelectorAll('.target')].map(x => {
    const box = x.getBoundingClientRect();
    const inside = box.left >= 0 && box.right <= innerWidth;
    return [x.innerText, Math.round(box.width), Math.round(box.height), inside,
        x.scrollWidth > x.clientWidth + 1 || x.scrollHeight > x.clientHeight + 1];
})"""
FONT: Final = "parseFloat(getComputedStyle(document.querySelector('.target')).fontSize)"


@pytest.fixture
async def page(browser: Browser) -> AsyncIterator[Page]:
    page = await browser.new_page(viewport={"width": 1024, "height": 600}, locale="en-GB")
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    yield page
    await page.close()
    assert errors == []


@pytest.fixture
async def door(foyer: Foyer, page: Page) -> Page:
    """Give the page of a screen that shows the panel of the lab."""
    await paired(page, foyer, "Door", "panel", space="lab")
    await expect(page.locator(".targets")).to_be_visible()
    return page


async def shows(page: Page, part: str) -> None:
    """Open a part as a person does."""
    if part == "reported":
        await shows(page, "broken")
        await page.get_by_role("button", name="Lamp or socket").click()
        await expect(page.locator("h1")).to_have_text("Facilities see it now")
    elif part:
        await page.locator(f"#to-{part}").click()
        await expect(page.locator(f".part-{part}")).to_be_visible()


@pytest.mark.parametrize("part", PARTS)
async def test_every_part_is_accessible_and_its_targets_large_at_every_size(door: Page, part: str) -> None:
    await shows(door, part)
    await door.keyboard.press("Shift")  # who presses keys is not sent back meanwhile
    assert await problems(door) == []
    await door.keyboard.press("Shift")
    await door.emulate_media(color_scheme="light", forced_colors="active")
    assert await axe(door) == []
    await door.emulate_media(forced_colors="none")
    for width, height in SIZES:
        await door.set_viewport_size({"width": width, "height": height})
        for name, wide, high, inside, cut in await door.evaluate(TARGETS):
            assert min(wide, high) >= _SMALLEST_TARGET, (name, width)
            assert inside, (name, width)
            assert not cut, (name, width)
        assert await door.evaluate(FONT) >= 16
        assert await door.evaluate("document.documentElement.scrollWidth <= innerWidth"), width
        if not part:
            assert await door.evaluate(CUT_OFF) == [], (width, height)
        if PICTURES:
            await door.screenshot(path=Path(PICTURES, f"panel-{part or 'state'}-{width}x{height}.png"))


async def test_tap_reports_and_undo_takes_it_back(foyer: Foyer, door: Page) -> None:
    await shows(door, "reported")
    assert await foyer.house.value("SELECT string_agg(kind, ' ') FROM defect") == "electricity"
    assert door.url == f"{foyer.house.address}/screen"
    await door.get_by_role("button", name="That was a mistake: take it back").click()
    await expect(door.locator("h1")).to_have_text("The report is taken back")
    assert await foyer.house.value("SELECT count(*) FROM defect") == 0
    await door.get_by_role("link", name="Back").click()
    await expect(door.locator(".panel h1")).to_have_text("Lab")


async def test_double_tap_of_a_finger_is_one_report(foyer: Foyer, door: Page) -> None:
    await shows(door, "broken")
    await door.get_by_role("button", name="Something else").dblclick()
    await expect(door.locator("h1")).to_have_text("Facilities see it now")
    assert await foyer.house.value("SELECT sum(reports) FROM defect") == 1


async def test_panel_returns_by_itself_after_half_a_minute(foyer: Foyer, page: Page) -> None:
    await page.clock.install()
    await paired(page, foyer, "Door", "panel", space="lab")
    for part in ("badge", "free", "broken"):
        await shows(page, part)
        await page.clock.run_for(25_000)
        await expect(page.locator(f".part-{part}")).to_be_visible()
        await page.clock.run_for(6_000)
        await expect(page.locator(".panel h1")).to_have_text("Lab")


async def test_who_still_presses_keys_is_not_sent_back(foyer: Foyer, page: Page) -> None:
    await page.clock.install()
    await paired(page, foyer, "Door", "panel", space="lab")
    await shows(page, "broken")
    for _ in range(3):
        await page.clock.run_for(20_000)
        await page.keyboard.press("Tab")
    await expect(page.locator(".part-broken")).to_be_visible()
    await page.clock.run_for(31_000)
    await expect(page.locator(".panel h1")).to_have_text("Lab")


async def test_panel_is_used_by_keyboard_alone(foyer: Foyer, door: Page) -> None:
    await door.locator("#to-broken").focus()
    await door.keyboard.press("Enter")
    await expect(door.locator("h1")).to_be_focused()
    await door.keyboard.press("Tab")
    assert await door.evaluate("document.activeElement.innerText") == "Lamp or socket"
    await door.keyboard.press("Enter")
    await expect(door.locator("h1")).to_have_text("Facilities see it now")
    await door.keyboard.press("Tab")
    await door.keyboard.press("Tab")
    assert await door.evaluate("document.activeElement.id") == "back"
    await door.keyboard.press("Enter")
    await expect(door.locator(".panel h1")).to_have_text("Lab")
    assert await door.evaluate("document.activeElement.id") == "to-broken"
    assert await foyer.house.value("SELECT count(*) FROM defect") == 1


async def test_focus_stays_where_it_is_when_the_state_changes(foyer: Foyer, door: Page) -> None:
    await door.locator("#to-free").focus()
    await foyer.house.run("UPDATE space SET name = 'New name' WHERE id = 'lab'")
    await expect(door.locator(".panel h1")).to_have_text("New name", timeout=20_000)
    assert await door.evaluate("document.activeElement.id") == "to-free"


async def test_press_while_the_server_is_away_says_so_and_pretends_nothing(foyer: Foyer, door: Page) -> None:
    await shows(door, "broken")
    await door.context.set_offline(True)
    await door.get_by_role("button", name="Water or toilet").click()
    await expect(door.locator("#pressed")).to_contain_text("Your report may not have arrived.")
    assert "Facilities see it now" not in await door.content()
    await door.get_by_role("link", name="Back").click()
    await expect(door.locator(".panel h1")).to_have_text("Lab")
    await expect(door.locator("#live")).to_contain_text("Not live since", timeout=20_000)
    await door.locator("#to-free").click()
    await expect(door.locator("#pressed")).to_have_text(
        "The hub cannot be reached right now. Try again in a minute."
    )
    await expect(door.locator(".panel h1")).to_have_text("Lab")
    assert await axe(door) == []
    await door.context.set_offline(False)
    await expect(door.locator("#live")).to_be_empty(timeout=20_000)
    await shows(door, "free")
    await expect(door.locator("#pressed")).to_be_empty()
    assert await foyer.house.value("SELECT count(*) FROM defect") == 0


async def test_press_while_the_database_is_away_says_so(foyer: Foyer, door: Page) -> None:
    await shows(door, "broken")
    with away(foyer.house.database):
        await door.get_by_role("button", name="Water or toilet").click()
        await expect(door.locator("#pressed")).to_contain_text(
            "Your report may not have arrived.", timeout=20_000
        )


async def test_refusal_stays_to_be_read(foyer: Foyer, door: Page) -> None:
    await shows(door, "broken")
    for _ in range(30):
        await count_report(foyer.house.app.state.parts.limits, f"screen:{await foyer.id_of('Door')}")
    await door.get_by_role("button", name="Water or toilet").click()
    await expect(door.locator("h1")).to_have_text("This was not reported")
    await door.wait_for_timeout(6_000)  # the page looked meanwhile
    await expect(door.locator(".part")).to_contain_text("Too many attempts. Try again in 15 min.")
    assert await axe(door) == []


async def test_evacuation_takes_an_open_part_over(foyer: Foyer, door: Page) -> None:
    await shows(door, "broken")
    await foyer.house.run("INSERT INTO muster (kind) VALUES ('alarm')")
    await expect(door.locator(".evacuation h1")).to_be_visible(timeout=20_000)
    assert await door.locator(".target").count() == 0


async def test_unpaired_screen_loses_an_open_part(foyer: Foyer, door: Page) -> None:
    await shows(door, "broken")
    await foyer.revoke("Door")
    await expect(door.locator("h1")).to_have_text("This screen is not paired any more.", timeout=5_000)


async def test_without_a_script_links_and_forms_do_the_same_and_it_returns(
    foyer: Foyer, browser: Browser
) -> None:
    context = await browser.new_context(java_script_enabled=False, locale="en-GB")
    page = await context.new_page()
    await paired(page, foyer, "Door", "panel", space="lab")
    await page.get_by_role("link", name="Find a free space").click()
    await expect(page.locator(".part-free")).to_be_visible()
    await page.get_by_role("link", name="Back").click()
    await page.get_by_role("link", name="Something is broken").click()
    await page.get_by_role("button", name="Machine or tool").click()
    await expect(page.locator("h1")).to_have_text("Facilities see it now")
    await page.get_by_role("button", name="take it back").click()
    await expect(page.locator("h1")).to_have_text("The report is taken back")
    await page.goto(f"{foyer.house.address}/screen?part=free&until=1700000000")
    await expect(page.locator(".panel h1")).to_have_text("Lab")
    await page.get_by_role("link", name="Find a free space").click()
    await expect(page.locator(".panel h1")).to_have_text("Lab", timeout=45_000)
    await context.close()


async def test_account_reports_on_the_panel_and_stays_where_it_is(foyer: Foyer, page: Page) -> None:
    ticket = foyer.staff.cookies["hubwell"]
    await page.context.add_cookies([{"name": "hubwell", "value": ticket, "url": foyer.house.address}])
    await page.goto(f"{foyer.house.address}/panel/lab")
    await page.locator("#to-broken").click()
    await page.get_by_role("button", name="Heating or air").focus()
    await page.wait_for_timeout(
        6_000
    )  # the page looked meanwhile: its form is another one, with the same words
    assert await page.evaluate("document.activeElement.innerText") == "Heating or air"
    await page.keyboard.press("Enter")
    await expect(page.locator("h1")).to_have_text("Facilities see it now")
    assert await foyer.house.value("SELECT kind FROM defect") == "climate"


@pytest.fixture
async def ingest(foyer: Foyer) -> AsyncIterator[Ingest]:
    async with ingest_of(foyer.url) as ingest:
        yield ingest


async def test_badge_takes_extends_and_ends_by_finger_and_by_keyboard(
    foyer: Foyer, door: Page, ingest: Ingest
) -> None:
    device, badge = Device("lab-pi"), uuid4().bytes

    async def tapped() -> None:
        await expect(door.locator("h1")).to_have_text("Hold your badge to the reader now")
        await ingest.commit([device.tap(datetime.now(UTC), badge)])

    await door.locator("#to-take").click()
    await expect(door.locator(".part-take")).to_be_visible()
    assert await axe(door) == []
    for width, height in SIZES:
        await door.set_viewport_size({"width": width, "height": height})
        assert await door.evaluate("document.documentElement.scrollWidth <= innerWidth"), width
    await door.set_viewport_size({"width": 1024, "height": 600})
    await door.get_by_role("button", name="30 min, until").click()
    await tapped()
    await expect(door.locator("h1")).to_contain_text("It is yours until")
    assert await axe(door) == []
    await door.get_by_role("link", name="Back").click()
    await expect(door.locator(".booked")).to_contain_text("Booked until")

    await door.locator("#to-change").focus()
    await door.keyboard.press("Enter")
    await expect(door.locator(".part-change h1")).to_be_focused()
    assert await axe(door) == []
    await door.keyboard.press("Tab")
    await door.keyboard.press("Enter")
    await tapped()
    await expect(door.locator("h1")).to_contain_text("It is yours until")
    assert await foyer.house.value("SELECT upper(during) > now() + interval '40 min' FROM booking")

    await door.get_by_role("link", name="Back").click()
    await door.locator("#to-change").click()
    await door.get_by_role("button", name="End it now").click()
    await tapped()
    await expect(door.locator("h1")).to_have_text("It has ended")
    await door.get_by_role("link", name="Back").click()
    await expect(door.locator("#to-take")).to_be_visible()


async def test_panel_says_within_five_seconds_that_the_server_is_away(foyer: Foyer, door: Page) -> None:
    async def no_answer(route: Route) -> None:
        """Let an answer be under way for ever, as when a cable is pulled."""
        del route

    looks = await door.locator("#screen").evaluate(
        "({ dataset }) => [dataset.every, dataset.limit].map(Number)"
    )
    assert sum(looks) < 5  # seconds until the next look, and until it is given up
    await door.route("**/screen/**", no_answer)
    await expect(door.locator("#live")).to_contain_text("The hub cannot be reached", timeout=20_000)
    assert await axe(door) == []
    await door.unroute("**/screen/**")
    await expect(door.locator("#live")).to_be_empty(timeout=20_000)
    await shows(door, "take")
    await door.context.set_offline(True)
    await door.get_by_role("button", name="30 min, until").click()
    await expect(door.locator("#pressed")).to_contain_text("Nothing has changed. Try again in a minute.")
    assert await foyer.house.value("SELECT count(*) FROM door_request") == 0
    await door.context.set_offline(False)
