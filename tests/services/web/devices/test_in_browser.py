"""Pages of devices in a real browser: no fault that axe finds, by keyboard alone, and without script."""

import asyncio
import os
from datetime import timedelta
from pathlib import Path
from typing import Final

import pytest
from httpx import AsyncClient
from playwright.async_api import Browser, Page, expect

from feed.simulated_device import Device
from hubwell.vocabulary import Role
from services.access.running_app import House
from services.web.axe_check import problems
from services.web.devices.conftest import fill_in, hear, spaces
from services.web.devices.moment import now

pytestmark = pytest.mark.browser
PICTURES: Final = os.environ.get("HUBWELL_PICTURES", "")
"""A folder for pictures of each page, to be looked at by a person."""


@pytest.fixture
async def boss(house: House) -> AsyncClient:
    """Give a hub with a device in order, one at fault, one with a reader, and two that are not registered."""
    boss = await house.signed_in("boss", Role.FACILITIES, Role.ADMIN)
    await spaces(house, "lab", "den", "a-space-with-quite-a-long-name-on-the-second-floor")
    well, silent, door = Device("lab-1"), Device("den-1"), Device("lab-door")
    for device, space in ((well, "lab"), (silent, "den"), (door, "lab")):
        await fill_in(boss, "/register/devices", device=device.name, space=space)
    await house.run("UPDATE device SET registered_at = now() - interval '3 days'")
    await hear(
        house,
        silent.telemetry(now() - timedelta(hours=30), {"co2": 500.0}),
        well.telemetry(now() - timedelta(hours=1), {"co2": 500.0}),
        well.telemetry(now(), {"co2": 800.0, "temp": 21.0}),
        well.status(boot=well.boot, ts=now().isoformat(), clock="synced", last_seq=2, pending=0),
        door.meta(readers=[{"name": "door", "driver": "pn532"}], software="hubwell-edge 0.1.0"),
        door.status(boot=door.boot, ts=now().isoformat(), clock="synced"),
        Device("den-kiln").telemetry(now(), {"temp": 300.0}),
        Device("somebody-else-s").telemetry(now(), {"co2": 400.0}),
    )
    await fill_in(boss, "/register/devices/somebody-else-s/ignore")
    return boss


async def opened(browser: Browser, house: House, boss: AsyncClient, **options: object) -> Page:
    context = await browser.new_context(viewport={"width": 1024, "height": 600}, **options)  # type: ignore[arg-type]
    await context.add_cookies([{"name": "hubwell", "value": boss.cookies["hubwell"], "url": house.address}])
    return await context.new_page()


async def picture(page: Page, name: str) -> None:
    if PICTURES:
        for scheme, width in (("light", 360), ("light", 1440), ("dark", 1440)):
            await page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
            await page.set_viewport_size({"width": width, "height": 780})
            await page.screenshot(path=Path(PICTURES, f"{name}-{width}-{scheme}.png"), full_page=True)


async def faults(page: Page) -> list[str]:
    """Return what axe finds in light, dark and forced colours, and where it scrolls sideways."""
    found = await problems(page)
    await page.emulate_media(color_scheme="light", forced_colors="active")
    for width, height in ((320, 640), (3840, 2160)):
        await page.set_viewport_size({"width": width, "height": height})
        result = await page.evaluate("options => axe.run(options)", {"resultTypes": ["violations"]})
        found += [f"forced colours at {width}: {each['id']}" for each in result["violations"]]
        if await page.evaluate("document.documentElement.scrollWidth > window.innerWidth"):
            found.append(f"scrolls sideways at {width}")
    await page.emulate_media(forced_colors="none")
    return found


async def test_axe_finds_nothing_on_any_page(house: House, boss: AsyncClient, browser: Browser) -> None:
    page = await opened(browser, house, boss)
    logged: list[str] = []
    page.on("console", lambda message: logged.append(message.text) if message.type == "error" else None)
    for path in (
        "/devices",
        "/devices/lab-1?done=registered",
        "/devices/lab-door",
        "/devices/den-1/archive",
        "/register/devices/connect",
    ):
        await page.goto(house.address + path)
        assert await faults(page) == [], path
        await picture(page, path.strip("/").partition("?")[0].replace("/", "-"))
    await page.get_by_label("Id of the device").fill("den-2")
    await page.get_by_role("button", name="Show the settings").click()
    await expect(page.locator("h1")).to_have_text("Settings of den-2")
    assert await faults(page) == []
    await picture(page, "settings")
    assert logged == []
    await page.goto(f"{house.address}/devices/lab-1")
    await page.get_by_label("Name", exact=True).fill("x" * 100)
    await page.get_by_label("Name", exact=True).evaluate(
        "field => { field.maxLength = 200; field.value += 'x' }"
    )
    await page.get_by_role("button", name="Rename it").click()
    await expect(page.get_by_role("alert")).to_contain_text("A name has at most 100 characters.")
    assert await faults(page) == []
    await page.context.close()


async def test_device_is_registered_moved_and_archived_without_script(
    house: House, boss: AsyncClient, browser: Browser
) -> None:
    page = await opened(browser, house, boss, java_script_enabled=False)
    await page.goto(f"{house.address}/devices")
    await expect(page.get_by_label("This is in: den-kiln")).to_have_value("den")
    await page.get_by_role("button", name="Register it here: den-kiln").click()
    await expect(page.get_by_role("status")).to_contain_text("It is registered.")
    await page.get_by_label("Space", exact=True).select_option("lab")
    await page.get_by_role("button", name="Move it").click()
    await expect(page.get_by_role("status")).to_contain_text("It is moved.")
    await page.get_by_role("link", name="Archive this device").click()
    await page.get_by_role("button", name="Archive this device").click()
    await expect(page.get_by_role("status")).to_have_text("It is archived.")
    await page.context.close()


async def test_page_follows_what_is_heard_and_leaves_a_choice_alone(
    house: House, boss: AsyncClient, browser: Browser
) -> None:
    page = await opened(browser, house, boss)
    await page.clock.install()
    await page.goto(f"{house.address}/devices")
    chosen = page.get_by_label("This is in: den-kiln")
    await chosen.select_option("lab")
    await chosen.blur()
    await hear(house, Device("lab-2").telemetry(now(), {"co2": 400.0}))
    await page.clock.run_for(11_000)
    await asyncio.sleep(0.3)
    await expect(chosen).to_have_value("lab")
    await expect(page.get_by_label("This is in: lab-2")).to_have_count(0)
    await chosen.select_option("den")
    await chosen.blur()
    await page.clock.run_for(11_000)
    await expect(page.get_by_label("This is in: lab-2")).to_have_value("lab")
    await page.context.close()


async def test_device_is_registered_by_keyboard_alone(
    house: House, boss: AsyncClient, browser: Browser
) -> None:
    page = await opened(browser, house, boss)
    await page.goto(f"{house.address}/devices")
    for _ in range(60):
        await page.keyboard.press("Tab")
        if await page.evaluate("document.activeElement.textContent.startsWith('Register it here')"):
            break
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("status")).to_contain_text("It is registered.")
    await page.context.close()
