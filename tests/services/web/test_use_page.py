"""The use of all spaces by week: hours worked out by hand, people through the gate, the same as CSV."""

import csv
import io
import re
from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import httpx
import psycopg
import pytest

from hubwell.vocabulary import Role
from lanes.database_lane import Database
from services.access.running_app import House, open_house
from services.web.sample_hub import Hub

ZONE = ZoneInfo("Europe/Helsinki")
HOUR = timedelta(hours=1)
MONDAY = date(2026, 10, 19)
"""The week before clocks are put back."""


def _at(day: int, hour: int) -> datetime:
    return datetime.combine(MONDAY + timedelta(days=day), time(hour), ZONE).astimezone(UTC)


def _write(hub: Hub, device: str, quantity: str, day: int, hours: dict[int, float]) -> None:
    hub.readings(
        device,
        quantity,
        [
            (_at(day, hour) + timedelta(minutes=minute), value)
            for hour, value in hours.items()
            for minute in range(0, 60, 5)
        ],
    )


@pytest.fixture
async def house(database: Database) -> AsyncIterator[House]:
    """Give a hub of three spaces: one used, one free, one of which nothing is known."""
    with psycopg.connect(database.url, autocommit=True) as conn:
        hub = Hub(conn)
        for space, zone in {"lab": "North", "hall": "North", "attic": "South"}.items():
            hub.space(space, space.title(), "workshop" if space == "lab" else "collaboration", 30, zone)
            hub.device(f"{space}-1", space)
        _write(hub, "lab-1", "presence", 0, {9: 1, 10: 1, 11: 0, 12: 0, 22: 1})  # 22:00 is after closing
        _write(hub, "lab-1", "co2", 0, {9: 1400, 10: 900})
        _write(hub, "lab-1", "presence", -7, {9: 1, 10: 0, 11: 0, 12: 0})
        _write(hub, "hall-1", "presence", 1, {9: 0, 10: 0})
        conn.execute(
            "INSERT INTO people_figure (scope, place, start, about, fullness) "
            "SELECT 'space', 'lab', start, about, 'most' "
            "FROM unnest(%s::timestamptz[], %s::int[]) f (start, about)",
            ([_at(0, 9), _at(0, 10), _at(8, 10)], [15, 20, 25]),
        )
    async with open_house(database) as opened:
        yield opened


async def _facilities(house: House) -> httpx.AsyncClient:
    return await house.signed_in("fay", Role.FACILITIES)


async def test_week_is_used_free_and_unknown_hours(house: House) -> None:
    page = (await (await _facilities(house)).get(f"/use?week={MONDAY + timedelta(days=3)}")).text
    rows = {
        name: re.findall(r"<td>([^<]*)", cells)
        for name, cells in re.findall(r'<a href="/spaces/(\w+)\?days=30">(.*?)</tr>', page, re.DOTALL)
    }

    # 13 hours from 7 to 20 on seven days are 91. Of the lab two are used, two free; before, one of four.
    assert rows["lab"][:4] == ["2", "2", "87", "50"]
    assert rows["lab"][4:] == ["25", "+25", "1", "20"]
    assert rows["hall"][:4] == ["0", "2", "89", "0"]
    assert rows["attic"][:3] == ["0", "0", "91"]
    assert "Never seen in use: Hall." in page
    assert "Busiest hour: Mon, 09:00, with about 1.0 of 3 spaces in use." in page
    assert "The spaces were in use for 33 % of the known time, against 25 % in the four weeks before." in page
    assert re.search(r'<th scope="row">North</th><td>2</td><td>4</td><td>176</td>', page)
    assert re.search(r'<th scope="row">Workshops</th><td>2</td>', page)


async def test_hours_that_count_can_be_chosen(house: House) -> None:
    page = (await (await _facilities(house)).get(f"/use?week={MONDAY}&opens=0&closes=24")).text
    assert re.search(r'lab\?days=30">Lab</a></th><td>3</td><td>2</td><td>163</td>', page)


