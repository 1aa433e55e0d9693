"""The timeline in a real browser: drag, resize, undo, refusals in place, news, keys and phones."""

import re
from collections.abc import AsyncIterator

import pytest
from playwright.async_api import Browser, Locator, Page, expect

from lanes.database_lane import Database
from services.booking.booking_house import BookingHouse, booking_house, clock
from services.web.axe_check import axe, problems
from services.web.booking.booker_page import page_of

pytestmark = [pytest.mark.browser, pytest.mark.slow]
_MOST_KEYS = 12
"""Beyond typing, from the page of a day to a booking."""


@pytest.fixture
async def hub(database: Database) -> AsyncIterator[BookingHouse]:
    async with booking_house(database) as opened_house:
        yield opened_house


def timeline(hub: BookingHouse, **values: str) -> str:
    """Return the address of a day's timeline."""
    more = "".join(f"&{name}={value}" for name, value in values.items())
    return f"{hub.house.address}/bookings/timeline?date={clock(9)[:10]}{more}"


def line(page: Page, place: str) -> Locator:
    return page.locator(f'.line[data-place="{place}"]')


async def x_of(page: Page, hour: float) -> float:
    """Return where an hour of the clock is on the page."""
    axis = page.locator(".hours")
    box = await axis.bounding_box()
    assert box is not None
    labels = [text.split(":")[0] for text in await axis.locator("span").all_text_contents()]
    return box["x"] + (hour - int(labels[0])) * box["width"] / len(labels)


async def drag(
    page: Page, block: Locator, hour: float, to: Locator | None = None, *, by_end: bool = False
) -> None:
    """Drag the middle of a booking, or its end, to an hour, on its own line or another one."""
    await block.scroll_into_view_if_needed()
    box, there = await block.bounding_box(), await (to or block).bounding_box()
    assert box is not None
    assert there is not None
    x = box["x"] + (box["width"] - 3 if by_end else box["width"] / 2)
    await page.mouse.move(x, box["y"] + box["height"] / 2)
    await page.mouse.down()
    target = await x_of(page, hour)
    for share in (0.3, 0.7, 1):
        await page.mouse.move(x + (target - x) * share, there["y"] + there["height"] / 2)
    await page.mouse.up()


async def test_booking_is_dragged_refused_and_undone(hub: BookingHouse, browser: Browser) -> None:
    booking = await hub.facilities.booked(clock(9), clock(10), title="Robotics")
    await hub.colleague.booked(clock(14), clock(15), title="Sewing", space="metal")
    page = await page_of(hub, browser)
    await page.goto(timeline(hub))
    block, news = (
        page.locator(f'.booking:has([href="/bookings/{booking["id"]}"])'),
        page.locator("#drag-news"),
    )

    await drag(page, block, 11.5)
    await expect(news).to_contain_text("Now at 11:00 to 12:00.")
    await expect(line(page, "wood").locator(".booking b")).to_have_text("11:00 to 12:00")
    await drag(page, block, 12.5, by_end=True)
    await expect(news).to_contain_text("Now at 11:00 to 12:30.")
    await drag(page, block, 16.75, line(page, "metal"))
    await expect(line(page, "metal").locator(".booking b").nth(1)).to_have_text("16:00 to 17:30")
    await drag(page, block, 14.75)
    await expect(news).to_contain_text("Metal is not free at that time")
    await expect(news).to_contain_text("This is in the way")
    await expect(news).to_contain_text("Free instead")
    await expect(line(page, "metal").locator(".booking b").nth(1)).to_have_text("16:00 to 17:30")

    await drag(page, block, 11.75, line(page, "wood"))
    await expect(line(page, "wood").locator(".booking b")).to_have_text("11:00 to 12:30")
    await news.get_by_role("button", name="Undo").click()
    await expect(news).to_contain_text("It is back where it was.")
    await expect(line(page, "metal").locator(".booking b").nth(1)).to_have_text("16:00 to 17:30")

    await block.locator("a").click()
    await expect(page.get_by_role("heading", name="Robotics")).to_be_visible()
    await page.select_option("#place", "wood")
    await page.get_by_label("From").fill("09:30")
    await page.get_by_label("Until").fill("11:00")
    await page.get_by_role("button", name="Move the booking").click()
    await expect(page.locator(".facts")).to_contain_text("09:30 to 11:00")
    await expect(page.locator(".facts")).to_contain_text("Wood")
    await page.context.close()


