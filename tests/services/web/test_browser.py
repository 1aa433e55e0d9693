"""The pages in a real browser: accessible in every state, right at every size, live without reload."""

import json
from collections.abc import AsyncIterator

import pytest
from playwright.async_api import Browser, Page, expect

from services.web.axe_check import problems
from services.web.running_site import Site, away
from services.web.sample_hub import Hub

pytestmark = pytest.mark.browser
PATHS = ["/", "/?people=4&quiet=1&find=1", "/devices", "/alerts", "/no-such-page"]


@pytest.fixture
async def page(browser: Browser) -> AsyncIterator[Page]:
    """Give a page that fails the test for what it says on the console or asks from elsewhere."""
    page = await browser.new_page(viewport={"width": 1440, "height": 900})
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on("request", lambda request: None if "127.0.0.1" in request.url else said.append(request.url))
    yield page
    await page.close()
    expected = ("503", "404", "ERR_INCOMPLETE_CHUNKED_ENCODING", "ERR_CONNECTION_REFUSED", "ERR_FAILED")
    assert [line for line in said if not any(part in line for part in expected)] == []


async def open_live(page: Page, address: str) -> None:
    """Open a page and wait until its stream tells how changes arrive."""
    await page.goto(address)
    if await page.locator("#live").count():
        await expect(page.locator("#live")).to_have_attribute("data-state", "live")


@pytest.mark.slow
async def test_axe_finds_nothing_on_any_page(site: Site, page: Page) -> None:
    for path in PATHS:
        await open_live(page, site.address + path)
        if await page.locator("summary:visible").count():
            await page.locator("summary:visible").first.click()
        assert await problems(page) == [], path


async def test_axe_finds_nothing_on_the_empty_hub(bare_site: Site, page: Page) -> None:
    for path in ("/", "/devices", "/alerts"):
        await open_live(page, bare_site.address + path)
        assert await problems(page) == [], path


async def test_database_away_shows_and_goes_by_itself(site: Site, page: Page, browser: Browser) -> None:
    await open_live(page, site.address)
    other = await browser.new_page()
    with away(site.database):
        await expect(page.locator("#live")).to_contain_text("Not live since")
        await expect(page.locator("#live")).to_contain_text("Nothing is lost")
        assert await problems(page) == []
        await other.goto(site.address)
        await expect(other.locator("h1")).to_have_text("The board cannot be shown right now")
        assert await problems(other) == []

    await expect(page.locator("#live")).to_have_text("Live")
    await expect(other.locator("h1")).to_have_text("4 of 9 spaces are free", timeout=15_000)
    await other.close()


async def test_nothing_scrolls_sideways(site: Site, page: Page) -> None:
    for path in PATHS:
        await open_live(page, site.address + path)
        for width in (320, 360, 768, 1024, 1440):
            await page.set_viewport_size({"width": width, "height": 600})
            over = await page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
            assert over <= 0, (path, width)


async def test_targets_are_large_enough_for_a_finger(site: Site, page: Page) -> None:
    await page.set_viewport_size({"width": 360, "height": 780})
    await open_live(page, site.address)
    for control in await page.locator(
        "nav a, button, select, input[type=number], summary, .tick label"
    ).all():
        box = await control.bounding_box()
        assert box is not None
        assert box["height"] >= 40, await control.inner_text()


async def test_change_appears_without_reload_and_is_said_politely(hub: Hub, site: Site, page: Page) -> None:
    await open_live(page, site.address)
    await page.evaluate("window.kept = true")
    card = page.locator("#space-studio")
    await expect(card.locator(".state strong")).to_have_text("Free")

    hub.reading("studio-1", "presence", 1)
    hub.reading("studio-1", "co2", 2310)
    hub.notify("studio")

    await expect(card.locator(".state strong")).to_have_text("In use")
    await expect(card.locator(".air")).to_contain_text("Bad air 2310 ppm Open two windows.")
    await expect(page.locator("h1")).to_have_text("3 of 9 spaces are free")
    await expect(page.locator("#news")).to_have_text("Media studio is in use.")
    assert await page.locator("#news").get_attribute("aria-live") == "polite"
    assert await page.evaluate("window.kept")


