"""FastAPI dependencies of the pages' own parts: what an area keeps for the life of the application."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request

from hubwell.web.board.co2_history import DaySteps
from hubwell.web.desk.live_taps import DeskNotifier


@dataclass(frozen=True, slots=True)
class PageParts:
    """Made once by `pages.install`, which puts it into `app.state.page_parts`."""

    day_steps: DaySteps
    desk_notifier: DeskNotifier


async def _parts(request: Request) -> PageParts:
    parts: PageParts = request.app.state.page_parts
    return parts


_Parts = Annotated[PageParts, Depends(_parts)]


async def _day_steps(parts: _Parts) -> DaySteps:
    return parts.day_steps


async def _desk_notifier(parts: _Parts) -> DeskNotifier:
    return parts.desk_notifier


Co2History = Annotated[DaySteps, Depends(_day_steps)]
DeskTaps = Annotated[DeskNotifier, Depends(_desk_notifier)]
