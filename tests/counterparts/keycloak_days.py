"""A hub whose people sign in at Keycloak, and the pages on the way."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final

from playwright.async_api import Page, expect

from counterparts.keycloak import Keycloak
from counterparts.people import PASSWORD
from lanes.database_lane import Database
from lanes.servers import free_port
from services.access.running_app import House, open_house

FORM: Final = "#kc-form-login"
"""Keycloak's form for name and password; the hub's own page to sign in has fields of the same names."""


@asynccontextmanager
async def school_day(
    database: Database, keycloak: Keycloak, *, client: dict[str, Any] | None = None, **changes: Any
) -> AsyncIterator[House]:
    """Run a hub with a client of its own at Keycloak; `client` has the options of `add_client`."""
    port = free_port()
    settings = keycloak.add_client(f"http://127.0.0.1:{port}", **(client or {}))
    async with open_house(database, port=port, **settings | changes) as house:
        yield house


async def to_keycloak(page: Page, house: House) -> None:
    await page.goto(f"{house.address}/sign-in?next=/account")
    await page.get_by_role("link", name="Sign in with School").click()


async def fill_in(page: Page, login: str) -> None:
    await page.locator("input[name=username]").fill(login)
    await page.locator("input[name=password]").fill(PASSWORD)
    await page.locator("[type=submit]").first.click()


async def sign_in(page: Page, house: House, login: str) -> None:
    await to_keycloak(page, house)
    await fill_in(page, login)
    await page.wait_for_url(f"{house.address}/**")
    await expect(page.get_by_role("main")).to_be_visible()
