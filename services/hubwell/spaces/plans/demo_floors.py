"""The floors of the demonstration hub: drawn with it, and removed with it where they are as they came."""

import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.resources import files
from typing import Any, Final

from psycopg import AsyncConnection, Connection

from hubwell.spaces.plans import svg
from hubwell.spaces.plans.pictures import Picture
from hubwell.storage.queries import Queries

_SQL: Final = Queries("hubwell.spaces.plans")
_FOLDER: Final = files("hubwell.spaces.plans").joinpath("demo")


@dataclass(frozen=True, slots=True)
class _Floor:
    name: str
    picture: Picture
    places: dict[str, list[float]]
    """Per cent of the picture, from its left and from its top, by space."""


def put_floors(conn: Connection[Any]) -> None:
    """Add the floors, with the demonstration's spaces on them; a hub that has a plan keeps its own."""
    has_plans = conn.execute(_SQL["are_there_plans"]).fetchone()
    if has_plans is None or has_plans[0]:
        return
    for floor in _floors():
        row = conn.execute(_SQL["add_plan"], {"name": floor.name, **floor.picture.columns()}).fetchone()
        if row is None:
            raise RuntimeError("the new plan gave no row")
        for space, (x, y) in floor.places.items():
            conn.execute(_SQL["put_place"], {"plan": row[0], "space": space, "x": x, "y": y})


async def remove_floors(conn: AsyncConnection[Any]) -> None:
    """Remove the floors that have their name and picture still, and no space in use on them."""
    await conn.execute(_SQL["lock_plans"])
    for floor in _floors():
        values = {"name": floor.name, "digest": floor.picture.digest}
        await conn.execute(_SQL["remove_unused_plan"], values)


def _floors() -> Iterator[_Floor]:
    for floor in tomllib.loads(_FOLDER.joinpath("floors.toml").read_text())["floors"]:
        # A file of this package: it is redrawn as uploads are, but needs no process of its own.
        drawing = svg.clean(_FOLDER.joinpath(floor["picture"]).read_bytes())
        size = {"width": drawing.frame.width, "height": drawing.frame.height}
        picture = Picture("image/svg+xml", drawing.content, **size, is_paper=True)
        yield _Floor(floor["name"], picture, floor["places"])
