"""The pages of series, as a browser without scripts uses them."""

import html
import re
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from hubwell.access.principal import Principal
from hubwell.vocabulary import Role
from hubwell.workflows.erasure import erase_account
from lanes.database_lane import Database
from services.access.running_app import csrf_on, send
from services.booking.booking_house import BOOKINGS, BookingHouse, booking_house, clock
from services.web.staffed_hub import text_of

_HIDDEN = re.compile(r'<input type="hidden" name="(\w+)" value="([^"]*)">')
_FORM = re.compile(r'<form[^>]* action="([^"]+)"[^>]*>(.*?)</form>', re.DOTALL)


@pytest.fixture
async def hub(database: Database) -> AsyncIterator[BookingHouse]:
    async with booking_house(database, zone="Europe/Helsinki") as opened_house:
        yield opened_house


@pytest.fixture
async def staff(hub: BookingHouse) -> httpx.AsyncClient:
    return await hub.house.signed_in("ida", Role.STAFF)


def asked(**values: str) -> dict[str, str]:
    """Return the fields of a daily series of four dates."""
    usual = {"day": clock(9)[:10], "start": "09:00", "end": "10:00", "people": "4", "title": "Robotics"}
    return usual | {"space": "wood", "repeat": "daily", "last_day": clock(9, days=5)[:10]} | values


def fields_of(page: httpx.Response, action: str) -> dict[str, Any]:
    """Return the hidden fields of the form with an action; several values of one name as a list."""
    for found, inside in _FORM.findall(page.text):
        if found == action:
            fields: dict[str, Any] = {}
            for name, value in _HIDDEN.findall(inside):
                fields.setdefault(name, []).append(html.unescape(value))
            return {name: values if len(values) > 1 else values[0] for name, values in fields.items()}
    raise AssertionError(action)


async def booked(staff: httpx.AsyncClient, **values: str) -> str:
    """Book a series by its preview; return the address of its page."""
    shown = await staff.get("/bookings/series/new", params=asked(**values))
    answer = await staff.post("/bookings/series", data=fields_of(shown, "/bookings/series"))
    assert answer.status_code == 303, text_of(answer)
    return answer.headers["location"].partition("?")[0]


async def test_series_is_previewed_booked_once_and_shown(hub: BookingHouse, staff: httpx.AsyncClient) -> None:
    other = await hub.colleague.booked(clock(9, days=3), clock(10, days=3), title="Open day")
    form = await staff.get("/bookings/new", params=asked())
    offer = fields_of(form, "/bookings/series/new")
    shown = await staff.get("/bookings/series/new", params=offer)
    text = text_of(shown)
    assert "Robotics in Wood. Nothing is booked yet." in text
    assert "Open day" in text
    assert "Book 3 dates and leave the others out" in text
    assert await hub.register.value("SELECT count(*) FROM booking") == 1

    fields = fields_of(shown, "/bookings/series")
    assert fields["skip"] == clock(9, days=3)
    places = [(await staff.post("/bookings/series", data=fields)).headers["location"] for _ in range(2)]
    assert places[0] == places[1]
    page = await staff.get(places[0])
    assert "The series is booked." in text_of(page)
    assert text_of(page).count("As planned") == 3
    assert "Each day" in text_of(page)
    assert "This date is free now." not in text_of(page)
    await hub.colleague.cancel(other)
    address = places[0].partition("?")[0]
    assert "This date is free now." in text_of(await staff.get(address))
    back = await send(staff, f"{address}/skipped", address, date=clock(9, days=3))
    assert "The date is booked." in text_of(await staff.get(back.headers["location"]))
    assert text_of(await staff.get(address)).count("As planned") == 4
    own = re.findall(r'href="(/bookings/[0-9a-f-]{36})"', (await staff.get(address)).text)
    assert "All dates of the series" in text_of(await staff.get(own[0]))


async def test_date_that_was_taken_meanwhile_brings_a_fresh_preview(
    hub: BookingHouse, staff: httpx.AsyncClient
) -> None:
    shown = await staff.get("/bookings/series/new", params=asked())
    await hub.colleague.booked(clock(9.5, days=4), clock(11, days=4), title="Secret", shows_title=False)
    late = await staff.post("/bookings/series", data=fields_of(shown, "/bookings/series"))
    assert late.status_code == 409
    assert "1 of 4 dates cannot be booked" in text_of(late)
    assert "Secret" not in late.text
    assert await hub.register.value("SELECT count(*) FROM booking") == 1
    again = await staff.post("/bookings/series", data=fields_of(late, "/bookings/series"))
    assert again.status_code == 303


async def test_mistakes_are_at_their_fields(staff: httpx.AsyncClient) -> None:
    wrong = await staff.get(
        "/bookings/series/new", params=asked(repeat="", last_day="", people="0", start="11:00")
    )
    assert wrong.status_code == 422
    for field in ("repeat", "people", "end"):
        assert f'id="{field}-wrong"' in wrong.text, field
    endless = await staff.get("/bookings/series/new", params=asked(last_day=""))
    assert 'id="last_day-wrong"' in endless.text
    unreadable = await staff.get("/bookings/series/new", params=asked(day="x"))
    assert 'id="day-wrong"' in unreadable.text
    posted = await staff.post(
        "/bookings/series", data=asked(start="") | {"csrf": await csrf_on(staff, "/account")}
    )
    assert posted.status_code == 422
    monthly = await staff.get(
        "/bookings/series/new", params=asked(repeat="month-weekday", last_day=clock(9, days=90)[:10])
    )
    assert monthly.status_code == 200, text_of(monthly)


