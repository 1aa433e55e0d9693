"""Sessions of each week in the browser: previewed, saved at once, deleted from a day on."""

import html
import re
from collections.abc import AsyncIterator
from datetime import date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import httpx
import pytest
from playwright.async_api import Browser, expect

from hubwell.vocabulary import Role
from lanes.database_lane import Database
from services.access.running_app import send
from services.web.axe_check import problems
from services.web.staffed_hub import Staffed, staffed, text_of

ZONE = ZoneInfo("Europe/Helsinki")
FIRST = datetime.now(ZONE).date() + timedelta(days=3)


@pytest.fixture
async def hub(database: Database, tmp_path: Path) -> AsyncIterator[Staffed]:
    """Give a staffed hub."""
    async with staffed(database, tmp_path / "keys") as hub:
        yield hub


def week(number: int) -> date:
    """Return the day of the series in a week, the first being 0."""
    return FIRST + timedelta(weeks=number)


def form(**values: str) -> dict[str, str]:
    """Fill in four weeks without the third."""
    typed = {"title": "Turning", "purpose": "Certificates", "space": "wood", "day": FIRST.isoformat()}
    typed |= {"start": "09:30", "end": "11:00", "days": "14"}
    return typed | {"until": week(3).isoformat(), "without": f"{week(2):%d.%m.%Y}"} | values


async def previewed(hub: Staffed, **values: str) -> httpx.Response:
    return await hub.send("/sessions", "/sessions/new", **form(**values))


async def confirm(hub: Staffed, page: httpx.Response) -> httpx.Response:
    """Press the button of a preview."""
    shown = page.text.partition('<form class="form" method="post" action="/sessions">')[2]
    fields = re.findall(r'name="(\w+)" value="([^"]*)"', shown.partition('value="change"')[0])
    values = {name: html.unescape(value) for name, value in fields if name != "csrf"}
    return await hub.send("/sessions", "/sessions/new", **values)


async def days(hub: Staffed) -> list[date]:
    rows = await hub.register.conn.execute("SELECT lower(during) FROM course_session ORDER BY 1")
    return [row[0].astimezone(ZONE).date() for row in await rows.fetchall()]


async def test_every_day_is_shown_before_anything_is_saved(hub: Staffed) -> None:
    page = await previewed(hub)

    said = text_of(page)
    assert "3 sessions will be added. Nothing is saved yet." in said
    assert said.count("09:30 to 11:00") == 3
    assert await days(hub) == []
    assert (await hub.actions()) == []

    answer = await confirm(hub, page)

    assert await days(hub) == [week(0), week(1), week(3)]
    assert await hub.register.value("SELECT count(DISTINCT series_id) FROM course_session") == 1
    assert await hub.register.value(
        "SELECT bool_and(roll_until - upper(during) = interval '14 days') FROM course_session"
    )
    said = text_of(await hub.staff.get(answer.headers["location"]))
    assert "3 sessions of one series, in Wood" in said
    assert [entry[1] for entry in await hub.actions()] == ["session.series-entered"]
    assert "Each week: 2 more sessions" in text_of(await hub.staff.get("/sessions"))


async def test_what_was_typed_is_kept_when_something_is_changed(hub: Staffed) -> None:
    page = await hub.send("/sessions", "/sessions/new", **form(step="change"))
    assert (page.status_code, 'value="Turning"' in page.text) == (200, True)
    assert f"{week(2):%d.%m.%Y}" in page.text
    assert await days(hub) == []


async def test_changed_values_are_shown_again_and_not_saved_with_an_earlier_preview(hub: Staffed) -> None:
    page = await previewed(hub)
    found = re.search(r'name="step" value="([0-9a-f]{16})"', page.text)
    assert found is not None
    other = await hub.send("/sessions", "/sessions/new", **form(start="10:00", step=found[1]))
    assert "Nothing is saved yet" in text_of(other)
    assert await days(hub) == []


