"""Floor plans of the register: their pictures, and where on them spaces are."""

from typing import Annotated, Final

from fastapi import APIRouter, Body, Path, Query, Request
from pydantic import BaseModel, ConfigDict, Field

from hubwell.api.responses import WRITES, refused
from hubwell.api.routes.register.spaces import SpaceId
from hubwell.errors import NAME_TOO_LONG, SPACE_UNKNOWN
from hubwell.http.dependencies import NewTransaction, ReadConnection, Transaction
from hubwell.http.errors import BODY_TOO_LARGE
from hubwell.http.guard import require_role
from hubwell.spaces.errors import SPACE_IS_ARCHIVED
from hubwell.spaces.plans import actions, errors, formats
from hubwell.vocabulary import Role
from hubwell.workflows.register import plans as workflow

PlanId = Annotated[int, Path(ge=1, le=2**31 - 1, description="Id of a floor plan.", examples=[1])]
PictureBody = Annotated[
    bytes,
    Body(media_type="application/octet-stream", description="An SVG, PNG or JPEG file, or a PDF."),
]
PageOfPdf = Annotated[str, Query(description="Page of a PDF; empty for the first.", examples=["1"])]
_PICTURE: Final = (
    errors.PICTURE_MISSING,
    errors.PICTURE_TOO_LARGE,
    errors.PICTURE_UNKNOWN,
    errors.PICTURE_MISNAMED,
    errors.PICTURE_DAMAGED,
    errors.PICTURE_TOO_WIDE,
    errors.PICTURE_TOO_SMALL,
    errors.PICTURE_TOO_LONG,
    errors.PICTURE_TOO_COSTLY,
    errors.PDF_LOCKED,
    errors.PDF_TOO_LONG,
    errors.PDF_PAGE_MISSING,
    errors.PAGE_UNREADABLE,
    errors.SVG_UNREADABLE,
    errors.SVG_DECLARES,
    errors.SVG_ELEMENT,
    errors.SVG_HANDLER,
    errors.SVG_REFERENCE,
    errors.SVG_STYLE,
    errors.SVG_TOO_LARGE,
    errors.SVG_WITHOUT_SIZE,
    BODY_TOO_LARGE,
)
_NAME: Final = (errors.PLAN_UNNAMED, NAME_TOO_LONG, errors.PLAN_NAME_TAKEN)

api = APIRouter(
    prefix="/api/v1/register/plans",
    tags=["Register"],
    responses=WRITES,
    dependencies=[require_role(Role.FACILITIES, Role.ADMIN)],
)


class PlaceBody(BaseModel):
    """A point of a plan, in per cent of its picture."""

    model_config = ConfigDict(extra="forbid")

    x: float = Field(description="From the left: 0 to 100.", examples=[12.5])
    y: float = Field(description="From the top: 0 to 100.", examples=[40])


class PlacedSpace(BaseModel):
    """Where a space in use is."""

    space_id: str
    x: float = Field(description="Per cent of the picture, from its left.")
    y: float = Field(description="Per cent of the picture, from its top.")


class FloorPlan(BaseModel):
    """A floor with the spaces on it."""

    id: int
    name: str
    width: int = Field(description="Pixels of the picture.")
    height: int
    picture: str = Field(description="Address of the picture; it changes with the picture.")
    spaces: list[PlacedSpace]


class FloorPlans(BaseModel):
    """Every floor plan, in its order."""

    plans: list[FloorPlan]


class PlanName(BaseModel):
    """The name of a floor."""

    model_config = ConfigDict(extra="forbid")

    name: str


@api.get("", summary="The floor plans", operation_id="listPlans")
async def list_plans(conn: ReadConnection) -> FloorPlans:
    """Each with the spaces in use that are on it."""
    return FloorPlans(plans=await _shown(conn))


