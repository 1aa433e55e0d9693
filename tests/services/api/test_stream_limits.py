"""Event streams that one visitor, one account, and all visitors may have open at once."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import AsyncExitStack
from typing import cast

import httpx
import pytest
from playwright.async_api import Browser, expect

from hubwell.vocabulary import Role
from lanes.database_lane import Database
from services.access.running_app import House, open_house
from services.web.sample_hub import Hub

STREAM = "/api/v1/stream"


@pytest.fixture
async def house(hub: Hub, database: Database, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[House]:
    """A server over a filled-in hub, where two streams of a visitor are enough."""
    assert hub.conn.info.dbname in database.url
    monkeypatch.setattr("hubwell.api.live.stream.MOST_OF_VISITOR", 2)
    monkeypatch.setattr("hubwell.api.live.stream.MOST_OF_ACCOUNT", 2)
    monkeypatch.setattr("hubwell.api.live.stream.MOST_OF_STRANGERS", 4)
    async with open_house(database) as opened:
        yield opened


def visitor(house: House, address: str) -> httpx.AsyncClient:
    """Return a client of this address on the loopback network."""
    transport = httpx.AsyncHTTPTransport(local_address=address)
    client = httpx.AsyncClient(base_url=house.address, transport=transport, timeout=20)
    house.clients.append(client)
    return client


async def opened(stack: AsyncExitStack, client: httpx.AsyncClient, path: str = STREAM) -> httpx.Response:
    """Open a stream, or get its refusal."""
    answer = await stack.enter_async_context(client.stream("GET", path))
    if answer.status_code == 200:
        parts = cast("AsyncGenerator[bytes, None]", answer.aiter_raw())
        await anext(parts)
        stack.push_async_callback(parts.aclose)  # else it is closed at once, and the stream with it
    else:
        await answer.aread()
    return answer


async def until_free(stack: AsyncExitStack, client: httpx.AsyncClient) -> None:
    """Wait until the server has noticed that a stream was closed."""
    for _ in range(100):
        if (await opened(stack, client)).status_code == 200:
            return
        await asyncio.sleep(0.1)
    pytest.fail("the place of a stream that was closed is still taken")


@pytest.mark.parametrize("path", [STREAM, "/live"])
async def test_one_visitor_has_a_few_streams_and_others_have_theirs(house: House, path: str) -> None:
    one, other = visitor(house, "127.0.0.11"), visitor(house, "127.0.0.12")
    async with AsyncExitStack() as stack:
        async with AsyncExitStack() as first:
            await opened(first, one, path)
            await opened(stack, one, path)
            refused = await opened(stack, one, path)
            assert refused.status_code == 429
            assert refused.json()["code"] == "too-many-streams"
            assert int(refused.headers["retry-after"]) > 0
            assert (await opened(stack, other, path)).status_code == 200
            assert (await one.get("/api/v1/spaces")).status_code == 200
        await until_free(stack, one)


async def test_strangers_together_have_a_limit_that_holds_up_nobody_who_is_signed_in(house: House) -> None:
    async with AsyncExitStack() as stack:
        for number in (11, 12):
            for _ in range(2):
                await opened(stack, visitor(house, f"127.0.0.{number}"))
        assert (await opened(stack, visitor(house, "127.0.0.13"))).status_code == 429
        staff = await house.signed_in("rosa", Role.STAFF)
        for path in (STREAM, "/desk/live"):
            assert (await opened(stack, staff, path)).status_code == 200
        assert (await opened(stack, staff)).status_code == 429  # an account has a limit of its own
        other = await house.signed_in("juris", Role.STAFF)
        assert (await opened(stack, other, "/desk/live")).status_code == 200


async def test_refusal_is_documented(house: House) -> None:
    document = (await house.browser().get("/api/v1/openapi.json")).json()
    assert "`too-many-streams`" in document["paths"][STREAM]["get"]["responses"]["429"]["description"]


@pytest.mark.browser
async def test_board_whose_stream_is_refused_is_loaded_now_and_then(
    house: House, hub: Hub, browser: Browser
) -> None:
    page = await browser.new_page()
    async with AsyncExitStack() as stack:
        here = visitor(house, "127.0.0.1")
        for _ in range(2):
            await opened(stack, here)
        await page.goto(house.address)
        await expect(page.locator("#live")).to_contain_text("Not live since")
        hub.conn.execute("UPDATE space SET name = 'Glass workshop' WHERE id = 'wood-workshop'")
        await expect(page.get_by_role("main")).to_contain_text("Glass workshop", timeout=40_000)
