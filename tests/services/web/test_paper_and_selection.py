"""Pages on paper, in colours of the reader's own, and under a reader's hand: selected text stays."""

import re
from datetime import UTC, datetime, timedelta

import pytest
from playwright.async_api import Browser, Page, expect

from services.web.running_site import Site
from services.web.sample_hub import Hub

pytestmark = pytest.mark.browser
SELECT = """selector => {
    const range = document.createRange();
    range.selectNodeContents(document.querySelector(selector));
    getSelection().removeAllRanges();
    getSelection().addRange(range);
}"""


async def live(browser: Browser, address: str) -> Page:
    page = await browser.new_page()
    await page.goto(address)
    await expect(page.locator("#live")).to_have_attribute("data-state", "live")
    return page


async def test_card_is_not_replaced_under_a_selection_and_follows_after_it(
    hub: Hub, site: Site, browser: Browser
) -> None:
    page = await live(browser, site.address)
    await page.evaluate(SELECT, "#now-studio h3")

    hub.reading("studio-1", "presence", 1, datetime.now(UTC))
    hub.notify("studio")

    await expect(page.locator("#news")).to_contain_text("Media studio is in use.")  # heard, not shown
    assert await page.evaluate("getSelection().toString()") == "Media studio"
    await expect(page.locator("#now-studio .state strong")).to_have_text("Free")
    await page.evaluate("getSelection().removeAllRanges()")
    await expect(page.locator("#now-studio .state strong")).to_have_text("In use")
    await page.close()


async def test_what_did_not_change_keeps_its_elements(hub: Hub, site: Site, browser: Browser) -> None:
    page = await live(browser, site.address)
    await page.evaluate("document.querySelector('#now-studio h3').kept = true")
    at = datetime.now(UTC) + timedelta(seconds=1)
    for quantity, value in {"co2": 466, "temp": 20.9, "noise": 31.7, "rh": 41.0, "presence": 0}.items():
        hub.reading("studio-1", quantity, value, at)
    hub.notify("studio")

    # What everybody sees of these values changes with the next window of five minutes, not with each reading.
    await page.wait_for_timeout(2_500)
    assert await page.evaluate("document.querySelector('#now-studio h3').kept") is True
    await page.close()


@pytest.mark.slow
async def test_devices_page_is_renewed_where_something_changed_only(
    hub: Hub, site: Site, browser: Browser
) -> None:
    page = await live(browser, site.address + "/devices")
    await page.evaluate("document.querySelector('main h1').kept = true")
    hub.conn.execute("UPDATE device SET meta = '{\"software\": \"hubwell-edge 9.9\"}' WHERE id = 'studio-1'")

    await expect(page.locator("main")).to_contain_text("hubwell-edge 9.9", timeout=15_000)
    assert await page.evaluate("document.querySelector('main h1').kept") is True

    hub.device("new-1", None)

    await expect(page.locator("main")).to_contain_text("new-1", timeout=15_000)
    await page.close()


@pytest.mark.parametrize("path", ["/", "/?find=1&people=3", "/devices", "/alerts"])
async def test_page_prints_on_one_sheet_with_date_and_time(site: Site, browser: Browser, path: str) -> None:
    page = await live(browser, site.address + path)

    pdf = await page.pdf(format="A4")

    assert re.findall(rb"/Count (\d+)", pdf) == [b"1"]
    await page.emulate_media(media="print")
    printed = await page.locator("#printed").inner_text()
    assert f"{datetime.now(UTC):%Y}" in printed
    # As the server writes it: the script renews it before printing.
    assert re.fullmatch(r"\w+, \d{1,2} \w+ \d{4}, [0-2]\d:\d\d", printed), printed
    assert not await page.locator(
        "nav:visible, .find:visible, .answer:visible, .who:visible, footer:visible"
    ).count()
    await page.close()


async def test_forced_colours_keep_lines_and_hide_what_is_transparent(site: Site, browser: Browser) -> None:
    page = await browser.new_page(forced_colors="active")
    await page.goto(site.address)
    style = "(element, name) => getComputedStyle(element).getPropertyValue(name)"

    async def computed(selector: str, name: str) -> str:
        return str(await page.locator(selector).first.evaluate(style, name))

    ground, ink = await computed("body", "background-color"), await computed("body", "color")
    assert await computed("nav a:not([aria-current])", "border-bottom-color") == ground
    assert await computed("nav a[aria-current]", "border-bottom-color") == ink
    assert await computed("button", "border-bottom-width") == "2px"
    assert await computed(".state .shape", "color") == ink
    await page.close()
