"""Signing in through a real, certified provider, in every run."""

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from lanes.database_lane import Database
from services.access.provider_house import roles
from services.access.running_app import House, open_house, send
from services.access.school_provider import School, SchoolBrowser, running

PEOPLE = 200
AT_ONCE = 25


@asynccontextmanager
async def school_day(
    database: Database, folder: Path, school: School | None = None, **settings: Any
) -> AsyncIterator[House]:
    """Run a hub and its school's provider."""
    school = school or School()
    async with open_house(database, **school.settings() | settings) as house:
        school.back = f"{house.address}/sign-in/back"
        async with running(school, folder):
            yield house


def browser(house: House) -> SchoolBrowser:
    # Each request has its own connection: servers close idle ones just as a client without retries uses them.
    limits = httpx.Limits(max_keepalive_connections=0)
    client = httpx.AsyncClient(
        base_url=house.address,
        headers={"accept": "text/html"},
        limits=limits,
        timeout=60,
        verify=False,  # noqa: S501 (plain http; it saves the list of authorities)
    )
    house.clients.append(client)
    return SchoolBrowser(house.address, client)


VARIANTS = {
    "RS256": School(),
    "PS256": School(algorithm="PS256"),
    "ES256": School(algorithm="ES256"),
    "EdDSA": School(algorithm="EdDSA"),
    "secret in the form": School(authentication="client_secret_post"),
    "public client": School(authentication="none"),
    "groups at userinfo": School(claimsInIdToken=False),
    "signed userinfo": School(claimsInIdToken=False, signedUserinfo=True),
    "groups by a scope": School(groupsScope="groups"),
}


@pytest.mark.filterwarnings("ignore:EdDSA is deprecated")  # and providers still use it
@pytest.mark.parametrize("school", VARIANTS.values(), ids=VARIANTS)
async def test_person_of_the_school_signs_in(database: Database, tmp_path: Path, school: School) -> None:
    async with school_day(database, tmp_path, school) as house:
        rosa = browser(house)
        answer = await rosa.sign_in("teachers-1", "/devices")
        assert (answer.status_code, answer.headers["location"]) == (303, "/devices"), answer.text
        page = (await rosa.client.get("/account")).text
        assert "Name of teachers-1" in page
        assert "sso/teachers-1" in page
        assert await roles(house) == {"staff": "oidc"}


async def test_wrong_secret_and_wrong_client_are_named(
    database: Database, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with school_day(database, tmp_path, oidc_client_secret="another one") as house:  # noqa: S106 (wrong)
        answer = await browser(house).sign_in("teachers-1")
        assert answer.status_code == 502
        assert "trying again does not help" in answer.text
        assert "Reason: invalid_client." in answer.text
    assert [record.why for record in caplog.records if hasattr(record, "why")] == ["invalid_client"]


async def test_refused_person_chooses_another_account(database: Database, tmp_path: Path) -> None:
    async with school_day(database, tmp_path) as house:
        shared = browser(house)
        refused = await shared.sign_in("guests-1")
        assert "You have no role here yet" in refused.text

        answer = await shared.sign_in("teachers-1")  # the provider asks, though it knows the guest

        assert answer.status_code == 303
        assert "sso/teachers-1" in (await shared.client.get("/account")).text
        assert (await shared.sign_in(None)).status_code == 303  # and later it does not ask again


async def test_next_person_at_a_shared_browser_is_asked(database: Database, tmp_path: Path) -> None:
    async with school_day(database, tmp_path) as house:
        shared = browser(house)
        await shared.sign_in("teachers-1")
        out = await send(shared.client, "/sign-out")
        assert out.headers["location"] == "/sign-out"
        with pytest.raises(AssertionError, match="the provider asks who this is"):
            await shared.sign_in(None)
        assert (await shared.sign_in("caretakers-2")).status_code == 303
        assert "sso/caretakers-2" in (await shared.client.get("/account")).text


async def test_sign_out_at_the_provider_ends_its_session(database: Database, tmp_path: Path) -> None:
    async with school_day(database, tmp_path) as house:
        shared = browser(house)
        await shared.sign_in("teachers-1")
        await send(shared.client, "/sign-out")
        back = await shared.sign_out_there()
        assert (back.status_code, back.headers["location"]) == (303, "/sign-out")
        shared.client.cookies.delete("hubwell-prompt")
        with pytest.raises(AssertionError, match="the provider asks who this is"):
            await shared.sign_in(None)


async def test_roles_follow_the_groups_and_another_issuer_is_another_person(
    database: Database, tmp_path: Path
) -> None:
    async with school_day(database, tmp_path) as house:
        await browser(house).sign_in("teachers-1")
    async with school_day(database, tmp_path, oidc_roles={"teachers": "facilities"}) as house:
        await browser(house).sign_in("teachers-1")
        assert await house.value("SELECT count(*) FROM account") == 2
        assert await house.value("SELECT count(DISTINCT issuer) FROM account_identity") == 2


async def patient(client: httpx.AsyncClient, address: str) -> httpx.Response:
    """Get a page; again where a busy machine asks to come again: nothing may be lost by that."""
    answer = await client.get(address)
    while answer.status_code == 503:
        await asyncio.sleep(1)
        answer = await client.get(address)
    return answer


@pytest.mark.slow
async def test_two_hundred_people_in_two_tabs_each_in_any_order(database: Database, tmp_path: Path) -> None:
    """400 sign-ins begin before the first is answered; then they are answered in any order, many at once."""
    order = random.Random(16)
    limit = asyncio.Semaphore(AT_ONCE)
    async with school_day(database, tmp_path) as house:
        people = {f"teachers-{number}": browser(house) for number in range(PEOPLE)}

        async def begin(login: str, tab: int) -> tuple[str, str]:
            async with limit:
                return login, await people[login].begin(f"/devices?tab={tab}")

        async def finish(login: str, address: str) -> httpx.Response:
            async with limit:
                person = people[login]
                return await patient(person.client, await person.answer(address, login))

        tabs = list(await asyncio.gather(*(begin(login, tab) for login in people for tab in (1, 2))))
        order.shuffle(tabs)
        answers = await asyncio.gather(*(finish(login, address) for login, address in tabs))

        assert {(answer.status_code, answer.headers.get("location", "")[:13]) for answer in answers} == {
            (303, "/devices?tab=")
        }
        pages = [await patient(person.client, "/account") for person in people.values()]
        lost = [login for login, page in zip(people, pages, strict=True) if page.status_code != 200]
        wrong = [
            login
            for login, page in zip(people, pages, strict=True)
            if f"sso/{login}<" not in page.text and f"sso/{login} " not in page.text
        ]
        assert (lost, wrong) == ([], [])
        assert await house.value("SELECT count(*) FROM account") == PEOPLE
