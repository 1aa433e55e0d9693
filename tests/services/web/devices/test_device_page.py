"""One device: seven days, sensors, what is missing; renamed, moved, replaced and archived."""

import asyncio
import gzip
from datetime import timedelta

from httpx import AsyncClient

from feed.ingest_setup import commit, device_in, ingest_of, roll_up, rows
from feed.simulated_device import Device
from hubwell.access.principal import Principal
from hubwell.spaces.initial import put_device
from hubwell.storage.connect import connect, connect_sync
from hubwell.workflows.register.devices import move_device
from lanes.database_lane import Database
from services.access.running_app import House
from services.web.devices.conftest import fill_in, fill_json, hear, page, spaces, stored
from services.web.devices.moment import now

SERIES = "SELECT s.device_id, d.space_id, count(r.*) FROM series s JOIN device d ON d.id = s.device_id"
SERIES += " LEFT JOIN reading r ON r.series_id = s.id GROUP BY 1, 2 ORDER BY 1"


async def registered(keeper: AsyncClient, name: str, space: str) -> Device:
    answer = await fill_in(keeper, "/register/devices", device=name, space=space)
    assert answer.status_code == 303, answer.text
    return Device(name)


async def test_seven_days_are_a_drawing_a_sentence_and_a_table(house: House, keeper: AsyncClient) -> None:
    await spaces(house, "lab")
    pi = await registered(keeper, "lab-1", "lab")
    await house.run("UPDATE device SET registered_at = %s", now() - timedelta(hours=30))
    hour = now().replace(minute=0, second=0)
    steps = [hour - timedelta(hours=10) + timedelta(minutes=5 * n) for n in range(24)]  # two whole hours
    steps += [hour - timedelta(hours=5)]  # and a part of one
    await hear(house, *(pi.telemetry(step, {"co2": 600.0 + n}) for n, step in enumerate(steps)))
    await asyncio.to_thread(roll_up, house.database.url)
    words = await page(keeper, "/devices/lab-1")
    assert "It was heard in 3 of" in words
    assert "In 1 hour readings are missing." in words
    assert "The longest silence: from" in words
    answer = await keeper.get("/api/v1/register/devices/lab-1")
    hours = {item["start"]: item["state"] for item in answer.json()["hours"]}
    states = list(hours.values())
    assert len(states) == 168
    assert states.count("heard") == 2
    assert states.count("partly") == 1
    assert states[0] == "unknown"  # before it was registered
    drawing = (await keeper.get("/devices/lab-1")).text.partition('class="week"')[2].partition("</svg>")[0]
    assert 'class="heard"' in drawing
    assert 'class="silent"' in drawing


async def test_nothing_is_claimed_of_a_device_that_measures_nothing(
    house: House, keeper: AsyncClient
) -> None:
    await spaces(house, "lab")
    door = await registered(keeper, "lab-door", "lab")
    await hear(house, door.meta(readers=[{"name": "door"}]), door.tap(now(), bytes(16)), door.status())
    words = await page(keeper, "/devices/lab-door")
    assert "Nothing is stored that shows when it was heard." in words
    hours = (await keeper.get("/api/v1/register/devices/lab-door")).json()["hours"]
    assert {item["state"] for item in hours} == {"unknown"}


async def test_sensors_clock_and_what_is_missing_are_in_words(house: House, keeper: AsyncClient) -> None:
    await spaces(house, "lab")
    pi = await registered(keeper, "lab-1", "lab")
    early = pi.telemetry(now() - timedelta(minutes=2), {"co2": 812.0})
    pi.skip(4)
    late = pi.telemetry(now(), {"co2": 820.0})
    lost = pi.gap(now(), count=7)
    odd = pi.readings(now(), [{"s": "board/co2", "v": 5.0, "u": "Cel"}])
    status = pi.status(boot=pi.boot, last_seq=pi.seq + 3, pending=3, clock="unsynced")
    await hear(house, early, late, lost, odd, status, pi.meta(software="hubwell-edge 0.1.0"))
    words = await page(keeper, "/devices/lab-1")
    assert "CO₂ board/co2 820 ppm Heard" in words
    assert "4 messages never came, although later ones did." in words
    assert "3 messages have not come yet" in words
    assert "The device dropped 7 messages because its memory for messages was full" in words
    assert "1 message was set aside, last on" in words
    assert "Software hubwell-edge 0.1.0" in words
    assert "Clock Never set" in words
    listed = await page(keeper)
    assert "Its clock was never set." in listed
    assert "4 messages of the last seven days never came." in listed


