"""A stranger: from `hubwell up --no-demo` to the first own space with a living sensor, in the browser alone.

The device is the real agent with chip models in place of its sensors; it gets the file that the page gave.
"""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.async_api import Browser, Locator, Page, expect

from services.access.running_app import PASSWORD
from services.runtime.test_up import Up, until

MOST_CLICKS = 25
WITHIN = 90_000.0
"""Milliseconds until the agent, the broker, ingest and the page have done their part, on two busy cores."""


class Hand:
    """Counts what a hand does: a click, a field that is clicked and filled in."""

    def __init__(self) -> None:
        self.clicks = 0

    async def click(self, target: Locator) -> None:
        self.clicks += 1
        await target.click(timeout=WITHIN)

    async def fill(self, field: Locator, text: str) -> None:
        self.clicks += 1
        await field.fill(text)


@pytest.fixture
def up(tmp_path: Path) -> Iterator[Up]:
    up = Up(tmp_path / "data", "--port", "0", "--no-demo")
    yield up
    if up.process.poll() is None:
        up.interrupt()


@pytest.fixture
def agents() -> Iterator[list["subprocess.Popen[bytes]"]]:
    started: list[subprocess.Popen[bytes]] = []
    yield started
    for process in started:
        process.terminate()
        process.wait(30)


def start_device(file: Path) -> "subprocess.Popen[bytes]":
    """Switch the device on: the agent, beside its file."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("HUBWELL_")}
    command = [sys.executable, "-m", "hubwell_edge", "run", "--config", file.name, "--simulate-hardware"]
    with (file.parent / "agent.log").open("wb") as log:
        return subprocess.Popen(command, cwd=file.parent, stdout=log, stderr=log, env=environment)


def setup_address(up: Up) -> str:
    up.page()
    until(lambda: "/setup?code=" in up.said(), up.said)
    (address,) = re.findall(r"http://\S+/setup\S+", up.said())
    return str(address)


async def save(hand: Hand, page: Page, folder: Path) -> Path:
    async with page.expect_download() as download:
        await hand.click(page.get_by_role("button", name="Save attic-1.toml"))
    file = folder / (await download.value).suggested_filename
    await (await download.value).save_as(file)
    return file


@pytest.mark.slow
@pytest.mark.browser
async def test_first_own_space_has_a_living_sensor(
    up: Up, agents: list["subprocess.Popen[bytes]"], browser: Browser, tmp_path: Path
) -> None:
    page, hand = await browser.new_page(viewport={"width": 1024, "height": 700}, locale="en-GB"), Hand()
    await page.goto(setup_address(up))
    await hand.fill(page.get_by_label("Login"), "ida")
    await hand.fill(page.get_by_label("Password"), PASSWORD)
    await hand.click(page.get_by_role("button", name="Set up the hub"))
    await hand.click(page.get_by_role("link", name="Enter your spaces"))
    await hand.click(page.get_by_role("link", name="Add a space"))
    await hand.fill(page.get_by_label("Name", exact=True), "Attic")
    await hand.click(page.get_by_label("Workshop", exact=True))
    await hand.fill(page.get_by_label("Capacity"), "8")
    await hand.click(page.get_by_role("button", name="Add the space"))

    await hand.click(page.get_by_role("status").get_by_role("link", name="Connect a device"))
    await expect(page.get_by_label("Id of the device")).to_have_value("attic-1")
    await hand.click(page.get_by_role("button", name="Show the settings"))
    file = await save(hand, page, tmp_path)
    agents.append(start_device(file))

    await hand.click(page.get_by_role("main").get_by_role("link", name="Devices"))
    register = page.get_by_role("button", name="Register it here: attic-1")
    await expect(register).to_be_visible(timeout=WITHIN)  # the page follows what is heard
    await expect(page.get_by_label("This is in: attic-1")).to_have_value("attic")
    await hand.click(register)
    await expect(page.get_by_role("status")).to_contain_text("It is registered.")
    await hand.click(page.get_by_role("status").get_by_role("link", name="Board"))
    await expect(page.locator("#space-attic")).to_contain_text(
        re.compile("Fresh air|Stuffy air|Bad air"), timeout=WITHIN
    )
    assert hand.clicks <= MOST_CLICKS

    await page.goto(f"{up.page()}/devices/attic-1")
    await expect(page.get_by_role("main")).to_contain_text("scd41/co2")
    await expect(page.get_by_role("main")).to_contain_text("Nothing is missing.")
    await page.close()
    log = (tmp_path / "agent.log").read_text()
    assert "Traceback" not in log, log