async def test_series_is_changed_after_a_look_and_exceptions_stay(
    hub: BookingHouse, staff: httpx.AsyncClient
) -> None:
    address = await booked(staff)
    own = re.findall(r'href="(/bookings/[0-9a-f-]{36})"', (await staff.get(address)).text)
    page = await staff.get(own[1])
    version = re.search(r'name="version" value="(\d+)"', page.text)
    assert version is not None
    moved = await send(
        staff,
        f"{own[1]}/move",
        own[1],
        day=clock(9, days=3)[:10],
        start="15:00",
        end="16:00",
        version=version[1],
    )
    assert moved.status_code == 303, text_of(moved)
    await hub.colleague.booked(clock(11, days=5), clock(12, days=5))
    typed = {
        "scope": "all",
        "start": "11:00",
        "end": "12:30",
        "title": "Robots",
        "people": "3",
        "version": "1",
    }
    look = await staff.get(f"{address}/change", params=typed)
    assert "Change 2 dates and leave the others as they are" in text_of(look)
    assert "It stays as it is." in text_of(look)
    done = await staff.post(f"{address}/change", data=fields_of(look, f"{address}/change"))
    assert done.status_code == 303, text_of(done)
    text = text_of(await staff.get(done.headers["location"]))
    assert "The dates are changed." in text
    assert text.count("11:00 to 12:30") >= 2
    assert "15:00 to 16:00" in text
    assert text.count("Changed alone") == 2
    wrong = await staff.get(f"{address}/change", params=typed | {"start": "noon", "people": "x"})
    assert wrong.status_code == 422
    for field in ("start", "people"):
        assert f'id="{field}-wrong"' in wrong.text, field
    stale = await staff.post(f"{address}/change", data=fields_of(look, f"{address}/change"))
    assert stale.status_code == 412


async def test_dates_are_given_up_and_brought_back(hub: BookingHouse, staff: httpx.AsyncClient) -> None:
    address = await booked(staff)
    ended = await send(
        staff, f"{address}/cancel", address, scope="following", date=clock(9, days=4), version="1"
    )
    page = await staff.get(ended.headers["location"])
    assert text_of(page).count("Cancelled") == 2
    await hub.colleague.booked(clock(9, days=5), clock(10, days=5))
    back = await send(staff, f"{address}/restore", address, version="2")
    text = text_of(await staff.get(back.headers["location"]))
    assert "The dates that are still free are back." in text
    assert text.count("As planned") == 3
    gone = await send(staff, f"{address}/cancel", address, scope="all", version="3")
    assert gone.status_code == 303
    nothing = await send(staff, f"{address}/cancel", address, scope="all", version="4")
    assert "No date of this series is still to come" in text_of(nothing)


async def test_colleague_sees_dates_but_no_forms_and_no_hidden_title(
    hub: BookingHouse, staff: httpx.AsyncClient
) -> None:
    body = {"space": "wood", "people": 2, "title": "Interviews", "start": clock(9), "end": clock(10)}
    made = await hub.colleague.client.post(
        f"{BOOKINGS}/series", json=body | {"rule": "FREQ=WEEKLY;INTERVAL=3;COUNT=2", "shows_title": False}
    )
    page = await staff.get(f"/bookings/series/{made.json()['id']}")
    assert "Interviews" not in page.text
    assert "FREQ=WEEKLY;INTERVAL=3;WKST=MO" in page.text, "a rule that the pages have no words for"
    assert "/cancel" not in page.text
    refused = await staff.get(f"/bookings/series/{made.json()['id']}/change", params={"title": "Mine"})
    assert refused.status_code == 403


async def test_my_bookings_name_a_series_once_and_an_erased_account_leaves_it_to_nobody(
    hub: BookingHouse, staff: httpx.AsyncClient
) -> None:
    address = await booked(staff)
    mine = await staff.get("/bookings/mine")
    assert mine.text.count(f'href="{address}"') == 1
    assert (await staff.get("/bookings/series/new")).headers["location"] == "/bookings/new"
    full = await staff.get("/bookings/new", params=asked(people="500"))
    assert "/bookings/series/new" in full.text, "all dates can be looked at where the first is not free"
    account = await hub.register.value("SELECT id FROM account WHERE login = 'ida'")
    async with hub.register.conn.transaction():
        await erase_account(hub.register.conn, Principal(roles=frozenset([Role.ADMIN]), actor="cli"), account)
    emptied = "SELECT count(*) FROM {} WHERE owner = '' AND title = '' AND NOT shows_title"
    assert await hub.register.value(emptied.format("booking_series")) == 1
    assert await hub.register.value(emptied.format("booking")) == 4
