"""The pages in a real browser: accessible in every state, right at every size, live without reload."""

import json
from collections.abc import AsyncIterator

import pytest
from playwright.async_api import Browser, Page, expect

from services.web.axe_check import problems
from services.web.running_site import Site, away
from services.web.sample_hub import Hub

pytestmark = pytest.mark.browser
PATHS = ["/", "/?view=table", "/?people=4&quiet=1&find=1", "/devices", "/alerts", "/api", "/no-such-page"]
PATHS += ["/spaces/wood-workshop", "/spaces/library?days=30"]


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

    await expect(page.locator("#live")).to_have_text("Live", timeout=20_000)
    await expect(other.locator("h1")).to_have_text("4 of 9 spaces are free", timeout=15_000)
    await other.close()


async def test_nothing_scrolls_sideways(site: Site, page: Page) -> None:
    for path in PATHS:
        await open_live(page, site.address + path)
        for width in (320, 360, 768, 1024, 1440):
            await page.set_viewport_size({"width": width, "height": 600})
            over = await page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
            assert over <= 0, (path, width)


@pytest.mark.parametrize("width", [320, 360, 414])
async def test_header_is_one_row_above_the_areas_on_a_phone(site: Site, page: Page, width: int) -> None:
    await page.set_viewport_size({"width": width, "height": 740})
    await open_live(page, site.address)
    await page.evaluate("document.querySelector('.brand').lastChild.textContent = 'Learning hub'")
    rows = await page.evaluate(
        "['.brand', '#live', '.who', '.areas'].map(part => {"
        "const box = document.querySelector(part).getBoundingClientRect();"
        "return box.top + box.height / 2; })"
    )
    assert max(rows[:3]) - min(rows[:3]) < 2
    assert rows[3] > rows[0] + 20
    assert "Live" in await page.locator("#live").aria_snapshot(), (
        "its words are for those who do not see the dot"
    )

    await page.locator("#live").evaluate("live => { live.dataset.state = 'lost'; }")

    box = await page.locator("#live span").bounding_box()
    assert box is not None
    assert box["width"] > 20, "what is not live says so in words"


async def test_header_keeps_its_height_while_the_board_becomes_live(site: Site, page: Page) -> None:
    await open_live(page, site.address)
    heights = (
        "words => { const live = document.querySelector('#live'); live.dataset.state = 'polling'; "
        "live.querySelector('span').textContent = words; "
        "return document.querySelector('.top').offsetHeight; }"
    )
    for width in range(300, 1300, 20):
        await page.set_viewport_size({"width": width, "height": 700})
        short, long = [await page.evaluate(heights, words) for words in ("Live", "Live, every few seconds")]
        assert long == short, width


async def test_targets_are_large_enough_for_a_finger(site: Site, page: Page) -> None:
    await page.set_viewport_size({"width": 360, "height": 780})
    await open_live(page, site.address)
    await page.locator(".need > summary").click()
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
    await expect(card.locator(".air")).to_contain_text("Bad air Open two windows.")
    await expect(page.locator("h1")).to_have_text("3 of 9 spaces are free")
    await expect(page.locator("#news")).to_have_text("Media studio is in use.")
    assert await page.locator("#news").get_attribute("aria-live") == "polite"
    assert await page.evaluate("window.kept")


async def test_row_goes_to_the_end_of_its_group_when_it_is_used(hub: Hub, site: Site, page: Page) -> None:
    await open_live(page, site.address)
    rows = page.locator("section", has=page.locator("#kind-collaboration")).locator(".row h3")
    await expect(rows).to_have_text(["Media studio", "Project room", "Learning commons"])
    await page.evaluate("document.querySelector('#now-project-room h3').kept = true")

    hub.reading("studio-1", "presence", 1)
    hub.notify("studio")

    await expect(rows).to_have_text(["Project room", "Learning commons", "Media studio"])
    assert await page.evaluate("document.querySelector('#now-project-room h3').kept")


async def test_table_is_live_too(hub: Hub, site: Site, page: Page) -> None:
    await open_live(page, site.address + "/?view=table")
    await expect(page.locator("#space-studio .state")).to_contain_text("Free")

    hub.reading("studio-1", "presence", 1)
    hub.notify("studio")

    await expect(page.locator("#space-studio .state")).to_contain_text("In use")


@pytest.mark.parametrize(("width", "height", "most"), [(1440, 900, 10), (1024, 600, 8), (360, 740, 7)])
async def test_spaces_are_seen_without_scrolling(
    hub: Hub, site: Site, page: Page, width: int, height: int, most: int
) -> None:
    """The hub of every day, with its alert and its silent sensor, and one space more."""
    hub.space("attic", "Attic", "relaxation", 3)
    await page.set_viewport_size({"width": width, "height": height})
    await open_live(page, site.address)

    bottoms = await page.locator(".row").evaluate_all(
        "rows => rows.map(row => row.getBoundingClientRect().bottom)"
    )

    assert len(bottoms) == 10
    assert sum(bottom <= height for bottom in bottoms) >= most, bottoms


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
