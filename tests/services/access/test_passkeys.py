"""Passkeys: what is refused at the door, and in Chromium with its virtual authenticator what works."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import httpx
import pytest
from playwright.async_api import Browser, CDPSession, Page, expect

from hubwell.access import accounts, sessions
from hubwell.access.passkeys.challenges import LIFETIME_S, Challenges
from hubwell.access.passkeys.relying_party import RelyingParty, relying_party
from hubwell.settings import Settings
from hubwell.vocabulary import Role
from lanes.database_lane import Database
from services.access.running_app import PASSWORD, House, csrf_on, open_house, send
from services.web.axe_check import problems

AUTHENTICATOR = {
    "protocol": "ctap2",
    "transport": "internal",
    "hasResidentKey": True,
    "hasUserVerification": True,
    "isUserVerified": True,
    "automaticPresenceSimulation": True,
}


@asynccontextmanager
async def named_house(database: Database) -> AsyncIterator[House]:
    """Serve a hub whose public address is on `localhost`."""
    async with open_house(database) as plain:
        port = httpx.URL(plain.address).port
    async with open_house(database, port=port or 0, public_url=f"http://localhost:{port}") as house:
        house.address = f"http://localhost:{port}"
        yield house


@pytest.fixture
async def house(database: Database) -> AsyncIterator[House]:
    async with named_house(database) as running:
        yield running


@dataclass
class Device:
    """A browser with a virtual authenticator."""

    page: Page
    cdp: CDPSession
    authenticator: str
    house: House
    sent: list[tuple[str, str]]

    async def add(self, name: str = "Phone", password: str = PASSWORD) -> None:
        await self.page.goto(f"{self.house.address}/account")
        await self.page.get_by_label("Name of the new passkey").fill(name)
        await self.page.get_by_label("Your current password").fill(password)
        await self.page.get_by_role("button", name="Add a passkey").click()

    async def sign_in(self) -> None:
        await self.page.context.clear_cookies()
        await self.page.goto(f"{self.house.address}/sign-in?next=/account")
        await self.page.get_by_role("button", name="Sign in with a passkey").click()

    async def credentials(self) -> list[dict[str, Any]]:
        found = await self.cdp.send("WebAuthn.getCredentials", {"authenticatorId": self.authenticator})
        return list(found["credentials"])


@asynccontextmanager
async def device(
    browser: Browser, house: House, account_id: UUID | None = None, address: str = ""
) -> AsyncIterator[Device]:
    """Give a browser with an authenticator of its own, signed in where an account is given."""
    context = await browser.new_context(viewport={"width": 1024, "height": 600})
    if account_id:
        async with house.connection() as conn:
            ticket = await sessions.begin(conn, account_id=account_id, now=datetime.now(UTC))
        await context.add_cookies([{"name": "hubwell", "value": ticket, "url": address or house.address}])
    page = await context.new_page()
    sent: list[tuple[str, str]] = []
    page.on("request", lambda asked: sent.append((asked.url, asked.post_data or "")))
    cdp = await context.new_cdp_session(page)
    await cdp.send("WebAuthn.enable")
    made = await cdp.send("WebAuthn.addVirtualAuthenticator", {"options": AUTHENTICATOR})
    yield Device(page, cdp, made["authenticatorId"], house, sent)
    await context.close()


@pytest.mark.browser
async def test_passkey_is_added_signs_in_and_opens_nothing_once_it_is_removed(
    house: House, browser: Browser
) -> None:
    ada = await house.add("ada", Role.STAFF)
    async with device(browser, house, ada) as phone:
        await phone.add("Ada's phone")
        await expect(phone.page.locator(".notice.good")).to_contain_text("The passkey was added")
        await expect(phone.page.locator("#passkeys .tap")).to_contain_text("Ada's phone")
        await expect(phone.page.locator("#passkeys .tap")).to_contain_text("not used yet")
        assert await problems(phone.page) == []
        (kept,) = await phone.credentials()
        assert kept["rpId"] == "localhost"
        before = await house.value("SELECT token_hash FROM sign_in")

        await phone.sign_in()

        await expect(phone.page.locator("h1")).to_have_text("Your account")
        await expect(phone.page.locator("#passkeys .tap")).to_contain_text("last used")
        assert await house.value("SELECT count(*) FROM sign_in WHERE token_hash <> %s", before) == 1
        assert await house.value("SELECT sign_count > 0 FROM passkey") is True
        await phone.page.get_by_role("button", name="Remove the passkey Ada's phone").click()
        await expect(phone.page.locator(".notice.good")).to_contain_text("opens nothing any more")
        await phone.sign_in()
        await expect(phone.page.locator("#passkey-wrong")).to_contain_text("This passkey was not accepted.")
        assert await problems(phone.page) == []
    assert await house.value("SELECT array_agg(action ORDER BY id) FROM audit_entry") == [
        "account.passkey-added",
        "account.passkey-removed",
    ]
    assert await house.value("SELECT signed_in_at IS NOT NULL FROM account") is True


@pytest.mark.browser
async def test_passkey_of_a_closed_account_and_after_a_reset_opens_nothing(
    house: House, browser: Browser
) -> None:
    ada = await house.add("ada", Role.STAFF)
    admin = await house.signed_in("admin", Role.ADMIN)
    async with device(browser, house, ada) as phone:
        await phone.add()
        await expect(phone.page.locator(".notice.good")).to_be_visible()
        await send(admin, f"/accounts/{ada}/disable")
        await phone.sign_in()
        await expect(phone.page.locator("#passkey-wrong")).to_contain_text("not accepted")
        await send(admin, f"/accounts/{ada}/enable")
        await phone.sign_in()
        await expect(phone.page.locator("h1")).to_have_text("Your account")

        await send(admin, f"/accounts/{ada}/password", password="another four words here")  # noqa: S106

        assert await house.value("SELECT count(*) FROM passkey") == 0
        await phone.sign_in()
        await expect(phone.page.locator("#passkey-wrong")).to_contain_text("not accepted")
    actions = await house.value("SELECT array_agg(action) FROM audit_entry")
    assert "account.passkeys-ended" in actions


@pytest.mark.browser
async def test_replayed_sign_in_and_other_accounts_passkeys_are_refused(
    house: House, browser: Browser
) -> None:
    ada, bea = await house.add("ada", Role.STAFF), await house.add("bea", Role.ADMIN)
    async with device(browser, house, ada) as phone:
        await phone.add()
        await expect(phone.page.locator(".notice.good")).to_be_visible()
        cookies: list[str] = []

        async def watch(route: Any) -> None:
            cookies.append((await route.request.all_headers()).get("cookie", ""))
            await route.continue_()

        await phone.page.route("**/sign-in/passkey", watch)
        await phone.sign_in()
        await expect(phone.page.locator("h1")).to_have_text("Your account")
        url, body = next(each for each in phone.sent if each[0].endswith("/sign-in/passkey"))
        stolen = house.browser(cookie=cookies[0], accept="application/json")
        again = await stolen.post(url, content=body, headers={"content-type": "application/json"})
        assert (again.status_code, again.json()["code"]) == (422, "passkey-too-late")

        # The same key, put under another account by hand: the authenticator signed for the first one.
        await house.run("UPDATE passkey SET account_id = %s", bea)
        await phone.sign_in()
        await expect(phone.page.locator("#passkey-wrong")).to_contain_text("not accepted")
        await house.run("UPDATE passkey SET account_id = %s", ada)
        await house.run("UPDATE passkey SET sign_count = 1000")
        await phone.sign_in()
        await expect(phone.page.locator("#passkey-wrong")).to_contain_text("not accepted")


@pytest.mark.browser
async def test_wrong_password_adds_nothing_and_is_named(house: House, browser: Browser) -> None:
    async with device(browser, house, await house.add("ada", Role.STAFF)) as phone:
        await phone.add(password="not it at all")  # noqa: S106
        await expect(phone.page.locator("#passkey-wrong")).to_have_text("This is not your current password.")
        assert await phone.credentials() == []
    assert await house.value("SELECT count(*) FROM passkey") == 0


@pytest.mark.browser
async def test_second_passkey_of_one_device_is_refused_by_the_browser(house: House, browser: Browser) -> None:
    async with device(browser, house, await house.add("ada", Role.STAFF)) as phone:
        await phone.add()
        await expect(phone.page.locator("#passkeys .tap")).to_have_count(1)
        await phone.add("Again")
        await expect(phone.page.locator("#passkey-wrong")).to_contain_text("No passkey was added")
    assert await house.value("SELECT count(*) FROM passkey") == 1


@pytest.mark.browser
async def test_without_script_there_is_the_password_and_a_sentence(house: House, browser: Browser) -> None:
    context = await browser.new_context(java_script_enabled=False)
    page = await context.new_page()
    await page.goto(f"{house.address}/sign-in")
    await expect(page.get_by_role("button", name="Sign in with a passkey")).to_be_hidden()
    await house.add("ada", Role.STAFF)
    await page.get_by_label("Login").fill("ada")
    await page.get_by_label("Password").fill(PASSWORD)
    await page.get_by_role("button", name="Sign in", exact=True).click()
    await page.goto(f"{house.address}/account")
    await expect(page.locator("#passkey-none")).to_have_text("Adding a passkey needs JavaScript.")
    await expect(page.get_by_role("button", name="Add a passkey")).to_be_hidden()
    await context.close()


@pytest.mark.browser
async def test_page_at_another_address_says_where_passkeys_work(database: Database, browser: Browser) -> None:
    async with open_house(database, public_url="https://hub.example") as house:
        ada = await house.add("ada", Role.STAFF)
        context = await browser.new_context()
        async with house.connection() as conn:
            ticket = await sessions.begin(conn, account_id=ada, now=datetime.now(UTC))
        await context.set_extra_http_headers({"cookie": f"__Host-hubwell={ticket}"})
        page = await context.new_page()
        await page.goto(f"{house.address}/account")
        await expect(page.locator("#passkey-none")).to_contain_text("work at https://hub.example only")
        await expect(page.get_by_role("button", name="Add a passkey")).to_be_hidden()
        await context.close()


async def begun(client: httpx.AsyncClient, **fields: str) -> httpx.Response:
    token = await csrf_on(client, "/account")
    fields = {"name": "Phone", "current": PASSWORD} | fields
    return await client.post("/account/passkeys/begin", data=fields, headers={"x-csrf-token": token})


async def test_options_ask_for_a_key_that_is_found_and_unlocked_by_its_user(house: House) -> None:
    client = await house.signed_in("ada", Role.STAFF)
    made = (await begun(client)).json()["publicKey"]
    assert made["rp"] == {"id": "localhost", "name": "Test hub"}
    assert made["authenticatorSelection"]["residentKey"] == "required"
    assert made["authenticatorSelection"]["userVerification"] == "required"
    asked = (await house.browser().post("/sign-in/passkey/begin")).json()["publicKey"]
    assert (asked["rpId"], asked["userVerification"]) == ("localhost", "required")
    assert not asked.get("allowCredentials")
    assert made["challenge"] != asked["challenge"]


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"current": "wrong"}, "current-password-wrong"),
        ({"name": " "}, "passkey-name-missing"),
        ({"name": "x" * 61}, "passkey-name-long"),
    ],
)
async def test_adding_is_refused_before_it_begins(house: House, fields: dict[str, str], code: str) -> None:
    client = await house.signed_in("ada", Role.STAFF)
    answer = await begun(client, **fields)
    assert (answer.status_code, answer.json()["code"]) == (422, code)
    assert "set-cookie" not in answer.headers


async def test_account_without_a_password_adds_none(house: House) -> None:
    client = await house.signed_in("ada", Role.STAFF)
    await house.run("UPDATE account SET password_hash = NULL")
    answer = await begun(client)
    assert answer.json()["code"] == "passkey-needs-password"
    assert "your provider decides how you sign in" in (await client.get("/account")).text


@pytest.mark.parametrize(
    ("public_url", "why"),
    [
        (None, "does not know its public address"),
        ("https://192.0.2.7", "address is a number"),
        ("http://hub.example", "over https only"),
    ],
)
async def test_page_says_why_there_can_be_no_passkeys(
    database: Database, public_url: str | None, why: str
) -> None:
    async with open_house(database, public_url=public_url) as house:
        client = await house.signed_in("ada", Role.STAFF)
        if public_url and public_url.startswith("https"):
            client.cookies.set("__Host-hubwell", client.cookies["hubwell"])
        assert why in (await client.get("/account")).text
        assert "Sign in with a passkey" not in (await house.browser().get("/sign-in")).text
        refused = await house.browser().post("/sign-in/passkey/begin")
        assert (refused.status_code, refused.json()["code"]) == (422, "passkeys-not-here")


@pytest.mark.parametrize(
    "credential", [{}, {"id": "x"}, {"rawId": 7, "response": []}, {"rawId": "AA", "id": "BB"}]
)
async def test_nonsense_is_refused_like_a_wrong_passkey(house: House, credential: dict[str, Any]) -> None:
    client = house.browser()
    await client.post("/sign-in/passkey/begin")
    answer = await client.post("/sign-in/passkey", json={"credential": credential})
    assert (answer.status_code, answer.json()["code"]) == (422, "passkey-refused")
    assert await house.value("SELECT count(*) FROM sign_in") == 0


async def test_sign_in_needs_a_challenge_of_this_browser_and_purpose(house: House) -> None:
    signed_in = await house.signed_in("ada", Role.STAFF)
    await begun(signed_in)  # the challenge of an addition
    for client in (house.browser(), signed_in):
        token = await csrf_on(client, "/account") if client is signed_in else ""
        answer = await client.post(
            "/sign-in/passkey", json={"credential": {}}, headers={"x-csrf-token": token}
        )
        assert (answer.status_code, answer.json()["code"]) == (422, "passkey-too-late")


async def test_form_of_another_site_begins_nothing(house: House) -> None:
    for path in ("/sign-in/passkey/begin", "/sign-in/passkey"):
        answer = await house.browser(**{"sec-fetch-site": "cross-site"}).post(path, json={"credential": {}})
        assert answer.status_code == 403, path


async def test_failures_slow_down_like_wrong_passwords(house: House) -> None:
    client = house.browser()
    for _ in range(10):
        assert (await client.post("/sign-in/passkey", json={"credential": {}})).status_code == 422
    limits = house.app.state.parts.limits
    names = {name for name, key in limits._counters if limits._counters[name, key].failures}
    assert names == {"password-login-address", "password-address"}


def test_challenge_is_void_after_five_minutes_for_another_account_and_once_used() -> None:
    now = [1000.0]
    challenges = Challenges(clock=lambda: now[0])
    account, other = UUID(int=1), UUID(int=2)
    made, cookie = challenges.begin("add", account)
    assert challenges.open(cookie, "add", account) == made
    assert challenges.open(cookie, "add", other) is None
    assert challenges.open(cookie, "sign-in") is None
    assert challenges.open(cookie[:-4] + "AAAA", "add", account) is None
    assert Challenges(clock=lambda: now[0]).open(cookie, "add", account) is None, "of another process"
    assert (challenges.use(made), challenges.use(made)) == (True, False)
    assert challenges.open(cookie, "add", account) is None
    late, cookie = challenges.begin("sign-in")
    now[0] += LIFETIME_S
    assert challenges.open(cookie, "sign-in") == late
    now[0] += 1
    assert challenges.open(cookie, "sign-in") is None


@pytest.mark.parametrize(
    ("public_url", "expected"),
    [
        ("https://hub.example", RelyingParty("hub.example", "Hub", "https://hub.example")),
        ("https://hub.example:8443/", RelyingParty("hub.example", "Hub", "https://hub.example:8443")),
        ("http://localhost:8000", RelyingParty("localhost", "Hub", "http://localhost:8000")),
        ("http://127.0.0.1:8000", "no-name"),
        ("https://[2001:db8::1]", "no-name"),
        ("http://hub.example", "no-https"),
        (None, "no-address"),
    ],
)
def test_relying_party_is_the_public_address(public_url: str | None, expected: RelyingParty | str) -> None:
    settings = Settings.model_validate(
        {"hub_name": "Hub"} | ({"public_url": public_url} if public_url else {})
    )
    assert relying_party(settings) == expected


async def test_erased_account_takes_its_passkeys_along(house: House) -> None:
    ada = await house.add("ada", Role.STAFF)
    await house.run(
        "INSERT INTO passkey (account_id, credential_id, attested, sign_count, name, added_at) "
        "VALUES (%s, 'x', 'y', 0, 'Phone', now())",
        ada,
    )
    async with house.connection() as conn:
        await accounts.erase(conn, ada)
    assert await house.value("SELECT count(*) FROM passkey") == 0
