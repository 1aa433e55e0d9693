"""What can be booked of a space: its parts and its turnaround; facilities and administrators choose them."""

from typing import Annotated

from fastapi import APIRouter, Path

from hubwell.api.responses import WRITES, refused
from hubwell.api.routes.booking.schemas import SetUp, SetUpBody
from hubwell.booking import errors, spaces
from hubwell.booking.door.settings import DoorSettings, door_settings, release_in
from hubwell.booking.spaces import PartInput
from hubwell.errors import SPACE_UNKNOWN
from hubwell.http.dependencies import Transaction
from hubwell.http.guard import require_role
from hubwell.workflows import bookings as workflow

SpaceId = Annotated[str, Path(max_length=64, description="Id of a space.")]

api = APIRouter(prefix="/api/v1/spaces/{space_id}/booking", tags=["Bookings"], responses=WRITES)


@api.get(
    "",
    summary="What can be booked of a space",
    operation_id="getBookingSetUp",
    responses=refused(SPACE_UNKNOWN),
    dependencies=[require_role(*workflow.BOOKERS)],
)
async def get_set_up(transaction: Transaction, space_id: SpaceId) -> SetUp:
    """Return its parts with their ids, and the minutes of turnaround after each booking."""
    conn = transaction.conn
    return SetUp.of(await spaces.get_space(conn, space_id), await door_settings(conn, space_id))


@api.put(
    "",
    summary="Choose what can be booked of a space",
    operation_id="setBookingSetUp",
    responses=refused(
        SPACE_UNKNOWN,
        errors.PARTS_UNREADABLE,
        errors.PARTS_IN_USE,
        errors.TURNAROUND_UNREADABLE,
        errors.RELEASE_UNREADABLE,
    ),
    dependencies=[require_role(*workflow.MANAGERS)],
)
async def put_set_up(transaction: Transaction, space_id: SpaceId, body: SetUpBody) -> SetUp:
    """Parts keep their ids by their place in the list. Bookings keep the turnaround that they have."""
    parts = [PartInput(part.name, part.capacity) for part in body.parts]
    conn = transaction.conn
    before = await door_settings(conn, space_id)
    door = DoorSettings(
        before.walk_ins if body.walk_ins is None else body.walk_ins,
        before.release if body.release_minutes is None else release_in(str(body.release_minutes)),
    )
    space, facts = await workflow.set_up(
        conn, transaction.principal, space_id, parts, body.turnaround_minutes, transaction.now, door
    )
    await transaction.commit(facts)
    return SetUp.of(space, door)
