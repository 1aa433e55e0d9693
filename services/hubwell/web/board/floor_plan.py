"""The board as plan: pictures of floors with a mark for each space, and the files that browsers get for it.

A style sheet says where the marks are: a page may not have styles of its own (see `hubwell.http.headers`).
The addresses of pictures and of the sheet change with their content, so browsers keep them for good.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Final

from fastapi import APIRouter, Path, Request
from fastapi.responses import Response
from psycopg import AsyncConnection
from starlette.exceptions import HTTPException

from hubwell.http.dependencies import ReadConnection
from hubwell.http.guard import PUBLIC_NO_LOOKUP
from hubwell.spaces.plans import actions
from hubwell.spaces.plans.actions import Place, Plan
from hubwell.web.board.text import Card

files = APIRouter(include_in_schema=False, prefix="/plans")
PlanId = Annotated[int, Path(ge=1, le=2**31 - 1)]
_FOR_GOOD: Final = "public, max-age=31536000, immutable"
_ASK_AGAIN: Final = "public, no-cache"
_SHOWN: Final = 16
"""Characters of a digest in an address."""
_PICTURE_ALONE: Final = "default-src 'none'; style-src 'unsafe-inline'; sandbox"
"""What a picture may do that is opened by itself: be drawn, with the styles in it, and nothing else."""


@dataclass(frozen=True, slots=True)
class Floor:
    """A plan with the spaces on it."""

    plan: Plan
    cards: list[Card]


@dataclass(frozen=True, slots=True)
class Floors:
    """Every floor, the spaces that are on one, and the address of the sheet with their places."""

    floors: list[Floor]
    placed: frozenset[str]
    sheet: str


async def floors_of(conn: AsyncConnection[Any], cards: Sequence[Card]) -> Floors:
    """Return the floors with these cards on them."""
    places = await actions.list_places(conn)
    plan_of = {place.space_id: place.plan_id for place in places}
    floors = [
        Floor(plan, [card for card in cards if plan_of.get(card.space.id) == plan.id])
        for plan in await actions.list_plans(conn)
    ]
    return Floors(floors, frozenset(plan_of), sheet_address(places))


def sheet_address(places: Sequence[Place]) -> str:
    """Return where the style sheet with these places is."""
    return f"/plans/places.css?v={_digest(_sheet(places))}"


def _sheet(places: Sequence[Place]) -> str:
    # Shifted by the same share of its own size, a mark has its point within it and stays within the picture.
    return "".join(
        f"#mark-{place.space_id}{{left:{place.x}%;top:{place.y}%;transform:translate(-{place.x}%,-{place.y}%)}}\n"
        for place in places
    )


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:_SHOWN]


@files.get("/places.css", dependencies=[PUBLIC_NO_LOOKUP])
async def show_places(conn: ReadConnection, v: str = "") -> Response:
    """Return where the marks are, as a style sheet."""
    sheet = _sheet(await actions.list_places(conn))
    caching = _FOR_GOOD if v == _digest(sheet) else _ASK_AGAIN
    return Response(sheet, media_type="text/css", headers={"Cache-Control": caching})


@files.get("/{plan_id}/picture", dependencies=[PUBLIC_NO_LOOKUP])
async def show_picture(request: Request, conn: ReadConnection, plan_id: PlanId, v: str = "") -> Response:
    """Return the picture of a floor. A browser that has it already gets an answer without it."""
    stored = await actions.picture_of(conn, plan_id)
    if stored is None:
        raise HTTPException(404)
    tag = f'W/"{stored.digest[: 2 * _SHOWN]}"'
    headers = {
        "ETag": tag,
        "Cache-Control": _FOR_GOOD if v and stored.digest.startswith(v) else _ASK_AGAIN,
        "Content-Security-Policy": _PICTURE_ALONE,
        "Content-Disposition": "inline",
    }
    etags = [each.strip() for each in request.headers.get("if-none-match", "").split(",")]
    if tag in etags or "*" in etags:
        return Response(status_code=304, headers=headers)
    return Response(stored.picture, media_type=stored.media_type, headers=headers)
