"""Spaces are added, changed and ordered by page, API and command alike."""

import asyncio

import pytest

from feed.ingest_setup import rows
from hubwell.spaces.initial import put_space
from hubwell.storage.connect import connect_sync
from lanes.database_lane import Database
from services.access.running_app import send
from services.spaces.register_ways import DETAILED, LAB, Ways, form_of

SETTINGS = (
    "SELECT name, kind, capacity, zone, when_full, opens_at::text, closes_at::text, personal,"
    " features, equipment, names"
    " FROM space WHERE id = 'lab'"
)


@pytest.mark.parametrize("way", ["page", "api", "command"])
async def test_space_is_added_with_everything_and_recorded(ways: Ways, way: str) -> None:
    good, text = await ways.add(way, **DETAILED)
    assert good, text
    (row,) = rows(ways.house.database.url, SETTINGS)
    assert row == (
        *("Lab", "workshop", 8, "north", "refuse", "08:00:00", "17:30:00", False),
        *(["step-free", "daylight"], ["4 benches", "A kiln"], {"it": "Laboratorio"}),
    )
    assert await ways.audit() == [("space.added", "space:lab", {})]


@pytest.mark.parametrize("way", ["page", "api", "command"])
async def test_second_space_of_one_name_is_refused_and_the_other_named(ways: Ways, way: str) -> None:
    assert (await ways.add("command"))[0]
    good, text = await ways.add(way, id="den", name=" LAB ")
    assert not good
    assert "has this name already" in text
    assert "lab" in text
    assert rows(ways.house.database.url, "SELECT id FROM space") == [("lab",)]


async def test_two_who_add_the_same_name_at_once_are_not_both_let_in(ways: Ways) -> None:
    answers = await asyncio.gather(*(ways.add("api", id=f"lab-{n}", name="Lab") for n in range(5)))
    assert sorted(good for good, _ in answers) == [False] * 4 + [True]
    assert len(rows(ways.house.database.url, "SELECT id FROM space")) == 1


async def test_database_itself_refuses_two_spaces_of_one_name(database: Database) -> None:
    import psycopg  # noqa: PLC0415 (for the exception)

    with connect_sync(database.url, name="test") as conn:
        put_space(conn, space_id="lab", name="Lab", kind="workshop", capacity=4)
        with pytest.raises(psycopg.errors.UniqueViolation, match="space_one_name"):
            put_space(conn, space_id="den", name="lab ", kind="workshop", capacity=4)


@pytest.mark.parametrize("way", ["page", "api", "command"])
async def test_capacity_zero_is_refused(ways: Ways, way: str) -> None:
    good, text = await ways.add(way, capacity="0")
    assert not good
    assert "The capacity is a number of people, at least 1. It cannot be 0." in text
    assert rows(ways.house.database.url, "SELECT id FROM space") == []


async def test_api_names_each_value_at_fault(ways: Ways) -> None:
    body = {"id": "Lab 1", "name": "", "kind": "workshop", "capacity": 0, "equipment": ["x" * 100]}
    answer = await ways.program.post("/api/v1/register/spaces", json=body)
    assert answer.status_code == 422
    errors = {item["field"]: item for item in answer.json()["errors"]}
    assert list(errors) == ["id", "name", "capacity", "equipment"]
    assert errors["capacity"]["value"] == "0"
    assert errors["id"]["value"] == "Lab 1"


async def test_space_is_changed_by_page_and_api_and_the_fields_are_recorded(ways: Ways) -> None:
    await ways.add("command", **DETAILED)
    boss = ways.boss
    changed = form_of(LAB | DETAILED | {"capacity": "9", "name": "Laboratory"})
    answer = await send(boss, "/spaces/lab/edit", page="/spaces/lab/edit", **changed)
    assert answer.headers["location"] == "/spaces?done=changed&space=lab"
    again = await send(boss, "/spaces/lab/edit", page="/spaces/lab/edit", **changed)
    assert again.status_code == 303
    body = (await ways.program.get("/api/v1/register/spaces/lab")).json()
    assert body["capacity"] == 9
    assert body["features"] == ["step-free", "daylight"]
    settings = {key: body[key] for key in body.keys() - {"id", "position", "archived_at", "devices"}}
    answer = await ways.program.put("/api/v1/register/spaces/lab", json=settings | {"equipment": []})
    assert answer.json()["equipment"] == []
    assert await ways.audit() == [
        ("space.added", "space:lab", {}),
        ("space.changed", "space:lab", {"settings": ["capacity", "name"]}),
        ("space.changed", "space:lab", {"settings": ["equipment"]}),
    ]


async def test_spaces_keep_the_order_that_they_are_given(ways: Ways) -> None:
    for space_id in ("a", "b", "c"):
        await ways.add("command", id=space_id, name=space_id.upper())

    async def on_board() -> list[str]:
        board = (await ways.house.browser().get("/api/v1/spaces")).json()
        return [space["id"] for space in board["spaces"]]

    assert (await ways.hubwell("space", "order", "c"))[0]
    assert await on_board() == ["c", "a", "b"]
    await send(ways.boss, "/spaces/b/move", page="/spaces", to="up")
    assert await on_board() == ["c", "b", "a"]
    moved = await send(ways.boss, "/spaces/c/move", page="/spaces", to="down")
    assert moved.headers["location"] == "/spaces?moved=c&to=down"
    assert await on_board() == ["b", "c", "a"]
    await send(ways.boss, "/spaces/b/move", page="/spaces", to="up")  # the first stays first
    assert await on_board() == ["b", "c", "a"]
    answer = await ways.program.post("/api/v1/register/spaces/order", json={"spaces": ["a", "a"]})
    assert answer.json()["code"] == "order-names-twice"
    answer = await ways.program.post("/api/v1/register/spaces/order", json={"spaces": ["nowhere"]})
    assert answer.status_code == 422
    answer = await ways.program.post("/api/v1/register/spaces/order", json={"spaces": ["a", "b", "c"]})
    assert answer.status_code == 204
    assert await on_board() == ["a", "b", "c"]


async def test_space_that_is_not_there_is_not_found(ways: Ways) -> None:
    for path in ("/spaces/nowhere/edit", "/spaces/nowhere/archive"):
        assert (await ways.boss.get(path)).status_code == 404
    answer = await send(ways.boss, "/spaces/nowhere/edit", page="/spaces", **LAB)
    assert answer.status_code == 404
    for path in ("", "/archive"):
        assert (await ways.program.get(f"/api/v1/register/spaces/nowhere{path}")).status_code == 404
    await ways.add("command")
    await ways.hubwell("space", "archive", "lab")
    assert (await ways.boss.get("/spaces/lab/edit")).status_code == 409


async def test_reader_of_another_language_sees_the_name_in_it(ways: Ways) -> None:
    await ways.add("command", **DETAILED)
    shown = {}
    for language in ("it", "fi"):
        reader = ways.house.browser(**{"accept-language": language})
        pages = [(await reader.get(path)).text for path in ("/", "/wall", "/panel/lab")]
        shown[language] = ["Laboratorio" in page for page in pages]
    assert shown == {"it": [True] * 3, "fi": [False] * 3}
    (space,) = (await ways.house.browser().get("/api/v1/spaces")).json()["spaces"]
    assert (space["name"], space["names"], space["features"]) == (
        *("Lab", {"it": "Laboratorio"}),
        ["step-free", "daylight"],
    )
