"""My visits and the privacy pages in a real browser: by keyboard, without script, at every size, with axe."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime

import pytest
from playwright.async_api import Browser, Page, expect

from hubwell.access import codes
from hubwell.audit import log
from hubwell.privacy import retention
from hubwell.vocabulary import Role
from services.access.running_app import House
from services.web.axe_check import problems
from services.web.my_data.person_with_visits import ZONE, Somebody

pytestmark = pytest.mark.browser
WIDTHS = [(320, 600), (360, 780), (768, 1024), (1024, 600), (1440, 900)]
ADMIN_PATHS = ["/privacy/retention", "/privacy/dpia", "/privacy/record", "/audit-log"]


@pytest.fixture
async def page(browser: Browser, house: House) -> AsyncIterator[Page]:
    context = await browser.new_context(base_url=house.address, timezone_id=str(ZONE))
    page = await context.new_page()
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on("request", lambda request: None if "127.0.0.1" in request.url else said.append(request.url))
    yield page
    await context.close()
    assert [line for line in said if "422" not in line] == []


async def code_for(house: House, who: Somebody) -> str:
    async with house.connection() as conn:
        return await codes.issue(conn, who.id)


async def take(client_of: Page, cookie: str, address: str) -> None:
    await client_of.context.add_cookies([{"name": "hubwell", "value": cookie, "url": address}])


async def own_paths(house: House, who: Somebody) -> list[str]:
    """Give the person something of everything, and return every page there is for them."""
    await house.run(
        "INSERT INTO course_session (title, purpose, space_id, during, owner_id, roll_until) VALUES "
        "('Welding', 'a safety briefing', 'lab', tstzrange(%s, now()), gen_random_uuid(), now() + '1 day')",
        who.began[0],
    )
    await house.run("UPDATE person SET shown_as = 'mentor'")
    await house.run(
        "INSERT INTO suspicion (credential_id, kind, at, space_id) "
        "SELECT id, 'two-places', now(), 'lab' FROM credential"
    )
    await house.run("UPDATE visit SET ended_by = 'inferred' WHERE id = %s", who.visit_at(who.began[0]))
    number = who.visit_at(who.began[2])
    return ["/me", f"/me/visits/{number}/end", f"/me/visits/{number}/remove", "/me/erase", "/me?done=removed"]


async def wide(page: Page) -> list[tuple[int, int]]:
    """Return the sizes at which the page scrolls sideways."""
    found = []
    for width, height in WIDTHS:
        await page.set_viewport_size({"width": width, "height": height})
        if await page.evaluate("document.documentElement.scrollWidth - window.innerWidth") > 0:
            found.append((width, height))
    return found


async def test_own_pages_are_accessible_at_every_size(house: House, somebody: Somebody, page: Page) -> None:
    paths = await own_paths(house, somebody)
    for path in ["/me", "/privacy"]:  # before the code
        await page.goto(path)
        assert await problems(page) == [], path
        assert await wide(page) == [], path
    await take(page, somebody.browser.cookies["hubwell"], house.address)
    for path in paths:
        await page.goto(path)
        assert await problems(page) == [], path
        assert await wide(page) == [], path
    await page.goto("/me")
    for control in await page.locator("main button, main .button, main .visits a, main select").all():
        box = await control.bounding_box()
        assert box is not None
        assert box["height"] >= 44, await control.inner_text()


async def test_pages_of_those_in_charge_are_accessible_at_every_size(house: House, page: Page) -> None:
    async with house.connection() as conn, conn.transaction():
        await retention.run(conn, datetime.now(UTC), house.settings)
        await log.record(conn, actor="cli", action="retention.ran", detail={"rows": 12})
    admin = await house.signed_in("admin", Role.ADMIN)
    await take(page, admin.cookies["hubwell"], house.address)
    for path in [*ADMIN_PATHS, "/privacy"]:
        await page.goto(path)
        assert await problems(page) == [], path
        assert await wide(page) == [], path


async def test_from_the_code_to_the_proof_by_keyboard(house: House, somebody: Somebody, page: Page) -> None:
    await page.set_viewport_size({"width": 1024, "height": 600})
    await page.goto("/me")
    await tab_to(page, "#code")
    await page.keyboard.type((await code_for(house, somebody)).lower())
    await page.keyboard.press("Enter")
    await expect(page.locator("h1")).to_contain_text("Visits of")

    await tab_to(page, "main .visits a[href$='/remove']")
    await page.keyboard.press("Enter")
    await expect(page.locator("h1")).to_have_text("Remove this visit?")
    await tab_to(page, "main button")
    await page.keyboard.press("Enter")
    await expect(page.locator("[role=status]").first).to_contain_text("The visit is removed.")

    await tab_to(page, "a[href='/me/erase']")
    await page.keyboard.press("Enter")
    await expect(page.locator("h1")).to_have_text("Erase everything about you?")
    await tab_to(page, "main button")
    await page.keyboard.press("Enter")
    await expect(page.locator("h1")).to_have_text("Your data was erased")
    await expect(page.locator("main")).to_contain_text("nothing was left")
    assert await problems(page) == []


async def tab_to(page: Page, selector: str) -> None:
    """Press Tab until this is in focus; fail where the keyboard does not reach it."""
    for _ in range(80):
        await page.keyboard.press("Tab")
        if await page.evaluate("selector => document.activeElement.matches(selector)", selector):
            return
    raise AssertionError(f"the keyboard does not reach {selector}")


async def test_everything_works_without_script(house: House, somebody: Somebody, browser: Browser) -> None:
    context = await browser.new_context(java_script_enabled=False, base_url=house.address)
    page = await context.new_page()
    await page.goto("/me")
    await page.get_by_label("Code from the kiosk").fill("AAAA-AAAA")
    await page.get_by_role("button", name="Show my visits").click()
    await expect(page.locator("[role=alert]")).to_contain_text("This code is wrong")
    await page.get_by_label("Code from the kiosk").fill(await code_for(house, somebody))
    await page.get_by_role("button", name="Show my visits").click()
    await page.get_by_label("My language").select_option("it")
    await page.get_by_role("button", name="Save this language").click()
    await expect(page.locator("html")).to_have_attribute("lang", "it")
    await page.locator("main a[href$='/end']").last.click()
    left = somebody.began[0].astimezone(ZONE).replace(second=0)
    await page.locator("#left").fill(f"{left:%Y-%m-%dT}{left:%H:%M}")
    await page.locator("main button").click()
    await expect(page.locator("#left")).to_have_attribute("aria-invalid", "true")
    await page.goto("/me")
    async with page.expect_download() as download:
        await page.locator("a[href='/me/export.csv']").click()
    assert (await download.value).suggested_filename == "my-visits.csv"
    await context.close()
