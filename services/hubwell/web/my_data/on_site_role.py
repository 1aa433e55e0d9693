"""Staff name somebody a mentor or a learning ambassador; whether they are shown, they choose themselves."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Form, Request
from fastapi.responses import Response

from hubwell.audit import log
from hubwell.http.guard import principal_of, require_role
from hubwell.privacy import personal_data
from hubwell.vocabulary import Role
from hubwell.web.kit.respond import see_other

me_shown = APIRouter(include_in_schema=False, dependencies=[require_role(Role.STAFF)])


@me_shown.post("/desk/people/{person_id}/shown")
async def name_somebody(request: Request, person_id: UUID, shown_as: Annotated[str, Form()] = "") -> Response:
    """Keep as what somebody may choose to be shown; nothing: they are not shown any more."""
    known: personal_data.ShownAs = (
        "mentor" if shown_as == "mentor" else "ambassador" if shown_as == "ambassador" else ""
    )
    async with request.app.state.database.connection() as conn, conn.transaction():
        await personal_data.set_shown_as(conn, person_id, known)
        await log.record(
            conn,
            actor=principal_of(request).actor,
            action="person.shown-as",
            subject=f"person:{person_id}",
            detail={"shown_as": known or None},
        )
    return see_other(f"/desk/people/{person_id}?done=changed")
