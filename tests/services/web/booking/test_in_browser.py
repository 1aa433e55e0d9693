"""Bookings in a real browser: by keyboard alone, without scripts, and what axe finds."""

from collections.abc import AsyncIterator

import pytest
from playwright.async_api import Browser, expect

from lanes.database_lane import Database
from services.booking.booking_house import BOOKINGS, BookingHouse, booking_house, clock
from services.web.axe_check import problems
from services.web.booking.booker_page import page_of

pytestmark = [pytest.mark.browser, pytest.mark.slow]
_MOST_KEYS = 12
"""Beyond typing; the goal that the pages are held to."""


@pytest.fixture
async def hub(database: Database) -> AsyncIterator[BookingHouse]:
    async with booking_house(database) as opened_house:
        yield opened_house


async def test_space_is_booked_by_keyboard_without_scripts(hub: BookingHouse, browser: Browser) -> None:
    page = await page_of(hub, browser, scripts=False)
    await page.goto(f"{hub.house.address}/bookings/new?day={clock(9)[:10]}")
    await page.focus("#people")
    keys = 0

    async def press(key: str) -> None:
        nonlocal keys
        keys += 1
        await page.keyboard.press(key)

    await page.keyboard.type("4")
    await press("Tab")
    await page.keyboard.type("Robotics")
    await press("Enter")
    await expect(page.get_by_role("button", name="Book Metal")).to_be_visible()
    await page.focus("#offers-title ~ .offers button")
    await press("Enter")
    await expect(page.get_by_text("It is booked.")).to_be_visible()
    assert keys <= _MOST_KEYS
    await page.context.close()


async def test_series_is_booked_without_scripts_after_a_look_at_its_dates(
    hub: BookingHouse, browser: Browser
) -> None:
    await hub.facilities.booked(clock(9, days=3), clock(10, days=3), title="Open day")
    page = await page_of(hub, browser, scripts=False)
    await page.goto(f"{hub.house.address}/bookings/new?day={clock(9)[:10]}")
    for name, text in (("start", "09:00"), ("end", "10:00"), ("people", "4"), ("title", "Robotics")):
        await page.fill(f"#{name}", text)
    await page.get_by_text("It repeats", exact=True).click()
    await page.select_option("#repeat", "daily")
    await page.fill("#last_day", clock(9, days=5)[:10])
    await page.keyboard.press("Enter")
    await page.get_by_role("button", name="Show all dates in Wood").click()
    await expect(page.get_by_text("Open day")).to_be_visible()
    await page.get_by_role("button", name="Book 3 dates and leave the others out").click()
    await expect(page.get_by_text("The series is booked.")).to_be_visible()
    await expect(page.get_by_role("row")).to_have_count(5)
    await page.context.close()


async def test_axe_finds_nothing_on_any_page_of_bookings(hub: BookingHouse, browser: Browser) -> None:
    await hub.parts("hall", "North", "South")
    booking = await hub.facilities.booked(clock(9), clock(10), title="A rather long title of a course " * 3)
    await hub.facilities.booked(clock(9, days=3), clock(10, days=3))
    repeated = f"day={clock(9)[:10]}&start=09:00&end=10:00&people=3&title=Robotics&space=wood&repeat=daily"
    repeated += f"&last_day={clock(9, days=5)[:10]}"
    body = {"space": "metal", "people": 2, "title": "A rather long title of a course " * 3}
    body |= {"start": clock(9), "end": clock(10), "rule": "FREQ=DAILY;COUNT=4", "skip": [clock(9, days=3)]}
    made = await hub.facilities.client.post(f"{BOOKINGS}/series", json=body)
    series = f"/bookings/series/{made.json()['id']}"
    page = await page_of(hub, browser)
    fits = f"/bookings/new?day={clock(9)[:10]}&start=09:00&end=10:00&people=3&title=Robotics"
    for address in (
        f"/bookings?date={clock(9)[:10]}",
        "/bookings/new",
        fits,
        fits.replace("people=3", "people=0"),
        "/bookings/mine",
        f"/bookings/{booking['id']}?done=booked",
        f"/bookings/series/new?{repeated}",
        f"/bookings/series/new?{repeated.replace('people=3', 'people=0')}",
        f"{series}?done=booked",
        f"{series}/change?scope=all&start=11:00&end=12:00&version=1",
        "/spaces/hall/parts",
        "/spaces/wood",
    ):
        await page.goto(hub.house.address + address)
        assert await problems(page) == [], address
        await page.set_viewport_size({"width": 320, "height": 640})
        assert not await page.evaluate("document.documentElement.scrollWidth > window.innerWidth"), address
        await page.set_viewport_size({"width": 1280, "height": 800})
    await page.context.close()
