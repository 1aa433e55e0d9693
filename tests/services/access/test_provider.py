"""Signing in through a provider: a real one, and one that forges."""

import asyncio
import base64
import hashlib
import hmac
import html
import json
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from joserfc.jwk import RSAKey
from pydantic import ValidationError

from hubwell.access.oidc.errors import OidcError
from hubwell.access.oidc.login_state import LoginStateStore
from hubwell.settings import Settings
from hubwell.vocabulary import Role
from lanes.database_lane import Database
from services.access.oidc_providers import (
    CLIENT,
    Forger,
    Leaving,
    RealProvider,
    forging,
    leave,
    real_provider,
)
from services.access.running_app import House, open_house

OTHER = RSAKey.generate_key(2048, parameters={"kid": "right"})
ROLES = {"teachers": "staff", "caretakers": "facilities"}
EVERYTHING = (
    "SELECT md5(concat_ws('|', (SELECT string_agg(a::text, ',' ORDER BY id) FROM account a), "
    "(SELECT string_agg(r::text, ',' ORDER BY account_id, role) FROM account_role r), "
    "(SELECT string_agg(i::text, ',' ORDER BY subject) FROM account_identity i), "
    "(SELECT string_agg(s::text, ',' ORDER BY token_hash) FROM sign_in s)))"
)


@pytest.fixture
async def forger() -> AsyncIterator[Forger]:
    async with forging() as forger:
        yield forger


@pytest.fixture
async def house(database: Database, forger: Forger) -> AsyncIterator[House]:
    async with open_house(database, **_settings(forger.address)) as house:
        yield house


def _settings(issuer: str) -> dict[str, Any]:
    return {
        "public_url": "{address}",
        "oidc_issuer": issuer,
        "oidc_client_id": CLIENT,
        "oidc_client_secret": "a secret",
        "oidc_name": "School",
        "oidc_roles": ROLES,
    }


async def roles(house: House) -> dict[str, str]:
    async with house.connection() as conn:
        rows = await (await conn.execute("SELECT role, granted_by FROM account_role")).fetchall()
    return dict(rows)


async def test_real_provider_signs_somebody_in(database: Database, tmp_path: Path) -> None:
    async with real_provider(tmp_path) as real, open_house(database, **_settings(real.address)) as house:
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


async def _roles_follow_the_groups(house: House, real: RealProvider) -> None:
    """The same provider, later: groups changed there, a role was given here."""
    account = await house.value("SELECT id FROM account")
    await house.run("INSERT INTO account_role VALUES (%s, 'osh', 'local')", account)
    await real.knows("s-1", groups=["caretakers"], name="Rosa Lind")

    assert (await real.sign_in(house.browser(), "s-1")).status_code == 303

    assert await roles(house) == {"facilities": "oidc", "osh": "local"}
    assert await house.value("SELECT count(*) FROM account") == 1


async def test_page_offers_the_provider(house: House) -> None:
    assert "Sign in with School" in (await house.browser().get("/sign-in")).text


async def test_code_is_exchanged_with_the_proof_of_who_began(house: House, forger: Forger) -> None:
    leaving = await leave(house)
    forger.token = forger.signed(forger.claims(leaving.nonce))

    assert (await leaving.back()).status_code == 303

    verifier = forger.asked[0]["code_verifier"][0]
    digest = hashlib.sha256(verifier.encode()).digest()
    assert base64.urlsafe_b64encode(digest).rstrip(b"=").decode() == leaving.challenge


def _unsigned(claims: dict[str, Any]) -> str:
    parts = [json.dumps(part).encode() for part in ({"alg": "none"}, claims)]
    return ".".join(base64.urlsafe_b64encode(part).rstrip(b"=").decode() for part in parts) + "."


def _signed_with_the_public_key(claims: dict[str, Any], key: RSAKey) -> str:
    parts = [json.dumps(part).encode() for part in ({"alg": "HS256", "kid": "right"}, claims)]
    text = b".".join(base64.urlsafe_b64encode(part).rstrip(b"=") for part in parts)
    proof = hmac.digest(key.as_pem(private=False), text, "sha256")
    return f"{text.decode()}.{base64.urlsafe_b64encode(proof).rstrip(b'=').decode()}"


