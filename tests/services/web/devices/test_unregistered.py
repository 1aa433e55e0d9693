"""Devices that are heard and not registered: MQTT in, page and API out, one click, and nothing is lost."""

import html
from dataclasses import replace
from datetime import timedelta

import pytest
from httpx import AsyncClient

from feed.ingest_setup import receipts
from feed.simulated_device import Device
from hubwell.vocabulary import MOST_UNREGISTERED, Role
from services.access.running_app import House
from services.web.devices.conftest import fill_in, fill_json, hear, page, spaces, stored
from services.web.devices.moment import now


async def test_heard_device_is_registered_with_one_click_and_all_that_waited_is_stored(
    house: House, keeper: AsyncClient
) -> None:
    await spaces(house, "attic", "attic-north", "cellar")
    pi = Device("attic-north-pi")
    described = pi.meta(name="Thermometer", sensors=[{"s": "board/temp", "u": "Cel", "every_s": 10}])
    waited = [pi.telemetry(now() - timedelta(minutes=n), {"co2": 700.0 + n}) for n in range(3)]
    (notice,) = receipts(await hear(house, described, *waited, pi.status(boot=pi.boot, pending=3)))
    assert notice.message.upto == 0

    words = await page(keeper)
    assert "Heard, but not registered" in words
    assert "attic-north-pi It calls itself Thermometer. First heard" in words
    assert "3 messages wait on it." in words
    assert "Measures: CO₂ board/co2 , Temperature board/temp" in words
    form = (await keeper.get("/devices")).text
    assert '<option value="attic-north" selected>' in form  # the longest id that its own begins with

    answer = await fill_in(keeper, "/register/devices", device=pi.name, space="attic-north")
    assert (answer.status_code, answer.headers["location"]) == (
        303,
        "/devices/attic-north-pi?done=registered",
    )
    assert "What waits on it is stored within a minute." in await page(keeper, answer.headers["location"])
    (receipt,) = receipts(await hear(house, *waited, pi.status(boot=pi.boot, pending=0)))
    assert receipt.message.upto == 3
    assert await stored(house, "SELECT count(*) FROM reading") == [(3,)]
    assert "Heard, but not registered" not in await page(keeper)
    assert await stored(house, "SELECT count(*) FROM unregistered_device") == [(0,)]
    assert await stored(house, "SELECT action, subject FROM audit_entry") == [
        ("device.added", "device:attic-north-pi")
    ]


async def test_only_space_of_a_hub_is_proposed_and_none_where_nothing_hints_at_one(
    house: House, keeper: AsyncClient
) -> None:
    await spaces(house, "kiln")
    await hear(house, Device("esp-3c71").telemetry(now(), {"co2": 500.0}))
    assert '<option value="kiln" selected>' in (await keeper.get("/devices")).text
    await spaces(house, "loom")
    form = (await keeper.get("/devices")).text
    assert '<option value="">Choose a space</option>' in form
    assert "selected" not in form.partition("<article")[2].partition("</article>")[0]
    answer = await fill_in(keeper, "/register/devices", device="esp-3c71", space="")
    assert answer.status_code == 422
    assert 'href="#space"' in answer.text
    assert answer.text.count('id="space"') == 1


async def test_ignored_device_stays_ignored_until_it_is_chosen_again(
    house: House, keeper: AsyncClient
) -> None:
    await spaces(house, "lab")
    pi = Device("neighbour")
    await hear(house, pi.telemetry(now(), {"co2": 500.0}))
    assert (await fill_in(keeper, "/register/devices/neighbour/ignore")).status_code == 303
    await hear(house, pi.telemetry(now(), {"co2": 501.0}))
    words = await page(keeper)
    assert "Heard, but not registered" not in words
    assert "Ignored They are heard, and are not of this hub." in words
    assert (await fill_in(keeper, "/register/devices/neighbour/list-again")).status_code == 303
    assert "Heard, but not registered" in await page(keeper)
    answer = await fill_in(keeper, "/register/devices/nobody-here/ignore")
    assert (answer.status_code, "No such device is waiting" in answer.text) == (422, True)
    actions = [action for (action,) in await stored(house, "SELECT action FROM audit_entry ORDER BY id")]
    assert actions == ["device.ignored", "device.listed"]


async def test_flood_of_made_up_names_fills_neither_page_nor_table(house: House, keeper: AsyncClient) -> None:
    await spaces(house, "lab")
    real, other = Device("lab-1"), Device("not-ours")
    await hear(house, other.telemetry(now(), {"co2": 500.0}))
    await fill_in(keeper, "/register/devices/not-ours/ignore")
    for _ in range(2):
        await hear(house, real.telemetry(now(), {"co2": 500.0}))
    for start in range(0, 900, 300):
        await hear(
            house, *(Device(f"made-up-{start + n}").telemetry(now(), {"co2": 1.0}) for n in range(300))
        )
    assert await stored(house, "SELECT count(*) FROM unregistered_device") == [(MOST_UNREGISTERED + 1,)]
    listed = await stored(house, "SELECT device_id FROM unregistered_device WHERE messages > 1 ORDER BY 1")
    assert listed == [("lab-1",)]  # what comes again stays before what came once
    answer = await keeper.get("/devices")
    assert answer.text.count('class="stranger"') == 10
    assert "So many names may be made up." in html.unescape(answer.text)
    assert "90 further devices are heard." in await page(keeper)
    program = (await keeper.get("/api/v1/register/unregistered-devices")).json()["devices"]
    assert len(program) == MOST_UNREGISTERED + 1
    assert program[-1]["id"] == "not-ours"


