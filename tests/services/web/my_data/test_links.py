"""Ties between account and person: who may make one, who sees it, and what ends it."""

import asyncio
import html
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import httpx
import pytest

from feed.enrolled_people import enrol, told
from feed.ingest_setup import device_in
from hubwell.access import codes
from hubwell.vocabulary import Role
from lanes.database_lane import Database
from services.access.running_app import House, open_house, send

LONG_AGO = datetime.now(UTC) - timedelta(days=30)


@pytest.fixture
async def house(database: Database) -> AsyncIterator[House]:
    async with open_house(database) as house:
        await house.run("INSERT INTO space (id, name, kind, capacity) VALUES ('lab', 'Lab', 'workshop', 9)")
        await house.run("INSERT INTO space (id, name, kind, capacity) VALUES ('den', 'Den', 'workshop', 9)")
        yield house


async def somebody(house: House) -> UUID:
    person = uuid4()
    await house.run(
        "INSERT INTO person (id, kind, name, created_at) VALUES (%s, 'enrolled', 'Ada', %s)", person, LONG_AGO
    )
    return person


async def badge_of(house: House, person: UUID, since: datetime = LONG_AGO) -> int:
    return int(
        await house.value(
            "INSERT INTO credential (person_id, kind, valid) "
            "VALUES (%s, 'badge', tstzrange(%s, NULL)) RETURNING id",
            person,
            since,
        )
    )


async def visited(house: House, person: UUID, space: str, badge: int, hours_ago: float) -> int:
    start = datetime.now(UTC) - timedelta(hours=hours_ago)
    await house.run(
        "INSERT INTO device (id, space_id) VALUES (%s, %s) ON CONFLICT DO NOTHING", f"{space}-pi", space
    )
    stream = await house.value(
        "INSERT INTO stream (device_id, boot) VALUES (%s, gen_random_uuid()) RETURNING id", f"{space}-pi"
    )
    await house.run(
        "INSERT INTO tap (person_id, space_id, time, source, stream_id, seq, credential_id) "
        "VALUES (%s, %s, %s, 'reader', %s, 1, %s)",
        person, space, start, stream, badge,
    )  # fmt: skip
    return int(
        await house.value(
            "INSERT INTO visit (person_id, space_id, during, ended_by) "
            "VALUES (%s, %s, tstzrange(%s, %s), 'tap') RETURNING id",
            person,
            space,
            start,
            start + timedelta(minutes=30),
        )
    )


async def code(house: House, person: UUID, badge: int | None = None) -> str:
    async with house.connection() as conn:
        return await codes.issue(conn, person, badge)


async def tied(house: House, login: str, person: UUID) -> httpx.AsyncClient:
    browser = await house.signed_in(login, Role.LEARNER)
    answer = await send(browser, "/account/person", code=await code(house, person))
    assert answer.status_code == 303
    return browser


async def logins_of(house: House, person: UUID) -> str | None:
    return str(
        await house.value("SELECT string_agg(login, ' ') FROM account WHERE person_id = %s", person) or ""
    )


async def page(browser: httpx.AsyncClient, path: str = "/me") -> str:
    return html.unescape((await browser.get(path)).text)


async def test_password_set_by_another_ends_the_tie_until_a_new_code(house: House) -> None:
    person = await somebody(house)
    await tied(house, "ada", person)
    account = await house.value("SELECT id FROM account WHERE login = 'ada'")
    admin = await house.signed_in("chief", Role.ADMIN)
    assert (await send(admin, f"/accounts/{account}/password")).status_code < 400
    assert await logins_of(house, person) == ""
    again = await house.browser().get("/me")
    assert "Ada" not in again.text


async def test_person_sees_the_tie_and_ends_it(house: House) -> None:
    person = await somebody(house)
    await tied(house, "mallory", person)
    account = await house.value("SELECT id FROM account WHERE login = 'mallory'")
    other = await house.with_code(await somebody(house))
    await send(other, f"/me/links/{account}/end", page="/me")
    assert await logins_of(house, person) == "mallory", "another person cannot end it"
    ada = await house.with_code(person)
    assert "mallory" in await page(ada)
    assert (await send(ada, f"/me/links/{account}/end", page="/me")).status_code == 303
    assert await logins_of(house, person) == ""
    assert "mallory" not in await page(ada)
    assert await house.value("SELECT count(*) FROM audit_entry WHERE action = 'account.unlinked'") == 1


async def test_person_has_one_account(house: House) -> None:
    person = await somebody(house)
    first = await tied(house, "first", person)
    assert "Ada" in await page(first)
    await tied(house, "second", person)
    assert await logins_of(house, person) == "second"
    assert "Ada" not in await page(first)


