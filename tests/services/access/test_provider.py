"""Signing in through a provider: a real one, and one that forges."""

import asyncio
import base64
import hashlib
import html
from pathlib import Path
from typing import Any

import pytest
from joserfc.jwk import RSAKey
from pydantic import ValidationError

from hubwell.access.oidc.errors import OidcError
from hubwell.access.oidc.login_state import LoginStates
from hubwell.settings import Settings
from hubwell.vocabulary import Role
from lanes.database_lane import Database
from services.access.oidc_providers import (
    Forger,
    RealProvider,
    leave,
    real_provider,
)
from services.access.provider_house import EVERYTHING, provider_settings, roles
from services.access.running_app import House, open_house


async def test_real_provider_signs_somebody_in(database: Database, tmp_path: Path) -> None:
    async with (
        real_provider(tmp_path) as real,
        open_house(database, **provider_settings(real.address)) as house,
    ):
        await real.knows("s-1", groups=["teachers"], name="Rosa Lind", preferred_username="rosa")
        browser = house.browser()

        answer = await real.sign_in(browser, "s-1")
        page = await browser.get("/account")

        assert (answer.status_code, answer.headers["location"]) == (303, "/devices")
        assert "Rosa Lind" in page.text
        assert "sso/rosa" in page.text
        assert await roles(house) == {"staff": "oidc"}
        assert (
            await house.value("SELECT issuer || ' ' || subject FROM account_identity")
            == f"{real.address} s-1"
        )
        await _roles_follow_the_groups(house, real)


async def _roles_follow_the_groups(school: House, real: RealProvider) -> None:
    """The same provider, later: groups changed there, a role was given here."""
    account = await school.value("SELECT id FROM account")
    await school.run("INSERT INTO account_role VALUES (%s, 'osh', 'local')", account)
    await real.knows("s-1", groups=["caretakers"], name="Rosa Lind")

    assert (await real.sign_in(school.browser(), "s-1")).status_code == 303

    assert await roles(school) == {"facilities": "oidc", "osh": "local"}
    assert await school.value("SELECT count(*) FROM account") == 1


async def test_page_offers_the_provider(school: House) -> None:
    assert "Sign in with School" in (await school.browser().get("/sign-in")).text


async def test_code_is_exchanged_with_the_proof_of_who_began(school: House, forger: Forger) -> None:
    leaving = await leave(school)
    forger.token = forger.signed(forger.claims(leaving.nonce))

    assert (await leaving.back()).status_code == 303

    verifier = forger.asked[0]["code_verifier"][0]
    digest = hashlib.sha256(verifier.encode()).digest()
    assert base64.urlsafe_b64encode(digest).rstrip(b"=").decode() == leaving.challenge


async def test_provider_that_declines_is_said_so(school: House) -> None:
    leaving = await leave(school)

    answer = await leaving.browser.get(
        "/sign-in/back", params={"error": "access_denied", "state": leaving.state}
    )

    assert answer.status_code == 403
    assert "The provider did not sign you in." in answer.text


async def test_stranger_without_a_role_gets_no_account(school: House, forger: Forger) -> None:
    leaving = await leave(school)
    forger.token = forger.signed(forger.claims(leaving.nonce, groups=["guests"]))

    answer = await leaving.back()

    assert answer.status_code == 403
    assert "You have no role here yet" in answer.text
    assert await school.value("SELECT count(*) FROM account") == 0


async def test_who_lost_the_last_role_is_out_everywhere(school: House, forger: Forger) -> None:
    first = await leave(school)
    forger.token = forger.signed(forger.claims(first.nonce))
    await first.back()
    assert (await first.browser.get("/account")).status_code == 200
    second = await leave(school)
    forger.token = forger.signed(forger.claims(second.nonce, groups=[]))

    assert (await second.back()).status_code == 403

    assert (await first.browser.get("/account")).status_code == 303
    assert await roles(school) == {}


async def test_last_administrator_does_not_lose_the_role_by_signing_in(school: House, forger: Forger) -> None:
    first = await leave(school)
    forger.token = forger.signed(forger.claims(first.nonce))
    await first.back()
    await school.run("INSERT INTO account_role SELECT id, 'admin', 'oidc' FROM account")
    before = await school.value(EVERYTHING)
    second = await leave(school)
    forger.token = forger.signed(forger.claims(second.nonce))

    answer = await second.back()

    assert answer.status_code == 403
    assert "you are the last one of this hub. Make another one first." in html.unescape(answer.text)
    assert await school.value(EVERYTHING) == before


async def test_account_that_was_closed_stays_closed(school: House, forger: Forger) -> None:
    first = await leave(school)
    forger.token = forger.signed(forger.claims(first.nonce))
    await first.back()
    await school.run("UPDATE account SET disabled_at = now()")
    before = await school.value(EVERYTHING)
    second = await leave(school)
    forger.token = forger.signed(forger.claims(second.nonce, groups=["caretakers"]))

    answer = await second.back()

    assert answer.status_code == 403
    assert "This account is closed." in answer.text
    assert await school.value(EVERYTHING) == before


async def test_same_mail_address_is_not_the_same_person(school: House, forger: Forger) -> None:
    await school.add("rosa@school.example", Role.ADMIN)
    for subject in ("subject-1", "subject-2"):
        leaving = await leave(school)
        claims = forger.claims(leaving.nonce, sub=subject, email="rosa@school.example")
        forger.token = forger.signed(claims)
        assert (await leaving.back()).status_code == 303

    async with school.connection() as conn:
        rows = await (await conn.execute("SELECT login FROM account ORDER BY length(login)")).fetchall()
    logins = [row[0] for row in rows]
    assert logins[:2] == ["rosa@school.example", "sso/rosa@school.example"]
    assert logins[2].startswith("sso/rosa@school.example-")
    assert await school.value("SELECT count(*) FROM account_identity") == 2
    assert await school.value("SELECT count(*) FROM account_role WHERE role = 'admin'") == 1