def forged(forger: Forger, leaving: Leaving) -> dict[str, str]:
    """Return a bad token for each thing that can be wrong, by what is to be said of it."""
    now = int(time.time())
    good = forger.claims(leaving.nonce)
    head, _, signature = forger.signed(good).split(".")
    body = base64.urlsafe_b64encode(json.dumps(good | {"sub": "boss"}).encode()).rstrip(b"=").decode()
    return {
        "signature": forger.signed(good, key=OTHER),
        "signature of another text": f"{head}.{body}.{signature}",
        "signature by an unknown key": forger.signed(good, key=OTHER, kid="unknown"),
        "algorithm": _unsigned(good),
        "algorithm that shares a secret": _signed_with_the_public_key(good, forger.key),
        "issuer": forger.signed(good | {"iss": "https://elsewhere.example"}),
        "audience": forger.signed(good | {"aud": "another-program"}),
        "audience of several": forger.signed(good | {"aud": [CLIENT, "another-program"]}),
        "audience by azp": forger.signed(good | {"azp": "another-program"}),
        "nonce": forger.signed(good | {"nonce": "of another sign-in"}),
        "nonce missing": forger.signed({key: value for key, value in good.items() if key != "nonce"}),
        "expired": forger.signed(good | {"iat": now - 900, "exp": now - 600}),
        "expired never": forger.signed(forger.claims(leaving.nonce, exp=None)),
        "expired at no time": forger.signed(good | {"exp": float("nan")}),
        "not-yet": forger.signed(good | {"iat": now + 600, "exp": now + 900}),
        "malformed": "not.a.token",
        "malformed subject": forger.signed(good | {"sub": ""}),
    }


async def test_forged_token_is_refused_and_changes_nothing(
    house: House, forger: Forger, caplog: pytest.LogCaptureFixture
) -> None:
    before = await house.value(EVERYTHING)
    kinds = list(forged(forger, await leave(house)))
    for kind in kinds:
        leaving = await leave(house)
        forger.token = forged(forger, leaving)[kind]
        caplog.clear()

        answer = await leaving.back()

        assert answer.status_code == 403, kind
        assert "hubwell=" not in answer.headers.get("set-cookie", ""), kind
        assert "response is not valid" in answer.text or "response has expired" in answer.text, kind
        said = [record.why for record in caplog.records if hasattr(record, "why")]
        assert len(said) == 1, kind
        assert kind.startswith(said[0]), (kind, said)
        assert await house.value(EVERYTHING) == before, kind


async def test_answer_that_was_used_is_worth_nothing(house: House, forger: Forger) -> None:
    leaving = await leave(house)
    forger.token = forger.signed(forger.claims(leaving.nonce))
    assert (await leaving.back()).status_code == 303
    before = await house.value(EVERYTHING)

    again = await leaving.back()

    assert again.status_code == 403
    assert "This sign-in has expired or was started in another browser." in again.text
    assert await house.value(EVERYTHING) == before


async def test_answer_to_another_browser_is_worth_nothing(house: House, forger: Forger) -> None:
    leaving = await leave(house)
    forger.token = forger.signed(forger.claims(leaving.nonce))
    leaving.browser = house.browser()

    assert (await leaving.back()).status_code == 403
    assert await house.value("SELECT count(*) FROM account") == 0


@pytest.mark.parametrize(
    "answer", [{"state": "made up"}, {"state": ""}, {"iss": "https://elsewhere.example"}]
)
async def test_answer_of_somebody_else_is_refused(
    house: House, forger: Forger, answer: dict[str, str]
) -> None:
    leaving = await leave(house)
    forger.token = forger.signed(forger.claims(leaving.nonce))

    assert (await leaving.back(**answer)).status_code == 403
    assert await house.value("SELECT count(*) FROM account") == 0


