"""The muster's pages: the list in time, ticking off without a script, the report."""

import re
from datetime import timedelta
from typing import Any

import pytest
from psycopg import AsyncCursor

from hubwell.storage.queries import Queries
from services.evacuation.populated_hub import NORTH, House
from services.web.evacuation.officer import HTML, NAMES, Officer, row_of, signed_in, words
from services.web.running_site import Site


async def test_one_button_and_the_list_is_there(site: Site, house: House, osh: Officer) -> None:
    assert "Start an evacuation" in await osh.page()

    page = (await osh.send("/muster", kind="alarm")).text

    assert "Evacuation since" in page
    assert "0 of 4 people are accounted for" in words(page)
    assert all(name in page for name in NAMES)
    assert f"0 of 3 people accounted for in {NORTH}" in words(page)
    assert "Not accounted for" in row_of(page, "Ada Example")
    assert house.actions() == ["muster.opened", "muster.names-seen"]
    assert site.address


async def test_progress_in_words_and_last_word_counts_for_two_officers(
    site: Site, house: House, osh: Officer
) -> None:
    await osh.send("/muster", kind="alarm")
    muster, people = await osh.muster(), await osh.people()
    async with signed_in(site, house, "second", "osh") as other:
        await osh.send(f"/muster/{muster}/tick", tick=f"{people[0]}:missing")
        await other.send(f"/muster/{muster}/tick", tick=f"{people[1]}:safe")
        assert "1 person is missing." in words(await other.page())
        await other.send(f"/muster/{muster}/tick", tick=f"{people[0]}:safe")

        for officer in (osh, other):
            assert "2 of 4 people are accounted for" in words(await officer.page())
        await osh.send(f"/muster/{muster}/tick", tick=f"{people[1]}:expected")
        assert "1 of 4 people are accounted for" in words(await other.page())


async def test_filter_by_zone_and_by_who_is_left(osh: Officer) -> None:
    await osh.send("/muster", kind="alarm")
    muster = await osh.muster()
    in_zone = words(await osh.page(f"/muster?zone={NORTH}"))
    assert "Ada Example" in in_zone
    assert "Cleo Specimen" not in in_zone

    page = await osh.page()
    ada = next(n for n in await osh.people() if "Ada" in page[page.index(f'id="person-{n}"') :][:300])
    answer = await osh.send(f"/muster/{muster}/tick", tick=f"{ada}:safe", zone=NORTH, left="1")

    assert answer.url.query == b"zone=Ground+floor%2C+north&left=1"
    assert "Ada Example" not in answer.text
    assert "Bo Sample" in answer.text


async def test_who_tapped_out_is_marked(house: House, osh: Officer) -> None:
    await osh.send("/muster", kind="alarm")
    house.conn.execute("UPDATE visit SET during = tstzrange(lower(during), now()), ended_by = 'tap'")

    assert re.search(
        r"Badge tapped out at [\w, ]{0,20}\b\d\d:\d\d\.", row_of(await osh.page(), "Ada Example")
    )


async def test_sensors_speak_for_those_without_a_badge(house: House, osh: Officer) -> None:
    house.sensor("wood", "ld2450/people/count", 5)
    house.sensor("metal", "pir/presence", 1)
    house.sensor("cafe", "pir/presence", 0, age=timedelta(minutes=20))

    house.conn.execute(
        "UPDATE device SET status = 'offline', status_at = now() - interval '1 hour', "
        'meta = \'{"readers": [{"name": "door"}]}\' WHERE space_id = \'cafe\''
    )

    page = words((await osh.send("/muster", kind="alarm")).text)

    assert "At least 3 people were inside without a badge at the start." in page
    assert page.count("taps may be missing") == 1
    assert "3 badges. The sensor counts about 5 people. At least 2 people without a badge." in page
    assert "Somebody is sensed where nobody has tapped in." in page
    assert re.search(r"1 badge\. Not known: the sensor is silent since [\w, ]{0,20}\b\d\d:\d\d\.", page)


