"""Course sessions through the API: for the account that owns them, never for programs."""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import httpx
import pytest

from hubwell.vocabulary import Role
from lanes.database_lane import Database
from services.access.running_app import House, open_house
from services.api.test_desk import API, problem_of, program
from services.people.people_register import Register, badge, now, opened


@pytest.fixture
async def house(database: Database) -> AsyncIterator[House]:
    async with open_house(database) as running, opened(database) as register:
        await register.space("wood")
        await register.space("cell", personal=True)
        yield running


@pytest.fixture
async def register(database: Database) -> AsyncIterator[Register]:
    async with opened(database) as opened_register:
        yield opened_register


async def owner(house: House, login: str) -> httpx.AsyncClient:
    """Return the client of a new account of staff, with the anti-forgery token of its pages."""
    client = await house.signed_in(login, Role.STAFF, accept="application/json")
    page = await client.get("/desk", headers={"accept": "text/html"})
    client.headers["x-csrf-token"] = page.text.partition('name="csrf" value="')[2].partition('"')[0]
    return client


def plan(**values: Any) -> dict[str, Any]:
    start = now() - timedelta(minutes=30)
    usual = {"title": "Welding", "purpose": "Certificates", "space_id": "wood"}
    times = {"start": start.isoformat(), "end": (start + timedelta(hours=2)).isoformat()}
    return usual | times | values


async def test_owner_enters_a_session_and_reads_who_came(house: House, register: Register) -> None:
    staff, colleague = await owner(house, "staff"), await owner(house, "colleague")
    made = await staff.post(f"{API}/sessions", json=plan())
    assert made.status_code == 201, made.text
    session = made.json()["id"]
    ada = await register.value("INSERT INTO person (kind, name) VALUES ('enrolled', 'Ada') RETURNING id")
    await register.visit(ada, "wood", now() - timedelta(minutes=20))
    await register.visit(await register.counted(badge()), "wood", now() - timedelta(minutes=10))

    (listed,) = (await staff.get(f"{API}/sessions")).json()["sessions"]
    assert (listed["id"], listed["title"], listed["space"]) == (session, "Welding", "Wood")
    early = await staff.get(f"{API}/sessions/{session}/roll")
    assert problem_of(early)[:2] == (409, "roll-not-yet")
    await register.conn.execute("UPDATE course_session SET during = tstzrange(lower(during), now())")
    roll = await staff.get(f"{API}/sessions/{session}/roll")
    assert roll.json() == {"names": ["Ada"], "nameless": 1}
    assert roll.headers["cache-control"] == "no-store"

    assert (await colleague.get(f"{API}/sessions")).json() == {"sessions": []}
    assert problem_of(await colleague.get(f"{API}/sessions/{session}/roll"))[:2] == (404, "session-gone")
    assert problem_of(await colleague.delete(f"{API}/sessions/{session}"))[:2] == (404, "session-gone")
    assert (await staff.delete(f"{API}/sessions/{session}")).status_code == 204
    assert problem_of(await staff.get(f"{API}/sessions/{session}/roll"))[:2] == (404, "session-gone")
    rows = await register.conn.execute("SELECT action FROM audit_entry ORDER BY id")
    actions = [row[0] for row in await rows.fetchall()]
    assert actions == ["session.entered", "roll.exported", "session.deleted"]


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"title": " "}, "title"),
        ({"purpose": ""}, "purpose"),
        ({"space_id": "cell"}, "space"),
        ({"kept_days": 31}, "days"),
        ({"start": (now() - timedelta(hours=3)).isoformat()}, "day"),
        ({"end": (now() - timedelta(hours=3)).isoformat()}, "end"),
    ],
)
async def test_session_that_cannot_be(house: House, values: dict[str, Any], field: str) -> None:
    staff = await owner(house, "staff")
    status, _, found = problem_of(await staff.post(f"{API}/sessions", json=plan(**values)))
    assert (status, found) == (422, field)
    assert (await staff.get(f"{API}/sessions")).json() == {"sessions": []}


async def test_time_needs_its_zone_and_sessions_do_not_overlap(house: House) -> None:
    staff = await owner(house, "staff")
    local = await staff.post(f"{API}/sessions", json=plan(start="2030-01-01T09:00:00"))
    assert problem_of(local)[:2] == (422, "bad-parameters")
    assert (await staff.post(f"{API}/sessions", json=plan())).status_code == 201
    assert problem_of(await staff.post(f"{API}/sessions", json=plan()))[:2] == (409, "overlaps")


async def test_program_owns_no_sessions(house: House) -> None:
    """A roll is for a person's eyes."""
    client = program(house, await house.token("desk", [Role.STAFF]))
    assert problem_of(await client.get(f"{API}/sessions"))[:2] == (403, "not-allowed")
    assert problem_of(await client.post(f"{API}/sessions", json=plan()))[:2] == (403, "not-allowed")


def series(**values: Any) -> dict[str, Any]:
    first = (now() + timedelta(days=3)).date()
    usual = {
        "title": "Welding",
        "purpose": "Certificates",
        "space_id": "wood",
        "start": "09:30",
        "end": "11:00",
    }
    days = {"first_day": first.isoformat(), "until": (first + timedelta(weeks=3)).isoformat()}
    return usual | days | {"without": [(first + timedelta(weeks=2)).isoformat()]} | values


async def test_series_is_previewed_entered_and_deleted_from_a_day_on(
    house: House, register: Register
) -> None:
    staff, colleague = await owner(house, "staff"), await owner(house, "colleague")
    preview = await staff.post(f"{API}/sessions/series/preview", json=series())
    assert preview.status_code == 200, preview.text
    assert len(preview.json()["sessions"]) == 3
    assert preview.json()["left_out"] == series()["without"]
    assert (await staff.get(f"{API}/sessions")).json() == {"sessions": []}

    added = await staff.post(f"{API}/sessions/series", json=series())

    assert (added.status_code, added.json()["sessions"]) == (201, 3)
    listed = (await staff.get(f"{API}/sessions")).json()["sessions"]
    assert {session["series_id"] for session in listed} == {added.json()["id"]}
    again = await staff.post(f"{API}/sessions/series", json=series())
    assert problem_of(again)[:2] == (409, "series-overlaps")
    address = f"{API}/sessions/series/{added.json()['id']}"
    second = preview.json()["sessions"][1]["start"][:10]
    assert problem_of(await colleague.delete(f"{address}?from_day={second}"))[:2] == (404, "series-gone")
    deleted = await staff.delete(f"{address}?from_day={second}")
    assert deleted.json() == {"sessions": 2}
    assert problem_of(await staff.delete(f"{address}?from_day={second}"))[:2] == (404, "series-gone")
    assert await register.value("SELECT count(*) FROM course_session") == 1
    rows = await register.conn.execute("SELECT action FROM audit_entry ORDER BY id")
    assert [row[0] for row in await rows.fetchall()] == ["session.series-entered", "session.series-deleted"]


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"until": series()["first_day"]}, "until"),
        ({"space_id": "cell"}, "space"),
        ({"end": "09:00"}, "end"),
        ({"title": " "}, "title"),
    ],
)
async def test_series_that_cannot_be(house: House, values: dict[str, Any], field: str) -> None:
    staff = await owner(house, "staff")
    for path in ("series", "series/preview"):
        status, _, found = problem_of(await staff.post(f"{API}/sessions/{path}", json=series(**values)))
        assert (status, found) == (422, field), path
    odd = await staff.post(f"{API}/sessions/series", json=series(start="9.30"))
    assert problem_of(odd)[:2] == (422, "bad-parameters")
