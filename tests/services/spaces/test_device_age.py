"""A status is as old as its own time: on the pages, in the API, on the command line and in doctor."""

import asyncio
import re
from datetime import UTC, datetime, timedelta
from typing import Any

import aiomqtt
import psycopg
import pytest
from typer.testing import CliRunner

from feed.ingest_setup import commit, device_in, ingest_of, reading, rows, settings_for
from feed.simulated_device import Device, Packet
from hubwell.cli import app
from hubwell.doctor import checks
from hubwell.ingest.consumer import subscriptions
from hubwell.mqtt.subscriber import MqttSource
from lanes.brokers import Mosquitto
from lanes.database_lane import Database
from services.web.running_site import serving

MINUTE = timedelta(minutes=1)
DOOR = {"readers": [{"name": "door", "driver": "pn532"}]}


def ago(minutes: float) -> datetime:
    return datetime.now(UTC).replace(microsecond=0) - minutes * MINUTE


def kept(packet: Packet) -> Packet:
    """The same message as a broker sends it to a process that has just started."""
    return Packet(packet.topic, packet.payload, retain=True)


def heard(url: str) -> dict[str, tuple[Any, ...]]:
    query = "SELECT device_id, last_heard, silent, status FROM device_heard ORDER BY 1"
    return {row[0]: row[1:] for row in rows(url, query)}


def findings(url: str, part: str) -> list[tuple[str, str]]:
    with psycopg.connect(url) as conn:
        return [(found.state, found.found) for found in checks._contents(conn) if found.part == part]


def test_kept_status_of_a_dead_device_is_as_old_as_it_says(lane_database: Database) -> None:
    """Its last will was never delivered: the broker keeps "online" and sends it to each new ingest."""
    url, said = lane_database.url, ago(60)
    door = device_in(url, "lab", "door")
    online = door.status(ts=said.isoformat(), boot=str(door.boot), clock="synced", roster_at=said.isoformat())
    for _ in range(2):
        commit(url, [kept(door.meta(**DOOR)), kept(online)])
        assert heard(url) == {"door": (said, True, "unknown")}


def test_status_that_is_repeated_keeps_a_door_alive_and_its_end_does_not(lane_database: Database) -> None:
    url = lane_database.url
    door = device_in(url, "lab", "door")
    commit(url, [door.meta(**DOOR), door.status(ts=ago(1).isoformat(), clock="synced")])
    assert heard(url)["door"][1:] == (False, "online")
    with reading(url) as conn:
        conn.execute("UPDATE device SET status_at = status_at - stale_after()")
    assert heard(url)["door"][1:] == (True, "unknown")


def test_last_will_ends_it_at_once_and_a_kept_will_makes_nothing_younger(database: Database) -> None:
    url, said = database.url, ago(3)
    door = device_in(url, "lab", "door")
    commit(url, [door.meta(**DOOR), door.status(ts=said.isoformat(), clock="synced")])
    commit(url, [kept(door.status("offline"))])
    assert heard(url) == {"door": (said, True, "offline")}
    before = datetime.now(UTC)
    commit(url, [door.status(ts=ago(2).isoformat(), clock="synced"), door.status("offline")])
    ((at, silent, status),) = heard(url).values()
    assert (silent, status) == (True, "offline")
    assert at >= before


def test_kept_status_older_than_what_is_known_changes_nothing(database: Database) -> None:
    """A broker that lost its last minutes gives back an older message."""
    url = database.url
    door = device_in(url, "lab", "door")
    commit(
        url, [door.meta(**DOOR), door.status(ts=ago(2).isoformat(), clock="synced"), door.status("offline")]
    )
    commit(url, [kept(door.status(ts=ago(40).isoformat(), clock="synced"))])
    assert heard(url)["door"][2] == "offline"


