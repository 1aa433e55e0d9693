"""The muster on a phone: 33 people, the count always in sight, large targets, search, phones in step."""

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
from playwright.async_api import Browser, Page, Route, expect

from services.evacuation.populated_hub import House
from services.web.axe_check import problems
from services.web.evacuation.test_in_browser import officer, start
from services.web.running_site import Site

pytestmark = pytest.mark.browser
PHONE = {"width": 360, "height": 740}
IN_SIGHT = """selector => {
    const box = document.querySelector(selector).getBoundingClientRect();
    const at = document.elementFromPoint(box.x + box.width / 2, box.y + box.height / 2);
    return box.top >= 0 && box.bottom <= innerHeight && document.querySelector(selector).contains(at);
}"""
SMALL = """() => ['button', 'a', 'summary', 'input:not([type=hidden])', 'select']
    .flatMap(kind => [...document.querySelectorAll(`main ${kind}`)])
    .filter(target => target.checkVisibility() && !target.closest('p.muster-names'))
    .map(target => [target.textContent.trim() || target.id, target.closest('.tick') ?? target])
    .map(([name, target]) => [name, target.getBoundingClientRect()])
    .filter(([, box]) => box.height < 44 || box.width < 44)
    .map(([name, box]) => `${name}: ${box.width} x ${box.height}`)"""


def fill(house: House, people: int = 33) -> None:
    """Fill the spaces, so that there are this many people with the four of the house."""
    for number in range(people - 4):
        house.inside(f"Learner {number + 1:02} Longfamilyname", ("wood", "metal", "cafe")[number % 3])


async def test_33_people_are_marked_with_the_count_always_in_sight(
    browser: Browser, site: Site, house: House
) -> None:
    fill(house)
    async with officer(browser, site, house, "first") as page:
        await page.set_viewport_size(PHONE)  # type: ignore[arg-type] # a plain dict
        await start(page, site, people=33)
        await expect(page.locator(".count")).to_have_text("0 of 33")
        for number in range(33):
            await page.locator(".person.expected button", has_text="Safe").first.click()
            await expect(page.locator(".count")).to_have_text(f"{number + 1} of 33")
            if number:
                assert await page.evaluate(IN_SIGHT, ".count"), number
        await expect(page.locator(".muster-sum .progress")).to_have_text("33 of 33 people are accounted for")
    row = house.conn.execute("SELECT count(*) FROM muster_person WHERE state = 'safe'").fetchone()
    assert row == (33,)


