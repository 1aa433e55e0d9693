"""Uploads and places by page, API and command, for tests of floor plans."""

import asyncio
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from httpx import AsyncClient, Response
from typer.testing import CliRunner

from feed.ingest_setup import rows
from hubwell.cli import app
from services.access.running_app import House, csrf_on, send
from services.spaces.plans.sample_pictures import SVG

PLANS = "/register/plans"
PLACES = "SELECT space_id, plan_id, x::text, y::text FROM space_place ORDER BY space_id"


@dataclass
class PlanWays:
    """The same use case by page, API and command; each returns whether it was accepted, and its text."""

    house: House
    boss: AsyncClient
    program: AsyncClient
    folder: Path

    async def add(
        self,
        way: str,
        content: bytes = SVG,
        *,
        named: str = "floor.svg",
        name: str = "Ground floor",
        page: str = "",
    ) -> tuple[bool, str]:
        if way == "page":
            return accepted(await upload(self.boss, content, named=named, name=name, page=page))
        if way == "api":
            headers = {"content-type": "application/octet-stream"}
            answer = await self.program.post(
                "/api/v1/register/plans",
                params={"name": name, "page": page},
                content=content,
                headers=headers,
            )
            return accepted(answer)
        file = self.folder / named
        file.write_bytes(content)
        return await self.hubwell("plan", "add", str(file), "--name", name, "--page", page)

    async def place(self, way: str, space: str, x: str, y: str, plan: int = 1) -> tuple[bool, str]:
        if way == "page":
            page = f"{PLANS}/{plan}"
            return accepted(await send(self.boss, f"{page}/places", page=page, space=space, x=x, y=y))
        if way == "api":
            address = f"/api/v1/register/plans/{plan}/places/{space}"
            return accepted(await self.program.put(address, json={"x": float(x), "y": float(y)}))
        return await self.hubwell("plan", "place", "--", str(plan), space, x, y)

    async def hubwell(self, *words: str) -> tuple[bool, str]:
        env = {"HUBWELL_DATABASE_URL": self.house.database.url, "HUBWELL_KEYS_DIR": str(self.folder / "keys")}
        done = await asyncio.to_thread(CliRunner().invoke, app, list(words), env=env)
        return done.exit_code == 0, done.output

    async def rows(self, query: str) -> list[Any]:
        return await asyncio.to_thread(rows, self.house.database.url, query)

    async def actions(self) -> list[str]:
        return [row[0] for row in await self.rows("SELECT action FROM audit_entry ORDER BY id")]


async def upload(
    browser: AsyncClient, content: bytes, *, named: str = "floor.svg", to: str = PLANS, **fields: str
) -> Response:
    """Send the form of a picture as a browser does."""
    csrf = await csrf_on(browser, PLANS)
    return await browser.post(to, data={"csrf": csrf, **fields}, files={"picture": (named, content)})


def accepted(answer: Response) -> tuple[bool, str]:
    assert answer.status_code < 500, answer.text
    return answer.status_code < 400, answer.text
