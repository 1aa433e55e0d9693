"""Bookings through the API: what is held, what is refused and how, by whom, and what is free."""

import asyncio
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
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
from services.people.people_register import now


@pytest.fixture
async def hub(database: Database) -> AsyncIterator[BookingHouse]:
    async with booking_house(database) as opened_house:
        yield opened_house


def wrong(answer: httpx.Response) -> dict[str, str]:
    """Return the fields of a refusal with what to do."""
    body = answer.json()
    found = {each["field"]: each["do"] for each in body["errors"]}
    return found or {body["field"]: body["detail"]}


async def test_booking_is_made_listed_and_read(hub: BookingHouse) -> None:
    booked = await hub.staff.book(clock(9), clock(10.5))
    assert booked.status_code == 201, booked.text
    booking = booked.json()
    assert booked.headers["location"] == f"{BOOKINGS}/{booking['id']}"
    assert booked.headers["etag"] == '"1"'
    assert (booking["space"], booking["whole"], booking["people"]) == ("wood", True, 2)
    assert (booking["local_start"], booking["local_end"]) == (clock(9), clock(10.5))
    assert (booking["title"], booking["yours"], booking["notes"]) == ("Robotics", True, [])

    day = clock(9)[:10]
    listed = await hub.colleague.client.get(BOOKINGS, params={"from": day, "space": "wood"})
    assert [item["id"] for item in listed.json()["bookings"]] == [booking["id"]]
    assert not listed.json()["bookings"][0]["yours"]
    other = await hub.colleague.client.get(BOOKINGS, params={"from": day, "space": "metal"})
    assert other.json() == {"bookings": []}
    shown = await hub.colleague.client.get(f"{BOOKINGS}/{booking['id']}")
    assert shown.headers["etag"] == '"1"'
    assert shown.json()["local_end"] == clock(10.5)
    rows = await hub.register.conn.execute("SELECT action, subject FROM audit_entry ORDER BY id")
    assert await rows.fetchall() == [("booking.made", f"booking:{booking['id']}")]


async def test_refusal_lists_every_broken_rule_with_its_remedy(hub: BookingHouse) -> None:
    answer = await hub.staff.book(
        clock(9, days=-1), clock(8, days=-1), people=0, title="", zone="Mars/Phobos"
    )
    assert problem_of(answer)[0] == 422
    assert set(wrong(answer)) == {"start", "end", "people", "title", "zone"}
    assert "Europe/Helsinki" in wrong(answer)["zone"]
    nowhere = await hub.staff.book(clock(9), clock(10), space="nowhere")
    assert problem_of(nowhere) == (422, "space-unknown", "space")
    assert problem_of(await hub.staff.book(clock(9), clock(10), space="cell"))[1:] == (
        "booking-space-not-bookable",
        "space",
    )
    assert problem_of(await hub.staff.book(clock(9), clock(10), people=10))[1] == "booking-too-many-people"
    assert problem_of(await hub.staff.book(clock(9), clock(34)))[1] == "booking-too-long"
    assert await hub.register.value("SELECT count(*) FROM booking") == 0


async def test_closed_and_archived_spaces_are_refused(hub: BookingHouse) -> None:
    await hub.register.conn.execute(
        "UPDATE space SET opens_at = '08:00', closes_at = '18:00' WHERE id = 'wood'"
    )
    late = await hub.staff.book(clock(17), clock(19))
    assert problem_of(late) == (422, "booking-space-closed", "start")
    assert "08:00" in late.json()["detail"]
    await hub.register.conn.execute("UPDATE space SET archived_at = now() WHERE id = 'metal'")
    assert problem_of(await hub.staff.book(clock(9), clock(10), space="metal"))[1] == "booking-space-archived"


