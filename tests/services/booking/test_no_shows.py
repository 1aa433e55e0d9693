"""Bookings to which nobody came are released by the timetable's job: readings come through ingest."""

import asyncio
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import httpx
import pytest

from feed.ingest_setup import ingest_of, settings_for
from feed.simulated_device import Device
from hubwell.booking.no_shows.evidence import QUARTER
from hubwell.events import Facts
from hubwell.schedule import TIMETABLE
from hubwell.storage.connect import connect
from hubwell.switchboard import Switchboard
from hubwell.vocabulary import Role
from hubwell.workflows.door.no_shows import release_due
from services.access.running_app import send
from services.api.test_desk import API
from services.booking.booking_house import BOOKINGS, ZONE, BookingHouse, clock, seen
from services.web.staffed_hub import text_of

MINUTE: Final = timedelta(minutes=1)


class Wood:
    """The wood workshop with a sensor and a reader, and a booking of it that began a while ago."""

    def __init__(self, hub: BookingHouse) -> None:
        self.hub = hub
        self.device = Device("wood-pi")

    async def set_up(self, minutes: int | None = 15, space: str = "wood") -> httpx.Response:
        body: dict[str, Any] = {"parts": [{}], "release_minutes": minutes}
        return await self.hub.facilities.client.put(f"{API}/spaces/{space}/booking", json=body)

    async def booked(self, ago: timedelta = 16 * MINUTE) -> dict[str, Any]:
        """Book two hours, and let them have begun so long ago."""
        booking = await self.hub.staff.booked(clock(9), clock(11))
        by = datetime.fromisoformat(booking["start"]) - (datetime.now(UTC) - ago)
        await self.hub.move_back(booking, by)
        await self.hub.register.conn.execute("UPDATE booking SET release_at = release_at - %s", (by,))
        return booking

    async def sense(self, values: dict[str, float], minutes: Iterable[int]) -> None:
        """Let the sensors be heard at these minutes before now."""
        now = datetime.now(UTC)
        packets = [self.device.telemetry(now - minute * MINUTE, values) for minute in minutes]
        async with ingest_of(self.hub.register.database.url) as ingest:
            await ingest.commit(packets)

    async def empty(self) -> None:
        """Let nobody be sensed for half an hour, with CO2 at the floor of a week."""
        await self.sense({"presence": 0, "co2": 410}, range(30, -1, -2))
        await self.week()

    async def week(self) -> None:
        """Let CO2 have been measured for some nights before."""
        await self.hub.register.conn.execute(
            "INSERT INTO reading (series_id, time, value) "
            "SELECT id, now() - step * interval '1 hour', 405 "
            "FROM generate_series(2, 40) step, series WHERE quantity = 'co2'"
        )

    async def run(self) -> Facts:
        """Run the job as the worker does."""
        url = self.hub.register.database.url
        settings = settings_for(url)
        async with await connect(url, name="test") as conn, conn.transaction():
            facts = await release_due(conn, datetime.now(UTC), settings)
            await Switchboard.of(settings).commit(conn, facts)
            return facts

    async def get(self, booking: dict[str, Any]) -> dict[str, Any]:
        answer: dict[str, Any] = (await self.hub.staff.client.get(f"{BOOKINGS}/{booking['id']}")).json()
        return answer


def clock_now(ahead: timedelta = timedelta()) -> str:
    """Return this minute on the hub's clocks, or a later one."""
    return f"{datetime.now(ZONE) + ahead:%Y-%m-%dT%H:%M}"


@pytest.fixture
async def wood(hub: BookingHouse) -> Wood:
    await hub.register.conn.execute("INSERT INTO device (id, space_id) VALUES ('wood-pi', 'wood')")
    wood = Wood(hub)
    assert (await wood.set_up()).status_code == 200
    return wood


async def test_time_of_release_is_told_and_follows_the_start(hub: BookingHouse, wood: Wood) -> None:
    booking = await hub.staff.booked(clock(9), clock(11))
    start = datetime.fromisoformat(booking["start"])
    assert datetime.fromisoformat(booking["release_at"]) == start + QUARTER
    await wood.set_up(30)
    longer = (await hub.staff.change(booking, end=clock(12))).json()
    assert longer["release_at"] == booking["release_at"]  # as it was told
    moved = (await hub.staff.change(longer, start=clock(10))).json()
    assert datetime.fromisoformat(moved["release_at"]) == start + timedelta(hours=1, minutes=30)
    browser = await hub.house.signed_in("ida", Role.STAFF)
    assert "If nobody comes, it is released at" in text_of(await browser.get(f"/bookings/{booking['id']}"))
    short = await hub.staff.booked(clock(13), clock(13.5))
    assert short["release_at"] is None
    await wood.set_up(0)
    assert (await hub.staff.booked(clock(14), clock(16)))["release_at"] is None
    for minutes in (1, 14, 121, 1000, -15):
        refused = await wood.set_up(minutes)
        assert (refused.status_code, refused.json()["code"]) == (422, "booking-release-unreadable")


