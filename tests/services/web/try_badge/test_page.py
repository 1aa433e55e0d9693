"""The page of virtual cards: only in the demonstration, accessible, never for a device that is real."""

import asyncio
import json
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from playwright.async_api import Browser, expect

from feed.ingest_setup import device_in
from hubwell.commands.up.schema import prepare
from hubwell.storage.connect import connect_sync
from lanes.database_lane import Database
from services.access.running_app import House, open_house
from services.web.axe_check import problems

ANSWER = {
    "boot": str(uuid4()),
    "seq": 7,
    "verdict": "in",
    "text": "Welcome. You are checked in.",
    "lang": "en",
    "ms": 87,
}


@pytest.fixture
def taps() -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as folder:
        yield Path(folder) / "taps"


@asynccontextmanager
async def answering(taps: Path, answer: bytes) -> AsyncIterator[list[Any]]:
    """Stand in for the simulated hub's process; give what it is asked."""
    asked: list[Any] = []

    async def serve(reading: asyncio.StreamReader, writing: asyncio.StreamWriter) -> None:
        asked.append(json.loads(await reading.readline()))
        writing.write(answer)
        await writing.drain()
        writing.close()

    async with await asyncio.start_unix_server(serve, taps):
        yield asked


async def post(house: House, hold: str) -> tuple[int, str]:
    answer = await house.browser().post("/try", data={"hold": hold})
    return answer.status_code, answer.text


async def test_there_is_no_such_page_outside_the_demonstration(database: Database, taps: Path) -> None:
    prepare(database.url, demo=True)
    async with open_house(database) as house:
        assert (await house.browser().get("/try")).status_code == 404
        assert (await post(house, "1 wood-workshop-1"))[0] == 404
        assert "/try" not in (await house.browser().get("/")).text
    with connect_sync(database.url, name="test") as conn:
        conn.execute("UPDATE demonstration SET removed_at = now()")
    async with answering(taps, b"{}\n") as asked, open_house(database, demo_socket=str(taps)) as house:
        assert (await house.browser().get("/try")).status_code == 404
        assert (await post(house, "1 wood-workshop-1"))[0] == 404
        assert asked == []


async def test_device_of_the_hub_itself_is_no_door_here(database: Database, taps: Path) -> None:
    prepare(database.url, demo=True)
    device_in(database.url, "own-room")
    async with answering(taps, b"{}\n") as asked, open_house(database, demo_socket=str(taps)) as house:
        page = (await house.browser().get("/try")).text
        assert "Wood workshop" in page
        assert "Own-Room" not in page
        for hold in ("1 own-room-pi", "0 wood-workshop-1", "4 wood-workshop-1", "", "1", "x wood-workshop-1"):
            assert (await post(house, hold))[0] == 422, hold
        assert asked == []


@pytest.mark.parametrize(
    "answer",
    [b"", b"\n", b"{}\n", b'{"error": "not-ready"}\n', b"x" * 10_000, b"[1]\n", b'{"boot": 1, "seq": "a"}\n'],
)
async def test_odd_answers_of_the_simulated_hub_are_said_in_words(
    database: Database, taps: Path, answer: bytes
) -> None:
    prepare(database.url, demo=True)
    async with answering(taps, answer), open_house(database, demo_socket=str(taps)) as house:
        status, page = await post(house, "1 wood-workshop-1")
        assert status == 503
        assert "The simulated hub does not answer." in page


async def test_simulated_hub_that_does_not_run_is_said_in_words(database: Database, taps: Path) -> None:
    prepare(database.url, demo=True)
    async with open_house(database, demo_socket=str(taps)) as house:
        assert (await post(house, "1 wood-workshop-1"))[0] == 503


async def test_tap_without_an_answer_waits_in_the_device(database: Database, taps: Path) -> None:
    prepare(database.url, demo=True)
    answer = json.dumps({"boot": ANSWER["boot"], "seq": 7}).encode() + b"\n"
    async with answering(taps, answer) as asked, open_house(database, demo_socket=str(taps)) as house:
        status, page = await post(house, "2 wood-workshop-1")
        assert status == 200
        assert "The tap waits in the device and is not lost." in page
        assert asked == [{"device": "wood-workshop-1", "card": 2}]


async def test_page_itself_writes_no_visit(database: Database, taps: Path) -> None:
    prepare(database.url, demo=True)
    answer = json.dumps(ANSWER).encode() + b"\n"
    async with answering(taps, answer), open_house(database, demo_socket=str(taps)) as house:
        _, page = await post(house, "1 wood-workshop-1")
        assert "No visit came of it" in page
        assert "0 simulated people are in Wood workshop now." in page
        assert await house.value("SELECT count(*) FROM visit") == 0
        assert await house.value("SELECT count(*) FROM tap") == 0


@pytest.mark.browser
async def test_page_is_accessible_and_used_by_keyboard(
    database: Database, taps: Path, browser: Browser
) -> None:
    prepare(database.url, demo=True)
    answer = json.dumps(ANSWER).encode() + b"\n"
    async with answering(taps, answer) as asked, open_house(database, demo_socket=str(taps)) as house:
        context = await browser.new_context(java_script_enabled=True, locale="en-GB")
        page = await context.new_page()
        await page.goto(f"{house.address}/")
        await page.get_by_role("link", name="Try a badge").click()
        assert await problems(page) == []
        await page.get_by_role("button", name="Hold card B to Metal workshop").focus()
        await page.keyboard.press("Enter")
        await expect(page.locator(".reader")).to_have_text("Welcome. You are checked in.")
        assert await problems(page) == []
        await page.set_viewport_size({"width": 360, "height": 740})
        await page.get_by_role("button", name="Hold card C to Winter garden").click()
        await expect(page.locator(".reader")).to_be_in_viewport()
        await page.keyboard.press("Tab")
        focused = await page.evaluate("document.activeElement.getAttribute('name')")
        assert focused == "hold", "the next stop after the answer is the first card"
        assert asked == [
            {"device": "metal-workshop-1", "card": 2},
            {"device": "winter-garden-1", "card": 3},
        ]
        await context.close()
