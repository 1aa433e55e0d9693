"""The register in a real browser: no fault that axe finds, by keyboard alone, and without script."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from httpx import AsyncClient
from playwright.async_api import Browser, Page, expect

from feed.ingest_setup import rows
from hubwell.commands.up.schema import prepare
from hubwell.vocabulary import Role
from lanes.database_lane import Database
from services.access.running_app import House, open_house
from services.web.axe_check import problems

PAGES = (
    "/spaces",
    "/spaces?done=added&space=wood-workshop",
    "/register/new?template=benches",
    "/spaces/wood-workshop/edit",
    "/spaces/wood-workshop/archive",
    "/register/import",
)


@pytest.fixture
async def house(database: Database) -> AsyncIterator[House]:
    await asyncio.to_thread(prepare, database.url, demo=True)
    async with open_house(database) as running:
        yield running


@pytest.fixture
async def boss(house: House) -> AsyncClient:
    return await house.signed_in("boss", Role.FACILITIES, Role.ADMIN)


async def opened(browser: Browser, house: House, boss: AsyncClient, **options: object) -> Page:
    context = await browser.new_context(viewport={"width": 1024, "height": 600}, **options)  # type: ignore[arg-type]
    ticket = boss.cookies["hubwell"]
    await context.add_cookies([{"name": "hubwell", "value": ticket, "url": house.address}])
    return await context.new_page()


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


@pytest.mark.browser
async def test_axe_finds_nothing_on_any_page(house: House, boss: AsyncClient, browser: Browser) -> None:
    page = await opened(browser, house, boss)
    logged: list[str] = []
    page.on("console", lambda message: logged.append(message.text) if message.type == "error" else None)
    for path in PAGES:
        await page.goto(house.address + path)
        assert await faults(page) == [], path
    await page.goto(f"{house.address}/register/import")
    await page.get_by_label("Or the table itself").fill("name,kind,capacity\nKiln,workshop,3\n")
    await page.get_by_role("button", name="See what would change").click()
    await expect(page.locator("h1")).to_have_text("What the table changes")
    assert await faults(page) == []
    assert logged == []
    await page.goto(f"{house.address}/register/new")
    await page.get_by_role("button", name="Add the space").click()
    await expect(page.locator(".mistakes")).to_contain_text("Give the space a name.")
    assert await faults(page) == []
    await page.context.close()


@pytest.mark.browser
async def test_every_mistake_is_on_top_linked_to_its_field_and_what_was_typed_stays(
    house: House, boss: AsyncClient, browser: Browser
) -> None:
    page = await opened(browser, house, boss, java_script_enabled=False)
    await page.goto(f"{house.address}/register/new")
    await page.get_by_label("Name", exact=True).fill("Wood workshop")
    await page.get_by_label("Capacity").fill("0")
    await page.get_by_label("Equipment").fill("A kiln")
    await page.get_by_role("button", name="Add the space").click()
    links = page.locator(".mistakes a")
    assert await links.evaluate_all("links => links.map(link => link.hash)") == [
        "#name",
        "#kind",
        "#capacity",
    ]
    await expect(page.get_by_label("Capacity")).to_have_value("0")
    await expect(page.get_by_label("Equipment")).to_have_value("A kiln")
    await expect(page.get_by_label("Capacity")).to_have_attribute("aria-invalid", "true")
    for field in ("#name", "#kind", "#capacity"):
        assert await page.locator(field).count() == 1
    await page.context.close()


@pytest.mark.browser
async def test_space_is_added_changed_and_archived_without_script(
    house: House, boss: AsyncClient, browser: Browser
) -> None:
    page = await opened(browser, house, boss, java_script_enabled=False)
    await page.goto(f"{house.address}/spaces")
    await page.get_by_role("link", name="Add a space").click()
    await page.get_by_label("Begin with a template").select_option(label="Workshop with four benches")
    await page.get_by_role("button", name="Fill in").click()
    await expect(page.get_by_label("Equipment")).to_have_value("4 workbenches\nExtractor hood\nFirst aid kit")
    await page.get_by_label("Name", exact=True).fill("Kiln")
    await page.get_by_role("button", name="Add the space").click()
    await expect(page.locator(".notice")).to_contain_text("Kiln is added.")
    await page.get_by_role("link", name="Kiln", exact=True).click()
    await page.get_by_label("Capacity").fill("9")
    await page.get_by_role("button", name="Save").click()
    await expect(page.locator(".notice")).to_contain_text("Kiln is saved.")
    await page.get_by_role("link", name="Kiln", exact=True).click()
    await page.get_by_role("link", name="Archive this space").click()
    await page.get_by_role("button", name="Archive this space").click()
    await expect(page.locator(".notice")).to_contain_text("It is archived.")
    await page.get_by_role("button", name="Restore: Kiln").click()
    await expect(page.locator(".notice")).to_contain_text("It is back.")
    url = house.database.url
    found = await asyncio.to_thread(rows, url, "SELECT capacity, when_full FROM space WHERE id = 'kiln'")
    assert found == [(9, "refuse")]
    await page.context.close()


@pytest.mark.browser
async def test_space_is_added_and_moved_by_keyboard_alone(
    house: House, boss: AsyncClient, browser: Browser
) -> None:
    page = await opened(browser, house, boss)

    async def tab_to(selector: str) -> None:
        for _ in range(80):
            await page.keyboard.press("Tab")
            if await page.evaluate("selector => document.activeElement.matches(selector)", selector):
                return
        raise AssertionError(f"{selector} cannot be reached")

    await page.goto(f"{house.address}/spaces")
    await tab_to('a[href="/register/new"]')
    await page.keyboard.press("Enter")
    await page.wait_for_url("**/register/new")
    await tab_to("#name")
    await page.keyboard.type("Kiln")
    await tab_to("[name=kind]")
    await page.keyboard.press("Space")
    await tab_to("#capacity")
    await page.keyboard.type("4")
    await page.keyboard.press("Enter")
    await expect(page.locator(".notice")).to_contain_text("Kiln is added.")
    await tab_to('#space-kiln [value="up"]')
    await page.keyboard.press("Enter")
    await page.wait_for_url("**/spaces?moved=kiln&to=up")
    focused = await page.evaluate("document.activeElement.getAttribute('aria-label')")
    assert focused in {"Move up: Kiln", "Move down: Kiln"}  # on the button, or on the other one at the end
    await page.context.close()


@pytest.mark.browser
async def test_targets_are_large_enough_for_a_finger(
    house: House, boss: AsyncClient, browser: Browser
) -> None:
    page = await opened(browser, house, boss)
    await page.set_viewport_size({"width": 360, "height": 740})
    await page.goto(f"{house.address}/spaces")
    boxes = await page.locator("main button, .spaces th a").evaluate_all(
        "all => all.map(item => item.getBoundingClientRect()).map(box => Math.min(box.width, box.height))"
    )
    assert len(boxes) > 20
    assert min(boxes) >= 44
    await page.context.close()
