"""The wall of a foyer and the panel at a door: any size, kept live, and in an evacuation only where to go."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from playwright.async_api import Browser, Page, expect

from hubwell.vocabulary import LANGUAGES
from services.web.axe_check import problems
from services.web.running_site import Site, away
from services.web.sample_hub import Hub

SIZES = [(1920, 1080), (3840, 2160), (1280, 720), (1024, 600), (1080, 1920), (360, 740)]
CUT_OFF = """() => [...document.querySelectorAll('h1, .tile > div, .panel, .clock')].filter(one =>
    one.scrollHeight > one.clientHeight + 1 || one.getBoundingClientRect().bottom > innerHeight
    || one.getBoundingClientRect().right > innerWidth).map(one => one.innerText)"""

SIZES_OF_TEXT = """() => ['.state', '.now > h1'].map(one =>
    parseFloat(getComputedStyle(document.querySelector(one)).fontSize))"""


async def words(site: Site, path: str = "/wall") -> str:
    answer = await site.client.get(path)
    assert answer.status_code == 200
    return answer.text


async def opened(browser: Browser, site: Site, path: str = "/wall") -> Page:
    page = await browser.new_page(viewport={"width": 1920, "height": 1080})
    await page.goto(site.address + path)
    return page


async def test_free_spaces_come_first_without_numbers_and_without_navigation(site: Site) -> None:
    page = await words(site)

    states = [part.split('"')[0] for part in page.split('<li class="tile ')[1:]]
    assert states == sorted(states, key=["free", "used", "unknown"].index)
    assert len(set(states)) == 3
    assert "4 of 9 spaces are free" in page
    assert "About half full" in page
    assert "20 people" not in page
    assert "<a " not in page


async def test_room_of_one_person_is_not_on_the_wall(site: Site, hub: Hub) -> None:
    hub.conn.execute("UPDATE space SET personal = true, name = 'Office of one' WHERE id = 'commons'")
    page = await words(site)
    assert "Office of one" not in page
    assert "of 8 spaces" in page


@pytest.mark.browser
async def test_every_tile_fits_every_screen_in_every_language(site: Site, hub: Hub, browser: Browser) -> None:
    long = "Assistive technology and robotics laboratory"
    hub.conn.execute("UPDATE space SET name = %s WHERE id = 'commons'", (long,))
    for language in LANGUAGES:
        await fits(site, await browser.new_page(locale=language), 9)
    for number in range(41):
        hub.space(f"more-{number}", f"Project room {number}", "workshop", 12)
    await fits(site, await browser.new_page(), 50)


async def fits(site: Site, page: Page, tiles: int) -> None:
    await page.goto(site.address + "/wall")
    assert await page.locator(".tile").count() == tiles
    for width, height in SIZES:
        await page.set_viewport_size({"width": width, "height": height})
        assert await page.evaluate(CUT_OFF) == [], (width, height)
    await page.close()


@pytest.mark.browser
async def test_words_are_large_on_a_television(site: Site, browser: Browser) -> None:
    page = await opened(browser, site)
    sizes = await page.evaluate(SIZES_OF_TEXT)
    assert sizes[0] >= 41
    assert sizes[1] >= 64  # pixels of 1080


@pytest.mark.browser
@pytest.mark.parametrize("path", ["/wall", "/panel/commons"])
async def test_axe_finds_nothing_in_light_dark_and_forced_colours(
    site: Site, browser: Browser, path: str
) -> None:
    page = await opened(browser, site, path)
    assert await problems(page) == []
    await page.emulate_media(color_scheme="dark")
    assert await problems(page) == []
    await page.emulate_media(color_scheme="light", forced_colors="active")
    assert await problems(page) == []


@pytest.mark.browser
async def test_change_arrives_and_an_outage_says_since_when(site: Site, hub: Hub, browser: Browser) -> None:
    page = await opened(browser, site)
    hub.conn.execute("UPDATE space SET name = 'Renamed room' WHERE id = 'commons'")
    await expect(page.locator("#screen")).to_contain_text("Renamed room", timeout=60_000)
    with away(site.database):
        await expect(page.locator("#live")).to_contain_text("Not live since", timeout=60_000)
        await expect(page.locator("#screen")).to_contain_text("Renamed room")
    await expect(page.locator("#live")).to_be_empty(timeout=60_000)


@pytest.mark.browser
async def test_clock_is_the_hubs_on_a_television_whose_clock_is_wrong(site: Site, browser: Browser) -> None:
    page = await browser.new_page(timezone_id="America/New_York")
    await page.clock.install(time=datetime(2020, 1, 1, 3, 0, tzinfo=UTC))
    await page.goto(site.address + "/wall")
    await page.clock.run_for(3_000)
    zone = ZoneInfo("Europe/Helsinki")
    assert await page.locator("body").get_attribute("data-zone") == zone.key
    shown = datetime.strptime(await page.locator("#clock").inner_text(), "%H:%M").replace(tzinfo=UTC)
    now = datetime.now(zone)
    behind = now.hour * 60 + now.minute - shown.hour * 60 - shown.minute
    assert (behind + 1) % (24 * 60) <= 3  # the page's clock was moved on by three seconds


@pytest.mark.browser
async def test_evacuation_takes_the_wall_over_and_leaves_it(site: Site, hub: Hub, browser: Browser) -> None:
    page = await opened(browser, site)
    hub.conn.execute("INSERT INTO muster (kind) VALUES ('alarm')")
    await expect(page.locator(".evacuation h1")).to_be_visible(timeout=60_000)
    assert await page.locator(".tile").count() == 0
    assert "are free" not in await page.content()
    assert await problems(page) == []
    hub.conn.execute("UPDATE muster SET closed_at = now()")
    await expect(page.locator(".tile")).to_have_count(9, timeout=60_000)


async def test_panel_says_state_people_air_and_what_to_do(site: Site, hub: Hub) -> None:
    assert "About half full: 20 people between" in await words(site, "/panel/commons")
    hub.conn.execute("UPDATE space SET personal = true WHERE id = 'commons'")
    personal = await words(site, "/panel/commons")
    assert "Not shown" in personal
    assert "20 people" not in personal
    assert "ppm" not in personal


async def test_panel_of_no_space_is_missing(site: Site) -> None:
    for path in ("/panel/no-such", "/panel/no-such/now", "/panel/%00", "/panel/" + "x" * 100):
        assert (await site.client.get(path, headers={"accept": "text/html"})).status_code in {404, 422}, path


@pytest.mark.browser
async def test_panel_is_read_across_a_corridor_and_fits_every_screen(site: Site, browser: Browser) -> None:
    page = await opened(browser, site, "/panel/commons")
    for width, height in SIZES:
        await page.set_viewport_size({"width": width, "height": height})
        assert await page.evaluate(CUT_OFF) == [], (width, height)
        size = await page.evaluate("parseFloat(getComputedStyle(document.querySelector('.state')).fontSize)")
        assert size >= min(height / 6, width / 7), (width, height)


@pytest.mark.browser
async def test_panel_of_a_space_that_is_archived_says_so(site: Site, hub: Hub, browser: Browser) -> None:
    page = await opened(browser, site, "/panel/commons")
    hub.conn.execute("UPDATE space SET archived_at = now() WHERE id = 'commons'")
    await expect(page.locator(".panel")).to_have_count(0, timeout=60_000)