async def test_card_appears_when_its_space_begins_to_fit(hub: Hub, site: Site, page: Page) -> None:
    await open_live(page, site.address + "/?fresh=1")
    await expect(page.locator("#space-cafe")).to_be_hidden()

    hub.reading("cafe-1", "co2", 640)
    hub.notify("cafe")

    await expect(page.locator("#space-cafe")).to_be_visible()


async def test_first_space_appears_on_the_empty_page(hub: Hub, site: Site, page: Page) -> None:
    hub.conn.execute("TRUNCATE space CASCADE")
    await open_live(page, site.address)
    await expect(page.locator("h1")).to_have_text("No spaces yet")

    hub.space("attic", "Attic", "relaxation", 3)

    await expect(page.locator("#space-attic")).to_contain_text("Nothing has been heard from here yet.")


async def test_page_says_since_when_the_server_is_gone(site: Site, page: Page) -> None:
    await open_live(page, site.address)
    await page.route("**/live*", lambda route: route.abort())
    await page.evaluate("dispatchEvent(new PageTransitionEvent('pageshow', {persisted: true}))")

    await expect(page.locator("#live")).to_contain_text("Not live since")
    await expect(page.locator("#live")).to_contain_text("Trying again.")
    assert await page.locator("#space-studio").is_visible()  # what was known stays


async def test_everything_can_be_reached_and_used_by_keyboard(site: Site, page: Page) -> None:
    await open_live(page, site.address)
    reached = []
    for _ in range(40):
        await page.keyboard.press("Tab")
        reached.append(
            await page.evaluate("document.activeElement.id || document.activeElement.innerText.trim()")
        )
    assert reached[0] == "Skip to content"
    for wanted in ("Board", "Devices", "Alerts", "people", "kind", "quiet", "fresh", "Find me a space"):
        assert wanted in reached
    await page.locator("#people").focus()
    await page.keyboard.press("ControlOrMeta+a")
    await page.keyboard.type("6")
    await page.keyboard.press("Tab")
    await page.keyboard.press("Tab")
    await page.keyboard.press("Space")
    await page.keyboard.press("Enter")
    await expect(page.locator("#answer-title")).to_have_text("Go to Quiet room")
    summary = page.locator("#space-studio summary")
    await summary.focus()
    await page.keyboard.press("Enter")
    await expect(page.locator("#space-studio table")).to_be_visible()


async def test_page_is_whole_without_script(site: Site, browser: Browser) -> None:
    context = await browser.new_context(java_script_enabled=False)
    page = await context.new_page()
    await page.goto(site.address)
    await page.locator("#people").fill("3")
    await page.locator("#quiet").check()
    await page.get_by_role("button", name="Find me a space").click()

    await expect(page.locator("#answer-title")).to_have_text("Go to Quiet room")
    await expect(page.locator("#space-studio .curve")).to_be_visible()
    await expect(page.locator("#live")).to_contain_text("As of")
    await context.close()


async def test_page_loads_without_shifting(site: Site, page: Page) -> None:
    await page.add_init_script(
        "window.shift = 0; new PerformanceObserver(list => { for (const entry of list.getEntries()) "
        "window.shift += entry.value; }).observe({type: 'layout-shift', buffered: true});"
    )
    await open_live(page, site.address)
    await expect(page.locator("#space-studio")).to_be_visible()

    assert await page.evaluate("window.shift") < 0.01


async def test_accessible_names_of_the_board(site: Site, page: Page) -> None:
    await open_live(page, site.address)
    tree = await page.locator("body").aria_snapshot()

    for line in (
        'heading "4 of 9 spaces are free" [level=1]',
        'heading "Workshops" [level=2]',
        'heading "Wood workshop" [level=3]',
        'spinbutton "People"',
        'button "Find me a space"',
        "status: Live",
    ):
        assert line in tree, json.dumps(tree)[:2000]