async def test_parts_turnaround_and_cancelling(hub: BookingHouse) -> None:
    """The composite of the reference page: A holds {1, 2} from 9 to 10 with a quarter of turnaround."""
    one, two, three, four = await hub.parts("wood", "Bench 1", "Bench 2", "Bench 3", "Bench 4", turnaround=15)

    async def status(start: float, end: float, *parts: int) -> int:
        answer = await hub.colleague.book(clock(start), clock(end), parts=list(parts))
        if answer.status_code == 201:
            await hub.colleague.cancel(answer.json())
        return answer.status_code

    first = await hub.staff.booked(clock(9), clock(10), parts=[one, two])
    assert (first["whole"], first["part_names"]) == (False, ["Bench 1", "Bench 2"])
    assert first["local_end"] == clock(10), "the turnaround is held, not shown"
    assert await status(9.5, 10.5, two, three) == 409
    assert await status(9, 10, three, four) == 201
    assert await status(10, 11, one) == 409
    assert await status(10.25, 11, one) == 201
    assert await status(9, 10) == 409, "the whole space has these parts, too"
    assert await status(8, 8.75, one) == 201
    assert await status(8, 9, one) == 409, "its own turnaround would reach into the booking"
    assert (await hub.staff.cancel(first)).status_code == 200
    assert await status(10, 11, one) == 201
    assert await status(9, 10) == 201


async def test_loser_learns_what_is_in_the_way_and_what_is_free(hub: BookingHouse) -> None:
    await hub.staff.booked(clock(9), clock(10), title="Secret", shows_title=False)
    await hub.staff.booked(clock(10), clock(11), title="Open day")

    lost = await hub.colleague.book(clock(9.5), clock(10.5))

    assert problem_of(lost) == (409, "booking-space-taken", "space")
    body = lost.json()
    assert [conflict["title"] for conflict in body["conflicts"]] == [None, "Open day"]
    assert [each["space"] for each in body["alternatives"]] == ["metal", "hall", "wood"]
    near = body["alternatives"][2]
    assert (near["start"], near["end"]) != (body["alternatives"][0]["start"], body["alternatives"][0]["end"])
    own = await hub.staff.book(clock(9.5), clock(10.5))
    assert [conflict["title"] for conflict in own.json()["conflicts"]] == ["Secret", "Open day"]
    for alternative in body["alternatives"]:
        sent = {"start": _local(alternative["start"]), "end": _local(alternative["end"])}
        again = await hub.colleague.book(
            **sent, space=alternative["space"], parts=alternative["parts"], zone="UTC"
        )
        assert again.status_code == 201, again.text


def _local(text: str) -> str:
    return text[:16]


async def test_same_key_books_once(hub: BookingHouse) -> None:
    key = {"idempotency-key": str(uuid4())}
    answers = await asyncio.gather(*(hub.staff.book(clock(9), clock(10), headers=key) for _ in range(8)))
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.json()["id"] for answer in answers}) == 1
    assert await hub.register.value("SELECT count(*) FROM booking") == 1
    assert await hub.register.value("SELECT count(*) FROM audit_entry") == 1
    other = await hub.staff.book(clock(12), clock(13), headers=key)
    assert problem_of(other) == (422, "idempotency-key-reused", "Idempotency-Key")
    theirs = await hub.colleague.book(clock(12), clock(13), headers=key)
    assert theirs.status_code == 201, "keys of others are other keys"
    empty = await hub.staff.book(clock(15), clock(16), headers={"idempotency-key": "k" * 256})
    assert problem_of(empty)[1] == "idempotency-key-unreadable"
    without = [await hub.staff.book(clock(15), clock(16)) for _ in range(2)]
    assert [answer.status_code for answer in without] == [201, 409]


