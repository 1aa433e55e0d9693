"""FastAPI dependencies of the pages' own parts: what an area keeps for the life of the application."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request

from hubwell.screens.notices import ScreenNotices
from hubwell.web.board.co2_history import DaySteps
from hubwell.web.kit.notifier import Notifier


@dataclass(frozen=True, slots=True)
class PageParts:
    """Made once by `pages.install`, which puts it into `app.state.page_parts`."""

    day_steps: DaySteps
    desk_notifier: Notifier
    muster_notifier: Notifier
    booking_notifier: Notifier
    screen_notices: ScreenNotices


async def _parts(request: Request) -> PageParts:
    parts: PageParts = request.app.state.page_parts
    return parts


_Parts = Annotated[PageParts, Depends(_parts)]


async def _day_steps(parts: _Parts) -> DaySteps:
    return parts.day_steps


async def _desk_notifier(parts: _Parts) -> Notifier:
    return parts.desk_notifier


async def _screen_notices(parts: _Parts) -> ScreenNotices:
    return parts.screen_notices


async def _muster_notifier(parts: _Parts) -> Notifier:
    return parts.muster_notifier


async def _booking_notifier(parts: _Parts) -> Notifier:
    return parts.booking_notifier


Co2History = Annotated[DaySteps, Depends(_day_steps)]
DeskTaps = Annotated[Notifier, Depends(_desk_notifier)]
Notices = Annotated[ScreenNotices, Depends(_screen_notices)]
MusterMarks = Annotated[Notifier, Depends(_muster_notifier)]
BookingNews = Annotated[Notifier, Depends(_booking_notifier)]
