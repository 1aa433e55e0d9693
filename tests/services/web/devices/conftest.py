"""A running server, its database, and the browser of the person who looks after spaces and devices."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from httpx import AsyncClient, Response

from feed.ingest_setup import commit, rows
from feed.simulated_device import Packet
from hubwell.ingest.store import Outcome
from hubwell.spaces.initial import put_space
from hubwell.storage.connect import connect_sync
from hubwell.vocabulary import Role
from lanes.database_lane import Database
from services.access.running_app import House, csrf_on, open_house, send
from services.web.devices.moment import begin
from services.web.staffed_hub import text_of


@pytest.fixture(autouse=True)
def _begun() -> None:
    begin()


@pytest.fixture
async def house(database: Database) -> AsyncIterator[House]:
    async with open_house(database) as running:
        yield running


@pytest.fixture
async def keeper(house: House) -> AsyncClient:
    return await house.signed_in("keeper", Role.FACILITIES)


async def spaces(house: House, *names: str) -> None:
    """Add spaces, each with its name as id."""

    def put() -> None:
        with connect_sync(house.database.url, name="test") as conn:
            for name in names:
                put_space(conn, space_id=name, name=name.title(), kind="workshop", capacity=8)

    await asyncio.to_thread(put)


async def hear(house: House, *packets: Packet) -> list[Outcome]:
    """Let ingest take what devices sent."""
    return await asyncio.to_thread(commit, house.database.url, packets)


async def stored(house: House, query: Any, *values: Any) -> list[tuple[Any, ...]]:
    return await asyncio.to_thread(rows, house.database.url, query, *values)


async def page(client: AsyncClient, path: str = "/devices") -> str:
    """Return what a page says."""
    answer = await client.get(path)
    assert answer.status_code == 200, (path, answer.status_code)
    return text_of(answer)


async def fill_in(client: AsyncClient, path: str, on: str = "/account", **fields: Any) -> Response:
    """Send a form; every page has the token of the session."""
    answer = await send(client, path, page=on, **fields)
    assert answer.status_code < 500, answer.text
    return answer


async def fill_json(client: AsyncClient, path: str, body: object, method: str = "POST") -> Response:
    """Send what a program sends, in the session of a browser."""
    token = await csrf_on(client, "/account")
    headers = {"x-csrf-token": token, "accept": "application/json"}
    answer = await client.request(method, path, json=body, headers=headers)
    assert answer.status_code < 500, answer.text
    return answer
