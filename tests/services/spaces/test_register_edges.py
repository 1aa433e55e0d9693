"""The register by command, page and API: the simulated hub goes, spaces and devices are archived."""

import asyncio
import re
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from feed.ingest_setup import commit, device_in, rows
from hubwell.cli import app
from hubwell.commands.up.schema import prepare
from hubwell.settings import Settings
from hubwell.storage.connect import connect
from hubwell.vocabulary import Role
from hubwell.workflows.register import archiving
from lanes.database_lane import Database
from services.access.running_app import House, open_house, send


def hubwell(database: Database, folder: Path, *arguments: str) -> Any:
    env = {"HUBWELL_DATABASE_URL": database.url, "HUBWELL_KEYS_DIR": str(folder / "keys")}
    return CliRunner().invoke(app, list(arguments), env=env)


def ids(database: Database, table: str) -> list[str]:
    return [name for (name,) in rows(database.url, f"SELECT id FROM {table} ORDER BY 1".encode())]  # noqa: S608


async def data_is_deleted(database: Database) -> None:
    """Do what the worker does some minutes after the removal."""
    async with await connect(database.url, name="test") as conn, conn.transaction():
        await archiving.delete_removed_demo(conn, datetime.now(UTC) + timedelta(minutes=2), Settings())


def spaces_on(board: str) -> set[str]:
    return set(re.findall(r'id="space-([a-z-]+)"', board))


async def remove_by_page(house: House) -> None:
    admin = await house.signed_in("chief", Role.ADMIN)
    assert "/register/demo" in (await admin.get("/spaces")).text
    answer = await send(admin, "/register/demo/remove", page="/register/demo")
    assert answer.headers["location"] == "/spaces?done=demo"


async def remove_by_api(house: House) -> None:
    token = await house.token("script", [Role.ADMIN])
    answer = await house.browser(authorization=f"Bearer {token}").delete("/api/v1/demo")
    assert answer.is_success, answer.text


@pytest.mark.parametrize("by", ["command", "page", "api"])
async def test_simulated_hub_is_removed_and_does_not_return(
    database: Database, tmp_path: Path, by: str
) -> None:
    await asyncio.to_thread(prepare, database.url, demo=True)
    async with open_house(database) as house:
        await house.add("ada", Role.STAFF)
        assert len(spaces_on((await house.browser().get("/")).text)) == 9
        if by == "command":
            done = await asyncio.to_thread(hubwell, database, tmp_path, "demo", "remove")
            assert (done.exit_code, "9 spaces" in done.output) == (0, True), done.output
        else:
            await {"page": remove_by_page, "api": remove_by_api}[by](house)
        assert spaces_on((await house.browser().get("/")).text) == set()
        await data_is_deleted(database)
        assert (ids(database, "space"), ids(database, "device")) == ([], [])
        assert await house.value("SELECT count(*) FROM account WHERE login = 'ada'") == 1
    again = await asyncio.to_thread(hubwell, database, tmp_path, "demo", "remove")
    assert (again.exit_code, "no simulated hub" in again.output) == (2, True), again.output
    assert await asyncio.to_thread(prepare, database.url, demo=True) == []
    assert ids(database, "space") == []


async def test_renamed_space_keeps_its_name_at_the_next_start(database: Database, tmp_path: Path) -> None:
    prepared = await asyncio.to_thread(prepare, database.url, demo=True)
    named = ("--name", "Holzwerkstatt", "--kind", "workshop", "--capacity", "9")
    done = await asyncio.to_thread(hubwell, database, tmp_path, "space", "add", "wood-workshop", *named)
    assert done.exit_code == 0, done.output
    assert await asyncio.to_thread(prepare, database.url, demo=True) == prepared
    async with open_house(database) as house:
        board = (await house.browser().get("/")).text
    assert "Holzwerkstatt" in board
    assert "for 9" in board


async def archived_by(way: str, house: House, database: Database, folder: Path, what: str, name: str) -> None:
    """Archive (or restore) by one of the three ways."""
    kind, change = what.split(" ")
    if way == "command":
        done = await asyncio.to_thread(hubwell, database, folder, kind, change, name)
        assert done.exit_code == 0, done.output
    elif way == "page":
        boss = await house.signed_in(f"{kind}-{change}", Role.FACILITIES)
        path = f"/spaces/{name}/{change}" if kind == "space" else f"/spaces/devices/{name}/{change}"
        assert (await send(boss, path, page="/spaces")).status_code == 303
    else:
        token = await house.token(f"{kind}-{change}", [Role.FACILITIES, Role.ADMIN])
        program = house.browser(authorization=f"Bearer {token}")
        assert (await program.post(f"/api/v1/{kind}s/{name}/{change}")).is_success


def seen(answers: Iterable[Any]) -> tuple[set[str], list[str]]:
    board, devices = answers
    return spaces_on(board.text), sorted(device["id"] for device in devices.json()["devices"])


@pytest.mark.parametrize("way", ["command", "page", "api"])
async def test_space_and_device_are_archived_and_come_back(
    database: Database, tmp_path: Path, way: str
) -> None:
    for space in ("lab", "den"):
        pi = device_in(database.url, space)
        await asyncio.to_thread(commit, database.url, [pi.telemetry(datetime.now(UTC), {"co2": 600.0})])
    async with open_house(database) as house:

        async def look() -> tuple[set[str], list[str]]:
            return seen([await house.browser().get(path) for path in ("/", "/api/v1/devices")])

        assert await look() == ({"lab", "den"}, ["den-pi", "lab-pi"])
        await archived_by(way, house, database, tmp_path, "space archive", "lab")
        assert await look() == ({"den"}, ["den-pi"])
        await archived_by(way, house, database, tmp_path, "device archive", "den-pi")
        assert await look() == ({"den"}, [])
        await archived_by(way, house, database, tmp_path, "space restore", "lab")
        await archived_by(way, house, database, tmp_path, "device restore", "den-pi")
        assert await look() == ({"lab", "den"}, ["den-pi", "lab-pi"])