async def test_csv_says_the_same(house: House) -> None:
    answer = await (await _facilities(house)).get(f"/use.csv?week={MONDAY}")
    table = list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"))))
    assert answer.headers["content-disposition"] == f'attachment; filename="use-{MONDAY}.csv"'
    assert table[0] == {
        "week": "2026-10-19",
        "space_id": "lab",
        "space": "Lab",
        "used_h": "2",
        "free_h": "2",
        "unknown_h": "87",
        "used_percent": "50",
        "used_percent_before": "25",
        "air_over_limit_h": "1",
        "most_people": "20",
        "booked_h": "0",
        "booked_used_h": "0",
        "booked_empty_h": "0",
        "booked_unknown_h": "0",
        "used_unbooked_h": "2",
    }


async def _book(house: House, space: str, start: datetime, hours: float, *, cancelled: bool = False) -> None:
    await house.run(
        """INSERT INTO booking (space_id, atoms, during, title, shows_title, people, owner, created_at,
                                changed_at, cancelled_at)
           SELECT space_id, ARRAY[id], tstzrange(%s, %s), 'Course', true, 4, '', now(), now(),
                  CASE WHEN %s THEN now() END
           FROM atom WHERE space_id = %s""",
        *(start, start + hours * HOUR, cancelled, space),
    )


async def test_booked_hours_beside_hours_in_use(house: House) -> None:
    await _book(house, "lab", _at(0, 10), 2)  # in use until 11, empty until 12
    await _book(house, "lab", _at(0, 13), 1.5)  # nothing is known of it
    await _book(house, "lab", _at(0, 9), 1, cancelled=True)
    await _book(
        house, "lab", _at(6, 19), 24
    )  # clocks are put back; an hour until closing and the rest of another week
    await _book(house, "hall", _at(-1, 22), 11)  # from Sunday night: two hours of Monday are within the hours
    client = await _facilities(house)

    table = csv.DictReader(
        io.StringIO((await client.get(f"/use.csv?week={MONDAY}")).content.decode("utf-8-sig"))
    )
    names = ("booked_h", "booked_used_h", "booked_empty_h", "booked_unknown_h", "used_unbooked_h")
    rows = {row["space_id"]: [row[name] for name in names] for row in table}
    assert rows == {
        "lab": ["4", "1", "1", "2", "1"],  # 4.5 hours are an even number of them
        "hall": ["2", "0", "0", "2", "0"],
        "attic": ["0", "0", "0", "0", "0"],
    }
    page = (await client.get(f"/use?week={MONDAY}")).text
    booked = page.partition("Booked and in use</caption>")[2]
    cells = r'<th scope="row">Lab</th><td>4</td><td>1</td><td>1</td><td>2</td><td>50</td><td>1</td>'
    assert re.search(cells, booked)


async def test_one_persons_room_is_in_no_figure(house: House) -> None:
    async with house.connection() as conn:
        await conn.execute("UPDATE space SET personal = true WHERE id = 'lab'")
    page = (await (await _facilities(house)).get(f"/use?week={MONDAY}")).text
    assert "Lab" not in page
    assert "No space was seen in use." in page


async def test_strange_queries_are_answered(house: House) -> None:
    client = await _facilities(house)
    for query in (
        "week=soon",
        "opens=20&closes=7",
        "opens=x",
        "week=0001-01-01",
        "week=9999-12-31",
        "closes=99",
    ):
        answer = await client.get(f"/use?{query}")
        assert answer.status_code == 200, query


async def test_empty_hub_says_so(database: Database) -> None:
    async with open_house(database) as opened:
        assert "This hub has no spaces yet." in (await (await _facilities(opened)).get("/use")).text


async def test_spaces_have_their_names_in_the_readers_language(house: House) -> None:
    await house.run("""UPDATE space SET names = '{"fi": "Puutyötila"}' WHERE id = 'lab'""")
    boss = await house.signed_in("other", Role.FACILITIES)

    assert "Puutyötila" in (await boss.get("/use", headers={"accept-language": "fi"})).text
    assert "Puutyötila" not in (await boss.get("/use", headers={"accept-language": "en"})).text