async def test_provider_that_declines_is_said_so(house: House) -> None:
    leaving = await leave(house)

    answer = await leaving.browser.get(
        "/sign-in/back", params={"error": "access_denied", "state": leaving.state}
    )

    assert answer.status_code == 403
    assert "The provider did not sign you in." in answer.text


async def test_stranger_without_a_role_gets_no_account(house: House, forger: Forger) -> None:
    leaving = await leave(house)
    forger.token = forger.signed(forger.claims(leaving.nonce, groups=["guests"]))

    answer = await leaving.back()

    assert answer.status_code == 403
    assert "You have no role here yet" in answer.text
    assert await house.value("SELECT count(*) FROM account") == 0


async def test_who_lost_the_last_role_is_out_everywhere(house: House, forger: Forger) -> None:
    first = await leave(house)
    forger.token = forger.signed(forger.claims(first.nonce))
    await first.back()
    assert (await first.browser.get("/account")).status_code == 200
    second = await leave(house)
    forger.token = forger.signed(forger.claims(second.nonce, groups=[]))

    assert (await second.back()).status_code == 403

    assert (await first.browser.get("/account")).status_code == 303
    assert await roles(house) == {}


async def test_last_administrator_does_not_lose_the_role_by_signing_in(house: House, forger: Forger) -> None:
    first = await leave(house)
    forger.token = forger.signed(forger.claims(first.nonce))
    await first.back()
    await house.run("INSERT INTO account_role SELECT id, 'admin', 'oidc' FROM account")
    before = await house.value(EVERYTHING)
    second = await leave(house)
    forger.token = forger.signed(forger.claims(second.nonce))

    answer = await second.back()

    assert answer.status_code == 403
    assert "you are the last one of this hub. Make another one first." in html.unescape(answer.text)
    assert await house.value(EVERYTHING) == before


async def test_account_that_was_closed_stays_closed(house: House, forger: Forger) -> None:
    first = await leave(house)
    forger.token = forger.signed(forger.claims(first.nonce))
    await first.back()
    await house.run("UPDATE account SET disabled_at = now()")
    before = await house.value(EVERYTHING)
    second = await leave(house)
    forger.token = forger.signed(forger.claims(second.nonce, groups=["caretakers"]))

    answer = await second.back()

    assert answer.status_code == 403
    assert "This account is closed." in answer.text
    assert await house.value(EVERYTHING) == before


async def test_same_mail_address_is_not_the_same_person(house: House, forger: Forger) -> None:
    await house.add("rosa@school.example", Role.ADMIN)
    for subject in ("subject-1", "subject-2"):
        leaving = await leave(house)
        claims = forger.claims(leaving.nonce, sub=subject, email="rosa@school.example")
        forger.token = forger.signed(claims)
        assert (await leaving.back()).status_code == 303

    async with house.connection() as conn:
        rows = await (await conn.execute("SELECT login FROM account ORDER BY length(login)")).fetchall()
    logins = [row[0] for row in rows]
    assert logins[:2] == ["rosa@school.example", "sso/rosa@school.example"]
    assert logins[2].startswith("sso/rosa@school.example-")
    assert await house.value("SELECT count(*) FROM account_identity") == 2
    assert await house.value("SELECT count(*) FROM account_role WHERE role = 'admin'") == 1


async def test_groups_may_stand_in_the_userinfo(house: House, forger: Forger) -> None:
    leaving = await leave(house)
    forger.token = forger.signed(forger.claims(leaving.nonce, groups=None))
    forger.userinfo = {"sub": "subject-1", "groups": ["caretakers"]}

    assert (await leaving.back()).status_code == 303
    assert await roles(house) == {"facilities": "oidc"}


async def test_userinfo_of_somebody_else_is_refused(house: House, forger: Forger) -> None:
    leaving = await leave(house)
    forger.token = forger.signed(forger.claims(leaving.nonce, groups=None))
    forger.userinfo = {"sub": "subject-2", "groups": ["caretakers"]}

    assert (await leaving.back()).status_code == 403


