"""FastAPI dependencies of the API's own parts; those that pages share are in `hubwell.http.dependencies`."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request

from hubwell.api.evacuation_view import NameViewLog
from hubwell.api.live_updates import Feed


@dataclass(frozen=True, slots=True)
class ApiParts:
    """Made once by `app.create_app`, which puts it into `app.state.api_parts`."""

    feed: Feed
    name_views: NameViewLog


async def _parts(request: Request) -> ApiParts:
    parts: ApiParts = request.app.state.api_parts
    return parts


_Parts = Annotated[ApiParts, Depends(_parts)]


async def _feed(parts: _Parts) -> Feed:
    return parts.feed


async def _name_views(parts: _Parts) -> NameViewLog:
    return parts.name_views


LiveFeed = Annotated[Feed, Depends(_feed)]
NameViews = Annotated[NameViewLog, Depends(_name_views)]
