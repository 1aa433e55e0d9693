"""My visits: who gets in, with the code from the kiosk, and who does not."""

import asyncio
import secrets
from dataclasses import replace
from time import monotonic

import httpx
import pytest

from feed.enrolled_people import enrol, visits_of
from feed.ingest_setup import one
from hubwell.access import codes
from hubwell.http import rate_limits
from hubwell.vocabulary import Role
from services.access.running_app import House, csrf_on, send
from services.web.my_data.person_with_visits import Somebody, with_code
from services.web.staffed_hub import text_of


async def csrf_free_code(client: httpx.AsyncClient, code: str) -> httpx.Response:
    return await client.post("/me/code", data={"code": code})


async def test_page_without_code_asks_for_one(house: House) -> None:
    page = await house.browser().get("/me")
    assert page.status_code == 200
    assert "Hold your badge to the kiosk." in text_of(page)


async def test_nobody_reaches_the_visit_of_somebody_else(house: House, somebody: Somebody, url: str) -> None:
    stranger = Somebody(
        await asyncio.to_thread(enrol, url, secrets.token_bytes(16)), b"", url, [], house.browser()
    )
    await with_code(house, stranger)
    number, before = somebody.visit_at(somebody.began[0]), visits_of(url, somebody.id)
    for path in (f"/me/visits/{number}/end", f"/me/visits/{number}/remove"):
        page = await stranger.browser.get(path)
        assert page.headers["location"] == "/me?done=gone"
        answer = await send(stranger.browser, path, "/me", left="2026-01-01T10:00")
        assert answer.headers["location"] == "/me?done=gone"
    assert "Lab" not in (await stranger.browser.get("/me/export.csv")).text
    assert visits_of(url, somebody.id) == before


PATHS = ["/me/export.json", "/me/export.csv", "/me/erase", "/me/visits/1/end", "/me/visits/1/remove"]
FORMS = ["/me/language", "/me/shown", "/me/erase", "/me/visits/1/end", "/me/visits/1/remove"]


async def test_nobody_is_sent_to_the_code(house: House, somebody: Somebody) -> None:
    browser = house.browser()
    for path in PATHS:
        assert (await browser.get(path)).headers["location"] == "/me"
    for path in FORMS:
        assert (await browser.post(path)).headers["location"] == "/me"
    assert len(visits_of(somebody.url, somebody.id)) == 3


async def test_form_from_elsewhere_changes_nothing(somebody: Somebody) -> None:
    for path in FORMS:
        answer = await somebody.browser.post(path, data={"csrf": "made-up"})
        assert answer.status_code == 403
    assert one(somebody.url, "SELECT count(*) FROM person") == 1


async def test_wrong_and_used_codes_are_refused_and_guessing_is_held_up(
    house: House, somebody: Somebody
) -> None:
    async with house.connection() as conn:
        code = await codes.issue(conn, somebody.id)
    browser = house.browser()
    assert (await csrf_free_code(browser, code)).status_code == 303
    other = house.browser()
    refused = await csrf_free_code(other, code)
    assert refused.status_code == 422
    assert "This code is wrong, was used, or is older than ten minutes." in text_of(refused)
    assert (await csrf_free_code(other, "")).status_code == 422

    answers = [(await csrf_free_code(other, "AAAA-AAAA")).status_code for _ in range(10)]
    assert set(answers) == {422}
    began = monotonic()
    await csrf_free_code(other, "AAAA-AAAA")
    assert monotonic() - began >= 1
    async with house.connection() as conn:
        late = await codes.issue(conn, somebody.id)
    assert (await csrf_free_code(other, late)).status_code == 303  # a class behind one address gets in


async def test_guesses_from_everywhere_take_turns_and_lock_nobody_out(
    house: House, somebody: Somebody, monkeypatch: pytest.MonkeyPatch
) -> None:
    few = replace(rate_limits.CODE_FROM_ANYWHERE, most=11)
    monkeypatch.setattr(rate_limits, "CODE_FROM_ANYWHERE", few)
    for number in range(12):
        await csrf_free_code(house.browser(**{"x-forwarded-for": f"192.0.2.{number}"}), "AAAA-AAAA")
    async with house.connection() as conn:
        code = await codes.issue(conn, somebody.id)
    began = monotonic()

    elsewhere = house.browser(**{"x-forwarded-for": "192.0.2.70"})  # as a proxy on this machine says it
    assert (await csrf_free_code(elsewhere, code)).status_code == 303
    assert monotonic() - began >= 0.5


async def test_time_with_a_code_ends(house: House, somebody: Somebody) -> None:
    await house.run("UPDATE sign_in SET expires_at = now() - interval '1 second'")
    assert "Code from the kiosk" in text_of(await somebody.browser.get("/me"))
    assert (await somebody.browser.get("/me/export.csv")).headers["location"] == "/me"


async def test_leaving_signs_out(somebody: Somebody) -> None:
    answer = await send(somebody.browser, "/me/leave", "/me")
    assert answer.headers["location"] == "/me"
    assert one(somebody.url, "SELECT count(*) FROM sign_in") == 0


async def test_account_without_a_person_is_asked_for_a_code(house: House) -> None:
    client = await house.signed_in("staff", Role.STAFF)
    assert "Your account is not linked to a badge." in text_of(await client.get("/me"))
    assert await csrf_on(client, "/me")