async def test_days_with_another_session_are_named_and_nothing_is_saved(hub: Staffed) -> None:
    await hub.send("/sessions", "/sessions/new", **form(day=week(1).isoformat(), until="", without=""))
    page = await previewed(hub)
    assert "You have other sessions at that time" in text_of(page)
    assert not re.search(r'name="step" value="[0-9a-f]{16}"', page.text)
    assert await days(hub) == [week(1)]
    free = await previewed(hub, without=f"{week(1).isoformat()}, {week(2).isoformat()}")
    assert (await confirm(hub, free)).status_code == 303
    assert await days(hub) == [week(0), week(1), week(3)]


async def test_day_to_leave_out_that_is_none_of_the_series_is_named(hub: Staffed) -> None:
    other = week(0) + timedelta(days=1)
    assert "there would be no session anyway" in text_of(await previewed(hub, without=other.isoformat()))


async def test_series_is_deleted_from_a_day_on(hub: Staffed) -> None:
    address = (await confirm(hub, await previewed(hub))).headers["location"].partition("?")[0]
    single = await hub.register.value("SELECT id FROM course_session ORDER BY during LIMIT 1")
    assert f'href="{address}"' in (await hub.staff.get(f"/sessions/{single}")).text

    answer = await hub.send(f"{address}/delete", address, first=week(1).isoformat())

    assert "These sessions of the series" in text_of(await hub.staff.get(answer.headers["location"]))
    assert await days(hub) == [week(0)]
    assert [entry[1] for entry in await hub.actions()][-1] == "session.series-deleted"


async def test_series_is_its_owners(hub: Staffed) -> None:
    address = (await confirm(hub, await previewed(hub))).headers["location"].partition("?")[0]
    colleague = await hub.house.signed_in("colleague", Role.STAFF)
    assert (await colleague.get(address)).status_code == 404
    answer = await send(colleague, f"{address}/delete", "/sessions/new", first=week(0).isoformat())
    assert answer.status_code == 404
    assert len(await days(hub)) == 3


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"until": ""}, "Choose the last day, or leave both fields empty"),
        ({"until": "soon"}, "Choose the last day"),
        ({"without": "Easter"}, "Enter the days to leave out as dates"),
        ({"until": FIRST.isoformat()}, "at least a week after its first day"),
        ({"end": "09:00"}, "A session ends after it begins."),
        ({"space": "nowhere"}, "Choose one of the spaces."),
        ({"title": "", "start": ""}, "Give the session a title."),
    ],
)
async def test_mistake_is_said_and_nothing_is_saved(hub: Staffed, values: dict[str, str], said: str) -> None:
    page = await previewed(hub, **values)
    assert (page.status_code, said in text_of(page)) == (422, True), text_of(page)
    assert await days(hub) == []


@pytest.mark.browser
async def test_series_in_a_browser_and_accessible(hub: Staffed, browser: Browser) -> None:
    page = await hub.page(browser)
    await page.goto(f"{hub.house.address}/sessions/new")
    await page.get_by_text("Repeat each week").click()
    assert await problems(page) == [], "form"
    for label, value in (("Day", FIRST.isoformat()), ("Begins at", "09:30"), ("Ends at", "11:00"),
                         ("Title", "Turning"), ("What the list of who came is for", "Certificates"),
                         ("Each week until", week(3).isoformat())):  # fmt: skip
        await page.get_by_label(label, exact=True).fill(value)
    await page.get_by_label("Space").select_option("wood")
    await page.get_by_role("button", name="Add the session").click()
    await expect(page.locator(".lead")).to_contain_text("4 sessions will be added")
    assert await problems(page) == [], "preview"
    await page.get_by_role("button", name="Add 4 sessions").click()
    await expect(page.locator(".notice.good")).to_contain_text("The sessions are added")
    assert await problems(page) == [], "series"
    await page.goto(f"{hub.house.address}/sessions")
    assert await problems(page) == [], "list"
    await page.context.close()