@api.post(
    "",
    summary="Add a floor plan",
    operation_id="addPlan",
    status_code=201,
    max_body_size=formats.LARGEST_BYTES,
    responses=refused(*_NAME, errors.TOO_MANY_PLANS, *_PICTURE),
)
async def add(
    request: Request,
    begin: NewTransaction,
    name: Annotated[str, Query(description="Name of the floor.", examples=["Ground floor"])],
    picture: PictureBody = b"",
    page: PageOfPdf = "",
) -> FloorPlan:
    """Send the file as the body. It is redrawn, and nothing of the file itself is kept."""
    async with begin() as transaction:
        await actions.check_name(transaction.conn, name)
    read = await workflow.read_picture(picture, named=_media_type(request), page=page)
    async with begin() as transaction:
        plan_id = await workflow.add_plan(transaction.conn, transaction.principal, name, read)
        await transaction.commit()
        return await _one(transaction.conn, plan_id)


@api.put(
    "/{plan_id}",
    summary="Rename a floor plan",
    operation_id="renamePlan",
    responses=refused(errors.PLAN_GONE, *_NAME),
)
async def rename(transaction: Transaction, plan_id: PlanId, body: PlanName) -> FloorPlan:
    """Its picture and the places on it stay."""
    await workflow.rename_plan(transaction.conn, transaction.principal, plan_id, body.name)
    await transaction.commit()
    return await _one(transaction.conn, plan_id)


@api.put(
    "/{plan_id}/picture",
    summary="Replace the picture of a floor plan",
    operation_id="replacePicture",
    max_body_size=formats.LARGEST_BYTES,
    responses=refused(errors.PLAN_GONE, *_PICTURE),
)
async def replace_picture(
    request: Request, begin: NewTransaction, plan_id: PlanId, picture: PictureBody = b"", page: PageOfPdf = ""
) -> FloorPlan:
    """Spaces keep their places: send a picture of the same part of the floor."""
    read = await workflow.read_picture(picture, named=_media_type(request), page=page)
    async with begin() as transaction:
        await workflow.replace_picture(transaction.conn, transaction.principal, plan_id, read)
        await transaction.commit()
        return await _one(transaction.conn, plan_id)


@api.delete(
    "/{plan_id}",
    summary="Remove a floor plan",
    operation_id="removePlan",
    status_code=204,
    responses=refused(errors.PLAN_GONE),
)
async def remove(transaction: Transaction, plan_id: PlanId) -> None:
    """With the places on it; the spaces stay."""
    await workflow.remove_plan(transaction.conn, transaction.principal, plan_id)
    await transaction.commit()


@api.put(
    "/{plan_id}/places/{space_id}",
    summary="Place a space on a floor plan",
    operation_id="placeSpace",
    responses=refused(
        errors.PLAN_GONE, errors.X_UNREADABLE, errors.Y_UNREADABLE, SPACE_UNKNOWN, SPACE_IS_ARCHIVED
    ),
)
async def place(transaction: Transaction, plan_id: PlanId, space_id: SpaceId, body: PlaceBody) -> PlacedSpace:
    """Give it one point of one plan; it leaves any other."""
    x, y = (f"{value:.4f}" for value in (body.x, body.y))
    point = await workflow.place_space(transaction.conn, transaction.principal, plan_id, space_id, x, y)
    await transaction.commit()
    return PlacedSpace(space_id=space_id, x=float(point.x), y=float(point.y))


@api.delete(
    "/{plan_id}/places/{space_id}",
    summary="Take a space off a floor plan",
    operation_id="takeSpaceOff",
    status_code=204,
    responses=refused(errors.PLAN_GONE, SPACE_UNKNOWN, SPACE_IS_ARCHIVED),
)
async def take_off(transaction: Transaction, plan_id: PlanId, space_id: SpaceId) -> None:
    """Nothing happens if it is not on it."""
    await workflow.take_space_off(transaction.conn, transaction.principal, plan_id, space_id)
    await transaction.commit()


def _media_type(request: Request) -> str:
    return request.headers.get("content-type", "")


async def _shown(conn: actions.Conn) -> list[FloorPlan]:
    places = await actions.list_places(conn)
    return [
        FloorPlan(
            id=plan.id,
            name=plan.name,
            width=plan.width,
            height=plan.height,
            picture=plan.address,
            spaces=[
                PlacedSpace(space_id=item.space_id, x=float(item.x), y=float(item.y))
                for item in places
                if item.plan_id == plan.id
            ],
        )
        for plan in await actions.list_plans(conn)
    ]


async def _one(conn: actions.Conn, plan_id: int) -> FloorPlan:
    return next(plan for plan in await _shown(conn) if plan.id == plan_id)
