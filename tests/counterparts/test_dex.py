"""Dex as docs/providers.md describes it: groups by the scope, no session of its own, a private authority."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Browser, Page, expect

from counterparts.certificates import Certificates, make_certificates
from counterparts.dex import Dex
from counterparts.people import PASSWORD
from lanes.database_lane import Database
from lanes.paths import PROJECT
from lanes.servers import free_port
from services.access.provider_house import roles
from services.access.running_app import House, open_house


@asynccontextmanager
async def school_day(
    database: Database, folder: Path, tls: Certificates | None = None, **changes: Any
) -> AsyncIterator[House]:
    """Run Dex, and a hub whose people sign in there."""
    port = free_port()
    dex = Dex(Path(PROJECT, ".cache", "counterparts", "dex"), folder, f"http://127.0.0.1:{port}", tls)
    await asyncio.to_thread(dex.start)
    try:
        async with open_house(database, port=port, **dex.settings() | changes) as house:
            yield house
    finally:
        await asyncio.to_thread(dex.stop)


async def fill_in(page: Page, login: str) -> None:
    await page.locator("input[name=login]").fill(login)
    await page.locator("input[name=password]").fill(PASSWORD)
    await page.locator("#submit-login").click()


async def sign_in(page: Page, house: House, login: str) -> None:
    await page.goto(f"{house.address}/sign-in?next=/account")
    await page.get_by_role("link", name="Sign in with School").click()
    await fill_in(page, login)
    await page.wait_for_url(f"{house.address}/**")


async def test_groups_become_roles_without_a_setting(
    database: Database, chromium: Browser, tmp_path: Path
) -> None:
    """H1: Dex sends groups only where the scope `groups` is requested."""
    async with school_day(database, tmp_path) as house:
        page = await chromium.new_page()
        await sign_in(page, house, "rosa")
        await expect(page.get_by_role("main")).to_contain_text("Rosa Bērziņa")
        await expect(page.get_by_role("main")).to_contain_text("sso/rosa@school.example")
        assert await roles(house) == {"staff": "oidc"}


async def test_without_the_scope_there_are_no_groups(
    database: Database, chromium: Browser, tmp_path: Path
) -> None:
    async with school_day(database, tmp_path, oidc_scopes="openid profile email") as house:
        page = await chromium.new_page()
        await sign_in(page, house, "rosa")
        await expect(page.get_by_role("alert")).to_contain_text("You have no role here yet")
        assert await house.value("SELECT count(*) FROM account") == 0


async def test_refused_person_and_next_person_are_asked(
    database: Database, chromium: Browser, tmp_path: Path
) -> None:
    async with school_day(database, tmp_path) as house:
        context = await chromium.new_context()
        page = await context.new_page()
        await sign_in(page, house, "stranger")
        await expect(page.get_by_role("alert")).to_contain_text("You have no role here yet")
        await sign_in(page, house, "rosa")  # in the same browser: Dex asks again
        await page.get_by_role("button", name="Sign out", exact=True).first.click()
        await expect(page.get_by_role("heading", name="You are signed out")).to_be_visible()
        await expect(page.get_by_role("link", name="Sign out at School")).to_have_count(0)
        await sign_in(page, house, "juris")
        await expect(page.get_by_role("main")).to_contain_text("Juris Kļaviņš")


async def test_two_tabs_in_both_orders(database: Database, chromium: Browser, tmp_path: Path) -> None:
    async with school_day(database, tmp_path) as house:
        for order in ((0, 1), (1, 0)):
            context = await chromium.new_context()
            tabs = [await context.new_page() for _ in range(2)]
            for tab in tabs:
                await tab.goto(f"{house.address}/sign-in?next=/account")
                await tab.get_by_role("link", name="Sign in with School").click()
                await expect(tab.locator("input[name=password]")).to_be_visible()
            for index in order:
                await fill_in(tabs[index], "rosa")
                await expect(tabs[index].get_by_role("main")).to_contain_text("Rosa Bērziņa")
        assert await house.value("SELECT count(*) FROM account") == 1


async def test_wrong_secret_is_named(database: Database, chromium: Browser, tmp_path: Path) -> None:
    async with school_day(database, tmp_path, oidc_client_secret="another one") as house:  # noqa: S106 (wrong)
        page = await chromium.new_page()
        await sign_in(page, house, "rosa")
        await expect(page.get_by_role("alert")).to_contain_text("does not help")
        await expect(page.get_by_role("alert")).to_contain_text("Reason: invalid_client.")


async def test_scope_that_dex_does_not_know_is_named(
    database: Database, chromium: Browser, tmp_path: Path
) -> None:
    async with school_day(database, tmp_path, oidc_scopes="openid nonsense") as house:
        page = await chromium.new_page()
        await page.goto(f"{house.address}/sign-in/provider")
        await page.wait_for_url(f"{house.address}/**")
        await expect(page.get_by_role("alert")).to_contain_text("Reason: invalid_scope.")


async def test_private_authority_is_named_and_can_be_trusted(
    database: Database, chromium: Browser, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    tls = await asyncio.to_thread(make_certificates, tmp_path)
    context = await chromium.new_context(ignore_https_errors=True)
    page = await context.new_page()
    async with school_day(database, tmp_path, tls) as house:
        await page.goto(f"{house.address}/sign-in/provider")
        await expect(page.get_by_role("alert")).to_contain_text("Reason: certificate.")
        assert "HUBWELL_CA_FILE" in caplog.text
    async with school_day(database, tmp_path, tls, ca_file=tls.authority) as house:
        await sign_in(page, house, "rosa")
        assert await roles(house) == {"staff": "oidc"}
