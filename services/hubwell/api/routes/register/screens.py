"""Paired screens, for facilities and administrators."""

from datetime import datetime
from typing import Annotated, Final
from uuid import UUID

from fastapi import APIRouter, Path, Request
from pydantic import BaseModel, ConfigDict, Field

from hubwell.api.responses import WRITES, refused
from hubwell.errors import NAME_TOO_LONG, SPACE_UNKNOWN, DomainError
from hubwell.http.dependencies import NewTransaction, RateLimits, Transaction
from hubwell.http.guard import require_role
from hubwell.http.rate_limits import address_of, code_limits
from hubwell.screens import actions, errors
from hubwell.screens.actions import ScreenEntry
from hubwell.screens.rules import ScreenShows
from hubwell.vocabulary import Role
from hubwell.workflows import screens as workflow

ScreenId = Annotated[UUID, Path(description="Id of a screen, as the list of screens has it.")]
_SETTINGS: Final = (
    errors.SCREEN_UNNAMED,
    NAME_TOO_LONG,
    errors.SCREEN_NAME_TAKEN,
    errors.SHOWS_UNKNOWN,
    SPACE_UNKNOWN,
    errors.SCREEN_READER_UNKNOWN,
)

api = APIRouter(
    prefix="/api/v1/screens",
    tags=["Screens"],
    responses=WRITES,
    dependencies=[require_role(Role.FACILITIES, Role.ADMIN)],
)


class ScreenBody(BaseModel):
    """What a screen is called and shows."""

    model_config = ConfigDict(extra="forbid")

    name: str = Field(examples=["Foyer"])
    shows: ScreenShows
    space: str = Field("", description="The space of a panel.", examples=["wood-workshop"])
    reader: str = Field(
        "", description="The reader of a kiosk, as DEVICE/READER.", examples=["hall-pi/kiosk"]
    )


class PairBody(ScreenBody):
    """A screen to be paired."""

    code: str = Field(description="The code that the screen shows.", examples=["K7M2XQ"])


class Screen(BaseModel):
    """A paired screen."""

    id: UUID
    name: str
    shows: ScreenShows
    space: str | None = Field(description="The space of a panel.")
    reader: str | None = Field(description="The reader of a kiosk, as DEVICE/READER.")
    paired_at: datetime
    last_seen_at: datetime = Field(description="To half a minute.")


class Screens(BaseModel):
    """All of them, by name."""

    screens: list[Screen]


@api.get("", summary="All screens", operation_id="listScreens")
async def list_screens(transaction: Transaction) -> Screens:
    """When each was seen last shows whether it works."""
    screens = await actions.list_screens(transaction.conn, transaction.now)
    return Screens(screens=[_shown(screen) for screen in screens])


@api.post(
    "",
    summary="Pair a screen",
    operation_id="pairScreen",
    status_code=201,
    responses=refused(errors.SCREEN_CODE_UNKNOWN, *_SETTINGS),
)
async def pair(request: Request, limits: RateLimits, begin: NewTransaction, body: PairBody) -> Screen:
    """Open /screen on it first: it shows a code."""
    async with limits.attempt(*code_limits(address_of(request))) as attempt, begin() as transaction:
        conn = transaction.conn
        try:
            screen_id, facts = await workflow.pair(
                conn, transaction.principal, transaction.now, **body.model_dump()
            )
        except DomainError as error:
            if error.kind is errors.SCREEN_CODE_UNKNOWN:
                attempt.fail()
            raise
        await transaction.commit(facts)
        return _shown(await actions.get_screen(conn, screen_id, transaction.now))


@api.get(
    "/{screen_id}",
    summary="One screen",
    operation_id="getScreen",
    responses=refused(errors.SCREEN_UNKNOWN),
)
async def get_screen(transaction: Transaction, screen_id: ScreenId) -> Screen:
    """Return what it shows, and when it was seen last."""
    return _shown(await actions.get_screen(transaction.conn, screen_id, transaction.now))


@api.put(
    "/{screen_id}",
    summary="Change a screen",
    operation_id="changeScreen",
    responses=refused(errors.SCREEN_UNKNOWN, *_SETTINGS),
)
async def change(transaction: Transaction, screen_id: ScreenId, body: ScreenBody) -> Screen:
    """Rename it or let it show something else; it follows within seconds."""
    conn = transaction.conn
    facts = await workflow.change(conn, transaction.principal, screen_id, **body.model_dump())
    await transaction.commit(facts)
    return _shown(await actions.get_screen(conn, screen_id, transaction.now))


@api.delete(
    "/{screen_id}",
    summary="Unpair a screen",
    operation_id="unpairScreen",
    status_code=204,
    responses=refused(errors.SCREEN_UNKNOWN),
)
async def unpair(transaction: Transaction, screen_id: ScreenId) -> None:
    """Within five seconds it shows nothing else than that."""
    facts = await workflow.revoke(transaction.conn, transaction.principal, screen_id)
    await transaction.commit(facts)


def _shown(screen: ScreenEntry) -> Screen:
    return Screen(
        id=screen.id,
        name=screen.name,
        shows=screen.shows,
        space=screen.space_id,
        reader=f"{screen.device_id}/{screen.reader}" if screen.device_id else None,
        paired_at=screen.paired_at,
        last_seen_at=screen.last_seen_at,
    )
