"""The timeline and its forms, as a browser without scripts uses them."""

import html
import re
from collections.abc import AsyncIterator
from datetime import UTC, datetime

import httpx
import pytest

from hubwell.vocabulary import Role
from lanes.database_lane import Database
from services.access.running_app import send
from services.booking.booking_house import ZONE, BookingHouse, booking_house, clock
from services.web.staffed_hub import text_of

_LINE = re.compile(r'<li class="line[^>]*data-place="([^"]+)">(.*?)</ol></li>', re.DOTALL)
_BLOCK = re.compile(r'<li class="(\w+)[^>]*>(.*?)</li>', re.DOTALL)


@pytest.fixture
async def hub(database: Database) -> AsyncIterator[BookingHouse]:
    async with booking_house(database, zone="Europe/Helsinki") as opened_house:
        yield opened_house


@pytest.fixture
async def staff(hub: BookingHouse) -> httpx.AsyncClient:
    return await hub.house.signed_in("ida", Role.STAFF)


def day() -> str:
    return clock(9)[:10]


async def lines(client: httpx.AsyncClient, **query: str) -> dict[str, list[str]]:
    """Return the blocks of each line: kind and text."""
    answer = await client.get("/bookings/timeline", params={"date": day()} | query)
    assert answer.status_code == 200, text_of(answer)
    return {
        place: [
            " ".join((kind + " " + html.unescape(re.sub("<[^>]+>", "", text))).split())
            for kind, text in _BLOCK.findall(inside)
        ]
        for place, inside in _LINE.findall(answer.text)
    }


def links(page: httpx.Response, text: str) -> list[str]:
    """Return the addresses of the links that begin with a text."""
    return [
        html.unescape(link) for link in re.findall(rf'<a (?:class="book" )?href="([^"]+)">{text}', page.text)
    ]


async def test_line_shows_what_is_booked_prepared_free_and_closed(
    hub: BookingHouse, staff: httpx.AsyncClient
) -> None:
    north, south = await hub.parts("hall", "North", "South", turnaround=30)
    await hub.register.conn.execute(
        "UPDATE space SET opens_at = '08:00', closes_at = '18:00' WHERE id = 'hall'"
    )
    await hub.staff.booked(clock(9), clock(10), space="hall", title="Interview", shows_title=False)
    await hub.staff.booked(clock(12), clock(13), space="hall", parts=[north])
    shown = await lines(staff)
    assert list(shown) == ["metal", "wood", "hall", f"hall:{north}", f"hall:{south}"]
    assert shown["hall"] == [
        "closed",
        "free Book from 08:00, Hall",
        "booking 09:00 to 10:00 Booked",
        "prepare Prepared until 10:30",
        "free Book from 10:30, Hall",
        "partly 12:00 to 13:00 Partly booked",
        "free Book from 13:30, Hall",
        "closed",
    ]
    assert shown[f"hall:{south}"][4] == "free Book from 10:30, Hall: South"
    assert "partly" not in str(shown[f"hall:{north}"])
    assert "booking 12:00 to 13:00 Robotics North" in shown[f"hall:{north}"]
    assert shown["wood"] == ["free Book from 07:00, Wood"]

    page = await staff.get("/bookings", params={"date": day()})
    assert links(page, "Book from 10:30") == [f"/bookings/new?day={day()}&start=10:30&end=11:30&space=hall"]
    week = await lines(staff, view="week")
    assert "booking 09:00 to 10:00 Booked" in week["hall"][:40]


async def test_gap_before_a_booking_leaves_its_own_turnaround(
    hub: BookingHouse, staff: httpx.AsyncClient
) -> None:
    await hub.parts("wood", "", turnaround=15)
    await hub.staff.booked(clock(8), clock(9))
    await hub.staff.booked(clock(10), clock(11))
    page = await staff.get("/bookings/timeline", params={"date": day()})
    (address,) = links(page, "Book from 09:15")
    assert address == f"/bookings/new?day={day()}&start=09:15&end=09:45&space=wood"
    asked = await staff.get(f"{address}&people=2&title=Robotics")
    assert "Book Wood, 09:15 to 09:45" in text_of(asked)


