"""A staffed hub for tests: a running server with keys, spaces, a desk reader, and somebody at the desk."""

import html
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
from playwright.async_api import Browser, Page

from hubwell.vocabulary import Role
from lanes.database_lane import Database
from services.access.running_app import House, open_house, send
from services.people.people_register import Register, badge, opened


@dataclass
class Staffed:
    """The house, its register, and the browser of staff."""

    house: House
    register: Register
    staff: httpx.AsyncClient

    async def send(self, path: str, page: str = "/desk", **fields: Any) -> httpx.Response:
        """Fill in a form of a page at the desk."""
        return await send(self.staff, path, page, **fields)

    async def enrol(self, name: str = "Ada", **fields: str) -> str:
        """Enrol a new badge for somebody new; return the address of their page."""
        tap = await self.register.desk_tap(badge())
        answer = await self.send(f"/desk/taps/{tap}", owner="new", name=name, **fields)
        assert answer.status_code == 303, answer.text
        return answer.headers["location"].partition("?")[0]

    async def actions(self) -> list[tuple[str, str, str]]:
        """Return actor, action and subject of every entry of the audit log."""
        rows = await self.register.conn.execute("SELECT actor, action, subject FROM audit_entry ORDER BY id")
        return await rows.fetchall()

    async def page(self, browser: Browser, **options: Any) -> Page:
        """Return a real browser's page, signed in as the same staff."""
        context = await browser.new_context(viewport={"width": 1024, "height": 600}, **options)
        ticket = self.staff.cookies["hubwell"]
        await context.add_cookies([{"name": "hubwell", "value": ticket, "url": self.house.address}])
        return await context.new_page()


@asynccontextmanager
async def staffed(database: Database, keys: Path) -> AsyncIterator[Staffed]:
    """Open the house."""
    async with open_house(database, keys_dir=str(keys)) as house, opened(database) as register:
        await register.space("wood")
        await register.space("metal")
        yield Staffed(house, register, await house.signed_in("staff", Role.STAFF))


def text_of(answer: httpx.Response) -> str:
    """Return what a page says, without its marks."""
    main = answer.text.partition("<main")[2].partition("</main>")[0]
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", main)).split())
