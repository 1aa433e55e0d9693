"""The form of a space: add one, from a template if wanted, and change one."""

from dataclasses import replace
from typing import Annotated, Any, Final

from fastapi import APIRouter, Form, Request
from fastapi.responses import HTMLResponse, Response
from psycopg import AsyncConnection
from pydantic import BaseModel

from hubwell.errors import DomainError
from hubwell.http.dependencies import AppSettings, ReadConnection, Transaction
from hubwell.http.guard import require_role
from hubwell.settings import Settings
from hubwell.spaces import archive, register
from hubwell.spaces.errors import SPACE_GONE, SPACE_IS_ARCHIVED
from hubwell.spaces.rules import HUB, SpaceInput, WhenFull, clock
from hubwell.vocabulary import LANGUAGES, Role
from hubwell.web.kit.forms import mistake
from hubwell.web.kit.respond import formatter_for, see_other, view
from hubwell.web.kit.spaces import feature_names
from hubwell.web.register import text
from hubwell.workflows.register import spaces as workflow

form_pages = APIRouter(
    include_in_schema=False,
    default_response_class=HTMLResponse,
    dependencies=[require_role(Role.FACILITIES, Role.ADMIN)],
)
_NAME: Final = "name_"
_FIELDS: Final = (
    *("name", "names", "id", "kind", "capacity", "zone"),
    *("opens_at", "closes_at", "when_full", "features", "equipment"),
)
_GONE: Final = (SPACE_GONE, SPACE_IS_ARCHIVED)
"""Refusals that are not about the form."""


class SpaceForm(BaseModel):
    """The fields as a browser sends them; one that is not ticked is not sent."""

    id: str = ""
    name: str = ""
    kind: str = ""
    capacity: str = ""
    zone: str = ""
    opens_at: str = ""
    closes_at: str = ""
    when_full: str = WhenFull.WARN
    personal: str = ""
    features: list[str] = []
    equipment: str = ""
    name_en: str = ""
    name_it: str = ""
    name_fi: str = ""
    name_et: str = ""
    name_lv: str = ""
    name_nl: str = ""

    @property
    def given(self) -> SpaceInput:
        """What was entered."""
        return SpaceInput(
            name=self.name,
            kind=self.kind,
            capacity=self.capacity,
            zone=self.zone,
            opens_at=self.opens_at,
            closes_at=self.closes_at or HUB,
            when_full=self.when_full,
            personal=bool(self.personal),
            features=self.features,
            equipment=self.equipment,
            names={language: getattr(self, _NAME + language) for language in LANGUAGES},
        )


SpaceFields = Annotated[SpaceForm, Form()]


@form_pages.get("/register/new")
async def show_new(
    request: Request, conn: ReadConnection, settings: AppSettings, template: str = ""
) -> Response:
    """Show the form for a new space, filled in from a template if one was chosen."""
    chosen = next((item for item in text.templates(formatter_for(request)) if item.key == template), None)
    given = chosen.given if chosen else SpaceInput()
    return await _page(request, conn, settings, given, chosen=template)


@form_pages.post("/register/new")
async def add(
    request: Request, transaction: Transaction, settings: AppSettings, form: SpaceFields
) -> Response:
    """Add a space."""
    try:
        space_id, facts = await workflow.add_space(
            transaction.conn, transaction.principal, form.given, form.id
        )
    except DomainError as error:
        await transaction.roll_back()
        errors = mistake(error, formatter_for(request))
        return await _page(request, transaction.conn, settings, form.given, new_id=form.id, errors=errors)
    await transaction.commit(facts)
    return see_other(f"/spaces?done=added&space={space_id}")


@form_pages.get("/spaces/{space_id}/edit")
async def show_edit(request: Request, conn: ReadConnection, settings: AppSettings, space_id: str) -> Response:
    """Show the settings of a space in use, and its devices."""
    space = await register.get_registered(conn, space_id)
    if space.archived_at is not None:
        raise DomainError(SPACE_IS_ARCHIVED)
    return await _page(request, conn, settings, space.settings.as_input(), space_id=space_id)


@form_pages.post("/spaces/{space_id}/edit")
async def change(
    request: Request, transaction: Transaction, settings: AppSettings, space_id: str, form: SpaceFields
) -> Response:
    """Change a space."""
    try:
        facts = await workflow.change_space(transaction.conn, transaction.principal, space_id, form.given)
    except DomainError as error:
        if error.kind in _GONE:
            raise
        await transaction.roll_back()
        errors = mistake(error, formatter_for(request))
        return await _page(request, transaction.conn, settings, form.given, space_id=space_id, errors=errors)
    await transaction.commit(facts)
    return see_other(f"/spaces?done=changed&space={space_id}")


async def _page(
    request: Request,
    conn: AsyncConnection[Any],
    settings: Settings,
    given: SpaceInput,
    *,
    space_id: str = "",
    errors: dict[str, str] | None = None,
    **values: Any,  # noqa: ANN401 (for the template)
) -> Response:
    words = formatter_for(request)
    every = await register.list_registered(conn)
    space = next((item for item in every if item.id == space_id), None)
    shown = {"new_id": "", "chosen": ""} | values
    return view(
        request,
        "register/space.html",
        status=422 if errors else 200,
        words=words,
        page="spaces",
        here=f"/spaces/{space_id}/edit" if space_id else "/register/new",
        space=space,
        devices=(await archive.register(conn)).devices_in(space_id) if space_id else [],
        given=replace(given, closes_at="" if given.closes_at == HUB else given.closes_at),
        errors=_in_order(errors or {}),
        zones=sorted({item.settings.zone for item in every if item.settings.zone}),
        templates=text.templates(words),
        labels=text.field_names(words),
        kinds=list(text.kind_names(words).items()),
        features=list(feature_names(words.translations).items()),
        doors=list(text.door_names(words).items()),
        hub_closes=clock(settings.closing_time),
        **shown,
    )


def _in_order(errors: dict[str, str]) -> dict[str, str]:
    """Return the mistakes in the order of the form's fields."""
    return dict(sorted(errors.items(), key=lambda item: _FIELDS.index(item[0])))
