"""Officers of a muster for tests, each in a browser of their own, and what they read."""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

import httpx
from psycopg import AsyncConnection

from hubwell.access import sessions
from services.evacuation.populated_hub import House
from services.web.running_site import Site, browser

HTML = {"accept": "text/html"}
PLACE = "Car park north, by the oak"
NAMES = ("Ada Example", "Bo Sample", "Cleo Specimen")


@dataclass
class Officer:
    """Somebody who is signed in, and their browser."""

    account: UUID
    client: httpx.AsyncClient

    async def page(self, path: str = "/muster") -> str:
        answer = await self.client.get(path, headers=HTML)
        assert answer.status_code == 200, (path, answer.status_code, answer.text[:300])
        return answer.text

    async def send(self, path: str, **fields: str) -> httpx.Response:
        """Send a form as a browser does, with the token of a page."""
        csrf = re.search(r'name="csrf" value="([^"]+)"', await self.page("/account"))
        assert csrf is not None
        return await self.client.post(path, data={"csrf": csrf[1], **fields}, headers=HTML)

    async def muster(self) -> str:
        """Return the id of the open muster."""
        found = re.search(r'action="/muster/([0-9a-f-]{36})/tick"', await self.page())
        assert found is not None
        return found[1]

    async def people(self) -> list[int]:
        return [int(number) for number in re.findall(r'id="person-(\d+)"', await self.page())]


@asynccontextmanager
async def signed_in(
    site: Site, house: House, login: str, *roles: str, is_new: bool = False
) -> AsyncIterator[Officer]:
    house.account(login, *roles, is_new=is_new)
    async with sign_in_as(site, house, login) as officer:
        yield officer


@asynccontextmanager
async def sign_in_as(site: Site, house: House, login: str) -> AsyncIterator[Officer]:
    """Sign in with an account that there is."""
    row = house.conn.execute("SELECT id FROM account WHERE login = %s", (login,)).fetchone()
    assert row is not None
    async with await AsyncConnection.connect(site.database.url, autocommit=True) as conn:
        ticket = await sessions.begin(conn, account_id=row[0], now=datetime.now(UTC))
    async with browser(site.address, cookies={"hubwell": ticket}, follow_redirects=True) as client:
        yield Officer(row[0], client)


def words(html: str) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", html).split())


def row_of(page: str, who: str) -> str:
    rows = re.findall(r'<li id="person-.*?</li>', page, re.DOTALL)
    return next(words(row) for row in rows if who in row)