async def test_groups_may_stand_in_the_userinfo(school: House, forger: Forger) -> None:
    leaving = await leave(school)
    forger.token = forger.signed(forger.claims(leaving.nonce, groups=None))
    forger.userinfo = {"sub": "subject-1", "groups": ["caretakers"]}

    assert (await leaving.back()).status_code == 303
    assert await roles(school) == {"facilities": "oidc"}


async def test_groups_may_stand_deeper_and_everybody_may_have_a_role(
    database: Database, forger: Forger
) -> None:
    changed = {"oidc_groups_claim": "realm_access.roles", "oidc_roles": {"*": "learner", "house": "osh"}}
    async with open_house(database, **provider_settings(forger.address) | changed) as house:
        leaving = await leave(house)
        forger.token = forger.signed(forger.claims(leaving.nonce, realm_access={"roles": ["house", 7]}))

        assert (await leaving.back()).status_code == 303
        assert await roles(house) == {"learner": "oidc", "osh": "oidc"}


async def test_new_key_of_the_provider_is_learned_at_once(school: House, forger: Forger) -> None:
    first = await leave(school)
    forger.token = forger.signed(forger.claims(first.nonce))
    assert (await first.back()).status_code == 303
    forger.key = RSAKey.generate_key(2048, parameters={"kid": "next"})
    second = await leave(school)
    forger.token = forger.signed(forger.claims(second.nonce), kid="next")

    assert (await second.back()).status_code == 303


@pytest.mark.parametrize(
    "about",
    [
        {"issuer": "https://elsewhere.example"},
        {"authorization_endpoint": "javascript:alert(1)"},
        {"token_endpoint": None},
        {"jwks_uri": "file:///etc/passwd"},
    ],
)
async def test_provider_that_describes_itself_oddly_is_not_used(
    school: House, forger: Forger, about: dict[str, Any]
) -> None:
    forger.about = about

    answer = await school.browser().get("/sign-in/provider")

    assert answer.status_code in (403, 502)
    assert "set-cookie" not in answer.headers


async def test_provider_that_is_away_is_said_so_and_passwords_still_work(database: Database) -> None:
    async with open_house(database, **provider_settings("http://127.0.0.1:9")) as house:
        answer = await house.browser().get("/sign-in/provider")

        assert answer.status_code == 502
        assert "The provider does not answer." in answer.text
        await house.add("rosa", Role.STAFF)
        fields = {"login": "rosa", "password": "four words not together"}
        assert (await house.browser().post("/sign-in", data=fields)).status_code == 303


async def test_two_first_sign_ins_at_once_make_one_account(school: House, forger: Forger) -> None:
    one, other = await leave(school), await leave(school)
    forger.token_for = {
        leaving.state: forger.signed(forger.claims(leaving.nonce)) for leaving in (one, other)
    }

    answers = await asyncio.gather(one.back(code=one.state), other.back(code=other.state))

    assert [answer.status_code for answer in answers] == [303, 303]
    assert await school.value("SELECT count(*) FROM account") == 1


async def test_way_back_leads_to_pages_of_this_site_only(school: House, forger: Forger) -> None:
    leaving = await leave(school, to="//elsewhere.example/")
    forger.token = forger.signed(forger.claims(leaving.nonce))

    assert (await leaving.back()).headers["location"] == "/"


async def test_without_a_provider_there_is_no_way_to_one(database: Database) -> None:
    async with open_house(database) as house:
        page = await house.browser().get("/sign-in")
        assert "/sign-in/provider" not in page.text
        for path in ("/sign-in/provider", "/sign-in/back?code=1&state=2"):
            assert (await house.browser().get(path)).headers["location"] == "/sign-in"


def test_begun_sign_in_is_void_after_ten_minutes_and_in_another_process() -> None:
    now = [0.0]
    logins = LoginStates(lambda: now[0])
    cookie, login = logins.begin("/devices")
    cookies = {logins.cookie_name(login.state): cookie}
    with pytest.raises(OidcError, match="has expired or was started in another browser"):
        LoginStates(lambda: now[0]).take(cookies, login.state)
    now[0] = 601.0
    with pytest.raises(OidcError, match="has expired or was started in another browser"):
        logins.take(cookies, login.state)
    now[0] = 600.0
    assert logins.take(cookies, login.state).next == "/devices"


def test_flood_of_begun_sign_ins_displaces_none() -> None:
    logins = LoginStates()
    cookie, login = logins.begin("/")
    for _ in range(6000):
        logins.begin("/")
    assert logins.take({logins.cookie_name(login.state): cookie}, login.state) == login


WHOLE = {"oidc_client_id": "x", "public_url": "https://hub.example"}


@pytest.mark.parametrize(
    ("issuer", "more", "sentence"),
    [
        ("http://login.example", WHOLE, "over https"),
        ("https://login.example", {"public_url": "https://hub.example"}, "HUBWELL_OIDC_CLIENT_ID"),
        ("https://login.example", {"oidc_client_id": "x"}, "HUBWELL_PUBLIC_URL"),
        ('https://login.example/v2.0   # the id, never "common"', WHOLE, "a line of its own"),
        ("https://login.example/.well-known/openid-configuration", WHOLE, "before /.well-known"),
    ],
)
def test_provider_that_cannot_work_is_refused_at_the_start(
    issuer: str, more: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(ValidationError, match=sentence):
        Settings.model_validate(more | {"oidc_issuer": issuer})
