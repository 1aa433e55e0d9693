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
