"""An open event stream ends at once when its account is closed, its session ends, or its roles change."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime

import httpx
import pytest
from psycopg import AsyncConnection

from hubwell.access import accounts, sessions, tokens
from hubwell.vocabulary import Role
from services.access.running_app import House

ENDS_WITHIN_S = 5.0
Change = Callable[[House], Awaitable[None]]


async def account_of(house: House) -> object:
    return await house.value("SELECT id FROM account WHERE login = 'staff'")


async def closed(house: House) -> None:
    async with house.connection() as conn:
        await accounts.disable(conn, await account_of(house), datetime.now(UTC))  # type: ignore[arg-type]


async def without_role(house: House) -> None:
    async with house.connection() as conn:
        await accounts.set_roles(conn, await account_of(house), [Role.FACILITIES])  # type: ignore[arg-type]


async def signed_out(house: House) -> None:
    async with house.connection() as conn:
        await sessions.end_all(conn, await account_of(house))  # type: ignore[arg-type]


async def expired(house: House) -> None:
    await house.run("UPDATE sign_in SET expires_at = now()")


async def until_end(lines: AsyncIterator[str], *, within: float = ENDS_WITHIN_S) -> None:
    async with asyncio.timeout(within):
        async for _ in lines:
            pass


async def begun(response: httpx.Response) -> AsyncIterator[str]:
    """Return what is left of a stream after its first line."""
    lines = response.aiter_lines()
    await anext(lines)
    return lines


@pytest.mark.parametrize("change", [closed, without_role, signed_out, expired])
@pytest.mark.parametrize(
    "address", ["/bookings/live", "/desk/live", "/muster/live", "/live", "/api/v1/stream"]
)
async def test_stream_of_an_account_ends_with_its_right(house: House, address: str, change: Change) -> None:
    await house.add("other", Role.ADMIN)
    staff = await house.signed_in("staff", Role.STAFF, Role.OSH)
    async with staff.stream("GET", address) as response:
        assert response.status_code == 200
        lines = await begun(response)
        await change(house)
        await until_end(lines)


async def test_stream_of_a_program_ends_when_its_token_is_revoked(house: House) -> None:
    token = await house.token("panel", [Role.OSH])
    program = house.browser(authorization=f"Bearer {token}")
    async with program.stream("GET", "/api/v1/stream") as response:
        lines = await begun(response)
        async with await AsyncConnection.connect(house.database.url, autocommit=True) as conn:
            await tokens.revoke(conn, "panel", datetime.now(UTC))
        await until_end(lines)


async def test_open_streams_go_on_and_keep_no_session_alive(house: House) -> None:
    staff, anonymous = await house.signed_in("staff", Role.STAFF), house.browser()
    async with staff.stream("GET", "/desk/live") as kept, anonymous.stream("GET", "/live") as public:
        both = [await begun(kept), await begun(public)]
        await house.run("UPDATE sign_in SET last_seen_at = now() - interval '2 hours'")
        for lines in both:
            with pytest.raises(TimeoutError):
                await until_end(lines, within=2.5)
        assert await house.value("SELECT now() - last_seen_at > '1 hour' FROM sign_in") is True