async def test_groups_may_stand_deeper_and_everybody_may_have_a_role(
    database: Database, forger: Forger
) -> None:
    changed = {"oidc_groups_claim": "realm_access.roles", "oidc_roles": {"*": "learner", "house": "osh"}}
    async with open_house(database, **_settings(forger.address) | changed) as house:
        leaving = await leave(house)
        forger.token = forger.signed(forger.claims(leaving.nonce, realm_access={"roles": ["house", 7]}))

        assert (await leaving.back()).status_code == 303
        assert await roles(house) == {"learner": "oidc", "osh": "oidc"}


async def test_new_key_of_the_provider_is_learned_at_once(house: House, forger: Forger) -> None:
    first = await leave(house)
    forger.token = forger.signed(forger.claims(first.nonce))
    assert (await first.back()).status_code == 303
    forger.key = RSAKey.generate_key(2048, parameters={"kid": "next"})
    second = await leave(house)
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
    house: House, forger: Forger, about: dict[str, Any]
) -> None:
    forger.about = about

    answer = await house.browser().get("/sign-in/provider")

    assert answer.status_code in (403, 502)
    assert "set-cookie" not in answer.headers or "Max-Age=0" in answer.headers["set-cookie"]


async def test_provider_that_is_away_is_said_so_and_passwords_still_work(database: Database) -> None:
    async with open_house(database, **_settings("http://127.0.0.1:9")) as house:
        answer = await house.browser().get("/sign-in/provider")

        assert answer.status_code == 502
        assert "The provider does not answer." in answer.text
        await house.add("rosa", Role.STAFF)
        fields = {"login": "rosa", "password": "four words not together"}
        assert (await house.browser().post("/sign-in", data=fields)).status_code == 303


async def test_two_first_sign_ins_at_once_make_one_account(house: House, forger: Forger) -> None:
    one, other = await leave(house), await leave(house)
    forger.token_for = {
        leaving.state: forger.signed(forger.claims(leaving.nonce)) for leaving in (one, other)
    }

    answers = await asyncio.gather(one.back(code=one.state), other.back(code=other.state))

    assert [answer.status_code for answer in answers] == [303, 303]
    assert await house.value("SELECT count(*) FROM account") == 1


async def test_way_back_leads_to_pages_of_this_site_only(house: House, forger: Forger) -> None:
    leaving = await leave(house, to="//elsewhere.example/")
    forger.token = forger.signed(forger.claims(leaving.nonce))

    assert (await leaving.back()).headers["location"] == "/"


async def test_without_a_provider_there_is_no_way_to_one(database: Database) -> None:
    async with open_house(database) as house:
        page = await house.browser().get("/sign-in")
        assert "/sign-in/provider" not in page.text
        for path in ("/sign-in/provider", "/sign-in/back?code=1&state=2"):
            assert (await house.browser().get(path)).headers["location"] == "/sign-in"


def test_begun_sign_ins_are_forgotten_with_time_and_when_there_are_too_many() -> None:
    now = [0.0]
    pending = LoginStateStore(lambda: now[0])
    late, begun = pending.begin("/")
    now[0] = 601.0
    with pytest.raises(OidcError, match="has expired or was started in another browser"):
        pending.take(late, begun.state)

    first, begun = pending.begin("/")
    for _ in range(5000):
        pending.begin("/")
    with pytest.raises(OidcError, match="has expired or was started in another browser"):
        pending.take(first, begun.state)


@pytest.mark.parametrize(
    ("issuer", "more", "sentence"),
    [
        ("http://login.example", {"oidc_client_id": "x", "public_url": "https://hub.example"}, "over https"),
        ("https://login.example", {"public_url": "https://hub.example"}, "HUBWELL_OIDC_CLIENT_ID"),
        ("https://login.example", {"oidc_client_id": "x"}, "HUBWELL_PUBLIC_URL"),
    ],
)
def test_provider_that_cannot_work_is_refused_at_the_start(
    issuer: str, more: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(ValidationError, match=sentence):
        Settings.model_validate(more | {"oidc_issuer": issuer})
