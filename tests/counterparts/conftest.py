"""Large programs of others: not in every run, but before each release (scripts/test-counterparts)."""

import os
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from playwright.async_api import Browser, async_playwright, expect

from counterparts.keycloak import Keycloak
from lanes.paths import PROJECT

expect.set_options(timeout=60_000)  # milliseconds: a busy machine is no fault
collect_ignore_glob = [] if os.environ.get("HUBWELL_COUNTERPARTS") else ["test_*.py"]


@pytest.fixture(scope="session")
def keycloak(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Keycloak]:
    """Run Keycloak, as scripts/test-counterparts has unpacked and built it."""
    folder = next(Path(PROJECT, ".cache", "counterparts").glob("keycloak-*/bin/kc.sh")).parents[1]
    program = Keycloak(folder, tmp_path_factory.mktemp("keycloak"))
    program.start()
    yield program
    program.stop()


@pytest.fixture
async def chromium() -> AsyncIterator[Browser]:
    """Run a browser: Keycloak's cookies are `Secure`, which Chromium sends to http on loopback as well."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox"])
        yield browser
        await browser.close()
