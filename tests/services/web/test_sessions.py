"""Sessions in the browser: entered by staff, their roll read by the owner alone, gone afterwards."""

import csv
import io
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from playwright.async_api import Browser, expect

from hubwell.people.weekly import local_moment
from hubwell.vocabulary import Role
from lanes.database_lane import Database
from services.access.running_app import send
from services.people.people_register import now
from services.web.axe_check import problems
from services.web.staffed_hub import Staffed, staffed, text_of

ZONE = ZoneInfo("Europe/Helsinki")


@pytest.fixture
async def hub(database: Database, tmp_path: Path) -> AsyncIterator[Staffed]:
    """Give a staffed hub."""
    async with staffed(database, tmp_path / "keys") as hub:
        yield hub


def form(**values: str) -> dict[str, str]:
    """Fill in a session of tomorrow: today's might cross midnight while the test runs."""
    day = (datetime.now(ZONE) + timedelta(days=1)).date().isoformat()
    typed = {"title": "Turning", "purpose": "Certificates", "space": "wood", "day": day, "start": "09:30"}
    return typed | {"end": "11:00", "days": "14"} | values


async def enter(hub: Staffed, **values: str) -> str:
    """Add a session; return its address."""
    answer = await hub.send("/sessions", "/sessions/new", **form(**values))
    assert answer.status_code == 303, text_of(answer)
    return str(answer.headers["location"])


async def take_place(hub: Staffed) -> None:
    """Let the session have ended just now: the form takes no times that are long past."""
    await hub.register.conn.execute(
        "UPDATE course_session SET during = tstzrange(now() - interval '1 hour', now())"
    )


async def test_session_is_entered_in_the_hubs_time(hub: Staffed) -> None:
    address = await enter(hub)

    start = await hub.register.value("SELECT lower(during) FROM course_session")
    assert start.astimezone(ZONE).strftime("%H:%M") == "09:30"
    until = await hub.register.value("SELECT roll_until - upper(during) FROM course_session")
    assert until == timedelta(days=14)
    said = text_of(await hub.staff.get(address))
    assert "This list is for: Certificates" in said
    assert "can be read once the session has ended" in said
    assert "Turning" in text_of(await hub.staff.get("/sessions"))


async def test_roll_says_who_came_and_each_look_is_noted(hub: Staffed) -> None:
    for name in ("Ada", "Bea"):
        await hub.send(f"{await hub.enrol(name)}/visit", way="in", space="wood")
    nameless = await hub.register.value("INSERT INTO person (kind) VALUES ('enrolled') RETURNING id")
    await hub.register.visit(nameless, "wood", now() - timedelta(minutes=5))
    address = await enter(hub)
    await take_place(hub)

    said = text_of(await hub.staff.get(address))

    assert "3 people came Ada Bea A badge without a name" in said
    assert "Then it is deleted automatically" in said
    assert [entry[1] for entry in await hub.actions()][-2:] == ["session.entered", "roll.viewed"]


async def test_roll_is_closed_while_the_session_lasts(hub: Staffed) -> None:
    await hub.send(f"{await hub.enrol('Ada')}/visit", way="in", space="wood")
    address = await enter(hub)
    await hub.register.conn.execute(
        "UPDATE course_session SET during = tstzrange(now() - interval '1 hour', now() + interval '1 hour')"
    )

    page, table = await hub.staff.get(address), await hub.staff.get(f"{address}/roll.csv")

    assert "Ada" not in page.text + table.text
    assert (page.status_code, table.status_code) == (200, 409)
    assert (await hub.actions())[-1][1] == "session.entered"


async def test_place_to_rest_is_not_offered_and_has_no_roll_when_it_became_one_later(hub: Staffed) -> None:
    await hub.send(f"{await hub.enrol('Ada')}/visit", way="in", space="wood")
    address = await enter(hub)
    await take_place(hub)
    assert "Ada" in text_of(await hub.staff.get(address))

    await hub.register.conn.execute("UPDATE space SET kind = 'relaxation' WHERE id = 'wood'")

    page, table = await hub.staff.get(address), await hub.staff.get(f"{address}/roll.csv")
    refused = await hub.send("/sessions", "/sessions", **form(title="Another"))
    assert "Ada" not in page.text + table.text
    assert table.status_code == 409
    assert refused.status_code == 422
    assert 'value="wood"' not in (await hub.staff.get("/sessions/new")).text


async def test_every_mistake_of_the_form_is_shown_at_once(hub: Staffed) -> None:
    wrong = form(title="", purpose="", start="", end="later", days="many")

    answer = await hub.send("/sessions", "/sessions/new", **wrong)

    assert answer.status_code == 422
    for said in ("Give the session a title.", "what the list of who came is for", "Enter when it begins",
                 "Enter when it ends", "Enter for how many days"):  # fmt: skip
        assert answer.text.count(said) == 2, said  # above the form, and beside the field


async def test_table_can_be_downloaded_and_runs_no_formulas(hub: Staffed) -> None:
    await hub.send(f"{await hub.enrol('=cmd()')}/visit", way="in", space="wood")
    address = await enter(hub)
    await take_place(hub)

    answer = await hub.staff.get(f"{address}/roll.csv")

    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert "attachment" in answer.headers["content-disposition"]
    rows = list(csv.reader(io.StringIO(answer.content.decode("utf-8-sig"))))
    assert [row[:2] for row in rows] == [["Name", "Session"], ["'=cmd()", "Turning"]]
    assert (await hub.actions())[-1][1] == "roll.exported"


