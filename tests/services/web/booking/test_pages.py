"""The pages of bookings, as a browser without scripts uses them."""

import html
import re
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from hubwell.vocabulary import Role
from lanes.database_lane import Database
from services.access.running_app import csrf_on, send
from services.booking.booking_house import BookingHouse, booking_house, clock
from services.people.people_register import now
from services.web.staffed_hub import text_of

_HIDDEN = re.compile(r'<input type="hidden" name="(\w+)" value="([^"]*)">')


@pytest.fixture
async def hub(database: Database) -> AsyncIterator[BookingHouse]:
    async with booking_house(database, zone="Europe/Helsinki") as opened_house:
        yield opened_house


@pytest.fixture
async def staff(hub: BookingHouse) -> httpx.AsyncClient:
    return await hub.house.signed_in("ida", Role.STAFF)


def asked(start: str, end: str, **values: Any) -> dict[str, str]:
    """Return the fields of the form that asks what is free."""
    day, begins = start.split("T")
    return {
        "day": day,
        "start": begins,
        "end": end.split("T")[1],
        "people": "4",
        "title": "Robotics",
    } | values


def offers(answer: httpx.Response) -> list[dict[str, str]]:
    """Return the hidden fields of each offer."""
    forms = answer.text.split('<form method="post" action="/bookings">')[1:]
    return [
        {name: html.unescape(value) for name, value in _HIDDEN.findall(form.partition("</form>")[0])}
        for form in forms
    ]


async def book(staff: httpx.AsyncClient, start: str, end: str, **values: Any) -> httpx.Response:
    """Ask what is free and book the first offer, as by one click."""
    shown = await staff.get("/bookings/new", params=asked(start, end, **values))
    assert shown.status_code == 200, text_of(shown)
    return await staff.post("/bookings", data=offers(shown)[0])


async def test_three_spaces_are_offered_and_one_click_books(
    hub: BookingHouse, staff: httpx.AsyncClient
) -> None:
    await hub.colleague.booked(clock(11.5), clock(12), space="metal")
    shown = await staff.get("/bookings/new", params=asked(clock(9), clock(10)))
    text = text_of(shown)
    assert "Book Wood, 09:00 to 10:00" in text
    assert "Room for 9 people · the smallest that fits · nothing is booked after it for a day" in text
    assert "booked again at" in text
    assert [offer["space"] for offer in offers(shown)] == ["metal", "wood", "hall"]

    booked = await staff.post("/bookings", data=offers(shown)[1])
    assert booked.status_code == 303, text_of(booked)
    page = await staff.get(booked.headers["location"])
    assert "It is booked." in text_of(page)
    day = await staff.get("/bookings", params={"date": clock(9)[:10]})
    assert "09:00 to 10:00 Robotics" in text_of(day)
    assert "Robotics" in text_of(await staff.get("/bookings/mine"))


async def test_button_pressed_twice_books_once(hub: BookingHouse, staff: httpx.AsyncClient) -> None:
    shown = await staff.get("/bookings/new", params=asked(clock(9), clock(10)))
    fields = offers(shown)[0]
    places = [(await staff.post("/bookings", data=fields)).headers["location"] for _ in range(2)]
    assert places[0] == places[1]
    assert await hub.register.value("SELECT count(*) FROM booking") == 1


async def test_space_that_was_taken_meanwhile_brings_others(
    hub: BookingHouse, staff: httpx.AsyncClient
) -> None:
    shown = await staff.get("/bookings/new", params=asked(clock(9), clock(10), space="wood"))
    await hub.colleague.booked(clock(9.5), clock(11))
    late = await staff.post("/bookings", data=offers(shown)[0])
    assert late.status_code == 409
    assert "Wood is not free at that time" in text_of(late)
    assert "This is in the way" in text_of(late)
    assert [offer["space"] for offer in offers(late)] == ["metal", "hall"]
    assert 'value="Robotics"' in late.text, "what was typed is there"


async def test_mistakes_are_named_at_their_fields(staff: httpx.AsyncClient) -> None:
    typed = asked(clock(9, days=-2), clock(8, days=-2), people="0", title="")
    wrong = await staff.get("/bookings/new", params=typed)
    assert wrong.status_code == 422
    for field in ("start", "end", "people", "title"):
        assert f'id="{field}-wrong"' in wrong.text, field
    empty = await staff.get("/bookings/new", params={"day": "x", "start": "9", "end": "", "people": "2"})
    for field in ("day", "start", "end"):
        assert f'id="{field}-wrong"' in empty.text, field
    posted = await send(staff, "/bookings", "/bookings/new?start=1", day="", start="", end="")
    assert posted.status_code == 422


async def test_nothing_that_fits_is_said(staff: httpx.AsyncClient) -> None:
    shown = await staff.get("/bookings/new", params=asked(clock(9), clock(10), people="500"))
    assert "No space that is large enough" in text_of(shown)
    small = await staff.get("/bookings/new", params=asked(clock(9), clock(10), people="20", space="wood"))
    assert "The space that you chose is not free then, is closed, or is too small." in text_of(small)
    assert [offer["space"] for offer in offers(small)] == ["hall"]


async def test_parts_are_given_by_facilities_and_booked(hub: BookingHouse, staff: httpx.AsyncClient) -> None:
    caretaker = await hub.house.signed_in("caretaker", Role.FACILITIES)
    fields = {"parts": "North\r\nSouth\r\n", "turnaround": "15"}
    saved = await send(caretaker, "/spaces/hall/parts", "/spaces/hall/parts", **fields)
    assert saved.status_code == 303, text_of(saved)
    assert "North\nSouth" in (await caretaker.get("/spaces/hall/parts")).text
    wrong = await send(caretaker, "/spaces/hall/parts", "/spaces/hall/parts", parts="A\nA", turnaround="x")
    assert wrong.status_code == 422
    booked = await book(staff, clock(9), clock(10), space="hall", people="12")
    assert "Hall : North" in text_of(await staff.get(booked.headers["location"])).replace("Hall:", "Hall :")
    day = text_of(await staff.get("/bookings", params={"date": clock(9)[:10]}))
    assert "Robotics North · " in day or "Robotics North" in day


