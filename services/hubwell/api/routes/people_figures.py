"""Figures of people, as the gate published them: a day of fixed windows, as JSON or as a table.

Callers choose a place and a day only: windows of their choice could be made to differ by one tap.
"""

from datetime import UTC, date, datetime, time, timedelta
from typing import Annotated, Any, Final, Literal
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Header, Query
from fastapi.responses import Response
from psycopg import AsyncConnection
from pydantic import BaseModel, ConfigDict, Field

from hubwell.api import live_state
from hubwell.api.responses import BAD_VALUE, NO_DATABASE
from hubwell.api.times import IsoDate
from hubwell.http.dependencies import AppSettings, ReadConnection
from hubwell.http.guard import PUBLIC
from hubwell.http.spreadsheet import MEDIA_TYPE, to_csv
from hubwell.i18n import negotiate_language

Scope = Literal["space", "zone", "hub"]
_COLUMNS: Final = ("scope", "place", "start", "about", "fullness", "withheld")
_EXAMPLE: Final[dict[str, Any]] = {
    "day": "2026-11-23",
    "time_zone": "Europe/Helsinki",
    "window_minutes": 5,
    "figures": [
        {
            "scope": "space",
            "place": "commons",
            "start": "2026-11-23T10:00:00Z",
            "about": 20,
            "fullness": "half",
            "withheld": None,
        }
    ],
}

api = APIRouter(prefix="/api/v1", tags=["People"], responses=BAD_VALUE | NO_DATABASE, dependencies=[PUBLIC])


class FigureQuery(BaseModel):
    """Which figures."""

    model_config = ConfigDict(extra="forbid")

    day: IsoDate | None = Field(None, description="In the hub's time zone; by default today.")
    scope: Scope | None = Field(None, description="Only spaces, only zones, or only the hub.")
    place: str | None = Field(None, max_length=120, description="Id of a space, or name of a zone.")


FigureParameters = Annotated[FigureQuery, Query()]


class PeopleFigure(BaseModel):
    """The people of a place in one window of five minutes."""

    scope: Scope
    place: str = Field(description="Id of the space, name of the zone; empty for the hub, and for no zone.")
    start: datetime = Field(description="When the window begins. It is never revised.")
    about: int | None = Field(description="People, rounded down to a multiple of five; null when withheld.")
    fullness: Literal["third", "half", "most", "full"] | None = Field(description="Of a space, in a word.")
    withheld: Literal["group", "held", "personal"] | None = Field(
        description="`group`: fewer than five, or it would give so few away. `held`: the group changed "
        "by less than five since the newest entry before that is not `held`. `personal`: one person's room."
    )


class PeopleFigures(BaseModel):
    """A day's figures, by place and in order of time."""

    model_config = ConfigDict(json_schema_extra={"examples": [_EXAMPLE]})

    day: date
    time_zone: str
    window_minutes: int
    figures: list[PeopleFigure]


@api.get(
    "/people",
    summary="How many people were where, in fixed windows",
    operation_id="listPeopleFigures",
)
async def list_figures(conn: ReadConnection, settings: AppSettings, query: FigureParameters) -> PeopleFigures:
    """Return groups of five or more, rounded down, in windows of five minutes."""
    day, rows = await _figures(conn, query, ZoneInfo(settings.zone))
    return PeopleFigures.model_validate(
        {"day": day, "time_zone": settings.zone, "window_minutes": 5, "figures": rows}
    )


@api.get(
    "/people.csv",
    summary="The same as a table",
    operation_id="exportPeopleFigures",
    response_class=Response,
    responses={200: {"description": "A table.", "content": {"text/csv": {}}}},
)
async def export_figures(
    conn: ReadConnection,
    settings: AppSettings,
    query: FigureParameters,
    accept_language: Annotated[str, Header(description="For spreadsheets: their language.")] = "",
) -> Response:
    """One row a window and place, with the columns of the JSON answer.

    Without `Accept-Language`: commas, and times in UTC. With a language that the hub has: as spreadsheets in
    that language expect it, with times in the hub's zone.
    """
    zone, language = ZoneInfo(settings.zone), negotiate_language(accept_language)
    day, rows = await _figures(conn, query, zone)
    cells = ([row[column] for column in _COLUMNS] for row in rows)
    headers = {
        "Content-Disposition": f'attachment; filename="people-{day}.csv"',
        "Vary": "Accept-Language",
    }
    return Response(
        to_csv(_COLUMNS, cells, language=language, zone=zone), media_type=MEDIA_TYPE, headers=headers
    )


async def _figures(
    conn: AsyncConnection[Any], query: FigureQuery, zone: ZoneInfo
) -> tuple[date, live_state.Rows]:
    day = query.day or datetime.now(zone).date()
    begin = datetime.combine(day, time(), zone)
    values = {
        "start": begin.astimezone(UTC),
        "end": datetime.combine(_next(day), time(), zone).astimezone(UTC),
        "scope": query.scope,
        "place": query.place,
    }
    return day, await live_state.rows(conn, "people_figures", values)


def _next(day: date) -> date:
    """Return the day after; of the last day there is, itself."""
    return day + timedelta(days=1) if day < date.max else day