async def test_free_time_is_booked_by_a_click_and_others_see_it_without_loading(
    hub: BookingHouse, browser: Browser
) -> None:
    watching = await page_of(hub, browser)
    await watching.goto(timeline(hub))
    page = await watching.context.new_page()
    await page.goto(timeline(hub))
    box = await line(page, "wood").locator(".track").bounding_box()
    assert box is not None
    await page.mouse.click(await x_of(page, 13.3), box["y"] + box["height"] / 2)
    await expect(page.get_by_label("From")).to_have_value("13:15")
    await expect(page.get_by_label("Until")).to_have_value("14:15")
    await expect(page.locator("#people")).to_be_focused()
    await expect(page.locator(".mistakes")).to_have_count(0)
    await page.keyboard.type("4")
    await page.get_by_label("What is it for").fill("Robotics")
    await page.keyboard.press("Enter")
    await page.get_by_role("button", name="Book Wood, 13:15 to 14:15").click()
    await expect(page.get_by_text("It is booked.")).to_be_visible()
    await expect(line(watching, "wood").locator(".booking")).to_contain_text("13:15 to 14:15")
    await page.context.close()


@pytest.mark.parametrize("address", ["/bookings", "/bookings/timeline"])
async def test_free_time_is_booked_by_keyboard_without_scripts(
    hub: BookingHouse, browser: Browser, address: str
) -> None:
    """Every key from the loaded page counts, but those that type."""
    page = await page_of(hub, browser, scripts=False)
    await page.goto(f"{hub.house.address}{address}?date={clock(9)[:10]}")
    keys = 0

    async def press(key: str) -> None:
        nonlocal keys
        keys += 1
        await page.keyboard.press(key)

    focused = page.locator(":focus")
    await press("Tab")
    await press("Enter")  # to the content
    await press("Tab")
    await press("Enter")  # to the spaces
    await press("Tab")  # the first space
    await press("Tab")
    await expect(focused).to_contain_text("Book from")
    await press("Enter")
    await expect(page.locator("#people")).to_be_focused()
    await page.keyboard.type("4")
    await press("Tab")
    await page.keyboard.type("Robotics")
    await press("Enter")
    await expect(focused).to_contain_text("Book ")
    await press("Enter")
    await expect(page.get_by_text("It is booked.")).to_be_visible()
    assert keys <= _MOST_KEYS
    await page.context.close()


async def test_axe_finds_nothing_on_day_and_week_and_a_phone_has_a_list(
    hub: BookingHouse, browser: Browser
) -> None:
    await hub.parts("hall", "North", "South", turnaround=30)
    north = (await hub.parts("hall", "North", "South", turnaround=30))[0]
    await hub.facilities.booked(clock(9), clock(10), title="A rather long title of a course " * 3)
    await hub.facilities.booked(clock(10), clock(12), space="hall", parts=[north])
    await hub.staff.booked(clock(13), clock(15), space="hall", title="All of it")
    page = await page_of(hub, browser)
    for address in (
        timeline(hub),
        timeline(hub, view="week"),
        timeline(hub, hours="all"),
        timeline(hub, people="900"),
    ):
        await page.goto(address)
        assert await problems(page) == [], address
        await page.emulate_media(color_scheme="light", forced_colors="active")
        assert await axe(page) == [], f"{address} in forced colours"
        await page.emulate_media(forced_colors="none")
    await page.goto(timeline(hub))
    await page.set_viewport_size({"width": 360, "height": 780})
    items = await line(page, "hall").locator("li:visible").all_inner_texts()
    assert [" ".join(item.split()) for item in items if not re.match("Book", item)] == [
        "10:00 to 12:00 Partly booked",
        "13:00 to 15:00 All of it",
        "Prepared until 15:30",
    ]
    await page.context.close()