async def test_booking_is_moved_cancelled_and_brought_back(
    hub: BookingHouse, staff: httpx.AsyncClient
) -> None:
    address = (await book(staff, clock(9), clock(10), space="wood")).headers["location"].partition("?")[0]
    version = await _version(staff, address)
    day = clock(9)[:10]
    moved = await send(
        staff, f"{address}/move", address, day=day, start="10:00", end="11:30", version=version
    )
    assert moved.status_code == 303, text_of(moved)
    assert "10:00 to 11:30" in text_of(await staff.get(address))
    stale = await send(
        staff, f"{address}/move", address, day=day, start="12:00", end="13:00", version=version
    )
    assert stale.status_code == 412
    assert "changed in the meantime" in stale.text
    await hub.colleague.booked(clock(14), clock(15))
    version = await _version(staff, address)
    taken = await send(
        staff, f"{address}/move", address, day=day, start="14:00", end="15:00", version=version
    )
    assert taken.status_code == 422
    assert "Free instead" in text_of(taken)
    cancelled = await send(staff, f"{address}/cancel", address, version=version)
    page = await staff.get(cancelled.headers["location"])
    assert "This booking is cancelled." in text_of(page)
    restored = await send(staff, f"{address}/restore", address, version=await _version(staff, address))
    assert "The booking is back." in text_of(await staff.get(restored.headers["location"]))


async def _version(client: httpx.AsyncClient, address: str) -> str:
    found = re.search(r'name="version" value="(\d+)"', (await client.get(address)).text)
    assert found is not None
    return found[1]


async def test_midnight_is_the_end_of_the_day_and_another_day_can_be_chosen(staff: httpx.AsyncClient) -> None:
    booked = await book(staff, clock(22), clock(24))
    assert "22:00 to " in text_of(await staff.get(booked.headers["location"]))
    wrong = await staff.get("/bookings/new", params=asked(clock(22), clock(6)))
    assert "The end is not after the start" in text_of(wrong)
    night = await book(staff, clock(22), clock(30), end_day=clock(30)[:10])
    address = night.headers["location"].partition("?")[0]
    moved = await send(
        staff,
        f"{address}/move",
        address,
        day=clock(22)[:10],
        start="22:30",
        end="06:00",
        end_day=clock(30)[:10],
        version="1",
    )
    assert moved.status_code == 303, text_of(moved)


async def test_colleague_sees_no_hidden_title_and_no_forms(
    hub: BookingHouse, staff: httpx.AsyncClient
) -> None:
    booking = await hub.colleague.booked(clock(9), clock(10), title="Interview", shows_title=False)
    page = await staff.get(f"/bookings/{booking['id']}")
    assert "Interview" not in page.text
    assert "/move" not in page.text
    assert "Interview" not in (await staff.get("/bookings", params={"date": clock(9)[:10]})).text
    refused = await send(staff, f"/bookings/{booking['id']}/cancel", "/bookings/new", version="1")
    assert refused.status_code in {400, 403}


async def test_door_and_page_of_a_space_say_what_is_booked(hub: BookingHouse) -> None:
    visitor = hub.house.browser()
    assert "Booked" not in text_of(await visitor.get("/panel/wood"))
    begins = now().replace(second=0, microsecond=0)
    await _stored(hub, begins - timedelta(minutes=30), begins + timedelta(minutes=30), "Robotics", shown=True)
    await _stored(hub, begins + timedelta(minutes=60), begins + timedelta(hours=2), "Interview", shown=False)
    for address in ("/panel/wood", "/panel/wood/now", "/spaces/wood"):
        page = await visitor.get(address)
        text = " ".join(html.unescape(re.sub(r"<[^>]+>", " ", page.text)).split())
        assert re.search(r"Booked until (\w+ \d+ \w+, )?\d\d:\d\d: Robotics", text), address
        assert re.search(r"Next: (\w+ \d+ \w+, )?\d\d:\d\d", text), address
        assert "Interview" not in page.text, address


async def _stored(hub: BookingHouse, start: datetime, end: datetime, title: str, *, shown: bool) -> None:
    await hub.register.conn.execute(
        "INSERT INTO booking "
        "(space_id, atoms, during, title, shows_title, people, owner, created_at, changed_at) "
        "SELECT space_id, array_agg(id), tstzrange(%s, %s), %s, %s, 1, '', now(), now() "
        "FROM atom WHERE space_id = 'wood' GROUP BY space_id",
        (start, end, title, shown),
    )


async def test_day_after_midnight_names_the_day_at_the_door(hub: BookingHouse) -> None:
    """What begins on another day than today is shown with its day."""
    begins = (now() + timedelta(hours=20)).replace(minute=0, second=0, microsecond=0)
    await _stored(hub, begins, begins + timedelta(hours=1), "Robotics", shown=True)
    text = text_of(await hub.house.browser().get("/panel/wood"))
    same_day = begins.astimezone(UTC).date() == now().date()
    assert same_day or re.search(r"Next: \w+", text)


async def test_forms_need_their_token(staff: httpx.AsyncClient) -> None:
    shown = await staff.get("/bookings/new", params=asked(clock(9), clock(10)))
    fields = offers(shown)[0] | {"csrf": "forged"}
    assert (await staff.post("/bookings", data=fields)).status_code in {400, 403}
    assert await csrf_on(staff, "/account")
