"""Keycloak as docs/providers.md describes it, driven by a real browser."""

import pytest
from playwright.async_api import Browser, expect

from counterparts.keycloak import Keycloak
from counterparts.keycloak_days import FORM, fill_in, school_day, sign_in, to_keycloak
from lanes.database_lane import Database
from services.access.provider_house import roles


@pytest.mark.parametrize("full_path", [False, True], ids=["names", "paths"])
async def test_groups_become_roles(
    database: Database,
    keycloak: Keycloak,
    chromium: Browser,
    full_path: bool,  # noqa: FBT001 (a parameter of the test)
) -> None:
    async with school_day(database, keycloak, client={"full_path": full_path}) as house:
        page = await chromium.new_page()
        await sign_in(page, house, "rosa")
        await expect(page.get_by_role("main")).to_contain_text("Rosa Bērziņa")
        assert await roles(house) == {"staff": "oidc"}


@pytest.mark.parametrize(
    ("algorithm", "provider", "config"),
    [
        ("RS512", "rsa-generated", {"algorithm": "RS512"}),
        ("PS256", "rsa-generated", {"algorithm": "PS256"}),
        ("ES256", "ecdsa-generated", {"ecdsaEllipticCurveKey": "P-256"}),
        ("EdDSA", "eddsa-generated", {"eddsaEllipticCurveKey": "Ed25519"}),
    ],
)
@pytest.mark.filterwarnings("ignore:EdDSA is deprecated")
async def test_signatures(
    database: Database,
    keycloak: Keycloak,
    chromium: Browser,
    algorithm: str,
    provider: str,
    config: dict[str, str],
) -> None:
    keycloak.add_key(provider, **config)
    attributes = {"id.token.signed.response.alg": algorithm}
    async with school_day(database, keycloak, client={"attributes": attributes}) as house:
        await sign_in(await chromium.new_page(), house, "rosa")
        assert await roles(house) == {"staff": "oidc"}


async def test_shared_secret_is_refused(database: Database, keycloak: Keycloak, chromium: Browser) -> None:
    attributes = {"id.token.signed.response.alg": "HS256"}
    async with school_day(database, keycloak, client={"attributes": attributes}) as house:
        page = await chromium.new_page()
        await sign_in(page, house, "rosa")
        await expect(page.get_by_role("alert")).to_contain_text("response is not valid")
        assert await house.value("SELECT count(*) FROM account") == 0


async def test_key_that_is_rotated_while_running(
    database: Database, keycloak: Keycloak, chromium: Browser
) -> None:
    async with school_day(database, keycloak) as house:
        await sign_in(await chromium.new_page(), house, "rosa")
        keycloak.add_key()
        context = await chromium.new_context()
        page = await context.new_page()
        await sign_in(page, house, "juris")
        await expect(page.get_by_role("main")).to_contain_text("Juris Kļaviņš")


async def test_realm_roles_after_the_click_of_the_documents(
    database: Database, keycloak: Keycloak, chromium: Browser
) -> None:
    async with school_day(database, keycloak, oidc_groups_claim="realm_access.roles") as house:
        context = await chromium.new_context()
        page = await context.new_page()
        await sign_in(page, house, "rosa")
        await expect(page.get_by_role("alert")).to_contain_text("You have no role here yet")
        keycloak.put_roles_into_the_id_token()
        context = await chromium.new_context()
        await sign_in(await context.new_page(), house, "rosa")
        assert await roles(house) == {"admin": "oidc"}


async def test_refused_person_chooses_another_account(
    database: Database, keycloak: Keycloak, chromium: Browser
) -> None:
    async with school_day(database, keycloak) as house:
        context = await chromium.new_context()
        page = await context.new_page()
        await sign_in(page, house, "stranger")
        await expect(page.get_by_role("alert")).to_contain_text("You have no role here yet")
        await page.get_by_role("link", name="Sign in with School").click()
        await expect(page.locator(FORM)).to_be_visible()  # it asks, and offers another account


async def test_sign_out_here_and_there(database: Database, keycloak: Keycloak, chromium: Browser) -> None:
    async with school_day(database, keycloak) as house:
        context = await chromium.new_context()
        page = await context.new_page()
        await sign_in(page, house, "rosa")
        await page.get_by_role("button", name="Sign out", exact=True).first.click()
        await expect(page.get_by_role("heading", name="You are signed out")).to_be_visible()
        await page.get_by_role("link", name="Sign out at School").click()
        await page.locator("[type=submit]").first.click()  # Keycloak asks, because no token is kept
        await page.wait_for_url(f"{house.address}/sign-out")
        await context.clear_cookies(name="hubwell-prompt")
        await to_keycloak(page, house)
        await fill_in(page, "juris")
        await expect(page.get_by_role("main")).to_contain_text("Juris Kļaviņš")


async def test_next_person_is_asked_without_the_sign_out_there(
    database: Database, keycloak: Keycloak, chromium: Browser
) -> None:
    async with school_day(database, keycloak) as house:
        context = await chromium.new_context()
        page = await context.new_page()
        await sign_in(page, house, "rosa")
        await page.get_by_role("button", name="Sign out", exact=True).first.click()
        await to_keycloak(page, house)
        await expect(page.locator(FORM)).to_be_visible()


async def test_two_tabs_in_both_orders(database: Database, keycloak: Keycloak, chromium: Browser) -> None:
    """In one tab the person signs in; Keycloak's page in the other sees the session and goes on by itself."""
    async with school_day(database, keycloak) as house:
        for first, second in ((0, 1), (1, 0)):
            context = await chromium.new_context()
            tabs = [await context.new_page() for _ in range(2)]
            for tab in tabs:
                await to_keycloak(tab, house)
                await expect(tab.locator(FORM)).to_be_visible()
            await fill_in(tabs[first], "rosa")
            await expect(tabs[first].get_by_role("main")).to_contain_text("Rosa Bērziņa")
            await expect(tabs[second].get_by_role("main")).to_contain_text("Rosa Bērziņa")
            await context.close()
        assert await house.value("SELECT count(*) FROM account") == 1


async def test_link_of_another_site_voids_no_sign_in(
    database: Database, keycloak: Keycloak, chromium: Browser
) -> None:
    async with school_day(database, keycloak) as house:
        context = await chromium.new_context()
        page = await context.new_page()
        await to_keycloak(page, house)
        other = await context.new_page()
        for query in ("state=x&code=y", "state=x&error=access_denied", "code=y"):
            await other.goto(f"{house.address}/sign-in/back?{query}")
            await expect(other.get_by_role("alert")).to_be_visible()
        await fill_in(page, "rosa")
        await expect(page.get_by_role("main")).to_contain_text("Rosa Bērziņa")


async def test_wrong_secret_is_named(database: Database, keycloak: Keycloak, chromium: Browser) -> None:
    async with school_day(database, keycloak, oidc_client_secret="another one") as house:  # noqa: S106 (wrong)
        page = await chromium.new_page()
        await sign_in(page, house, "rosa")
        await expect(page.get_by_role("alert")).to_contain_text("does not help")
        await expect(page.get_by_role("alert")).to_contain_text("unauthorized_client")