async def test_change_needs_the_version_that_was_seen(hub: BookingHouse) -> None:
    booking = await hub.staff.booked(clock(9), clock(10))
    address = f"{BOOKINGS}/{booking['id']}"
    blind = await hub.staff.client.patch(address, json={"title": "Welding"})
    assert problem_of(blind)[:2] == (428, "booking-version-missing")
    renamed = await hub.staff.change(booking, title="Welding")
    assert (renamed.status_code, renamed.headers["etag"], renamed.json()["title"]) == (200, '"2"', "Welding")
    for stale in (
        await hub.staff.change(booking, title="Robotics"),
        await hub.staff.cancel(booking),
        await hub.staff.act(booking, "end"),
        await hub.staff.client.patch(address, json={}, headers={"if-match": '"x"'}),
    ):
        assert problem_of(stale)[:2] == (412, "booking-changed-meanwhile")
    anyhow = await hub.staff.client.patch(address, json={"people": 3}, headers={"if-match": "*"})
    assert (anyhow.json()["people"], anyhow.json()["title"]) == (3, "Welding")


async def test_booking_moves_over_itself_and_not_over_others(hub: BookingHouse) -> None:
    one, two = await hub.parts("wood", "Bench 1", "Bench 2", turnaround=15)
    booking = await hub.staff.booked(clock(9), clock(10), parts=[one])
    await hub.colleague.booked(clock(11), clock(12), parts=[two])
    moved = await hub.staff.change(booking, start=clock(9.5), end=clock(10.5))
    assert moved.status_code == 200, moved.text
    widened = await hub.staff.change(moved.json(), parts=[one, two])
    assert widened.status_code == 200, widened.text
    booking = widened.json()
    assert booking["whole"]
    extended = await hub.staff.change(booking, end=clock(11))
    assert problem_of(extended) == (409, "booking-space-taken", "space")
    assert len(extended.json()["conflicts"]) == 1
    assert (await hub.staff.client.get(f"{BOOKINGS}/{booking['id']}")).json() == booking, "nothing half-saved"
    elsewhere = await hub.staff.change(booking, space="metal", end=clock(12))
    assert (elsewhere.status_code, elsewhere.json()["space"]) == (200, "metal")
    assert (await hub.colleague.book(clock(9.5), clock(10.5), parts=[one])).status_code == 201


async def test_booking_is_ended_cancelled_and_restored(hub: BookingHouse) -> None:
    early = await hub.staff.booked(clock(9), clock(12))
    assert problem_of(await hub.staff.act(early, "end"))[:2] == (409, "booking-not-begun")
    assert problem_of(await hub.staff.act(early, "restore"))[:2] == (409, "booking-not-cancelled")
    cancelled = (await hub.staff.cancel(early)).json()
    assert cancelled["cancelled_at"]
    assert problem_of(await hub.staff.change(cancelled, title="Again"))[:2] == (409, "booking-over")
    restored = await hub.staff.act(cancelled, "restore")
    assert (restored.status_code, restored.json()["cancelled_at"]) == (200, None)
    cancelled = (await hub.staff.cancel(restored.json())).json()
    await hub.colleague.booked(clock(11), clock(13))
    lost = await hub.staff.act(cancelled, "restore")
    assert problem_of(lost)[:2] == (409, "booking-space-taken")

    running = await hub.staff.booked(clock(9, days=3), clock(12, days=3), space="metal")
    ahead = running["start"]
    await hub.move_back(running, _since(ahead) + timedelta(hours=1))
    ended = await hub.staff.act(running, "end")
    assert ended.status_code == 200, ended.text
    assert ended.json()["end"] < running["end"]
    assert problem_of(await hub.staff.cancel(ended.json()))[:2] == (409, "booking-over")
    soon = f"{now() + timedelta(minutes=1):%Y-%m-%dT%H:%M}"
    later = f"{now() + timedelta(hours=1):%Y-%m-%dT%H:%M}"
    free = await hub.colleague.book(soon, later, zone="UTC", space="metal")
    assert free.status_code == 201, "the rest of its time is free"


def _since(text: str) -> timedelta:
    return datetime.fromisoformat(text) - now()


