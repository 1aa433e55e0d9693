"""A class at the desk in a real browser: 25 people by keyboard alone, without script, and accessible."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from playwright.async_api import Browser, expect

from feed.notifications import notify_of
from lanes.database_lane import Database
from services.people.people_register import badge
from services.web.axe_check import problems
from services.web.staffed_hub import Staffed, staffed

pytestmark = pytest.mark.browser
CLASS = [f"Person{number:02}; Learner" for number in range(1, 26)]


@pytest.fixture
async def hub(database: Database, tmp_path: Path) -> AsyncIterator[Staffed]:
    """Give a staffed hub."""
    async with staffed(database, tmp_path / "keys") as hub:
        yield hub


async def tap(hub: Staffed) -> int:
    """Let a new badge be held to the desk's reader, as ingest stores and announces it."""
    made = await hub.register.desk_tap(badge())
    await hub.register.conn.execute(notify_of("hubwell_desk").encode())
    return made


async def test_25_people_by_keyboard_alone_one_key_each(hub: Staffed, browser: Browser) -> None:
    page = await hub.page(browser)
    await page.goto(f"{hub.house.address}/desk/class")
    await page.locator("#names").focus()
    await page.keyboard.insert_text("\n".join(CLASS))
    for _ in range(8):
        await page.keyboard.press("Tab")
        if await page.evaluate("document.activeElement.textContent.trim()") == "Start":
            break
    await page.keyboard.press("Enter")
    for number in range(1, 26):
        await expect(page.locator("#name")).to_have_value(f"Learner Person{number:02}")
        await expect(page.locator("#name")).to_be_focused()
        await expect(page.locator("#listening")).to_have_text(
            "A badge is shown as soon as it is held to the reader."
        )
        made = await tap(hub)
        await expect(page.locator(f"#badges [data-tap='{made}']")).to_be_visible()
        if number == 1:
            await expect(page.locator("#news")).to_contain_text("Press Enter to give it to this person.")
        if number == 12:
            await page.reload()
            await expect(page.locator("#name")).to_have_value("Learner Person12")
        await page.keyboard.press("Enter")

    await expect(page.locator("h2", has_text="Every name is done")).to_be_visible()
    assert await hub.register.value("SELECT count(*) FROM credential") == 25
    await page.keyboard.press("Enter")  # the button that ends the list has the focus
    await expect(page.locator(".notice.good")).to_contain_text("The list is deleted")
    assert await hub.register.value("SELECT count(*) FROM class_list") == 0
    await page.context.close()


async def test_class_works_without_script_with_one_key_each(hub: Staffed, browser: Browser) -> None:
    page = await hub.page(browser, java_script_enabled=False)
    await page.goto(f"{hub.house.address}/desk/class")
    await page.locator("#names").fill("Ada\nBea")
    await page.get_by_role("button", name="Start").click()
    for name in ("Ada", "Bea"):
        await expect(page.locator("#name")).to_have_value(name)
        await hub.register.desk_tap(badge())
        await page.locator("#name").press("Enter")
    await expect(page.locator("h2", has_text="Every name is done")).to_be_visible()
    await page.get_by_role("button", name="Undo").click()
    await expect(page.locator("#name")).to_have_value("Bea")
    await page.context.close()


async def test_second_tap_asks_which_badge_and_the_choice_stays(hub: Staffed, browser: Browser) -> None:
    page = await hub.page(browser)
    await page.goto(f"{hub.house.address}/desk/class")
    await page.locator("#names").fill("Ada\nBea")
    await page.get_by_role("button", name="Start").click()
    first = await tap(hub)
    await expect(page.locator(f"#badges [data-tap='{first}']")).to_be_visible()
    second = await tap(hub)
    await expect(page.locator("#badges input[type=radio]")).to_have_count(2)
    await page.locator(f"#badges input[value='{second}']").check()
    third = await tap(hub)
    await expect(page.locator(f"#badges input[value='{third}']")).to_be_visible()
    await expect(page.locator(f"#badges input[value='{second}']")).to_be_checked()
    await page.locator("#name").press("Enter")
    await expect(page.locator("#name")).to_have_value("Bea")
    await expect(page.locator(f"#badges input[value='{second}']")).to_have_count(0)
    await page.context.close()


async def test_checked_in_by_typing_and_two_clicks(hub: Staffed, browser: Browser) -> None:
    for name in ("Ada Lovelace", "Ada Byron"):
        await hub.enrol(name)
    page = await hub.page(browser)
    await page.goto(f"{hub.house.address}/desk")
    await page.get_by_label("Name").fill("ada")
    await page.get_by_label("Name").press("Enter")

    await page.locator("summary", has_text="Ada Lovelace").click()
    await page.locator(".match", has_text="Ada Lovelace").get_by_role("button", name="Wood").click()

    await expect(page.locator(".notice.good")).to_have_text("Ada Lovelace is checked in.")
    assert await hub.register.value("SELECT p.name FROM visit v JOIN person p ON p.id = v.person_id") == (
        "Ada Lovelace"
    )
    await page.context.close()


async def test_axe_finds_nothing_on_the_pages_of_a_class(hub: Staffed, browser: Browser) -> None:
    await hub.register.conn.execute("INSERT INTO device (id) VALUES ('desk-1'), ('desk-2')")
    await hub.register.conn.execute(
        "INSERT INTO reader (device_id, name, purpose) "
        "VALUES ('desk-1', 'desk', 'desk'), ('desk-2', 'desk', 'desk')"
    )
    await hub.enrol("Ada")
    page = await hub.page(browser)
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text) if message.type == "error" else None)
    await page.goto(f"{hub.house.address}/desk/class")
    assert await problems(page) == [], "start"
    await page.locator("#names").fill("Ada\nAda\n" + "\n".join(f"Name {number}" for number in range(20)))
    await page.get_by_label("Reader at your desk").select_option("desk-1/desk")
    await page.get_by_role("button", name="Start").click()
    assert await problems(page) == [], "a name that is known"
    await hub.register.desk_tap(badge())
    await page.reload()
    assert await problems(page) == [], "one badge"
    await hub.register.desk_tap(badge())
    await page.reload()
    assert await problems(page) == [], "two badges"
    await page.get_by_role("button", name="Skip").click()
    await page.get_by_text("All names").click()
    assert await problems(page) == [], "all names"
    await page.goto(f"{hub.house.address}/desk")
    await page.get_by_label("Name").fill("ada")
    await page.get_by_role("button", name="Find").click()
    assert await problems(page) == [], "found"
    assert said == []
    await page.context.close()
