"""The use of all spaces by week, for facilities: a page that prints, and the same as CSV."""

from datetime import date, datetime, timedelta
from typing import Annotated, Any, Final
from urllib.parse import urlencode

from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse, Response
from psycopg import AsyncConnection
from pydantic import BaseModel, ConfigDict, field_validator

from hubwell.history import read_model
from hubwell.http.dependencies import ReadConnection
from hubwell.http.guard import require_role
from hubwell.http.spreadsheet import MEDIA_TYPE, to_csv
from hubwell.vocabulary import CO2_FRESH_BELOW_PPM, Role
from hubwell.web.history.use_text import UsePage, use_page, week_name
from hubwell.web.kit.formatting import Formatter
from hubwell.web.kit.respond import formatter_for, view

pages = APIRouter(
    include_in_schema=False,
    default_response_class=HTMLResponse,
    dependencies=[require_role(Role.FACILITIES, Role.ADMIN)],
)
_OPENS, _CLOSES, _MIDNIGHT = 7, 20, 24
_EARLIEST: Final = date(2000, 1, 3)


class UseQuery(BaseModel):
    """A week by any of its days, and the hours of the day that count; what cannot be read is the default."""

    model_config = ConfigDict(frozen=True)

    week: date | None = None
    opens: int = _OPENS
    closes: int = _CLOSES

    @field_validator("week", mode="before")
    @classmethod
    def _week(cls, value: object) -> date | None:
        try:
            return max(date.fromisoformat(str(value)), _EARLIEST)
        except ValueError:
            return None

    @field_validator("opens", "closes", mode="before")
    @classmethod
    def _hour(cls, value: object) -> int:
        try:
            return min(max(int(str(value)), 0), _MIDNIGHT)
        except ValueError:
            return -1

    @property
    def hours(self) -> tuple[int, int]:
        """First hour that counts and the one at which it ends."""
        whole = 0 <= self.opens < self.closes
        return (self.opens, self.closes) if whole else (_OPENS, _CLOSES)

    def monday(self, now: datetime) -> date:
        """Return the first day of the week, by default of the last one that is over."""
        last = now.date() - timedelta(days=now.weekday() + 7)
        return min(self.week - timedelta(days=self.week.weekday()), last) if self.week else last


UseParameters = Annotated[UseQuery, Query()]


async def _read(
    conn: AsyncConnection[Any], query: UseQuery, words: Formatter
) -> tuple[read_model.HubUse, UsePage]:
    opens, closes = query.hours
    monday = query.monday(words.now.astimezone(words.zone))
    use = await read_model.of_hub(conn, monday, words.zone, (opens, closes), words.language)
    return use, use_page(use, words, opens, closes)


@pages.get("/use")
async def show_use(request: Request, conn: ReadConnection, query: UseParameters) -> Response:
    """Show hours used, free and not known of every space in a week, beside the four weeks before."""
    words = formatter_for(request)
    use, shown = await _read(conn, query, words)
    opens, closes = query.hours
    first, last = week_name(use, words)

    def address(page: str, weeks: int) -> str:
        monday = use.monday + timedelta(weeks=weeks)
        return f"{page}?" + urlencode({"week": monday.isoformat(), "opens": opens, "closes": closes})

    return view(
        request,
        "history/use.html",
        words=words,
        page="use",
        use=shown,
        monday=use.monday.isoformat(),
        opens=opens,
        closes=closes,
        first=first,
        last=last,
        limit=int(CO2_FRESH_BELOW_PPM),
        earlier=address("/use", -1),
        later=address("/use", 1)
        if use.monday < UseQuery().monday(words.now.astimezone(words.zone))
        else None,
        table=address("/use.csv", 0),
    )


@pages.get("/use.csv")
async def download_use(request: Request, conn: ReadConnection, query: UseParameters) -> Response:
    """Send the week's table for a spreadsheet in the reader's language."""
    words = formatter_for(request)
    use, shown = await _read(conn, query, words)
    header = [
        *("week", "space_id", "space", "used_h", "free_h", "unknown_h", "used_percent"),
        *("used_percent_before", "air_over_limit_h", "most_people"),
        *("booked_h", "booked_used_h", "booked_empty_h", "booked_unknown_h", "used_unbooked_h"),
    ]
    rows = [
        [
            *(use.monday.isoformat(), row.id, row.name, row.used, row.free, row.unknown, row.share),
            *(row.before, row.stuffy, row.people),
            *(booked.booked, booked.used, booked.empty, booked.unknown, booked.unbooked),
        ]
        for row, booked in zip(shown.spaces, shown.booked, strict=True)
    ]
    content = to_csv(header, rows, language=words.language, zone=words.zone)
    name = f"use-{use.monday.isoformat()}.csv"
    return Response(
        content, media_type=MEDIA_TYPE, headers={"Content-Disposition": f'attachment; filename="{name}"'}
    )
