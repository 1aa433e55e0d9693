"""Musters for programs: a fire alarm panel that opens one, a printer that prints the list: role osh.

Whether there is an evacuation, everybody may know.
"""

from datetime import datetime
from typing import Annotated, Final
from uuid import UUID, uuid4

from fastapi import APIRouter, Path, Response
from pydantic import BaseModel, ConfigDict, Field

from hubwell.api.dependencies import NameViews
from hubwell.api.evacuation_view import EvacuationView, open_evacuation, view_of
from hubwell.api.responses import MAY_FAIL, NO_DATABASE, Responses, refused
from hubwell.api.schemas import EvacuationNow
from hubwell.api.times import IsoTime
from hubwell.errors import NAME_TOO_LONG, SPACE_UNKNOWN
from hubwell.evacuation import announcement, read_model
from hubwell.evacuation.announcement import Kind
from hubwell.evacuation.errors import ALREADY_OPEN, NOT_ON_LIST, NOT_OPEN
from hubwell.evacuation.report import Report, SpaceAtStart
from hubwell.evacuation.rules import Provenance, State
from hubwell.http.dependencies import AppSettings, ReadConnection, Transaction
from hubwell.http.errors import Problem
from hubwell.http.guard import PUBLIC, require_role
from hubwell.people.errors import NAME_NOT_PRINTABLE
from hubwell.vocabulary import Role
from hubwell.workflows import evacuation
from hubwell_wire.topics import ID_PATTERN

_RESPONSES: Final[Responses] = {
    401: {"model": Problem, "description": "No token, or one that does not count."},
    403: {"model": Problem, "description": "The token does not have the role osh."},
    **NO_DATABASE,
}
MusterId = Annotated[UUID, Path(description="Id of the open muster.")]
SpaceId = Annotated[str, Path(pattern=ID_PATTERN, description="Id of a space.")]
ListNumber = Annotated[int, Path(ge=1, lt=2**63, description="The person's number on this list.")]


class _Answer(BaseModel):
    model_config = ConfigDict(frozen=True)


class Person(_Answer):
    """A person on the list."""

    id: int = Field(description="Number on this list only.")
    name: str | None = Field(description="Null where names are not shown, or there is none.")
    label: str | None = Field(description="What the person's badge is called, for who has no name.")
    state: State
    changed_at: datetime | None = Field(description="When an officer last changed it.")
    since: datetime | None = Field(description="When they tapped in; null where names are not shown.")
    visitor: bool = Field(description="Entered by an officer: a visitor without a badge.")
    late: bool = Field(description="Tapped in after the opening.")
    left_at: datetime | None = Field(description="When their badge was tapped out since.")
    now_in: str | None = Field(description="Another space where their badge was tapped since.")
    erased: bool = Field(description="Their data was erased meanwhile; they may still be inside.")


class SpaceList(_Answer):
    """The list of one space."""

    id: str
    name: str
    start: SpaceAtStart | None = Field(description="Badges and sensors at the opening.")
    people_sensed: int | None = Field(description="A sensor's headcount now; null without a counter.")
    somebody_sensed: bool | None = Field(description="Whether people are sensed now; null if not known.")
    provenance: Provenance = Field(description="Of what is sensed now.")
    reader_away_since: datetime | None = Field(description="Taps may wait on a reader that is away.")
    people: list[Person]


class ZoneList(_Answer):
    """The list of one zone."""

    zone: str = Field(description="Empty for spaces that are in none.")
    people: int
    safe: int
    missing: int
    spaces: list[SpaceList]


class MusterNow(_Answer):
    """The muster that is open."""

    id: UUID
    kind: Kind
    opened_at: datetime
    as_of: datetime
    names_shown: bool
    people: int
    safe: int
    missing: int
    zones: list[ZoneList]


class Musters(_Answer):
    """Whether a muster is open."""

    muster: MusterNow | None


class EvacuationRequest(_Answer):
    """What to open."""

    kind: Kind = Field(description="An alarm turns an open drill into an alarm.")


class PersonState(_Answer):
    """What an officer found out."""

    state: State


