"""My visits: what a person sees there, corrects, removes and takes along."""

import asyncio
import csv
import io
import json
import re
import secrets
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import httpx
import pytest

from feed.enrolled_people import enrol, visits_of
from feed.ingest_setup import commit, device_in, one, rows
from hubwell.audit import log
from hubwell.presence.rules import Visit
from hubwell.vocabulary import Role
from services.access.running_app import House, send
from services.web.my_data.person_with_visits import NAME, ZONE, Somebody, with_code
from services.web.staffed_hub import text_of


async def test_code_shows_when_where_and_how_it_ended(somebody: Somebody) -> None:
    answer = await somebody.browser.get("/me")
    page = text_of(answer)

    assert answer.headers["cache-control"] == "no-store"  # the next one at this screen must not find it
    assert f"Visits of {NAME}" in page
    said = [moment.astimezone(ZONE).strftime("%H:%M") for moment in somebody.began]
    assert f"Lab , since {said[2]} You are checked in." in page
    # Shortly after midnight the end has its day with it.
    assert re.search(f"Den , {said[1]} to (.*, )?{said[2]} You moved to another space.", page)
    assert "You checked out." in page
    assert re.search(r"Badge \d+ \(blue card\) In use since", page)
    assert somebody.badge.hex() not in page


async def correct(somebody: Somebody, start: datetime, left: datetime) -> httpx.Response:
    path = f"/me/visits/{somebody.visit_at(start)}/end"
    return await send(somebody.browser, path, path, left=left.astimezone(ZONE).strftime("%Y-%m-%dT%H:%M"))


async def test_inferred_end_is_marked_and_can_be_corrected(house: House, url: str) -> None:
    start, badge = (
        datetime.now(UTC).replace(second=0, microsecond=0) - timedelta(hours=13),
        secrets.token_bytes(16),
    )
    person = await asyncio.to_thread(enrol, url, badge)
    taps: list[Any] = [device_in(url, "lab").tap(start, badge)]
    await asyncio.to_thread(commit, url, taps, closing_time=house.settings.closing_time)
    who = Somebody(person, badge, url, [start], house.browser())
    await with_code(house, who)
    assert "~ estimated You were not checked out: the end is estimated." in text_of(
        await who.browser.get("/me")
    )

    left = start + timedelta(minutes=30)
    answer = await correct(who, start, left)

    assert (answer.status_code, answer.headers["location"]) == (303, "/me?done=corrected")
    assert visits_of(url, person) == [Visit("lab", start, left, "corrected")]
    page = text_of(await who.browser.get("/me?done=corrected"))
    assert "The visit is corrected." in page
    assert "You entered when you left." in page
    async with house.connection() as conn:
        assert "visit.corrected" in {entry.action for entry in await log.newest(conn, 10)}


async def test_wrong_end_is_corrected_and_the_other_visits_stay(somebody: Somebody) -> None:
    before = visits_of(somebody.url, somebody.id)
    left = (somebody.began[0] + timedelta(minutes=30)).replace(second=0)
    await correct(somebody, somebody.began[0], left)
    after = visits_of(somebody.url, somebody.id)
    assert after == [Visit("lab", somebody.began[0], left, "corrected"), *before[1:]]


@pytest.mark.parametrize(
    ("left", "sentence"),
    [
        (lambda start: start - timedelta(hours=1), "A visit ends after it begins: choose a later time."),
        (
            lambda _: datetime.now(UTC) + timedelta(hours=1),
            "This time has not come yet: choose an earlier one.",
        ),
        (lambda start: start + timedelta(minutes=170), "Your next visit had begun by then"),
    ],
)
async def test_impossible_end_is_refused_with_a_sentence_and_changes_nothing(
    somebody: Somebody, left: Callable[[datetime], datetime], sentence: str
) -> None:
    before = visits_of(somebody.url, somebody.id)
    wrong = left(somebody.began[0])
    answer = await correct(somebody, somebody.began[0], wrong)

    assert answer.status_code == 422
    assert sentence in text_of(answer)
    assert f'value="{wrong.astimezone(ZONE):%Y-%m-%dT%H:%M}"' in answer.text  # what was typed is kept
    assert visits_of(somebody.url, somebody.id) == before


@pytest.mark.parametrize(
    "left", ["", "yesterday", "2026-13-01T10:00", "0001-01-01T00:00", "9999-12-31T23:59"]
)
async def test_unreadable_end_is_refused(somebody: Somebody, left: str) -> None:
    before = visits_of(somebody.url, somebody.id)
    number = somebody.visit_at(somebody.began[0])
    answer = await send(somebody.browser, f"/me/visits/{number}/end", f"/me/visits/{number}/end", left=left)
    assert answer.status_code == 422
    assert visits_of(somebody.url, somebody.id) == before


async def test_removed_visit_is_gone_and_the_others_stay(house: House, somebody: Somebody) -> None:
    number = somebody.visit_at(somebody.began[1])
    asked = await somebody.browser.get(f"/me/visits/{number}/remove")
    assert "deleted permanently" in text_of(asked)
    answer = await send(somebody.browser, f"/me/visits/{number}/remove", f"/me/visits/{number}/remove")

    assert answer.headers["location"] == "/me?done=removed"
    starts = [visit.start for visit in visits_of(somebody.url, somebody.id)]
    assert starts == [somebody.began[0], somebody.began[2]]
    async with house.connection() as conn:
        entries = await log.newest(conn, 10)
        assert "visit.removed" in {entry.action for entry in entries}
        assert (await log.verify(conn)).broken is None


