"""A running server with spaces to book, and the programs that book them."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import uuid4
from zoneinfo import ZoneInfo

import httpx

from hubwell.vocabulary import Role
from lanes.database_lane import Database
from services.access.running_app import House, open_house
from services.api.test_desk import API, program
from services.people.people_register import Register, now, opened

ZONE: Final = ZoneInfo("Europe/Helsinki")
BOOKINGS: Final = f"{API}/bookings"


@dataclass
class Booker:
    """One who books through the API."""

    client: httpx.AsyncClient

    async def book(self, start: str, end: str, **values: Any) -> httpx.Response:
        """Send a booking of the wood workshop for two people; values replace what is usual."""
        headers = values.pop("headers", {})
        usual = {"space": "wood", "people": 2, "title": "Robotics", "start": start, "end": end}
        return await self.client.post(BOOKINGS, json=usual | values, headers=headers)

    async def booked(self, start: str, end: str, **values: Any) -> dict[str, Any]:
        """Book, and return the booking."""
        answer = await self.book(start, end, **values)
        assert answer.status_code == 201, answer.text
        booking: dict[str, Any] = answer.json()
        return booking

    async def change(self, booking: dict[str, Any], **values: Any) -> httpx.Response:
        """Send a change of a booking as it was seen."""
        return await self.client.patch(f"{BOOKINGS}/{booking['id']}", json=values, headers=seen(booking))

    async def act(self, booking: dict[str, Any], what: str) -> httpx.Response:
        """End or restore a booking as it was seen."""
        return await self.client.post(f"{BOOKINGS}/{booking['id']}/{what}", headers=seen(booking))

    async def cancel(self, booking: dict[str, Any]) -> httpx.Response:
        """Cancel a booking as it was seen."""
        return await self.client.delete(f"{BOOKINGS}/{booking['id']}", headers=seen(booking))


@dataclass
class BookingHouse:
    """The house, its register, and three programs: two of staff, one of facilities."""

    house: House
    register: Register
    staff: Booker
    colleague: Booker
    facilities: Booker

    async def parts(self, space: str, *names: str, turnaround: int = 0) -> list[int]:
        """Give a space parts; return their ids."""
        body = {"parts": [{"name": name} for name in names], "turnaround_minutes": turnaround}
        answer = await self.facilities.client.put(f"{API}/spaces/{space}/booking", json=body)
        assert answer.status_code == 200, answer.text
        return [part["id"] for part in answer.json()["parts"]]

    async def move_back(self, booking: dict[str, Any], by: timedelta) -> None:
        """Let a booking have begun earlier."""
        await self.register.conn.execute(
            "UPDATE booking SET during = tstzrange(lower(during) - %(by)s, upper(during) - %(by)s) "
            "WHERE id = %(id)s",
            {"by": by, "id": booking["id"]},
        )
        await self.register.conn.execute(
            "UPDATE hold SET during = tstzrange(lower(during) - %(by)s, upper(during) - %(by)s) "
            "WHERE booking_id = %(id)s",
            {"by": by, "id": booking["id"]},
        )


def seen(booking: dict[str, Any]) -> dict[str, str]:
    """Return the header of who saw a booking in this version."""
    return {"if-match": f'"{booking["version"]}"'}


def clock(hour: float, *, days: int = 2) -> str:
    """Return a time on the hub's clocks some days ahead, as it is sent."""
    day = (now().astimezone(ZONE) + timedelta(days=days)).date()
    return f"{datetime(day.year, day.month, day.day) + timedelta(hours=hour):%Y-%m-%dT%H:%M}"  # noqa: DTZ001


async def booker(house: House, *roles: Role) -> Booker:
    """Return a program with roles."""
    return Booker(program(house, await house.token(f"program-{uuid4()}", roles)))


@asynccontextmanager
async def booking_house(database: Database, **settings: Any) -> AsyncIterator[BookingHouse]:
    """Open the house: wood and metal for nine people, a hall for forty, one person's cell."""
    async with open_house(database, **settings) as house, opened(database) as register:
        for space in ("wood", "metal"):
            await register.space(space)
        await register.conn.execute(
            "INSERT INTO space (id, name, kind, capacity) VALUES ('hall', 'Hall', 'collaboration', 40)"
        )
        await register.space("cell", personal=True)
        yield BookingHouse(
            house,
            register,
            await booker(house, Role.STAFF),
            await booker(house, Role.STAFF),
            await booker(house, Role.FACILITIES),
        )