async def test_what_a_device_says_of_itself_is_only_text(house: House, keeper: AsyncClient) -> None:
    await spaces(house, "lab")
    pi = Device("lab-1")
    await hear(house, pi.meta(name='<script>alert("x")</script>'), pi.telemetry(now(), {"co2": 1.0}))
    answer = await keeper.get("/devices")
    assert "<script>alert" not in answer.text
    assert "&lt;script&gt;alert" in answer.text


@pytest.mark.parametrize("name", ["<b>pi</b>", "Pi", "pi/1", "", "a" * 64, "-pi", "pi\x00"])
async def test_id_that_is_no_id_is_refused(house: House, keeper: AsyncClient, name: str) -> None:
    await spaces(house, "lab")
    answer = await fill_in(keeper, "/register/devices", device=name, space="lab")
    assert answer.status_code == 422
    assert "<b>pi" not in answer.text
    body = {"id": name, "space_id": "lab"}
    assert (await fill_json(keeper, "/api/v1/register/devices", body)).status_code == 422
    assert await stored(house, "SELECT count(*) FROM device") == [(0,)]


async def test_archived_device_that_is_heard_again_is_brought_back_with_its_history(
    house: House, keeper: AsyncClient
) -> None:
    await spaces(house, "lab", "den")
    pi = Device("lab-1")
    await fill_in(keeper, "/register/devices", device="lab-1", space="lab")
    await hear(house, pi.telemetry(now() - timedelta(minutes=9), {"co2": 500.0}))
    assert (await fill_in(keeper, "/devices/lab-1/archive")).status_code == 303
    await hear(house, pi.telemetry(now(), {"co2": 600.0}))
    assert "It was archived on" in await page(keeper)
    answer = await fill_in(keeper, "/register/devices", device="lab-1", space="lab")
    assert answer.status_code == 303
    assert await stored(house, "SELECT archived_at FROM device WHERE id = 'lab-1'") == [(None,)]
    assert await stored(house, "SELECT count(*) FROM series WHERE device_id = 'lab-1'") == [(1,)]
    actions = [action for (action,) in await stored(house, "SELECT action FROM audit_entry ORDER BY id")]
    assert actions == ["device.added", "device.archived", "device.restored"]


async def test_device_in_use_and_archived_space_are_refused(house: House, keeper: AsyncClient) -> None:
    await spaces(house, "lab", "den")
    await fill_in(keeper, "/register/devices", device="lab-1", space="lab")
    again = await fill_in(keeper, "/register/devices", device="lab-1", space="den")
    assert again.status_code == 422
    assert "There is a device with the id &#34;lab-1&#34; already." in again.text
    await fill_in(keeper, "/spaces/den/archive", on="/spaces/den/archive")
    closed = await fill_in(keeper, "/register/devices", device="den-1", space="den")
    assert closed.status_code == 422
    assert "This space is archived." in closed.text
    assert await stored(house, "SELECT id, space_id FROM device") == [("lab-1", "lab")]


async def test_reader_of_a_new_device_gets_its_purpose_and_its_taps_show_no_times(
    house: House, keeper: AsyncClient
) -> None:
    await spaces(house, "lobby")
    desk = Device("welcome-desk")
    readers = [{"name": "front", "driver": "pn532"}]
    state = desk.status(
        boot=desk.boot, ts=(now() - timedelta(minutes=3)).isoformat(), clock="synced", pending=2
    )
    await hear(house, desk.meta(readers=readers), state)
    before = await stored(house, "SELECT last_at, messages FROM unregistered_device")
    await hear(house, desk.tap(now(), bytes(16)), desk.tap(now(), bytes([1]) * 16))
    assert await stored(house, "SELECT last_at, messages FROM unregistered_device") == before
    words = await page(keeper)
    assert "Reader front is for" in words
    assert "wait on it." not in words
    await fill_in(keeper, "/register/devices", device="welcome-desk", space="lobby", purpose_front="desk")
    assert await stored(house, "SELECT name, purpose FROM reader") == [("front", "desk")]
    await hear(house, desk.meta(readers=readers))
    assert "Reader front is for" in await page(keeper, "/devices/welcome-desk")
    await fill_in(keeper, "/devices/welcome-desk/reader", reader="front", purpose="kiosk")
    assert await stored(house, "SELECT name, purpose FROM reader") == [("front", "kiosk")]
    wrong = await fill_in(keeper, "/devices/welcome-desk/reader", reader="front", purpose="bar")
    assert (wrong.status_code, "A reader is for a space" in wrong.text) == (422, True)


async def test_broker_s_copies_alone_are_no_sign_of_a_device(house: House, keeper: AsyncClient) -> None:
    await spaces(house, "lab")
    gone = Device("gone-1")
    kept = [replace(packet, retain=True) for packet in (gone.meta(software="x 1"), gone.status("offline"))]
    await hear(house, *kept)
    assert "Heard, but not registered" not in await page(keeper)
    await hear(house, gone.telemetry(now(), {"co2": 500.0}))
    assert "gone-1" in await page(keeper)
    assert await stored(house, "SELECT meta ->> 'software' FROM unregistered_device") == [("x 1",)]


async def test_nobody_else_sees_what_waits(house: House) -> None:
    await spaces(house, "lab")
    await hear(house, Device("attic-pi").telemetry(now(), {"co2": 500.0}))
    for client in (house.browser(), await house.signed_in("staff", Role.STAFF)):
        words = await page(client)
        assert "attic-pi" not in words
        assert "Heard, but not registered" not in words