async def test_running_booking_is_extended_and_not_begun_elsewhen(hub: BookingHouse) -> None:
    booking = await hub.staff.booked(clock(9), clock(12))
    await hub.move_back(booking, _since(booking["start"]) + timedelta(hours=1))
    later = f"{now() + timedelta(hours=4):%Y-%m-%dT%H:%M}"
    extended = await hub.staff.change(booking, end=later, zone="UTC")
    assert extended.status_code == 200, extended.text
    earlier = f"{now() - timedelta(hours=2):%Y-%m-%dT%H:%M}"
    refused = await hub.staff.change(extended.json(), start=earlier, zone="UTC")
    assert problem_of(refused) == (422, "booking-start-past", "start")
    refused = await hub.staff.change(
        extended.json(), end=f"{now() - timedelta(minutes=2):%Y-%m-%dT%H:%M}", zone="UTC"
    )
    assert problem_of(refused) == (422, "booking-end-past", "end")


async def test_only_owner_facilities_and_administrators_change(hub: BookingHouse) -> None:
    admin = await booker(hub.house, Role.ADMIN)
    booking = await hub.staff.booked(clock(9), clock(10))
    for answer in (
        await hub.colleague.change(booking, title="Mine"),
        await hub.colleague.cancel(booking),
        await hub.colleague.act(booking, "end"),
    ):
        assert problem_of(answer)[:2] == (403, "booking-not-yours")
    booking = (await hub.facilities.change(booking, title="By facilities")).json()
    booking = (await admin.change(booking, title="By an administrator")).json()
    assert booking["title"] == "By an administrator"
    learner = await booker(hub.house, Role.LEARNER)
    assert problem_of(await learner.book(clock(11), clock(12)))[:2] == (403, "not-allowed")
    osh = await booker(hub.house, Role.OSH)
    assert problem_of(await osh.client.get(BOOKINGS, params={"from": clock(9)[:10]}))[:2] == (
        403,
        "not-allowed",
    )
    nobody = httpx.AsyncClient(base_url=hub.house.address, headers={"accept": "application/json"})
    hub.house.clients.append(nobody)
    assert problem_of(await Booker(nobody).book(clock(11), clock(12)))[0] == 401


async def test_title_is_kept_from_others_where_it_is_hidden(hub: BookingHouse) -> None:
    booking = await hub.staff.booked(clock(9), clock(10), title="Interview", shows_title=False)
    address = f"{BOOKINGS}/{booking['id']}"
    titles = [
        (await each.client.get(address)).json()["title"]
        for each in (hub.staff, hub.colleague, hub.facilities)
    ]
    assert titles == ["Interview", None, "Interview"]


async def test_free_spaces_come_with_reasons_the_smallest_first(hub: BookingHouse) -> None:
    parts = await hub.parts("hall", "North", "South")
    await hub.staff.booked(clock(9), clock(10))
    await hub.staff.booked(clock(12), clock(13), space="metal")

    async def free(people: int, **values: Any) -> list[dict[str, Any]]:
        params: dict[str, Any] = {"start": clock(9), "end": clock(11), "people": people} | values
        answer = await hub.colleague.client.get(f"{BOOKINGS}/free", params=params)
        assert answer.status_code == 200, answer.text
        spaces: list[dict[str, Any]] = answer.json()["spaces"]
        return spaces

    assert [(each["space"], each["parts"], each["room"]) for each in await free(4)] == [
        ("metal", [], 9),
        ("hall", parts[:1], 20),
    ]
    assert (await free(4))[0]["reasons"] == ["smallest", "free-until"]
    assert [(each["space"], each["whole"]) for each in await free(21)] == [("hall", True)]
    assert await free(41) == []
    assert [each["space"] for each in await free(4, kind="collaboration")] == ["hall"]
    about_now = {"start": f"{now():%Y-%m-%dT%H:%M}", "end": f"{now() + timedelta(hours=1):%Y-%m-%dT%H:%M}"}
    refused = await hub.colleague.client.get(f"{BOOKINGS}/free", params=about_now | {"people": 0})
    assert "people" in wrong(refused)