@pytest.mark.parametrize(("language", "delimiter"), [("en", ","), ("fi", ";"), ("nl", ";"), ("lv", ";")])
async def test_table_has_the_separator_of_the_reader_s_language(
    hub: Staffed, language: str, delimiter: str
) -> None:
    await hub.send(f"{await hub.enrol('Ägidia; Ōzoliņa, =x')}/visit", way="in", space="wood")
    address = await enter(hub)
    await take_place(hub)
    answer = await hub.staff.get(f"{address}/roll.csv", headers={"Accept-Language": language})
    assert answer.content.startswith(b"\xef\xbb\xbf")
    rows = list(csv.reader(io.StringIO(answer.content.decode("utf-8-sig")), delimiter=delimiter))
    assert {len(row) for row in rows} == {3}
    assert rows[1][0] == "Ägidia; Ōzoliņa, =x"


async def test_roll_is_for_its_owner_only_and_ends(hub: Staffed) -> None:
    address = await enter(hub)
    colleague = await hub.house.signed_in("colleague", Role.STAFF)
    admin = await hub.house.signed_in("admin", Role.ADMIN)
    program = hub.house.browser(authorization=f"Bearer {await hub.house.token('robot', [Role.STAFF])}")

    for path in (address, f"{address}/roll.csv"):
        found = [(await client.get(path)).status_code for client in (colleague, admin, program)]
        assert found == [404, 403, 403], path
    assert (await send(colleague, f"{address}/delete", "/sessions/new")).status_code == 303
    assert (await hub.staff.get(address)).status_code == 200
    await hub.register.conn.execute(
        "UPDATE course_session SET roll_until = now(), "
        "during = tstzrange(now() - interval '15 days', now() - interval '14 days')"
    )

    assert (await hub.staff.get(address)).status_code == 404
    assert (await hub.staff.get(f"{address}/roll.csv")).status_code == 404
    assert "Turning" not in text_of(await hub.staff.get("/sessions"))


async def test_owner_deletes_a_session(hub: Staffed) -> None:
    address = await enter(hub)

    answer = await hub.send(f"{address}/delete", address)

    assert "deleted" in text_of(await hub.staff.get(answer.headers["location"]))
    assert await hub.register.value("SELECT count(*) FROM course_session") == 0
    assert (await hub.actions())[-1][1] == "session.deleted"


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"day": "soon"}, "Choose the day of the session."),
        ({"day": "9999-12-31"}, "Choose the day of the session."),
        ({"start": "25:00"}, "Enter when it begins"),
        ({"end": ""}, "Enter when it ends"),
        ({"end": "09:30"}, "A session ends after it begins."),
        ({"end": "18:00"}, "at most 8 hours"),
        ({"title": ""}, "Give the session a title."),
        ({"purpose": " "}, "Say what the list of who came is for."),
        ({"space": "nowhere"}, "Choose one of the spaces."),
        ({"days": "many"}, "from 1 to 30"),
        ({"days": "31"}, "at most 30 days"),
        ({"days": "0"}, "at least one day"),
        ({"days": "9" * 4000}, "at most 30 days"),
    ],
)
async def test_mistake_is_said_and_what_was_typed_is_kept(
    hub: Staffed, values: dict[str, str], said: str
) -> None:
    answer = await hub.send("/sessions", "/sessions/new", **form(**{"title": "Kept title"} | values))

    assert answer.status_code == 422
    assert said in text_of(answer)
    if "title" not in values:
        assert 'value="Kept title"' in answer.text
    assert await hub.register.value("SELECT count(*) FROM course_session") == 0


async def test_past_cannot_be_looked_up_with_a_session(hub: Staffed) -> None:
    yesterday = (datetime.now(ZONE) - timedelta(days=1)).date().isoformat()

    answer = await hub.send("/sessions", "/sessions/new", **form(day=yesterday))

    assert "no way to look up the past" in text_of(answer)


def test_time_that_the_clocks_skip_is_no_time_and_of_two_the_first_counts() -> None:
    spring, autumn = datetime(2027, 3, 28).date(), datetime(2027, 10, 31).date()  # noqa: DTZ001 (dates)
    skipped, twice = datetime(2027, 1, 1, 3, 30).time(), datetime(2027, 1, 1, 3, 30).time()  # noqa: DTZ001 (times)

    assert local_moment(spring, skipped, ZONE) is None
    first = local_moment(autumn, twice, ZONE)
    assert first is not None
    assert first.hour == 0  # in UTC: still summer time


@pytest.mark.browser
async def test_axe_finds_nothing_on_the_sessions_pages(hub: Staffed, browser: Browser) -> None:
    await hub.send(f"{await hub.enrol('Ada')}/visit", way="in", space="wood")
    address = await enter(hub, title="A session with a long name, for people who like long names very much")
    await take_place(hub)
    page = await hub.page(browser)
    for path in ("/sessions", "/sessions/new", address):
        await page.goto(hub.house.address + path)
        assert await problems(page) == [], path

    await page.goto(f"{hub.house.address}/sessions/new")
    await page.get_by_role("button", name="Add the session").click()
    await expect(page.get_by_role("alert")).to_contain_text("Enter when it begins")
    assert await problems(page) == []
    await page.context.close()
