"""The timeline of a day or a week, and the stream that says when bookings changed."""

import asyncio
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import date as calendar_day
from datetime import timedelta
from typing import Annotated, Final, Literal
from urllib.parse import urlencode

from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse, Response
from fastapi.sse import EventSourceResponse, ServerSentEvent
from pydantic import BaseModel

from hubwell.api.dependencies import STREAM_PLACE, LiveFeed
from hubwell.api.live.stream import HEARTBEAT_S, while_valid
from hubwell.api.live.updates import Feed
from hubwell.booking import free_time, spaces
from hubwell.booking.free_time import Held
from hubwell.booking.local_time import day_bounds
from hubwell.booking.rules import BookableSpace, Term, hours_of
from hubwell.http.dependencies import CurrentPrincipal, ReadConnection
from hubwell.http.guard import require_role
from hubwell.vocabulary import LARGEST_CAPACITY, SpaceKind
from hubwell.web.booking.form import day_in
from hubwell.web.booking.timeline.lines import Viewer, Wish, lines_of
from hubwell.web.booking.timeline.scale import USUAL, WHOLE_DAY, Scale, Tick, hours_for, scale_of
from hubwell.web.dependencies import BookingNews
from hubwell.web.kit.formatting import Formatter
from hubwell.web.kit.notifier import Notifier
from hubwell.web.kit.respond import formatter_for, view
from hubwell.web.register.text import kind_names
from hubwell.workflows import bookings as workflow

_A_DAY: Final = timedelta(days=1)
_DAYS: Final = {"day": 1, "week": 7}
_MOST_LINES: Final = {"day": 600, "week": 100}
"""On one page; a link leads to the rest."""
_STREAM_S: Final = 600.0
"""A stream ends after this time and the browser reconnects, so that an expired session ends it too."""
_RETRY_MS: Final = 2000
timeline = APIRouter(
    prefix="/bookings",
    include_in_schema=False,
    default_response_class=HTMLResponse,
    dependencies=[require_role(*workflow.BOOKERS)],
)


class TimelineQuery(BaseModel):
    """The question in the address; what makes no sense is as if it was not asked."""

    date: str = ""
    view: str = ""
    kind: str = ""
    people: str = ""
    mine: str = ""
    hours: str = ""
    first: str = ""

    @property
    def span(self) -> Literal["day", "week"]:
        """Whether it is a day or a week."""
        return "week" if self.view == "week" else "day"

    @property
    def wish(self) -> Wish:
        """Which spaces and bookings are shown."""
        kind = self.kind if self.kind in set(SpaceKind) else ""
        return Wish(kind, min(_number(self.people), LARGEST_CAPACITY), bool(self.mine))

    def address(self, **changes: str | int) -> str:
        """Return the address of the same question with changes; from the first line, if they do not say."""
        values = self.model_dump() | {"view": self.span, "first": ""} | changes
        return "/bookings/timeline?" + urlencode({name: value for name, value in values.items() if value})


@dataclass(frozen=True, slots=True)
class Day:
    """A day of the page: its scale with hours, its name, and the place of now on it, if it is there."""

    scale: Scale
    name: str
    ticks: list[Tick]
    now: str


@timeline.get("/timeline")
async def show_timeline(
    request: Request,
    conn: ReadConnection,
    principal: CurrentPrincipal,
    query: Annotated[TimelineQuery, Query()],
) -> Response:
    """Show the spaces as lines of a day or a week."""
    words, wish = formatter_for(request), query.wish
    days = _days(day_in(query.date, words), query.span)
    start, end = day_bounds(days[0], words.zone)[0], day_bounds(days[-1], words.zone)[1]
    every = await spaces.list_spaces(conn)
    held = await free_time.held_between(conn, start, end)
    hours = WHOLE_DAY if query.hours == "all" else _hours(every, held, days, words)
    scales = [scale_of(day, hours, words.zone) for day in days]
    lines = lines_of(every, held, scales, Viewer(workflow.reader_of(principal), words), wish)
    most, first = _MOST_LINES[query.span], _number(query.first)
    step = _DAYS[query.span] * _A_DAY
    return view(
        request,
        "booking/timeline.html",
        words=words,
        page="bookings",
        query=query,
        address=query.address,
        wish=wish,
        span=query.span,
        day=days[0].isoformat(),
        title=_title(days, words),
        before=_shifted(days[0], -step),
        after=_shifted(days[0], step),
        days=[_day(scale, words) for scale in scales],
        lines=lines[first : first + most],
        more=first + most if len(lines) > first + most else 0,
        is_whole=hours == WHOLE_DAY,
        kinds=kind_names(words),
        has_spaces=bool(every),
    )


@timeline.get("/live", dependencies=[STREAM_PLACE], response_class=EventSourceResponse)
async def watch(request: Request, feed: LiveFeed, notifier: BookingNews) -> AsyncIterator[ServerSentEvent]:
    """Send `changed` whenever bookings changed, for as long as the principal may see them."""
    async for event in while_valid(request, _changes(feed, notifier)):
        yield event


async def _changes(feed: Feed, notifier: Notifier) -> AsyncIterator[ServerSentEvent]:
    loop = asyncio.get_running_loop()
    ends = loop.time() + _STREAM_S
    with feed.subscribe() as watching:  # it says when the server stops
        async with notifier.subscribe() as notified:
            yield ServerSentEvent(comment="hubwell", retry=_RETRY_MS)
            while not watching.closed and loop.time() < ends:
                with suppress(TimeoutError):
                    async with asyncio.timeout(HEARTBEAT_S):
                        await notified.wait()
                event = "changed" if notified.is_set() else "beat"
                notified.clear()
                yield ServerSentEvent(event=event, data={})


def _number(text: str) -> int:
    digits = text.strip()
    return int(digits) if digits.isascii() and digits.isdigit() and len(digits) < len("1000000") else 0


def _days(day: calendar_day, span: Literal["day", "week"]) -> list[calendar_day]:
    """Return the day, or its week from Monday."""
    first = day if span == "day" else day - day.weekday() * _A_DAY
    return [first + number * _A_DAY for number in range(_DAYS[span])]


def _shifted(day: calendar_day, by: timedelta) -> str:
    return (day + by).isoformat()


def _hours(
    every: Iterable[BookableSpace], held: Iterable[Held], days: Sequence[calendar_day], words: Formatter
) -> tuple[int, int]:
    """Return the hours of the clock that show all bookings, opening hours, and usual ones without any."""
    by_hours = {(space.opens_at, space.closes_at): space for space in every}
    terms = [Term(each.booking.start, each.until) for each in held]
    for (opens, closes), space in by_hours.items():
        if opens is None and closes is None:
            terms += [scale_of(day, USUAL, words.zone).term for day in days]
        else:
            terms += [Term(*hours_of(space, day, words.zone)) for day in days]
    return hours_for(days, terms, words.zone)


def _day(scale: Scale, words: Formatter) -> Day:
    return Day(scale, words.day(words.noon(scale.day)), scale.ticks(words), scale.mark(words.now))


def _title(days: Sequence[calendar_day], words: Formatter) -> str:
    if len(days) == 1:
        return words.date(words.noon(days[0]))
    _ = words.translations.gettext
    return _("{first} to {last}").format(
        first=words.day(words.noon(days[0])), last=words.date(words.noon(days[-1]))
    )