async def test_moved_device_leaves_what_it_measured_in_the_space_before(
    house: House, keeper: AsyncClient
) -> None:
    await spaces(house, "lab", "den")
    pi = await registered(keeper, "lab-1", "lab")
    await hear(house, pi.telemetry(now() - timedelta(hours=1), {"co2": 500.0}))
    answer = await fill_in(keeper, "/devices/lab-1/move", space="den")
    assert answer.headers["location"] == "/devices/lab-1?done=moved"
    await hear(house, pi.telemetry(now(), {"co2": 600.0}))
    past = f"lab-1-until-{now():%Y%m%d}"
    assert await stored(house, SERIES) == [("lab-1", "den", 1), (past, "lab", 1)]
    assert past not in await page(keeper)
    assert past not in await page(keeper, "/spaces")
    assert (await keeper.get(f"/devices/{past}")).status_code == 404
    again = await fill_in(keeper, "/register/devices", device=past, space="den")
    assert "stands for what a device measured before it was moved" in again.text
    await fill_in(keeper, "/devices/lab-1/move", space="lab")
    await hear(house, pi.telemetry(now() + timedelta(seconds=1), {"co2": 700.0}))
    await fill_in(keeper, "/devices/lab-1/move", space="")
    assert await stored(house, SERIES) == [(past, "lab", 1), (f"{past}-1", "den", 1), (f"{past}-2", "lab", 1)]
    assert await stored(house, "SELECT space_id FROM device WHERE id = 'lab-1'") == [(None,)]


def test_ingest_that_knew_a_device_writes_into_the_new_space_after_its_move(database: Database) -> None:
    """The ids that an ingest process keeps are those before the move."""
    url = database.url
    pi = device_in(url, "lab", "pi-1")
    device_in(url, "den", "other")

    async def work() -> None:
        async with ingest_of(url) as ingest, await connect(url, name="test") as conn:
            await ingest.commit([pi.telemetry(now() - timedelta(minutes=2), {"co2": 500.0})])
            async with conn.transaction():
                await move_device(conn, Principal(actor="cli"), "pi-1", "den", now())
            ingest._registry._devices_at = float("-inf")  # some seconds later
            await ingest.commit([pi.telemetry(now(), {"co2": 600.0})])

    asyncio.run(work())
    assert [row[1:] for row in rows(url, SERIES)] == [("den", 1), ("lab", 1)]


async def test_replaced_device_is_archived_and_the_new_one_has_its_place(
    house: House, keeper: AsyncClient
) -> None:
    await spaces(house, "lab", "den")
    old = await registered(keeper, "lab-1", "lab")
    other = await registered(keeper, "den-1", "den")
    await hear(house, old.telemetry(now() - timedelta(minutes=9), {"co2": 500.0}))
    await hear(house, other.telemetry(now() - timedelta(minutes=9), {"co2": 400.0}))
    await fill_in(keeper, "/devices/lab-1/rename", name="North wall")
    await fill_in(keeper, "/devices/lab-1/reader", reader="front", purpose="desk")
    await house.run("UPDATE device SET muster_station = true WHERE id = 'lab-1'")
    new = Device("esp-1")
    await hear(house, new.telemetry(now(), {"co2": 700.0}))
    assert "esp-1" in (await keeper.get("/devices/lab-1")).text
    answer = await fill_in(keeper, "/devices/lab-1/replace", by="esp-1")
    assert answer.headers["location"] == "/devices/esp-1?done=replaced"
    query = "SELECT id, name, space_id, muster_station, archived_at IS NULL FROM device ORDER BY id"
    assert await stored(house, query) == [
        ("den-1", "", "den", False, True),
        ("esp-1", "North wall", "lab", True, True),
        ("lab-1", "North wall", "lab", True, False),
    ]
    assert ("esp-1", "front", "desk") in await stored(house, "SELECT device_id, name, purpose FROM reader")
    second = await fill_in(keeper, "/devices/esp-1/replace", by="den-1")  # in use elsewhere: it moves
    assert second.status_code == 303
    past = f"den-1-until-{now():%Y%m%d}"
    assert await stored(house, SERIES) == [(past, "den", 1), ("lab-1", "lab", 1)]
    by_itself = await fill_in(keeper, "/devices/den-1/replace", by="den-1")
    assert (by_itself.status_code, "A device cannot replace itself." in by_itself.text) == (422, True)
    markup = await fill_in(keeper, "/devices/den-1/replace", by="<b>x</b>")
    assert (markup.status_code, "<b>x" in markup.text) == (422, False)