@pytest.mark.parametrize(("given_days_ago", "ends"), [(2, True), (0, False)])
async def test_revoking_a_badge_ends_ties_made_since_it_was_given_out(
    house: House,
    given_days_ago: float,
    ends: bool,  # noqa: FBT001
) -> None:
    person = await somebody(house)
    badge = await badge_of(house, person, datetime.now(UTC) - timedelta(days=given_days_ago))
    await tied(house, "finder", person)
    await house.run("UPDATE account SET linked_at = now() - interval '1 day' WHERE login = 'finder'")
    opened = await house.browser().get("/me")
    waiting = await code(house, person, badge)
    staff = await house.signed_in("desk", Role.STAFF)
    answer = await send(staff, f"/desk/badges/{badge}/revoke", why="lost")
    assert answer.status_code < 400, answer.text
    assert await logins_of(house, person) == ("" if ends else "finder")
    assert "Ada" not in (await send(house.browser(), "/me/code", page="/me", code=waiting)).text + opened.text
    assert await house.value("SELECT count(*) FROM visit_code") == 0


async def with_badge(house: House, person: UUID, badge: int) -> httpx.AsyncClient:
    browser = house.browser()
    assert (
        await send(browser, "/me/code", page="/me", code=await code(house, person, badge))
    ).status_code == 303
    return browser


async def test_badge_that_staff_gave_out_opens_its_own_visits_for_a_day(house: House) -> None:
    person = await somebody(house)
    old, new = (
        await badge_of(house, person),
        await badge_of(house, person, datetime.now(UTC) - timedelta(hours=3)),
    )
    of_old, of_new = await visited(house, person, "lab", old, 20), await visited(house, person, "den", new, 2)
    browser = await with_badge(house, person, new)
    text = await page(browser)
    assert "<strong>Den</strong>" in text
    assert "<strong>Lab</strong>" not in text
    assert "its own visits only" in text
    export = (await browser.get("/me/export.json")).text
    assert "Den" in export
    assert "Lab" not in export
    for path in (f"/me/visits/{of_old}/end", f"/me/visits/{of_old}/remove", "/me/erase"):
        assert (await browser.get(path)).status_code == 409, path
        assert (await send(browser, path, page="/me")).status_code == 409, path
    assert (await send(browser, "/me/language", page="/me", language="fi")).status_code == 409
    assert (await send(browser, f"/me/visits/{of_new}/remove", page="/me")).status_code == 303
    assert await house.value("SELECT count(*) FROM visit WHERE id = %s", of_old) == 1


@pytest.mark.parametrize("new_is_kept", [True, False])
async def test_merging_somebody_into_a_new_entry_does_not_open_their_visits(
    house: House,
    new_is_kept: bool,  # noqa: FBT001
) -> None:
    """Staff enrol a card of their own for a new person, and merge another person with that entry."""
    ada, new = await somebody(house), await somebody(house)
    today = datetime.now(UTC) - timedelta(hours=3)
    await house.run("UPDATE person SET created_at = %s WHERE id = %s", today, new)
    old, own = await badge_of(house, ada), await badge_of(house, new, today)
    await visited(house, ada, "lab", old, 20)
    await visited(house, new, "den", own, 2)
    opened = await with_badge(house, new, own)
    keep, drop = (new, ada) if new_is_kept else (ada, new)
    staff = await house.signed_in("mallory", Role.STAFF)
    answer = await send(staff, f"/desk/people/{keep}/merge", page="/account", other=str(drop))
    assert answer.status_code == 303, answer.text

    for browser in (opened, await with_badge(house, keep, own)):
        assert "<strong>Lab</strong>" not in await page(browser)
    assert "<strong>Den</strong>" in await page(await with_badge(house, keep, own))


async def test_new_badge_ties_no_account(house: House) -> None:
    person = await somebody(house)
    new = await badge_of(house, person, datetime.now(UTC) - timedelta(hours=3))
    staff = await house.signed_in("mallory", Role.STAFF)
    answer = await send(staff, "/account/person", code=await code(house, person, new))
    assert answer.status_code == 422
    assert "given out less than a day ago" in html.unescape(answer.text)
    assert await logins_of(house, person) == ""


async def test_badge_of_a_day_opens_everything(house: House) -> None:
    person = await somebody(house)
    old, new = (
        await badge_of(house, person),
        await badge_of(house, person, datetime.now(UTC) - timedelta(hours=25)),
    )
    await visited(house, person, "lab", old, 20)
    assert "<strong>Lab</strong>" in await page(await with_badge(house, person, new))


async def test_first_badge_of_a_new_person_opens_everything(house: House) -> None:
    person = await somebody(house)
    today = datetime.now(UTC) - timedelta(hours=3)
    await house.run("UPDATE person SET created_at = %s", today)
    badge = await badge_of(house, person, today)
    await visited(house, person, "lab", badge, 2)
    text = await page(await with_badge(house, person, badge))
    assert "<strong>Lab</strong>" in text
    assert "its own visits only" not in text


async def test_reader_tells_the_person_once_that_an_account_was_tied(house: House) -> None:
    """The code comes from the kiosk, the tie is made on the page, the badge is held to a door."""
    url, badge = house.database.url, bytes([7]) * 16
    lab = await asyncio.to_thread(device_in, url, "lab", "lab-door")
    person = await asyncio.to_thread(enrol, url, badge)
    await tied(house, "mallory", person)
    at = datetime.now(UTC) - timedelta(seconds=25)
    taps = [lab.tap(at + timedelta(seconds=20 * n), badge) for n in range(2)]
    first, second = [(await asyncio.to_thread(told, url, tap))[0].text for tap in taps]
    assert "account" in first
    assert "account" not in second