async def test_free_space_about_now_says_what_is_known_of_it(database: Database) -> None:
    async with booking_house(database, zone="UTC") as hub:
        params: dict[str, Any] = {
            "start": f"{now() + timedelta(minutes=1):%Y-%m-%dT%H:%M}",
            "end": f"{now() + timedelta(hours=1):%Y-%m-%dT%H:%M}",
            "people": 2,
        }
        answer = await hub.staff.client.get(f"{BOOKINGS}/free", params=params)
        assert answer.json()["spaces"][0]["reasons"] == ["smallest", "not-known-now", "free-all-day"]


async def test_parts_keep_bookings_and_change_only_without_them(hub: BookingHouse) -> None:
    one, two = await hub.parts("wood", "Left", "Right")
    await hub.staff.booked(clock(9), clock(10), parts=[two])
    address = f"{API}/spaces/wood/booking"

    async def put(*names: str, turnaround: int = 0) -> httpx.Response:
        body = {"parts": [{"name": name} for name in names], "turnaround_minutes": turnaround}
        return await hub.facilities.client.put(address, json=body)

    assert problem_of(await put("Left", "Middle", "Right")) == (409, "parts-in-use", "parts")
    renamed = await put("West", "East", turnaround=30)
    assert [part["id"] for part in renamed.json()["parts"]] == [one, two]
    assert problem_of(await put("Same", "same"))[1] == "parts-unreadable"
    assert problem_of(await put("A", ""))[1] == "parts-unreadable"
    assert problem_of(await put())[1] == "parts-unreadable"
    assert problem_of(await put("West", "East", turnaround=241))[1] == "turnaround-unreadable"
    assert problem_of(await hub.staff.client.put(address, json={"parts": [{}]}))[:2] == (403, "not-allowed")
    shown = (await hub.staff.client.get(address)).json()
    assert (shown["turnaround_minutes"], [part["name"] for part in shown["parts"]]) == (30, ["West", "East"])


async def test_archiving_a_space_cancels_what_is_to_come(hub: BookingHouse) -> None:
    booking = await hub.staff.booked(clock(9), clock(10))
    answer = await hub.facilities.client.post(f"{API}/spaces/wood/archive")
    assert answer.is_success, answer.text
    shown = (await hub.staff.client.get(f"{BOOKINGS}/{booking['id']}")).json()
    assert shown["cancelled_at"]
    assert problem_of(await hub.staff.act(shown, "restore"))[1] == "booking-space-archived"


async def test_new_space_can_be_booked_at_once(hub: BookingHouse) -> None:
    body = {"name": "Studio", "kind": "collaboration", "capacity": 6}
    made = await hub.facilities.client.post(f"{API}/register/spaces", json=body)
    assert made.status_code == 201, made.text
    assert (await hub.staff.book(clock(9), clock(10), space="studio")).status_code == 201


async def test_list_asks_for_days_in_order(hub: BookingHouse) -> None:
    for params in (
        {"from": clock(0, days=3)[:10], "until": clock(0, days=2)[:10]},
        {"from": clock(0)[:10], "until": clock(0, days=70)[:10]},
    ):
        refused = await hub.staff.client.get(BOOKINGS, params=params)
        assert problem_of(refused) == (422, "booking-range-too-long", "until")


async def test_booking_over_midnight_is_in_the_lists_of_both_days(hub: BookingHouse) -> None:
    booking = await hub.staff.booked(clock(22), clock(30))
    for hour in (22, 30):
        listed = await hub.staff.client.get(BOOKINGS, params={"from": clock(hour)[:10]})
        assert [each["id"] for each in listed.json()["bookings"]] == [booking["id"]]
    assert seen(booking) == {"if-match": '"1"'}
