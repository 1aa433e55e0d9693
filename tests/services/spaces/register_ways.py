"""The register of spaces by page, API and command, for tests that hold for each of them."""

import asyncio
from pathlib import Path
from typing import Any

from httpx import AsyncClient, Response
from typer.testing import CliRunner

from feed.ingest_setup import rows
from hubwell.cli import app
from services.access.running_app import House, send

LAB = {"name": "Lab", "kind": "workshop", "capacity": "8"}

DETAILED: dict[str, Any] = {
    "zone": "north",
    "when_full": "refuse",
    "opens_at": "08:00",
    "closes_at": "17:30",
    "features": ["step-free", "daylight"],
    "equipment": ["4 benches", "A kiln"],
    "names": {"it": "Laboratorio"},
}


class Ways:
    """The same use case by page, API and command; each returns whether it was accepted, and its text."""

    def __init__(self, house: House, boss: AsyncClient, program: AsyncClient, folder: Path) -> None:
        self.house = house
        self.boss = boss
        self.program = program
        self.folder = folder

    async def add(self, way: str, **space: Any) -> tuple[bool, str]:
        space = {"id": "lab"} | LAB | space
        if way == "page":
            return accepted(await send(self.boss, "/register/new", page="/register/new", **form_of(space)))
        if way == "api":
            body = space | {"capacity": int(space["capacity"])}
            return accepted(await self.program.post("/api/v1/register/spaces", json=body))
        return await self.hubwell("space", "add", *words_of(space))

    async def hubwell(self, *words: str) -> tuple[bool, str]:
        env = {"HUBWELL_DATABASE_URL": self.house.database.url, "HUBWELL_KEYS_DIR": str(self.folder / "keys")}
        done = await asyncio.to_thread(CliRunner().invoke, app, list(words), env=env)
        return done.exit_code == 0, done.output

    async def audit(self) -> list[tuple[str, str, dict[str, Any]]]:
        query = "SELECT action, subject, detail FROM audit_entry ORDER BY id"
        return await asyncio.to_thread(rows, self.house.database.url, query)


def accepted(answer: Response) -> tuple[bool, str]:
    assert answer.status_code < 500, answer.text
    return answer.status_code < 400, answer.text


def form_of(space: dict[str, Any]) -> dict[str, Any]:
    names = {f"name_{language}": name for language, name in space.get("names", {}).items()}
    rest = {key: value for key, value in space.items() if key != "names"}
    return rest | names | {"equipment": "\n".join(space.get("equipment", []))}


def words_of(space: dict[str, Any]) -> list[str]:
    words = [space["id"]]
    for key in ("name", "kind", "capacity", "zone", "when_full", "opens_at", "closes_at"):
        words += [f"--{key.replace('_', '-')}", str(space[key])] if key in space else []
    words += [word for item in space.get("features", []) for word in ("--attribute", item)]
    words += [word for item in space.get("equipment", []) for word in ("--equipment", item)]
    return words + [w for key, name in space.get("names", {}).items() for w in ("--name-in", f"{key}={name}")]
