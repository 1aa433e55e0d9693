"""People of a Keycloak who are renamed, have long or odd names, change groups, or say no."""

import json
import re
from typing import Any

import pytest
from joserfc.jwk import RSAKey
from playwright.async_api import Browser, expect

from counterparts.keycloak import Keycloak
from counterparts.keycloak_days import FORM, fill_in, school_day, sign_in, to_keycloak
from lanes.database_lane import Database
from services.access.provider_house import roles

LOGINS = "SELECT string_agg(login, ' ' ORDER BY created_at) FROM account"


async def test_renamed_person_stays_and_who_takes_the_name_is_another(
    database: Database, keycloak: Keycloak, chromium: Browser
) -> None:
    first = keycloak.add_person("anna", "Anna", "Kalniņa", ["teachers"])
    async with school_day(database, keycloak) as house:
        await sign_in(await chromium.new_page(), house, "anna")
        keycloak.ask("PUT", f"/{keycloak.realm}", {"editUsernameAllowed": True})
        keycloak.change_person(first, username="anna.ozola", lastName="Ozola")
        keycloak.add_person("anna", "Anna", "Jaunā", ["pupils"])

        newcomer = await chromium.new_page()
        await sign_in(newcomer, house, "anna")
        await expect(newcomer.get_by_role("main")).to_contain_text("Anna Jaunā")
        renamed = await chromium.new_page()
        await sign_in(renamed, house, "anna.ozola")
        await expect(renamed.get_by_role("main")).to_contain_text("Anna Ozola")

        # The login of the first sign-in stays, so a second person of that name has a suffix.
        logins = await house.value(LOGINS)
        assert re.fullmatch(r"sso/anna sso/anna-[0-9a-f]{8}", logins), logins
        by_login = "SELECT role FROM account_role r JOIN account a ON a.id = r.account_id WHERE login = %s"
        assert [await house.value(by_login, login) for login in logins.split()] == ["staff", "learner"]


async def test_same_name_in_another_realm_is_another_person(
    database: Database, keycloak: Keycloak, chromium: Browser
) -> None:
    async with school_day(database, keycloak) as house:
        await sign_in(await chromium.new_page(), house, "rosa")
    other = keycloak.another_realm()
    async with school_day(database, other) as house:
        await sign_in(await chromium.new_page(), house, "rosa")
        assert await house.value("SELECT count(*) FROM account") == 2
        assert await house.value("SELECT count(DISTINCT issuer) FROM account_identity") == 2


LONG = "lietotajs." + "a" * 140
NAMES: dict[str, tuple[str, str, str, str, str]] = {
    "login of 150, names of 201": (LONG, "Ž" * 100, "ē" * 100, f"sso/{LONG[:80]}", "Ž" * 100),
    "letters of other scripts": ("þóra.ó-brien+1", "Þóra ليلى", "Ó'Brien 李", "sso/þóra.ó-brien+1", "李"),
    "signs in login and name": ("jeanne_d.arc-2", "Jeanne", "d'Arc", "sso/jeanne_d.arc-2", "d'Arc"),
    "address as login": ("Rosa.Lind@School.Example", "Rosa", "Lind", "sso/rosa.lind@school.example", "Lind"),
}  # fmt: skip


@pytest.mark.parametrize(("login", "first", "last", "account", "shown"), NAMES.values(), ids=NAMES)
async def test_long_and_odd_names(
    database: Database,
    keycloak: Keycloak,
    chromium: Browser,
    login: str,
    first: str,
    last: str,
    account: str,
    shown: str,
) -> None:
    keycloak.add_person(login, first, last, ["teachers"])
    async with school_day(database, keycloak) as house:
        page = await chromium.new_page()
        await sign_in(page, house, login)
        await expect(page.get_by_role("main")).to_contain_text(shown)
        assert await house.value(LOGINS) == account
        assert await house.value("SELECT name FROM account") == f"{first} {last}"[:120]


GROUPS_AT_USERINFO: dict[str, Any] = {"groups_in": "userinfo.token.claim"}
SIGNED = {"user.info.response.signature.alg": "RS256"}


@pytest.mark.parametrize("attributes", [{}, SIGNED], ids=["JSON", "signed"])
async def test_groups_at_userinfo_only(
    database: Database, keycloak: Keycloak, chromium: Browser, attributes: dict[str, str]
) -> None:
    client = GROUPS_AT_USERINFO | {"attributes": attributes}
    async with school_day(database, keycloak, client=client) as house:
        page = await chromium.new_page()
        await sign_in(page, house, "rosa")
        await expect(page.get_by_role("main")).to_contain_text("Rosa Bērziņa")
        assert await roles(house) == {"staff": "oidc"}


async def test_roles_follow_the_groups_and_who_loses_the_last_is_out(
    database: Database, keycloak: Keycloak, chromium: Browser
) -> None:
    person = keycloak.add_person("maija", "Maija", "Liepa", ["pupils"])
    async with school_day(database, keycloak) as house:
        first = await chromium.new_page()
        await sign_in(first, house, "maija")
        assert await roles(house) == {"learner": "oidc"}
        keycloak.set_group(person, "teachers")
        await sign_in(await chromium.new_page(), house, "maija")
        assert await roles(house) == {"staff": "oidc"}
        keycloak.set_group(person, "")
        refused = await chromium.new_page()
        await sign_in(refused, house, "maija")
        await expect(refused.get_by_role("alert")).to_contain_text("You have no role here yet")
        await first.goto(f"{house.address}/account")
        assert "/sign-in" in first.url
        assert await roles(house) == {}


async def test_person_who_does_not_consent_reads_so_and_may_choose_another_account(
    database: Database, keycloak: Keycloak, chromium: Browser
) -> None:
    async with school_day(database, keycloak, client={"consentRequired": True}) as house:
        context = await chromium.new_context()
        page = await context.new_page()
        await to_keycloak(page, house)
        await fill_in(page, "rosa")
        await page.locator("#kc-cancel").click()
        await expect(page.get_by_role("alert")).to_contain_text("Reason: access_denied.")
        await page.get_by_role("link", name="Sign in with School").click()
        await expect(page.locator(FORM)).to_be_visible()


def encrypting() -> dict[str, Any]:
    """Return the attributes of a client whose ID tokens are encrypted."""
    key = RSAKey.generate_key(2048, {"use": "enc", "alg": "RSA-OAEP", "kid": "k"})
    return {
        "id.token.encrypted.response.alg": "RSA-OAEP",
        "id.token.encrypted.response.enc": "A256GCM",
        "use.jwks.string": "true",
        "jwks.string": json.dumps({"keys": [key.as_dict(private=False)]}),
    }


@pytest.mark.parametrize(
    ("client", "changes", "why"),
    [
        ({}, {"oidc_scopes": "openid nonsense"}, "invalid_scope"),
        ({"standardFlowEnabled": False}, {}, "unauthorized_client"),
        ({"attributes": encrypting()}, {}, "encrypted"),
    ],
    ids=["scope", "flow", "encrypted tokens"],
)
async def test_wrong_settings_are_named(
    database: Database,
    keycloak: Keycloak,
    chromium: Browser,
    client: dict[str, Any],
    changes: dict[str, Any],
    why: str,
) -> None:
    async with school_day(database, keycloak, client=client, **changes) as house:
        page = await chromium.new_page()
        await to_keycloak(page, house)
        if why == "encrypted":
            await fill_in(page, "rosa")
        await page.wait_for_url(f"{house.address}/**")
        await expect(page.get_by_role("alert")).to_contain_text("trying again does not help")
        await expect(page.get_by_role("alert")).to_contain_text(f"Reason: {why}.")
