"""The pages of accounts in a real browser: accessible in every state, by keyboard alone, at every size."""

import hashlib
from collections.abc import AsyncIterator
from urllib.parse import urlsplit

import pytest
from playwright.async_api import Browser, Page, expect

from hubwell.vocabulary import Role
from lanes.database_lane import Database
from services.access.running_app import PASSWORD, House, open_house
from services.web.axe_check import problems

pytestmark = pytest.mark.browser
CODE = "a code of the terminal"


@pytest.fixture
async def house(database: Database) -> AsyncIterator[House]:
    async with open_house(database, setup_hash=hashlib.sha256(CODE.encode()).hexdigest()) as house:
        yield house


@pytest.fixture
async def page(browser: Browser, house: House) -> AsyncIterator[Page]:
    page = await browser.new_page(viewport={"width": 1024, "height": 600})
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on("request", lambda request: None if house.address in request.url else said.append(request.url))
    yield page
    await page.close()
    assert [line for line in said if "status of 4" not in line] == []


async def enter(page: Page, house: House, login: str, *roles: Role) -> None:
    client = await house.signed_in(login, *roles)
    await page.context.add_cookies(
        [{"name": "hubwell", "value": client.cookies["hubwell"], "url": house.address}]
    )


async def test_axe_finds_nothing_before_and_after_a_mistake(house: House, page: Page) -> None:
    await page.goto(f"{house.address}/sign-in")
    assert await problems(page) == []
    await page.get_by_label("Login").fill("rosa")
    await page.get_by_label("Password").fill("not this password")
    await page.get_by_role("main").get_by_role("button", name="Sign in").click()
    await expect(page.get_by_role("alert")).to_contain_text("The login or the password is wrong")
    assert await page.get_by_label("Login").input_value() == "rosa"
    assert await problems(page) == []
    await page.goto(f"{house.address}/setup?code={CODE}")
    assert await problems(page) == []
    await page.goto(f"{house.address}/setup?code=wrong")
    assert await problems(page) == []


async def test_axe_finds_nothing_on_the_administrators_pages(house: House, page: Page) -> None:
    rosa = await house.add("rosa.lind@school-with-a-long-name.example", Role.STAFF, Role.OSH)
    await house.run("INSERT INTO account_role VALUES (%s, 'facilities', 'oidc')", rosa)
    await house.token("grafana", [Role.FACILITIES])
    await enter(page, house, "ida", *Role)

    for path in ("/account", "/accounts", f"/accounts/{rosa}", f"/accounts/{rosa}/erase", "/tokens"):
        await page.goto(house.address + path)
        assert await problems(page) == [], path
    await page.goto(f"{house.address}/tokens")
    await page.get_by_label("Which program is it for?").fill("tool")
    await page.get_by_role("button", name="Create the token").click()
    await expect(page.get_by_role("alert")).to_contain_text("Choose at least one role.")
    assert await problems(page) == []


async def test_page_that_is_for_others_has_no_violations(house: House, page: Page) -> None:
    await enter(page, house, "rosa", Role.STAFF)

    await page.goto(f"{house.address}/accounts")

    await expect(page.locator("h1")).to_have_text("Not possible")
    assert await problems(page) == []


async def press_to(page: Page, name: str) -> None:
    """Go on with the Tab key until the control of this name has the focus."""
    for _ in range(60):
        await page.keyboard.press("Tab")
        here = await page.evaluate(
            "(document.activeElement.labels?.[0] ?? document.activeElement).innerText.trim()"
        )
        if here == name:
            return
    raise AssertionError(f"{name} is not reached by keyboard")


async def test_sign_in_change_and_sign_out_by_keyboard_alone(house: House, page: Page) -> None:
    await house.add("rosa", Role.STAFF)
    await page.goto(f"{house.address}/account")
    assert urlsplit(page.url).path == "/sign-in"
    await press_to(page, "Login")
    await page.keyboard.type("rosa")
    await press_to(page, "Password")
    await page.keyboard.type(PASSWORD)
    await page.keyboard.press("Enter")
    await expect(page.locator("h1")).to_have_text("Your account")

    await press_to(page, "New password")
    await page.keyboard.type("five other words not together")
    await page.get_by_label("Current password").focus()
    await page.keyboard.type("not this password")
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("alert")).to_contain_text("This is not your current password.")
    await press_to(page, "This is not your current password.")
    await page.keyboard.press("Enter")
    await expect(page.get_by_label("Current password")).to_be_focused()
    await page.keyboard.type(PASSWORD)
    await press_to(page, "New password")
    await page.keyboard.type("five other words not together")
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("status")).to_contain_text("Your password was changed.")

    await page.goto(f"{house.address}/account")
    await press_to(page, "Sign out")
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("link", name="Sign in")).to_be_visible()


async def test_targets_are_large_enough_for_a_finger(house: House, page: Page) -> None:
    await enter(page, house, "ida", Role.ADMIN)
    await page.set_viewport_size({"width": 360, "height": 780})
    for path in ("/accounts", "/account", "/tokens"):
        await page.goto(house.address + path)
        for control in await page.locator(
            "nav a, .who a, button, select, input:not([type=hidden]), .tick label"
        ).all():
            box = await control.bounding_box()
            assert box is not None
            kind = await control.get_attribute("type")
            assert box["height"] >= (22 if kind == "checkbox" else 40), await control.evaluate(
                "e => e.outerHTML"
            )


async def test_form_is_sent_without_script(house: House, browser: Browser) -> None:
    await house.add("rosa", Role.STAFF)
    context = await browser.new_context(java_script_enabled=False)
    page = await context.new_page()
    await page.goto(f"{house.address}/account")
    await page.get_by_label("Login").fill("rosa")
    await page.get_by_label("Password").fill(PASSWORD)
    await page.get_by_role("main").get_by_role("button", name="Sign in").click()
    await page.get_by_label("Your language").select_option("fi")
    await page.get_by_role("button", name="Change the language").click()

    await expect(page.locator("html")).to_have_attribute("lang", "fi")
    await context.close()