async def test_closing_says_what_is_lost_and_leaves_a_report(house: House, osh: Officer) -> None:
    house.sensor("wood", "ld2450/people/count", 5)
    await osh.send("/muster", kind="alarm")
    muster, people = await osh.muster(), await osh.people()
    await osh.send(f"/muster/{muster}/tick", tick=f"{people[0]}:safe")
    assert "3 people are not accounted for." in words(await osh.page("/muster/close"))

    report = words((await osh.send(f"/muster/{muster}/close")).text)

    assert "On the list 4 Safe 1" in report
    assert "Without a badge at the start, at least 2" in report
    assert not any(name in report for name in NAMES)
    assert house.count("muster_person") == 0
    assert "No evacuation is open" in await osh.page()
    assert "1 of 4" in words(await osh.page("/muster/reports"))
    assert (await osh.client.get("/muster/list")).status_code == 410
    again = await osh.send(f"/muster/{muster}/tick", tick=f"{people[0]}:safe")
    assert "This evacuation or drill is closed." in again.text
    assert house.actions()[-1] == "muster.closed"


async def test_person_erased_meanwhile_loses_the_name_and_not_the_place(house: House, osh: Officer) -> None:
    await osh.send("/muster", kind="alarm")
    house.conn.execute("DELETE FROM person WHERE name = 'Ada Example'")

    page = await osh.page()

    assert "Ada" not in page
    assert "of 4 people are accounted for" in words(page)
    assert "data erased" in page


async def test_unchanged_list_is_not_sent_again(house: House, osh: Officer) -> None:
    page = (await osh.send("/muster", kind="alarm")).text
    version = re.search(r'data-version="(\w+)"', page)
    assert version is not None
    assert (await osh.client.get(f"/muster/list?version={version[1]}")).status_code == 204

    house.inside("Eve Late", "cafe")

    answer = await osh.client.get(f"/muster/list?version={version[1]}")
    assert answer.status_code == 200
    assert "Eve Late" in answer.text


async def test_sheet_to_print_has_everybody_and_a_box(osh: Officer) -> None:
    await osh.send("/muster", kind="alarm")

    page = await osh.page("/muster/sheet")

    assert all(name in page for name in NAMES)
    assert page.count("<rect") >= 4
    assert NORTH in await osh.page(f"/muster/sheet?zone={NORTH}")
    assert "Cleo" not in await osh.page(f"/muster/sheet?zone={NORTH}")


async def test_large_house_takes_no_more_questions_than_a_small_one(
    house: House, osh: Officer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The list has to be there within 3 s with 500 people in 50 spaces: the number of questions decides."""
    asked: list[str] = []
    execute = AsyncCursor.execute
    queries = Queries("hubwell.evacuation")
    ours = set(queries._by_name.values()) - {queries["announcement"]}  # the board's feed asks that beside us

    async def counted(self: AsyncCursor[Any], query: Any, *arguments: Any, **options: Any) -> Any:
        if query in ours:
            asked.append(query)
        return await execute(self, query, *arguments, **options)

    monkeypatch.setattr(AsyncCursor, "execute", counted)

    async def questions() -> int:
        asked.clear()
        answer = await osh.client.post("/muster", data={"kind": "alarm"}, headers=HTML | token)
        assert "people are accounted for" in answer.text
        number = len(asked)
        await osh.send(f"/muster/{await osh.muster()}/close")
        return number

    csrf = re.search(r'name="csrf" value="([^"]+)"', await osh.page("/account"))
    assert csrf is not None
    token = {"x-csrf-token": csrf[1]}
    small = await questions()
    for number in range(47):
        house.space(f"room-{number}", f"Room {number}", f"Floor {number // 10}")
        house.sensor(f"room-{number}", "pir/presence", number % 2)
    for number in range(496):
        house.inside(f"Person {number:03}", f"room-{number % 47}")

    assert await questions() == small
    assert 8 <= small <= 20