async def test_nobody_came_and_the_owner_takes_it_back(hub: BookingHouse, wood: Wood) -> None:
    booking = await wood.booked()
    await wood.empty()
    assert len(await wood.run()) == 1
    released = await wood.get(booking)
    assert released["released"] is True
    assert abs(datetime.fromisoformat(released["end"]) - datetime.now(UTC)) < MINUTE
    assert await hub.register.value("SELECT count(*) FROM hold") == 0
    log = await hub.register.value("SELECT detail FROM audit_entry WHERE action = 'booking.released'")
    assert (log["space"], log["per_mille"] >= 995) == ("wood", True)

    path = f"{BOOKINGS}/{booking['id']}/take-back"
    assert (await hub.colleague.client.post(path, headers=seen(released))).status_code == 403
    assert (await hub.staff.client.post(path)).status_code == 428
    assert (await hub.staff.client.post(path, headers=seen(booking))).status_code == 412
    back = await hub.staff.client.post(path, headers=seen(released))
    assert (back.status_code, back.json()["released"]) == (200, False)
    assert datetime.fromisoformat(back.json()["end"]) > datetime.now(UTC) + timedelta(hours=1)
    assert (await hub.staff.client.post(path, headers=seen(back.json()))).json()[
        "code"
    ] == "booking-not-released"
    assert list(await wood.run()) == []  # what was taken back is not released again


async def test_page_says_why_and_takes_it_back_and_what_is_booked_since_stays(
    hub: BookingHouse, wood: Wood
) -> None:
    booking = await wood.booked()
    await wood.empty()
    await wood.run()
    page = f"/bookings/{booking['id']}"
    browser = await hub.house.signed_in("fay", Role.FACILITIES)
    assert "because no badge was held to the reader and the sensors saw nobody" in text_of(
        await browser.get(page)
    )
    version = str((await wood.get(booking))["version"])
    since = clock_now()
    other = await hub.colleague.book(since, clock_now(timedelta(hours=1)), title="Choir")
    assert other.status_code == 201
    refused = await send(browser, f"{page}/take-back", page, version=version)
    assert (refused.status_code, "is not free at that time" in text_of(refused)) == (422, True)
    assert (await hub.colleague.cancel(other.json())).status_code == 200
    assert (await send(browser, f"{page}/take-back", page, version=version)).status_code == 303
    assert await hub.register.value("SELECT count(*) FROM hold") == 1


async def test_several_workers_and_a_late_run_release_once(hub: BookingHouse, wood: Wood) -> None:
    await wood.booked(28 * MINUTE)
    await wood.empty()
    runs = await asyncio.gather(*(wood.run() for _ in range(4)))
    assert sum(len(facts) for facts in runs) == 1
    assert await hub.register.value("SELECT count(*) FROM audit_entry WHERE action = 'booking.released'") == 1
    assert release_due in [job for _, job in TIMETABLE]


@pytest.mark.parametrize(
    ("what", "values", "minutes"),
    [
        ("no sensor", {}, ()),
        ("silent since five minutes", {"presence": 0, "co2": 410}, range(30, 5, -2)),
        ("silent in between", {"presence": 0, "co2": 410}, (*range(30, 12, -2), *range(5, -1, -2))),
        ("seen", {"presence": 1, "co2": 410}, range(30, -1, -2)),
        ("no floor", {"presence": 0}, range(30, -1, -2)),
        ("air that is breathed", {"presence": 0, "co2": 700}, range(30, -1, -2)),
    ],
)
async def test_what_is_not_known_to_be_empty_is_kept(
    hub: BookingHouse, wood: Wood, what: str, values: dict[str, float], minutes: Iterable[int]
) -> None:
    booking = await wood.booked()
    if values:
        await wood.sense(values, minutes)
    if "co2" in values:
        await wood.week()
    assert list(await wood.run()) == [], what
    assert (await wood.get(booking))["released"] is False
    assert await hub.register.value("SELECT judged_at FROM booking") is not None


async def test_who_came_before_or_after_the_time_keeps_it(hub: BookingHouse, wood: Wood) -> None:
    booking = await wood.booked(28 * MINUTE)
    await wood.empty()
    async with ingest_of(
        hub.register.database.url
    ) as ingest:  # after the release was due, before the late run
        await ingest.commit([wood.device.tap(datetime.now(UTC) - 5 * MINUTE, b"x" * 16)])
    assert list(await wood.run()) == []
    assert (await wood.get(booking))["released"] is False


async def test_cancelled_ended_and_restored_bookings_are_not_released(hub: BookingHouse, wood: Wood) -> None:
    booking = await wood.booked()
    await wood.empty()
    cancelled = (await hub.staff.cancel(booking)).json()
    assert list(await wood.run()) == []
    restored = await hub.staff.act(cancelled, "restore")
    assert restored.status_code == 200
    assert list(await wood.run()) == []  # its owner has just seen to it
    await hub.staff.act(restored.json(), "end")
    assert list(await wood.run()) == []
