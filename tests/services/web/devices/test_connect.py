"""Connect a device: the file that an administrator gets is one that the device's program takes."""

import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from httpx import AsyncClient

from hubwell.spaces.device_file import PARTS
from hubwell.vocabulary import Role
from hubwell_edge.drivers.hardware import Hardware
from hubwell_edge.registry import build_sensors
from hubwell_edge.settings import EdgeSettings
from lanes.database_lane import Database
from services.access.running_app import House, open_house
from services.web.devices.conftest import fill_in, page, spaces, stored

CONNECT = "/register/devices/connect"
OWN_BROKER = "mqtt://devices:0123456789abcdef0123456789abcdef@127.0.0.1:1884"


@pytest.fixture
async def small(database: Database) -> AsyncIterator[House]:
    """Give a hub with the broker of `hubwell up`."""
    async with open_house(database, device_broker_url=OWN_BROKER) as house:
        yield house


@pytest.fixture
async def boss(small: House) -> AsyncClient:
    return await small.signed_in("boss", Role.ADMIN)


def settings_in(folder: Path, text: str) -> EdgeSettings:
    file = folder / "device.toml"
    file.write_text(text)
    return EdgeSettings.load(file)


async def test_file_of_the_hub_s_own_broker_is_whole(small: House, boss: AsyncClient, tmp_path: Path) -> None:
    await spaces(small, "attic")
    assert 'value="attic-1"' in (await boss.get(CONNECT)).text  # the only space, and a free number
    shown = await fill_in(boss, CONNECT, on=CONNECT, device="attic-1", parts=list(PARTS))
    assert shown.headers["cache-control"] == "no-store"
    assert "0123456789abcdef0123456789abcdef" in shown.text
    assert "hubwell-edge run --config attic-1.toml" in shown.text
    sent = await fill_in(boss, f"{CONNECT}/file", on=CONNECT, device="attic-1", parts=list(PARTS))
    assert sent.headers["content-disposition"] == 'attachment; filename="attic-1.toml"'
    settings = settings_in(tmp_path, sent.text)
    address = settings.address
    assert (settings.site, settings.device, settings.broker.protocol) == ("hub", "attic-1", 311)
    assert (address.host, address.port, address.username) == ("127.0.0.1", 1884, "devices")
    assert address.password == "0123456789abcdef0123456789abcdef"  # noqa: S105 (made up)
    assert len(build_sensors(settings.sensor, Hardware())) == len(PARTS)
    actions = await stored(small, "SELECT action, subject FROM audit_entry")
    assert actions == [("device.settings-given", "device:attic-1")] * 2


async def test_at_another_broker_the_page_says_what_the_operator_does(
    database: Database, tmp_path: Path
) -> None:
    async with open_house(database, public_url="http://hub.example") as house:
        boss = await house.signed_in("boss", Role.ADMIN, host="hub.example")
        shown = await fill_in(boss, CONNECT, on=CONNECT, device="lab-1", parts=["scd4x"])
        assert "hubwell-admin device add lab-1 --space SPACE" in shown.text
        assert "hub/v1/hub/lab-1/down/" in shown.text
        assert "hub.example:8883 is a guess" in shown.text
        sent = await fill_in(boss, f"{CONNECT}/file", on=CONNECT, device="lab-1", parts=["scd4x"])
    settings = settings_in(tmp_path, sent.text)
    assert (settings.mqtt_username, settings.broker.url) == ("lab-1", "mqtts://hub.example:8883")
    assert "password" not in re.sub(r"#.*", "", sent.text)


@pytest.mark.parametrize("name", ['x"\nsite = "other', "<b>x</b>", "", "Ä"])
async def test_mistakes_are_named_and_nothing_is_given(small: House, boss: AsyncClient, name: str) -> None:
    shown = await fill_in(boss, CONNECT, on=CONNECT, device=name, parts=[])
    assert shown.status_code == 422
    assert "An id has only lower-case letters" in shown.text
    assert "Choose at least one sensor" in shown.text
    assert 'href="#device"' in shown.text
    assert "<b>x" not in shown.text
    assert "0123456789abcdef" not in shown.text
    assert (await fill_in(boss, f"{CONNECT}/file", on=CONNECT, device=name)).status_code == 422
    assert await stored(small, "SELECT count(*) FROM audit_entry") == [(0,)]


async def test_facilities_keep_devices_and_get_no_password(small: House) -> None:
    keeper = await small.signed_in("keeper", Role.FACILITIES)
    assert "Connect a device" not in await page(keeper)
    assert (await keeper.get(CONNECT)).status_code == 403


async def test_first_steps_lead_to_the_pages(boss: AsyncClient) -> None:
    words = (await boss.get("/start/device")).text
    assert f'href="{CONNECT}"' in words
    assert "device add" not in words
    assert "reader add" not in (await boss.get("/start/reader")).text