class MarkedTogether(_Answer):
    """People of a space whose state was set together."""

    people: int
    at: datetime = Field(description="By this time the marks can be taken back together.")


class UndoTogether(_Answer):
    """Which marks to take back."""

    at: IsoTime = Field(description="As the answer that marked them has it.")


class VisitorBody(_Answer):
    """A visitor without a badge."""

    model_config = ConfigDict(extra="forbid")

    name: str = Field("", description="Empty if it is not known.")
    space_id: str = Field(description="Where the visitor was.")
    state: State = State.EXPECTED
    key: UUID | None = Field(None, description="The same key enters one visitor, however often it is sent.")


class VisitorAdded(_Answer):
    """A visitor on the list."""

    id: int = Field(description="Number on this list only.")


class Opened(_Answer):
    """What was opened."""

    id: UUID
    was_drill: bool = Field(description="An open drill became an alarm.")


class EarlierMuster(_Answer):
    """A closed muster: counts and times, no names."""

    id: UUID
    kind: Kind
    opened_at: datetime
    closed_at: datetime
    report: Report


class EarlierMusters(_Answer):
    """The reports, the newest first."""

    musters: list[EarlierMuster]


api = APIRouter()
_muster = APIRouter(
    prefix="/api/v1/muster", tags=["Musters"], responses=_RESPONSES, dependencies=[require_role(Role.OSH)]
)


@api.get(
    "/api/v1/evacuation",
    tags=["Musters"],
    summary="Whether everybody has to leave now",
    operation_id="getEvacuation",
    responses=MAY_FAIL,
    dependencies=[PUBLIC],
)
async def get_evacuation(conn: ReadConnection, settings: AppSettings) -> EvacuationNow:
    """Return the open evacuation or drill, without anything about people: for signs and building systems."""
    return EvacuationNow(evacuation=open_evacuation(await announcement.current(conn), settings))


@_muster.get("", summary="Who is probably inside", operation_id="getMuster")
async def get_muster(transaction: Transaction, views: NameViews, response: Response) -> Musters:
    """Return the open muster with its list by zone and space; in a drill names need two who agreed."""
    response.headers["Cache-Control"] = "no-store"
    view = await view_of(transaction, views)
    return Musters(muster=None if view is None else _now(view))


@_muster.post(
    "", summary="Start an evacuation or a drill", operation_id="openMuster", responses=refused(ALREADY_OPEN)
)
async def open_muster(transaction: Transaction, body: EvacuationRequest) -> Opened:
    """For a fire alarm panel: the list is there with the answer."""
    opened = await evacuation.begin(transaction.conn, transaction.principal, body.kind, transaction.now)
    await transaction.commit(opened.facts)
    return Opened(id=opened.id, was_drill=opened.was_drill)


@_muster.get("/reports", summary="Earlier musters", operation_id="listMusterReports")
async def list_reports(conn: ReadConnection) -> EarlierMusters:
    """At most 100; counts and times per zone, no names."""
    reports = await read_model.reports(conn)
    return EarlierMusters(
        musters=[EarlierMuster.model_validate(item, from_attributes=True) for item in reports]
    )


@_muster.put(
    "/{muster}/people/{person}",
    status_code=204,
    summary="Tick a person off",
    operation_id="tickPerson",
    responses=refused(NOT_OPEN, NOT_ON_LIST),
)
async def tick_person(
    transaction: Transaction, muster: MusterId, person: ListNumber, body: PersonState
) -> None:
    """Set whether a person is accounted for; the last word counts. In the audit log, with the number only."""
    actor, now = transaction.principal, transaction.now
    await transaction.commit(await evacuation.tick(transaction.conn, actor, muster, person, body.state, now))