async def test_language_follows_the_person(somebody: Somebody) -> None:
    answer = await send(somebody.browser, "/me/language", "/me", language="fi")
    assert answer.headers["location"] == "/me?done=language"
    assert one(somebody.url, "SELECT language FROM person WHERE id = %s", somebody.id) == "fi"
    assert '<html lang="fi">' in (await somebody.browser.get("/me")).text
    await send(somebody.browser, "/me/language", "/me", language="xx")
    assert one(somebody.url, "SELECT language FROM person WHERE id = %s", somebody.id) is None


async def test_only_mentors_and_ambassadors_choose_to_be_shown(house: House, somebody: Somebody) -> None:
    assert "Show me as on site now" not in (await somebody.browser.get("/me")).text
    await send(somebody.browser, "/me/shown", "/me", shown_as="mentor")
    shown = "SELECT shown_on_site, shown_as FROM person WHERE id = %s"
    assert rows(somebody.url, shown, somebody.id) == [(False, "")]

    await house.run("UPDATE person SET shown_as = 'ambassador' WHERE id = %s", somebody.id)
    assert "As a learning ambassador" in (await somebody.browser.get("/me")).text
    await send(somebody.browser, "/me/shown", "/me", shown_as="yes")
    assert rows(somebody.url, shown, somebody.id) == [(True, "ambassador")]
    await send(somebody.browser, "/me/shown", "/me", shown_as="")
    assert rows(somebody.url, shown, somebody.id) == [(False, "ambassador")]


async def test_staff_name_a_mentor_who_then_chooses(house: House, somebody: Somebody) -> None:
    staff = await house.signed_in("staff", Role.STAFF)
    path = f"/desk/people/{somebody.id}"
    answer = await send(staff, f"{path}/shown", path, shown_as="mentor")
    assert answer.headers["location"] == f"{path}?done=changed"
    shown = "SELECT shown_on_site, shown_as FROM person"
    assert rows(somebody.url, shown) == [(False, "mentor")]
    await send(somebody.browser, "/me/shown", "/me", shown_as="yes")
    assert rows(somebody.url, shown) == [(True, "mentor")]
    await send(staff, f"{path}/shown", path, shown_as="")
    assert rows(somebody.url, shown) == [(False, "")]
    assert (await somebody.browser.post(f"{path}/shown")).status_code == 403


async def test_export_holds_everything_and_no_pseudonym(house: House, somebody: Somebody) -> None:
    await house.run(
        "INSERT INTO course_session (title, purpose, space_id, during, owner_id, roll_until) "
        "VALUES ('Welding', '=HYPERLINK(1)', 'lab', tstzrange(%s, now()), gen_random_uuid(), now() + "
        "interval '1 day')",
        somebody.began[0],
    )
    await house.run("UPDATE person SET name = '=1+1' WHERE id = %s", somebody.id)
    as_json = await somebody.browser.get("/me/export.json")
    content = json.loads(as_json.text)

    assert as_json.headers["content-disposition"] == 'attachment; filename="my-visits.json"'
    assert content["person"]["name"] == "=1+1"
    assert len(content["visits"]) == 3
    assert len(content["taps"]) == 4
    assert content["credentials"][0]["label"] == "blue card"
    number = content["credentials"][0]["id"]
    assert f"Badge {number} (blue card)" in (await somebody.browser.get("/me")).text
    assert content["sessions"][0]["title"] == "Welding"
    began = {datetime.fromisoformat(visit["start"]) for visit in content["visits"]}
    assert began == set(somebody.began)
    assert somebody.badge.hex() not in as_json.text

    as_csv = await somebody.browser.get("/me/export.csv")
    table = list(csv.DictReader(io.StringIO(as_csv.content.decode("utf-8-sig"))))
    kinds = [line["what"] for line in table]
    assert kinds.count("visit") == 3
    assert kinds.count("tap") == 4
    assert {"person", "badge", "session roll"} <= set(kinds)
    assert next(line for line in table if line["what"] == "badge")["detail"] == f"{number} blue card"
    person = next(line for line in table if line["what"] == "person")
    assert person["detail"] == "'=1+1"  # a spreadsheet must not run it
    assert somebody.badge.hex() not in as_csv.text


async def test_counted_badge_sees_its_visits_and_nothing_to_set(house: House, url: str) -> None:
    badge, lab = secrets.token_bytes(16), device_in(url, "lab")
    tap: list[Any] = [lab.tap(datetime.now(UTC) - timedelta(minutes=5), badge)]
    await asyncio.to_thread(commit, url, tap, unknown_badges="count")
    person = UUID(str(one(url, "SELECT id FROM person")))
    who = Somebody(person, badge, url, [], house.browser())
    await with_code(house, who)
    page = text_of(await who.browser.get("/me"))
    assert "Your badge is counted without a name." in page
    assert "My language" not in page
