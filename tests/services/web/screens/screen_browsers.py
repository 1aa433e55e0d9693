"""Screens of a test: browsers at which nobody is signed in, and somebody who pairs them."""

import html
import re
from dataclasses import dataclass
from typing import Any, Final

import httpx

from hubwell.vocabulary import Role
from services.access.running_app import House, send

COOKIE: Final = "hubwell-screen"
WAITING: Final = "hubwell-waiting"
_CODE: Final = re.compile(r'class="code"[^>]*>\s*([2-9A-Z]{3}) ([2-9A-Z]{3})\s*<')


@dataclass
class Foyer:
    """A running server with two spaces, a door and a kiosk, and the browser of facilities."""

    house: House
    url: str
    staff: httpx.AsyncClient

    async def waiting(self) -> tuple[httpx.AsyncClient, str]:
        """Return the browser of a new screen and the code that it shows."""
        screen = self.house.browser()
        page = await screen.get("/screen")
        assert page.status_code == 200, page.text
        return screen, code_on(page)

    async def pair(
        self, code: str, name: str = "Foyer", shows: str = "wall", **fields: str
    ) -> httpx.Response:
        """Enter a code on the page of screens."""
        return await send(self.staff, "/screens", "/screens", code=code, name=name, shows=shows, **fields)

    async def paired(self, name: str = "Foyer", shows: str = "wall", **fields: str) -> httpx.AsyncClient:
        """Return the browser of a screen that is paired and has seen its page."""
        screen, code = await self.waiting()
        answer = await self.pair(code, name, shows, **fields)
        assert answer.status_code == 303, text_of(answer)
        page = await screen.get("/screen")
        assert page.status_code == 200
        assert screen.cookies.get(COOKIE)
        return screen

    async def id_of(self, name: str) -> str:
        return str(await self.house.value("SELECT id FROM screen WHERE name = %s", name))

    async def revoke(self, name: str) -> None:
        """Unpair a screen on the page."""
        answer = await send(self.staff, f"/screens/{await self.id_of(name)}/revoke", "/screens")
        assert answer.status_code == 303

    async def change(self, screen: str, **fields: Any) -> httpx.Response:
        """Change a screen on its page."""
        path = f"/screens/{await self.id_of(screen)}"
        return await send(self.staff, path, path, **{"name": screen, **fields})


async def foyer_of(house: House, url: str) -> Foyer:
    return Foyer(house, url, await house.signed_in("facilities", Role.FACILITIES))


def code_on(page: httpx.Response) -> str:
    """Return the code that a page shows."""
    found = _CODE.search(page.text)
    assert found is not None, page.text[-1500:]
    return found[1] + found[2]


def text_of(answer: httpx.Response) -> str:
    """Return what a page says, without its marks."""
    body = answer.text.partition("<main")[2].partition(">")[2].partition("</main>")[0]
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", body)).split())
