"""The desk as it is used: its stream of taps, by keyboard, without script, and in a real browser."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from playwright.async_api import Browser, expect

from feed.notifications import notify_of
from lanes.database_lane import Database
from services.people.people_register import badge
from services.web.axe_check import problems
from services.web.staffed_hub import Staffed, staffed


@pytest.fixture
async def hub(database: Database, tmp_path: Path) -> AsyncIterator[Staffed]:
    """Give a staffed hub."""
    async with staffed(database, tmp_path / "keys") as hub:
        yield hub


async def test_stream_brings_a_tap_when_it_happens(hub: Staffed) -> None:
    lines: asyncio.Queue[str] = asyncio.Queue()

    async def read() -> None:
        async with hub.staff.stream(
            "GET", "/desk/live?language=it", headers={"accept": "text/event-stream"}
        ) as answer:
            async for line in answer.aiter_lines():
                lines.put_nowait(line)

    async def until(text: str) -> None:
        while text not in await lines.get():
            pass

    reading = asyncio.create_task(read())
    async with asyncio.timeout(15):
        await until("event: taps")
        await hub.register.desk_tap(badge())
        await hub.register.conn.execute(notify_of("hubwell_desk").encode())
        await until("/desk/taps/")
    reading.cancel()
    await asyncio.gather(reading, return_exceptions=True)


@pytest.mark.browser
async def test_enrolment_by_keyboard_alone_in_a_browser(hub: Staffed, browser: Browser) -> None:
    page = await hub.page(browser)
    await page.goto(f"{hub.house.address}/desk")
    await expect(page.locator("#listening")).to_have_text("This list updates automatically.")

    tap = await hub.register.desk_tap(badge())
    await hub.register.conn.execute(notify_of("hubwell_desk").encode())
    await expect(page.locator(f"#tap-{tap}")).to_be_visible()
    await expect(page.locator("#news")).to_have_text(
        "A badge was held to the desk reader: it is not enrolled yet."
    )
    for _ in range(40):
        await page.keyboard.press("Tab")
        if await page.evaluate("document.activeElement.id") == f"tap-{tap}":
            break
    await page.keyboard.press("Enter")
    await expect(page.locator("#name")).to_be_focused()
    await page.keyboard.type("Ada")
    await page.keyboard.press("Enter")

    await expect(page.locator("h1")).to_have_text("Ada")
    await expect(page.locator(".notice")).to_contain_text("The badge is enrolled")
    await page.context.close()


@pytest.mark.browser
async def test_desk_works_without_script(hub: Staffed, browser: Browser) -> None:
    page = await hub.page(browser, java_script_enabled=False)
    await page.goto(f"{hub.house.address}/desk")
    tap = await hub.register.desk_tap(badge())

    await page.get_by_role("link", name="Refresh").click()
    await page.locator(f"#tap-{tap}").click()
    await page.get_by_role("button", name="Enrol it without a name").click()

    await expect(page.locator("h1")).to_have_text("A person without a name")
    await page.context.close()


@pytest.mark.browser
async def test_axe_finds_nothing_on_the_desks_pages(hub: Staffed, browser: Browser) -> None:
    address = await hub.enrol("Ada Lovelace")
    tap = await hub.register.desk_tap(badge())
    await hub.register.conn.execute(
        "INSERT INTO suspicion (credential_id, kind, at) SELECT id, 'two-places', now() FROM credential"
    )
    page = await hub.page(browser)
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text) if message.type == "error" else None)
    for path in (
        "/desk",
        f"/desk/taps/{tap}",
        "/desk/people/new",
        address,
        f"{address}?done=revoked&badge=1",
    ):
        await page.goto(hub.house.address + path)
        assert await problems(page) == [], path

    await page.goto(f"{hub.house.address}/desk")
    await page.get_by_label("Name").fill("ada")
    await page.get_by_role("button", name="Find").click()
    assert await problems(page) == []
    await page.goto(f"{hub.house.address}{address}")
    await page.get_by_role("button", name="Create a QR code").click()
    await expect(page.locator("h1")).to_have_text("Their QR code")
    assert await problems(page) == []
    box = await page.locator(".code-picture svg").bounding_box()
    assert box is not None
    assert box["width"] > 150
    assert said == []
    await page.context.close()