async def test_link_fills_in_the_time_without_a_mistake_and_keeps_the_part(
    hub: BookingHouse, staff: httpx.AsyncClient
) -> None:
    _north, south = await hub.parts("hall", "North", "South")
    page = await staff.get("/bookings/timeline", params={"date": day()})
    (address,) = [link for link in links(page, "Book from 07:00") if f"parts={south}" in link]
    form = await staff.get(address)
    assert form.status_code == 200
    assert 'class="mistakes"' not in form.text
    assert 'value="07:00"' in form.text
    asked = await staff.get(f"{address}&people=2&title=Robotics")
    assert "Book Hall: South, 07:00 to 08:00" in text_of(asked)
    await hub.colleague.booked(clock(7), clock(8), space="hall", parts=[south])
    asked = await staff.get(f"{address}&people=2&title=Robotics")
    assert "Book Hall: North, 07:00 to 08:00" in text_of(asked)
    missing = await staff.get(f"{address}&people=&title=")
    assert missing.status_code == 422


async def test_wishes_and_odd_questions(staff: httpx.AsyncClient) -> None:
    assert list(await lines(staff, people="20")) == ["hall"]
    assert list(await lines(staff, kind="collaboration")) == ["hall"]
    assert list(await lines(staff, mine="yes")) == []
    nobody = await staff.get("/bookings/timeline", params={"people": "900"})
    assert "No space fits" in text_of(nobody)
    odd = {"date": "x", "view": "x", "kind": "x", "people": "-1", "hours": "x", "first": "9" * 30}
    assert list(await lines(staff, **odd)) == ["metal", "wood", "hall"]
    far = await staff.get("/bookings/timeline", params={"date": "2000-01-01", "first": "99"})
    assert far.status_code == 200


async def test_form_moves_to_another_space_a_part_and_an_exact_time(hub: BookingHouse) -> None:
    north, south = await hub.parts("hall", "North", "South")
    boss = await hub.house.signed_in("boss", Role.FACILITIES)
    address = f"/bookings/{(await hub.staff.booked(clock(9), clock(10)))['id']}"
    assert "Hall: South" in text_of(await boss.get(address))
    times = {"day": day(), "start": "09:00", "end": "10:00"}
    for version, place in enumerate((f"hall:{south}", f"hall:{north} {south}", "metal", ""), 1):
        moved = await send(boss, f"{address}/move", address, place=place, version=str(version), **times)
        assert moved.status_code == 303, text_of(moved)
    assert "Metal" in text_of(await boss.get(address))
    for place in ("nowhere", "wood:999999999", "hall:x"):
        refused = await send(boss, f"{address}/move", address, place=place, version="5", **times)
        assert refused.status_code in {303, 404, 422}
        assert refused.status_code != 303 or place == "hall:x"
    starts = datetime.fromisoformat(clock(12)).replace(tzinfo=ZONE).astimezone(UTC)
    exact = {
        "exact_start": f"{starts:%Y-%m-%dT%H:%M}:00.000Z",
        "exact_end": f"{starts:%Y-%m-%dT%H}:30:00.000Z",
    }
    version = re.findall(r'name="version" value="(\d+)"', (await boss.get(address)).text)[0]
    moved = await send(boss, f"{address}/move", address, version=version, **exact)
    assert moved.status_code == 303, text_of(moved)
    assert "12:00 to 12:30" in text_of(await boss.get(address))
    for wrong in ({"exact_start": "x", "exact_end": ""}, dict.fromkeys(exact, "0001-01-01T00:00Z")):
        refused = await send(boss, f"{address}/move", address, version=version, **wrong)
        assert refused.status_code == 422


async def test_day_of_changed_clocks_is_as_long_as_it_is(staff: httpx.AsyncClient) -> None:
    spring = await staff.get("/bookings/timeline", params={"date": "2027-03-28", "hours": "all"})
    autumn = await staff.get("/bookings/timeline", params={"date": "2027-10-31", "hours": "all"})
    hours = [re.findall(r'<span class="h\d+ m\d+">([^<]+)</span>', page.text) for page in (spring, autumn)]
    assert len(hours[0]) == 23
    assert hours[0][2:4] == ["02:00", "04:00"]
    assert len(hours[1]) == 25
    assert hours[1][2:6] == ["02:00", "03:00 EEST", "03:00 EET", "04:00"]