@pytest.mark.parametrize(
    ("fields", "age"),
    [
        ({}, 0),
        ({"ts": "1970-01-01T00:00:40Z", "clock": "unsynced"}, 0),
        ({"ts": "1970-01-01T00:00:40Z"}, 0),
        ({"ts": "2099-01-01T00:00:00Z", "clock": "synced"}, 0),
    ],
)
def test_status_without_a_usable_time_is_as_old_as_its_arrival(
    database: Database, fields: dict[str, str], age: int
) -> None:
    url = database.url
    door = device_in(url, "lab", "door")
    commit(url, [kept(door.meta(**DOOR)), kept(door.status(**fields))])
    assert heard(url)["door"][:2] == (None, True), "of unknown age"
    commit(url, [door.status(**fields)])
    last_heard, silent, _ = heard(url)["door"]
    assert not silent
    assert abs(datetime.now(UTC) - last_heard - age * MINUTE) < MINUTE


@pytest.mark.parametrize(
    ("series", "unit", "minutes"), [("ld2450/people/count", "count", 7), ("scd41/co2", "ppm", 40)]
)
def test_sensor_that_stopped_on_a_live_device_is_silent_on_the_page(
    database: Database, series: str, unit: str, minutes: int
) -> None:
    """It has no closed window to show, and the page of everybody failed for want of its time."""
    url = database.url
    pi = device_in(url, "lab")
    commit(
        url,
        [
            pi.readings(ago(minutes), [{"s": series, "v": 600.0, "u": unit}]),
            pi.telemetry(ago(0), {"temp": 20.0}),
        ],
    )

    async def answers() -> tuple[int, str, list[dict[str, Any]]]:
        async with serving(database) as site:
            page = await site.client.get("/devices", headers={"accept": "text/html"})
            ((device),) = (await site.client.get("/api/v1/devices")).json()["devices"]
            return page.status_code, page.text, device["series"]

    status, text, listed = asyncio.run(answers())
    assert status == 200
    assert re.search(r"Silent since [^<]*\d\d:\d\d", text)
    (silent,) = [item for item in listed if item["state"] == "silent"]
    assert (silent["name"], silent["value"], silent["heard"] is None) == (series, None, False)


def test_board_counts_the_sensors_of_a_device_whose_last_will_never_came(database: Database) -> None:
    """Its kept status says "online" at each restart; the board goes by the age of what it measured."""
    url = database.url
    pi = device_in(url, "lab")
    online = pi.status(ts=ago(60).isoformat(), boot=str(pi.boot), clock="synced")
    commit(url, [pi.telemetry(ago(60), {"co2": 600.0, "presence": 0.0}), kept(online)])

    async def board() -> str:
        async with serving(database) as site:
            return (await site.client.get("/", headers={"accept": "text/html"})).text

    shown = " ".join(re.sub(r"<[^>]+>", " ", asyncio.run(board())).split())
    assert "1 sensor is silent" in shown
    assert "It is not known which spaces are free" in shown
    assert "Not known Sensor silent since" in shown.partition("Lab")[2]


@pytest.mark.parametrize("odd", ["9999-12-31T23:59:59Z", "0001-01-01T00:00:00+14:00", "2099-01-01T00:00:00Z"])
def test_list_of_badges_of_no_possible_time_takes_no_page_down_and_is_not_fresh(
    database: Database, odd: str
) -> None:
    url = database.url
    door = device_in(url, "lab", "door")
    commit(url, [door.meta(**DOOR), door.status(ts=ago(0).isoformat(), clock="synced", roster_at=odd)])

    async def answers() -> list[int]:
        async with serving(database) as site:
            return [(await site.client.get(path)).status_code for path in ("/devices", "/api/v1/devices")]

    assert asyncio.run(answers()) == [200, 200]
    assert [state for state, _ in findings(url, "lists of badges")] == ["warning"]