async def test_name_of_another_device_and_archived_space_are_refused(
    house: House, keeper: AsyncClient
) -> None:
    await spaces(house, "lab", "den")
    for name in ("lab-1", "lab-2"):
        await registered(keeper, name, "lab")
    assert (await fill_in(keeper, "/devices/lab-1/rename", name="  North   wall ")).status_code == 303
    taken = await fill_in(keeper, "/devices/lab-2/rename", name="north wall")
    assert taken.status_code == 422
    assert "The device &#34;lab-1&#34; has this name already." in taken.text
    assert 'value="north wall"' in taken.text  # what was typed stays
    long = await fill_in(keeper, "/devices/lab-2/rename", name="x" * 101)
    assert "A name has at most 100 characters." in long.text
    await fill_in(keeper, "/devices/lab-2/rename", name="<i>x</i>")
    assert "<i>x" not in (await keeper.get("/devices/lab-2")).text
    await fill_in(keeper, "/spaces/den/archive", on="/spaces/den/archive")
    closed = await fill_in(keeper, "/devices/lab-1/move", space="den")
    assert (closed.status_code, "This space is archived." in closed.text) == (422, True)
    nowhere = await fill_in(keeper, "/devices/lab-1/move", space="no-such")
    assert (nowhere.status_code, "There is no such space." in nowhere.text) == (422, True)
    names = await stored(house, "SELECT name, space_id FROM device ORDER BY id")
    assert names == [("North wall", "lab"), ("<i>x</i>", "lab")]


async def test_archive_is_shown_before_it_is_done_and_taken_back(house: House, keeper: AsyncClient) -> None:
    await spaces(house, "lab")
    pi = await registered(keeper, "lab-1", "lab")
    await hear(house, pi.telemetry(now(), {"co2": 500.0}))
    words = await page(keeper, "/devices/lab-1/archive")
    assert "They stay in the history of Lab." in words
    assert "They are refused, and wait on the device." in words
    await fill_in(keeper, "/devices/lab-1/archive")
    assert "Archived on" in await page(keeper, "/devices/lab-1")
    gone = await fill_in(keeper, "/devices/lab-1/move", space="lab")
    assert (gone.status_code, "This device is archived." in gone.text) == (409, True)
    assert (await keeper.get("/devices/lab-1/archive")).status_code == 409
    await fill_in(keeper, "/devices/lab-1/restore")
    assert "It is back." in await page(keeper, "/devices/lab-1?done=restored")


async def test_program_does_the_same(house: House, keeper: AsyncClient) -> None:
    await spaces(house, "lab", "den")
    program = "/api/v1/register/devices"
    added = await fill_json(keeper, program, {"id": "lab-1", "space_id": "lab", "name": "Wall"})
    assert (added.status_code, added.json()["space_id"]) == (201, "lab")
    twice = await fill_json(keeper, program, {"id": "lab-1", "space_id": "lab"})
    assert (twice.status_code, twice.json()["type"]) == (409, "urn:hubwell:problem:device-exists")
    changed = await fill_json(keeper, f"{program}/lab-1", {"space_id": "den", "name": "Post"}, "PATCH")
    assert changed.status_code == 204
    both = await fill_json(keeper, f"{program}/lab-1", {"space_id": "lab", "name": "x" * 101}, "PATCH")
    assert both.status_code == 422
    shown = (await keeper.get(f"{program}/lab-1")).json()
    assert (shown["name"], shown["space_id"], shown["losses"]["missing"]) == ("Post", "den", 0)
    by_itself = await fill_json(keeper, f"{program}/lab-1/replace", {"by": "lab-1"})
    assert by_itself.status_code == 422
    replaced = await fill_json(keeper, f"{program}/lab-1/replace", {"by": "lab-2"})
    assert replaced.status_code == 204
    entries = (await keeper.get(program)).json()["devices"]
    assert [(item["id"], item["archived_at"] is None) for item in entries] == [
        ("lab-1", False),
        ("lab-2", True),
    ]
    assert (await keeper.get(f"{program}/no-such")).status_code == 404


async def test_fifty_devices_are_one_small_page_with_what_is_wrong_first(
    house: House, keeper: AsyncClient
) -> None:
    await spaces(house, *(f"room-{n}" for n in range(50)))
    await asyncio.to_thread(_fifty, house.database.url)
    answer = await keeper.get("/devices")
    words = await page(keeper)
    assert "10 devices need attention" in words
    assert words.index("Nothing is heard of it.") < words.index("Well")
    assert len(gzip.compress(answer.content)) < 12_000


def _fifty(url: str) -> None:
    devices = [Device(f"room-{n}-1") for n in range(50)]
    with connect_sync(url, name="test") as conn:
        for n, device in enumerate(devices):
            put_device(conn, device_id=device.name, space_id=f"room-{n}")
    ago = [timedelta(hours=1) if n < 10 else timedelta(seconds=5) for n in range(50)]
    packets = [
        device.telemetry(now() - age, {"co2": 600.0, "temp": 21.0, "rh": 40.0, "noise": 30.0})
        for device, age in zip(devices, ago, strict=True)
    ]
    commit(url, packets)
