"""docs/providers.md, followed click by click in Keycloak's administration console; then a person signs in."""

import re
from typing import Any

from playwright.async_api import Browser, Page, expect

from counterparts.keycloak import ADMIN, Keycloak
from counterparts.keycloak_days import sign_in
from counterparts.people import PASSWORD
from lanes.database_lane import Database
from lanes.servers import free_port
from services.access.provider_house import roles
from services.access.running_app import open_house


async def open_console(browser: Browser, keycloak: Keycloak) -> Page:
    """Sign in to the console of the realm, as the administrator of the server."""
    context = await browser.new_context(locale="en")
    page = await context.new_page()
    await page.goto(f"http://127.0.0.1:{keycloak.port}/admin/master/console/#/{keycloak.realm}/clients")
    await page.locator("input[name=username]").fill(ADMIN)
    await page.locator("input[name=password]").fill(PASSWORD)
    await page.locator("[type=submit]").first.click()
    return page


async def set_switch(page: Page, name: str, *, on: bool) -> None:
    """Click a switch by its label, if it is not as it should be."""
    switch = page.get_by_role("checkbox", name=name)
    await expect(switch).to_be_attached()
    if await switch.is_checked() != on:
        await page.locator("label", has=switch).click()
    await expect(switch).to_be_checked(checked=on)


async def save(page: Page) -> None:
    """Save, and wait until the console confirms it."""
    await page.get_by_role("button", name="Save").click()
    await expect(page.get_by_text("successfully").first).to_be_visible()


async def create_client(page: Page, hub: str, client_id: str) -> str:
    """Steps 1 and 2; return the client secret."""
    await page.get_by_role("link", name="Create client").click()
    await expect(page.locator("main, .pf-v5-c-page__main").first).to_contain_text("OpenID Connect")
    await page.get_by_role("textbox", name="Client ID").fill(client_id)
    await page.get_by_role("button", name="Next").click()
    await set_switch(page, "Client authentication", on=True)
    await expect(page.get_by_role("checkbox", name="Standard flow")).to_be_checked()
    for other in ("Direct access grants", "Implicit flow", "Service account roles"):
        await expect(page.get_by_role("checkbox", name=other)).not_to_be_checked()
    await page.get_by_role("button", name="Next").click()
    await page.get_by_role("textbox", name="Valid redirect URIs").first.fill(f"{hub}/sign-in/back")
    await page.get_by_role("textbox", name="Valid post logout redirect URIs").first.fill("+")
    await save(page)
    await page.get_by_role("tab", name="Credentials").click()
    secret = page.locator("#kc-client-secret")
    await expect(secret).to_have_value(re.compile("."))
    return await secret.input_value()


async def test_groups_by_the_clicks_of_the_documents(
    database: Database, keycloak: Keycloak, chromium: Browser
) -> None:
    port = free_port()
    hub = f"http://127.0.0.1:{port}"
    console = await open_console(chromium, keycloak)
    secret = await create_client(console, hub, "hubwell-by-clicks")
    await add_group_mapper(console, "hubwell-by-clicks")
    settings = settings_of(keycloak, hub, "hubwell-by-clicks", secret)
    async with open_house(database, port=port, **settings) as house:
        page = await (await chromium.new_context()).new_page()
        await sign_in(page, house, "rosa")
        assert await roles(house) == {"staff": "oidc"}
        await page.get_by_role("button", name="Sign out", exact=True).first.click()
        await page.get_by_role("link", name="Sign out at School").click()
        await page.locator("[type=submit]").first.click()
        await page.wait_for_url(f"{hub}/sign-out")


async def add_group_mapper(page: Page, client_id: str) -> None:
    """Step 3."""
    await page.get_by_role("tab", name="Client scopes").click()
    await page.get_by_role("link", name=f"{client_id}-dedicated").click()
    await page.get_by_role("button", name="Configure a new mapper").click()
    await page.get_by_role("dialog").get_by_text("Group Membership", exact=True).click()
    await page.get_by_role("textbox", name="Name").fill("groups")
    await page.get_by_role("textbox", name="Token Claim Name").fill("groups")
    await set_switch(page, "Full group path", on=False)
    await set_switch(page, "Add to ID token", on=True)
    await save(page)


def settings_of(keycloak: Keycloak, hub: str, client_id: str, secret: str) -> dict[str, Any]:
    """Return the settings of the hub."""
    return {
        "public_url": hub,
        "oidc_issuer": keycloak.issuer,
        "oidc_client_id": client_id,
        "oidc_client_secret": secret,
        "oidc_name": "School",
        "oidc_roles": {"teachers": "staff", "hub-admin": "admin"},
    }


async def test_realm_roles_by_the_clicks_of_the_documents(
    database: Database, keycloak: Keycloak, chromium: Browser
) -> None:
    """Steps 1, 2 and 4."""
    other = keycloak.another_realm()
    port = free_port()
    hub = f"http://127.0.0.1:{port}"
    console = await open_console(chromium, other)
    secret = await create_client(console, hub, "hubwell-roles")
    await console.get_by_role("link", name="Client scopes", exact=True).click()
    search = console.get_by_placeholder("Search for client scope")
    await search.fill("roles")
    await search.press("Enter")
    await console.get_by_role("link", name="roles", exact=True).click()
    await console.get_by_role("tab", name="Mappers").click()
    await console.get_by_role("link", name="realm roles", exact=True).click()
    await set_switch(console, "Add to ID token", on=True)
    await save(console)
    settings = settings_of(other, hub, "hubwell-roles", secret)
    settings["oidc_groups_claim"] = "realm_access.roles"
    async with open_house(database, port=port, **settings) as house:
        page = await (await chromium.new_context()).new_page()
        await sign_in(page, house, "rosa")
        assert await roles(house) == {"admin": "oidc"}
