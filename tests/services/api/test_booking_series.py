"""Series of bookings through the API: preview, booking, edits that keep exceptions, and dates left out."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any
from uuid import uuid4

import httpx
import pytest

from hubwell.vocabulary import Role
from lanes.database_lane import Database
from services.api.test_desk import API, problem_of
from services.booking.booking_house import (
    BOOKINGS,
    Booker,
    BookingHouse,
    booker,
    booking_house,
    clock,
    seen,
)

SERIES = f"{BOOKINGS}/series"


@pytest.fixture
async def hub(database: Database) -> AsyncIterator[BookingHouse]:
    async with booking_house(database) as opened_house:
        yield opened_house


def body(**values: Any) -> dict[str, Any]:
    """Return a daily series of five dates, from 9 to 10; values replace what is usual."""
    usual = {"space": "wood", "people": 2, "title": "Robotics", "start": clock(9), "end": clock(10)}
    return usual | {"rule": "FREQ=DAILY;COUNT=5"} | values


async def booked(who: Booker, **values: Any) -> dict[str, Any]:
    answer = await who.client.post(SERIES, json=body(**values))
    assert answer.status_code == 201, answer.text
    series: dict[str, Any] = answer.json()
    return series


async def read(who: Booker, series: dict[str, Any]) -> dict[str, Any]:
    answer = await who.client.get(f"{SERIES}/{series['id']}")
    assert answer.status_code == 200, answer.text
    assert answer.headers["etag"] == f'"{answer.json()["version"]}"'
    shown: dict[str, Any] = answer.json()
    return shown


async def change(who: Booker, series: dict[str, Any], **values: Any) -> httpx.Response:
    return await who.client.patch(
        f"{SERIES}/{series['id']}", json={"scope": "all"} | values, headers=seen(series)
    )


def states(series: dict[str, Any]) -> list[str]:
    return [date["state"] for date in series["dates"]]


def times(series: dict[str, Any]) -> list[str]:
    """Return the hours of each date that is booked."""
    bookings = [date["booking"] for date in series["dates"] if date["booking"]]
    return [f"{booking['local_start'][-5:]}-{booking['local_end'][-5:]}" for booking in bookings]


async def overlaps(hub: BookingHouse) -> int:
    return int(
        await hub.register.value(
            "SELECT count(*) FROM hold a JOIN hold b ON a.atom_id = b.atom_id "
            "AND a.booking_id < b.booking_id AND a.during && b.during"
        )
    )


async def test_every_date_is_previewed_before_anything_is_saved(hub: BookingHouse) -> None:
    await hub.colleague.booked(clock(9.5, days=3), clock(11, days=3), title="Open day")
    await hub.colleague.booked(clock(9, days=5), clock(10, days=5), title="Secret", shows_title=False)
    answer = await hub.staff.client.post(f"{SERIES}/preview", json=body())
    assert answer.status_code == 200, answer.text
    preview = answer.json()
    assert preview["rule"] == "FREQ=DAILY;WKST=MO"
    assert [date["problem"] for date in preview["dates"]] == [None, "taken", None, "taken", None]
    assert [date["date"] for date in preview["dates"]] == [clock(9, days=day) for day in range(2, 7)]
    assert [date["conflicts"][0]["title"] for date in preview["dates"] if date["problem"]] == [
        "Open day",
        None,
    ], "a hidden title stays hidden"
    assert preview["free"] == 3
    assert await hub.register.value("SELECT count(*) FROM booking_series") == 0

    refused = await hub.staff.client.post(SERIES, json=body())
    assert problem_of(refused) == (409, "series-dates-taken", "skip")
    fresh = [(date["date"], date["problem"]) for date in refused.json()["dates"]]
    assert fresh == [(date["date"], date["problem"]) for date in preview["dates"]]
    assert await hub.register.value("SELECT count(*) FROM booking") == 2, "all dates or none"

    skip = [date["date"] for date in preview["dates"] if date["problem"]]
    series = await booked(hub.staff, skip=skip)
    assert states(series) == ["planned", "skipped", "planned", "skipped", "planned"]
    assert [date["why"] for date in series["dates"]] == [None, "taken", None, "taken", None]
    first = series["dates"][0]["booking"]
    assert (first["series"], first["series_date"]) == (series["id"], clock(9))
    listed = await hub.colleague.client.get(BOOKINGS, params={"from": clock(9)[:10]})
    assert [item["title"] for item in listed.json()["bookings"]] == ["Robotics"]
    action = "SELECT action FROM audit_entry WHERE subject = 'series:' || (SELECT id FROM booking_series)"
    assert await hub.register.value(action) == "series.made"


async def test_closed_dates_are_found_and_all_mistakes_named(hub: BookingHouse) -> None:
    await hub.register.conn.execute(
        "UPDATE space SET opens_at = '08:00', closes_at = '18:00' WHERE id = 'wood'"
    )
    late = await hub.staff.client.post(f"{SERIES}/preview", json=body(end=clock(19)))
    assert {date["problem"] for date in late.json()["dates"]} == {"closed"}
    wrong = await hub.staff.client.post(
        SERIES, json=body(rule="FREQ=SECONDLY", people=0, title="", space="nowhere", skip=["x"])
    )
    fields = {each["field"] for each in wrong.json()["errors"]}
    assert fields == {"rule", "people", "title", "space", "skip"}
    for values, code in (
        ({"end": clock(8)}, "booking-ends-first"),
        ({"end": clock(40)}, "booking-too-long"),
        ({"start": clock(9, days=-2), "end": clock(10, days=-2)}, "booking-start-past"),
        ({"zone": "Mars/Phobos"}, "booking-zone-unknown"),
        ({"rule": "FREQ=DAILY", "last_day": "2999-01-01"}, "series-too-many-dates"),
        ({"rule": "FREQ=DAILY", "last_day": "soon"}, "series-last-day-unreadable"),
        ({"rule": "FREQ=DAILY"}, "series-endless"),
        ({"people": 10}, "booking-too-many-people"),
        ({"skip": [clock(9, days=day) for day in range(2, 7)]}, "series-nothing-chosen"),
        ({"skip": [clock(10)]}, "series-skip-unreadable"),
        ({"start": clock(9), "end": clock(33)}, "series-dates-taken"),
    ):
        answer = await hub.staff.client.post(SERIES, json=body(**values))
        assert problem_of(answer)[1] == code, values
    turned = await hub.parts("metal", "Bench", turnaround=30)
    assert turned
    overlong = await hub.staff.client.post(SERIES, json=body(space="metal", end=clock(32.75)))
    assert problem_of(overlong)[1] == "series-overlaps-itself"
    assert await hub.register.value("SELECT count(*) FROM booking") == 0


async def test_same_request_makes_one_series(hub: BookingHouse) -> None:
    headers = {"Idempotency-Key": str(uuid4())}
    answers = await asyncio.gather(
        *(hub.staff.client.post(SERIES, json=body(), headers=headers) for _ in range(3))
    )
    assert [answer.status_code for answer in answers] == [201] * 3
    assert len({answer.json()["id"] for answer in answers}) == 1
    other = await hub.staff.client.post(SERIES, json=body(people=3), headers=headers)
    assert problem_of(other)[1] == "idempotency-key-reused"
    assert await hub.register.value("SELECT count(*) FROM booking") == 5


async def test_of_many_series_at_one_moment_each_is_whole_or_refused(hub: BookingHouse) -> None:
    async def book(number: int) -> httpx.Response:
        start, end = clock(9 + number % 3 * 0.5), clock(10 + number % 3 * 0.5)
        return await hub.staff.client.post(SERIES, json=body(start=start, end=end))

    answers = await asyncio.gather(*(book(number) for number in range(12)))
    statuses = sorted(answer.status_code for answer in answers)
    won = statuses.count(201)
    assert set(statuses) == {201, 409}
    assert 1 <= won <= 2
    assert await hub.register.value("SELECT count(*) FROM booking") == 5 * won
    assert await overlaps(hub) == 0


async def test_exceptions_stay_as_they_were_when_all_dates_change(hub: BookingHouse) -> None:
    series = await booked(hub.staff)
    moved, cancelled, renamed = (series["dates"][number]["booking"] for number in (1, 2, 3))
    moved_to = {"start": clock(15, days=3), "end": clock(16, days=3)}
    assert (await hub.staff.change(moved, **moved_to)).status_code == 200
    assert (await hub.staff.cancel(cancelled)).status_code == 200
    assert (await hub.staff.change(renamed, title="Guest")).status_code == 200
    before = await read(hub.staff, series)
    assert states(before) == ["planned", "changed", "cancelled", "changed", "planned"]

    answer = await change(hub.staff, before, start_time="11:00", end_time="12:30", title="Robots")
    assert answer.status_code == 200, answer.text
    after = answer.json()
    assert states(after) == states(before)
    assert times(after) == ["11:00-12:30", "15:00-16:00", "09:00-10:00", "09:00-10:00", "11:00-12:30"]
    assert [date["booking"]["title"] for date in after["dates"]] == [
        "Robots",
        "Robotics",
        "Robotics",
        "Guest",
        "Robots",
    ]
    assert [date["date"][-5:] for date in after["dates"]] == ["11:00"] * 5, "keys follow the series"
    stale = await change(hub.staff, before, title="Late")
    assert problem_of(stale)[:2] == (412, "booking-changed-meanwhile")
    unversioned = await hub.staff.client.patch(f"{SERIES}/{series['id']}", json={"scope": "all"})
    assert unversioned.status_code == 428
    foreign = await change(hub.colleague, after, title="Theirs")
    assert problem_of(foreign)[:2] == (403, "booking-not-yours")
    assert (await change(hub.facilities, after, people=3)).status_code == 200
    assert await overlaps(hub) == 0


async def test_dates_in_the_way_of_a_change_are_previewed_and_may_stay(hub: BookingHouse) -> None:
    series = await booked(hub.staff)
    await hub.colleague.booked(clock(11, days=4), clock(12, days=4))
    wanted = {"scope": "all", "start_time": "11:00", "end_time": "12:00"}
    preview = await hub.staff.client.post(f"{SERIES}/{series['id']}/preview", json=wanted)
    assert [date["problem"] for date in preview.json()["dates"]] == [None, None, "taken", None, None]
    refused = await change(hub.staff, series, **wanted)
    assert problem_of(refused)[:2] == (409, "series-dates-taken")
    assert times(await read(hub.staff, series)) == ["09:00-10:00"] * 5
    done = await change(hub.staff, series, **wanted, leave=[clock(9, days=4)])
    assert done.status_code == 200, done.text
    assert times(done.json()) == ["11:00-12:00", "11:00-12:00", "09:00-10:00", "11:00-12:00", "11:00-12:00"]
    assert states(done.json())[2] == "changed"
    earlier = await change(hub.staff, done.json(), start_time="12:00", end_time="11:00")
    assert problem_of(earlier)[1] == "booking-ends-first"
    unreadable = await change(hub.staff, done.json(), start_time="noon", end_time="24:30")
    assert {each["field"] for each in unreadable.json()["errors"]} == {"start_time", "end_time"}


async def test_this_and_following_become_a_series_of_their_own(hub: BookingHouse) -> None:
    await hub.colleague.booked(clock(9, days=6), clock(10, days=6))
    series = await booked(hub.staff, skip=[clock(9, days=6)])
    exception = series["dates"][3]["booking"]
    moved = await hub.staff.change(exception, start=clock(18, days=5), end=clock(19, days=5))
    assert moved.status_code == 200
    answer = await change(
        hub.staff, series, scope="following", date=clock(9, days=4), space="metal", start_time="08:00"
    )
    assert answer.status_code == 200, answer.text
    rest, start = answer.json(), await read(hub.staff, series)
    assert rest["id"] != series["id"]
    assert (times(start), states(start)) == (["09:00-10:00"] * 2, ["planned"] * 2)
    assert states(rest) == ["planned", "changed", "skipped"]
    assert times(rest) == ["08:00-10:00", "18:00-19:00"]
    assert (rest["space"], rest["rule"], rest["first"]) == ("metal", series["rule"], clock(8, days=4))
    assert start["last"] == clock(9, days=3)
    assert rest["dates"][0]["booking"]["space"] == "metal"
    unknown = await change(hub.staff, start, scope="following", date=clock(9, days=5))
    assert problem_of(unknown)[1:] == ("series-date-unknown", "date")


async def test_cancelling_can_be_undone_where_dates_are_still_free(hub: BookingHouse) -> None:
    series = await booked(hub.staff)
    await hub.staff.cancel(series["dates"][4]["booking"])
    params = {"scope": "following", "date": clock(9, days=3)}
    address = f"{SERIES}/{series['id']}"
    assert (await hub.staff.client.delete(address, params=params)).status_code == 428
    ended = await hub.staff.client.delete(address, params=params, headers=seen(series))
    assert states(ended.json()) == ["planned"] + ["cancelled"] * 4
    await hub.colleague.booked(clock(9, days=4), clock(10, days=4))
    undone = await hub.staff.client.post(f"{address}/restore", headers=seen(ended.json()))
    assert undone.status_code == 200, undone.text
    assert undone.json()["not_free"] == 1
    assert states(undone.json()["series"]) == ["planned", "planned", "cancelled", "planned", "cancelled"]
    twice = await hub.staff.client.post(f"{address}/restore", headers=seen(undone.json()["series"]))
    assert problem_of(twice)[:2] == (409, "series-not-cancelled")
    gone = await hub.staff.client.delete(address, headers=seen(undone.json()["series"]))
    assert set(states(gone.json())) == {"cancelled"}
    again = await hub.staff.client.delete(address, headers=seen(gone.json()))
    assert problem_of(again)[:2] == (409, "series-nothing-to-come")
    assert problem_of(await hub.staff.client.get(f"{SERIES}/{uuid4()}"))[:2] == (404, "booking-series-gone")


async def test_date_that_was_left_out_is_offered_once_it_is_free(hub: BookingHouse) -> None:
    other = await hub.colleague.booked(clock(9, days=3), clock(10, days=3))
    series = await booked(hub.staff, skip=[clock(9, days=3)])
    address = f"{SERIES}/{series['id']}/skipped"
    (waiting,) = (await hub.staff.client.get(address)).json()
    assert (waiting["date"], waiting["problem"]) == (clock(9, days=3), "taken")
    refused = await hub.staff.client.post(f"{address}/{waiting['date']}")
    assert problem_of(refused)[:2] == (409, "series-dates-taken")
    await hub.colleague.cancel(other)
    (free,) = (await hub.staff.client.get(address)).json()
    assert free["problem"] is None
    taken = await hub.staff.client.post(f"{address}/{waiting['date']}")
    assert taken.status_code == 200, taken.text
    assert states(taken.json()) == ["planned"] * 5
    assert (await hub.staff.client.get(address)).json() == []
    twice = await hub.staff.client.post(f"{address}/{waiting['date']}")
    assert problem_of(twice)[:2] == (404, "series-date-not-skipped")
    assert await overlaps(hub) == 0


async def test_date_in_later_years_can_be_changed_alone_but_not_much_later(hub: BookingHouse) -> None:
    series = await booked(hub.staff, rule="FREQ=YEARLY;COUNT=3")
    last = series["dates"][2]["booking"]
    day = last["local_start"][:10]
    moved = await hub.staff.change(last, start=f"{day}T15:00", end=f"{day}T16:00")
    assert moved.status_code == 200, moved.text
    far = await hub.staff.change(
        moved.json(), start=f"{int(day[:4]) + 1}{day[4:]}T15:00", end=f"{int(day[:4]) + 1}{day[4:]}T16:00"
    )
    assert problem_of(far)[1] == "booking-too-far-ahead"


async def test_archiving_a_space_cancels_its_series(hub: BookingHouse) -> None:
    series = await booked(hub.staff)
    archived = await hub.facilities.client.post(f"{API}/spaces/wood/archive")
    assert archived.status_code in {200, 204}, archived.text
    assert set(states(await read(hub.staff, series))) == {"cancelled"}
    assert await hub.register.value("SELECT count(*) FROM hold") == 0
    visitor = await booker(hub.house, Role.OSH)
    assert (await visitor.client.get(f"{SERIES}/{series['id']}")).status_code == 403
