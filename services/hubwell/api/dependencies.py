"""FastAPI dependencies of the API's own parts; those that pages share are in `hubwell.http.dependencies`."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Annotated, Final

from fastapi import Depends, Request

from hubwell.api.booking_turns import BookingTurns
from hubwell.api.evacuation_view import NameViewLog
from hubwell.api.live.stream import OpenStreams
from hubwell.api.live.updates import Feed


@dataclass(frozen=True, slots=True)
class ApiParts:
    """Made once by `app.create_app`, which puts it into `app.state.api_parts`."""

    feed: Feed
    name_views: NameViewLog
    streams: OpenStreams
    turns: BookingTurns


async def _parts(request: Request) -> ApiParts:
    parts: ApiParts = request.app.state.api_parts
    return parts


_Parts = Annotated[ApiParts, Depends(_parts)]


async def _feed(parts: _Parts) -> Feed:
    return parts.feed


async def _name_views(parts: _Parts) -> NameViewLog:
    return parts.name_views


async def _turns(request: Request) -> BookingTurns:
    parts: ApiParts = request.app.state.api_parts
    return parts.turns


async def _stream_place(request: Request, parts: _Parts) -> AsyncIterator[None]:
    with parts.streams.place(request):
        yield


STREAM_PLACE: Final = Depends(_stream_place)
"""Declared after who may use a stream; refuses it where too many are open."""
LiveFeed = Annotated[Feed, Depends(_feed)]
NameViews = Annotated[NameViewLog, Depends(_name_views)]
Turns = Annotated[BookingTurns, Depends(_turns)]
"""The turns of those who book the same at one moment."""