async def test_targets_rows_and_axe_on_a_phone(browser: Browser, site: Site, house: House) -> None:
    fill(house)
    async with officer(browser, site, house, "first") as page:
        await start(page, site, people=33)
        await page.get_by_text("Add a visitor").click()
        await page.locator(".person.expected button", has_text="Missing").first.click()
        await page.get_by_role("button", name="Everybody in this space is safe: Cafe corner").click()
        await expect(page.get_by_role("button", name="Undo: everybody in Cafe corner")).to_be_visible()
        assert await problems(page) == []
        await page.set_viewport_size(PHONE)  # type: ignore[arg-type] # a plain dict
        assert await page.evaluate(SMALL) == []
        rows = await page.evaluate(
            "[...document.querySelectorAll('.person')].map(row => row.getBoundingClientRect().height)"
        )
        # After midnight the times of the evening before have their day, which takes a line more.
        line = 25 if datetime.now(ZoneInfo("Europe/Helsinki")).hour < 6 else 0
        assert max(rows) < 160 + line
        assert sorted(rows)[len(rows) // 2] < 145 + line
        beside = await page.evaluate("""() => [...document.querySelectorAll('.person')].every(row => {
            const said = row.querySelector('.person-said').getBoundingClientRect();
            const button = row.querySelector('button').getBoundingClientRect();
            return button.left >= said.right && button.top < said.bottom;
        })""")
        assert beside, "what is known stands beside what to do"


async def test_search_filters_at_once_and_survives_what_others_tick(
    browser: Browser, site: Site, house: House
) -> None:
    fill(house, 12)
    async with (
        officer(browser, site, house, "first") as page,
        officer(browser, site, house, "second") as other,
    ):
        await start(page, site, people=12)
        await other.goto(site.address + "/muster")
        await page.get_by_label("Find on this list").fill("cléo")
        await expect(page.locator(".person:visible")).to_have_count(1)
        await page.get_by_label("Find on this list").press("Enter")
        assert "q=" not in page.url

        await other.get_by_role("button", name="Safe: Cleo Specimen").click()

        await expect(page.get_by_role("button", name="Undo: Cleo Specimen")).to_be_visible()
        await expect(page.locator(".person:visible")).to_have_count(1)
        await page.get_by_label("Find on this list").fill("")
        await expect(page.locator(".person:visible")).to_have_count(12)
        await page.get_by_label("Find on this list").fill("cleo")
        await page.get_by_role("button", name="Show, and renew").click()
        await expect(page).to_have_url(site.address + "/muster/find")
        await expect(page.locator(".person:visible")).to_have_count(1)
        await page.get_by_label("Find on this list").fill("")
        await expect(page.locator(".person:visible")).to_have_count(12)


async def test_two_phones_are_in_step_by_the_stream_alone(browser: Browser, site: Site, house: House) -> None:
    async with (
        officer(browser, site, house, "first") as page,
        officer(browser, site, house, "second") as other,
    ):
        await start(page, site)
        # The look of every few seconds is taken away: what arrives, the stream announced.
        await other.add_init_script("window.setInterval = () => 0")
        await other.goto(site.address + "/muster")
        await expect(other.locator("#muster-live")).to_have_text("Live")
        await page.get_by_role("button", name="Everybody in this space is safe: Wood workshop").click()
        await expect(other.locator(".count")).to_have_text("3 of 4")
        await page.get_by_role("button", name="Undo: everybody in Wood workshop").click()
        await expect(other.locator(".count")).to_have_text("0 of 4")


async def test_space_and_visitor_without_a_network_are_kept_and_sent_once(
    browser: Browser, site: Site, house: House
) -> None:
    async with officer(browser, site, house, "first") as page:
        await start(page, site)

        async def away(route: Route) -> None:
            await route.abort()

        async def answered_too_late(route: Route) -> None:
            await route.fetch(max_redirects=0)
            await route.abort()

        await page.route("**/muster/**", away)
        await page.get_by_role("button", name="Everybody in this space is safe: Wood workshop").click()
        await _enter(page, "Vera Visitor")
        await expect(page.locator("#unsent")).to_contain_text("not sent yet")
        await page.unroute("**/muster/**")
        await page.route("**/visitors", answered_too_late, times=1)

        await expect(page.locator("#unsent")).to_be_hidden(timeout=20_000)
        await expect(page.locator(".count")).to_have_text("4 of 5")
        await expect(page.locator(".person", has_text="Vera Visitor")).to_have_count(1)
        await page.get_by_role("button", name="Remove the visitor: Vera Visitor").click()
        await expect(page.locator(".count")).to_have_text("3 of 4")
    assert house.actions().count("muster.space-safe") == 1


async def _enter(page: Page, name: str) -> None:
    await page.get_by_text("Add a visitor").click()
    await page.get_by_label("Name of the visitor").fill(name)
    await page.get_by_role("button", name="Add, is safe").click()
    await expect(page.get_by_label("Name of the visitor")).to_have_value("")


async def test_whole_space_and_visitor_without_a_script(browser: Browser, site: Site, house: House) -> None:
    async with officer(browser, site, house, "first", script=False) as page:
        await start(page, site)
        await page.get_by_role("button", name="Everybody in this space is safe: Wood workshop").click()
        await expect(page.locator(".count")).to_have_text("3 of 4")
        await page.get_by_role("button", name="Undo: everybody in Wood workshop").click()
        await expect(page.locator(".count")).to_have_text("0 of 4")
        await page.get_by_text("Add a visitor").click()
        await page.get_by_label("Name of the visitor").fill("Vera Visitor")
        await page.get_by_role("button", name="Add, is safe").click()
        await expect(page.locator(".count")).to_have_text("1 of 5")
        await page.get_by_label("Find on this list").fill("vera")
        await page.get_by_role("button", name="Show, and renew").click()
        await expect(page.locator(".person")).to_have_count(1)
        await page.get_by_role("button", name="Remove the visitor: Vera Visitor").click()
        await expect(page.locator(".count")).to_have_text("0 of 4")


async def test_sheet_is_a4_with_a_zone_on_each_page(browser: Browser, site: Site, house: House) -> None:
    async with officer(browser, site, house, "first") as page:
        await start(page, site)
        await page.goto(site.address + "/muster/sheet")
        paper = await page.pdf(prefer_css_page_size=True)
    assert paper.count(b"/Type /Page\n") + paper.count(b"/Type /Page ") >= 2
    assert b"/MediaBox [0 0 594.95" in paper or b"/MediaBox [0 0 595" in paper
