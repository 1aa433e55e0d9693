"""A person with visits, and the browser in which they entered the kiosk's code."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID
from zoneinfo import ZoneInfo

import httpx

from feed.ingest_setup import one
from hubwell.access import codes
from services.access.running_app import House, send

ZONE = ZoneInfo("Europe/Helsinki")
NAME = "Wilhelmiina Testikäinen"


@dataclass
class Somebody:
    """An enrolled person with two past visits and one that lasts, and the browser they sit at."""

    id: UUID
    badge: bytes
    url: str
    began: list[datetime]
    browser: httpx.AsyncClient

    def visit_at(self, start: datetime) -> int:
        return int(
            one(self.url, "SELECT id FROM visit WHERE person_id = %s AND lower(during) = %s", self.id, start)
        )


async def with_code(house: House, who: Somebody) -> None:
    async with house.connection() as conn:
        code = await codes.issue(conn, who.id)
    answer = await send(who.browser, "/me/code", "/me", code=code)
    assert (answer.status_code, answer.headers["location"]) == (303, "/me")