@pytest.mark.parametrize("every_s", [1e300, 1e12, 31_622_400.0])
def test_declared_step_that_is_absurd_takes_no_page_down_and_hides_no_silence(
    database: Database, every_s: float
) -> None:
    """Three steps of 1e300 s are no interval of the database: every page and list of the hub failed."""
    url = database.url
    pi, other = device_in(url, "lab"), device_in(url, "hall", "hall-pi")
    times = [ago(minutes) for minutes in (4 * 24 * 60 + 1, 4 * 24 * 60)]
    said = pi.meta(sensors=[{"s": "board/co2", "u": "ppm", "every_s": every_s}])
    commit(url, [said, *(pi.telemetry(time, {"co2": 600.0}) for time in times)])
    commit(url, [other.telemetry(ago(0), {"co2": 600.0})])

    async def answers() -> dict[str, Any]:
        async with serving(database) as site:
            paths = ("/", "/devices", "/api/v1/spaces", "/api/v1/alerts")
            got = [(await site.client.get(path)).status_code for path in paths]
            assert got == [200] * len(paths)
            return {
                d["id"]: d["silent"] for d in (await site.client.get("/api/v1/devices")).json()["devices"]
            }

    assert asyncio.run(answers()) == {"lab-pi": True, "hall-pi": False}


def test_one_answer_for_page_api_command_line_and_doctor(database: Database) -> None:
    url = database.url
    door, air = device_in(url, "lab", "door"), device_in(url, "lab", "air")
    said = ago(60)
    commit(
        url,
        [
            kept(door.meta(**DOOR)),
            kept(door.status(ts=said.isoformat(), clock="synced", roster_at=ago(1).isoformat())),
            air.telemetry(ago(0), {"co2": 600.0}),
            door.tap(ago(0), bytes(16)),  # what was in the outbox says nothing of now
        ],
    )

    async def answers() -> tuple[str, Any]:
        async with serving(database) as site:
            page = await site.client.get("/devices", headers={"accept": "text/html"})
            return page.text, (await site.client.get("/api/v1/devices")).json()

    page, api = asyncio.run(answers())
    words = " ".join(re.sub(r"<[^>]+>", " ", page).split())
    assert "1 device is silent" in words
    assert re.search(r"door .* Lab Silent since ([\w, ]+, )?\d\d:\d\d", words)
    devices = {device["id"]: (device["silent"], device["status"]) for device in api["devices"]}
    assert devices == {"door": (True, "unknown"), "air": (False, "unknown")}
    listed = CliRunner().invoke(app, ["device", "list", "--json"], env={"HUBWELL_DATABASE_URL": url})
    assert '"silent": true' in listed.output
    assert findings(url, "devices") == [("warning", "1 of 2 not heard for 5 minutes: door")]
    assert findings(url, "lists of badges") == [
        ("warning", "not known for 1 of 1 devices with readers: door")
    ]


@pytest.mark.broker
async def test_restart_of_ingest_hears_no_dead_device(database: Database, mosquitto: Mosquitto) -> None:
    """Through a real broker: the status that it keeps comes once more to each new process."""
    url, door = database.url, Device("door")
    await asyncio.to_thread(device_in, url, "lab", "door")
    said = ago(60)
    async with aiomqtt.Client("127.0.0.1", mosquitto.port) as client:
        for packet in (door.meta(**DOOR), door.status(ts=said.isoformat(), clock="synced")):
            await client.publish(packet.topic, packet.payload, qos=1, retain=True)
    filters = subscriptions(settings_for(url).site)
    for _ in range(2):
        async with (
            MqttSource(mosquitto.url, "ingest", filters, session_expiry_s=0) as source,
            ingest_of(url) as ingest,
        ):
            taken = 0
            while taken < 2:
                deliveries = await asyncio.wait_for(source.batch(most=10, wait_s=0.05), 20)
                await ingest.commit(deliveries)
                taken += len(deliveries)
        assert await asyncio.to_thread(heard, url) == {"door": (said, True, "unknown")}
