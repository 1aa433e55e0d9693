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
async def signed_in(site: Site, house: House, login: str, *roles: str) -> AsyncIterator[Officer]:
    account = house.account(login, *roles)
    async with await AsyncConnection.connect(site.database.url, autocommit=True) as conn:
        ticket = await sessions.begin(conn, account_id=account, now=datetime.now(UTC))
    async with browser(site.address, cookies={"hubwell": ticket}, follow_redirects=True) as client:
        yield Officer(account, client)


def words(html: str) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", html).split())


def row_of(page: str, who: str) -> str:
    rows = re.findall(r'<li id="person-.*?</li>', page, re.DOTALL)
    return next(words(row) for row in rows if who in row)