@_muster.post(
    "/{muster}/spaces/{space_id}/safe",
    summary="Everybody in a space is safe",
    operation_id="markSpaceSafe",
    responses=refused(NOT_OPEN, SPACE_UNKNOWN),
)
async def mark_space_safe(transaction: Transaction, muster: MusterId, space_id: SpaceId) -> MarkedTogether:
    """Mark everybody there who is not ticked off yet; earlier marks stay, also those of missing people."""
    actor, now = transaction.principal, transaction.now
    people, facts = await evacuation.mark_space_safe(transaction.conn, actor, muster, space_id, now)
    await transaction.commit(facts)
    return MarkedTogether(people=people, at=now)


@_muster.post(
    "/{muster}/spaces/{space_id}/undo",
    summary="Take back that everybody in a space is safe",
    operation_id="undoSpaceSafe",
    responses=refused(NOT_OPEN),
)
async def undo_space_safe(
    transaction: Transaction, muster: MusterId, space_id: SpaceId, body: UndoTogether
) -> MarkedTogether:
    """Take back what was marked together at a time, except people whose state was changed since."""
    actor, now = transaction.principal, transaction.now
    people, facts = await evacuation.undo_space_safe(transaction.conn, actor, muster, space_id, body.at, now)
    await transaction.commit(facts)
    return MarkedTogether(people=people, at=now)


@_muster.post(
    "/{muster}/visitors",
    status_code=201,
    summary="Enter a visitor",
    operation_id="addMusterVisitor",
    responses=refused(NOT_OPEN, SPACE_UNKNOWN, NAME_TOO_LONG, NAME_NOT_PRINTABLE),
)
async def add_visitor(transaction: Transaction, muster: MusterId, body: VisitorBody) -> VisitorAdded:
    """Enter a person without a badge; the name is deleted with the list."""
    person, facts = await evacuation.add_visitor(
        transaction.conn,
        transaction.principal,
        muster,
        name=body.name,
        space=body.space_id,
        state=body.state,
        key=body.key or uuid4(),
        now=transaction.now,
    )
    await transaction.commit(facts)
    return VisitorAdded(id=person)


@_muster.delete(
    "/{muster}/visitors/{person}",
    status_code=204,
    summary="Remove a visitor",
    operation_id="removeMusterVisitor",
    responses=refused(NOT_OPEN, NOT_ON_LIST),
)
async def remove_visitor(transaction: Transaction, muster: MusterId, person: ListNumber) -> None:
    """Remove a visitor who was entered by mistake."""
    await transaction.commit(
        await evacuation.remove_visitor(transaction.conn, transaction.principal, muster, person)
    )


api.include_router(_muster)


def _now(view: EvacuationView) -> MusterNow:
    zones: dict[str, list[SpaceList]] = {}
    starts = {space.space_id: space for space in view.muster.start.start}
    for place in view.places:
        people = [_person(item, view) for item in view.people if item.space_id == place.id]
        zones.setdefault(place.zone, []).append(
            SpaceList(
                id=place.id,
                name=place.name,
                start=starts.get(place.id),
                people_sensed=place.sensed.people,
                somebody_sensed=place.sensed.somebody,
                provenance=place.sensed.provenance,
                reader_away_since=place.reader_away_since,
                people=people,
            )
        )
    return MusterNow(
        id=view.muster.id,
        kind=view.muster.kind,
        opened_at=view.muster.opened_at,
        as_of=view.now,
        names_shown=view.names,
        zones=[_zone(zone, spaces) for zone, spaces in zones.items()],
        **_counts([item.state for item in view.people]),
    )


def _zone(zone: str, spaces: list[SpaceList]) -> ZoneList:
    counts = _counts([person.state for space in spaces for person in space.people])
    return ZoneList(zone=zone, spaces=spaces, **counts)


def _counts(states: list[State]) -> dict[str, int]:
    return {
        "people": len(states),
        "safe": states.count(State.SAFE),
        "missing": states.count(State.MISSING),
    }


def _person(item: read_model.RollEntry, view: EvacuationView) -> Person:
    return Person(
        id=item.id,
        name=item.name or None,
        label=item.label,
        state=item.state,
        changed_at=item.changed_at,
        since=item.since if view.names else None,
        visitor=item.is_visitor,
        late=item.late,
        left_at=item.left_at,
        now_in=item.now_in,
        erased=item.erased,
    )
