"""A person's page at the desk: name, language, badges and codes, checking in and out. Never their visits."""

from datetime import UTC, datetime
from typing import Annotated, Any
from uuid import UUID

import segno
from fastapi import APIRouter, Form, Request
from fastapi.responses import HTMLResponse, Response
from markupsafe import Markup

from hubwell.events import Facts
from hubwell.http.guard import principal_of, require_role
from hubwell.http.parts import parts_of
from hubwell.people import course_sessions, credentials, persons
from hubwell.people.credentials import Code, NewPerson
from hubwell.people.errors import PeopleError
from hubwell.presence.errors import VisitError
from hubwell.presence.errors import sentence as visit_sentence
from hubwell.vocabulary import Role
from hubwell.web.kit.forms import commit, language_choices, mistake, sentence, transaction
from hubwell.web.kit.respond import formatter_for, see_other, view
from hubwell.workflows import people, visits

desk_people = APIRouter(
    prefix="/desk",
    include_in_schema=False,
    default_response_class=HTMLResponse,
    dependencies=[require_role(Role.STAFF)],
)
Text = Annotated[str, Form()]
_NO_STORE = {"Cache-Control": "no-store"}


@desk_people.post("/people")
async def add(request: Request, name: Text = "", language: Text = "", code: Text = "") -> Response:
    """Enter somebody without a badge; with a QR code for their phone if they want one."""
    now, person = datetime.now(UTC), NewPerson(name, language or None)
    try:
        async with transaction(request) as conn:
            if code:
                return _shown_once(request, await _issue(conn, request, person, now))
            person_id = await people.add(conn, principal_of(request), person, now)
    except PeopleError as error:
        return _new(request, status=422, error=error, name=name, language=language)
    return see_other(f"/desk/people/{person_id}?done=entered")


@desk_people.get("/people/new")
async def show_new(request: Request) -> Response:
    """Show the form for somebody without a badge."""
    return _new(request)


def _new(
    request: Request, status: int = 200, error: PeopleError | None = None, name: str = "", language: str = ""
) -> Response:
    words = formatter_for(request)
    values: dict[str, Any] = {"name": name, "language": language, "here": "/desk/people/new"}
    values["errors"] = mistake(error, words) if error else {}
    languages = language_choices(words)
    return view(request, "desk/new.html", status=status, page="desk", languages_to_choose=languages, **values)


@desk_people.get("/people/{person_id}")
async def show_person(request: Request, person_id: UUID, done: str = "", badge: int = 0) -> Response:
    """Show what the register knows of a person."""
    return await _person(request, person_id, done=done, badge=badge)


@desk_people.post("/people/{person_id}")
async def change(request: Request, person_id: UUID, name: Text = "", language: Text = "") -> Response:
    """Rename a person, or set the language in which readers speak to them."""
    try:
        async with transaction(request) as conn:
            actor = principal_of(request)
            facts = await people.change(conn, actor, person_id, name=name, language=language or None)
            await commit(conn, request, facts)
    except PeopleError as error:
        return await _person(request, person_id, error=error, typed={"name": name, "language": language})
    return see_other(f"/desk/people/{person_id}?done=changed")


@desk_people.post("/people/{person_id}/code")
async def issue_code(request: Request, person_id: UUID, label: Text = "") -> Response:
    """Make a QR code for a person and show it, once."""
    try:
        async with transaction(request) as conn:
            made = await _issue(conn, request, person_id, datetime.now(UTC), label)
    except PeopleError as error:
        return await _person(request, person_id, error=error)
    return _shown_once(request, made)


@desk_people.post("/people/{person_id}/visit")
async def check_in_or_out(request: Request, person_id: UUID, way: Text = "", space: Text = "") -> Response:
    """Check somebody in or out who stands at the desk: as good as a tap."""
    now, actor, settings = datetime.now(UTC), principal_of(request), parts_of(request).settings
    facts: Facts | None
    try:
        async with transaction(request) as conn:
            if way == "in":
                facts = await visits.check_in(conn, actor, settings, person_id, space, now)
            else:
                facts = await visits.check_out(conn, actor, settings, person_id, now)
            await commit(conn, request, facts or [])
    except (PeopleError, VisitError) as error:
        return await _person(request, person_id, error=error)
    done = "not-in" if facts is None else "in" if way == "in" else "out"
    return see_other(f"/desk/people/{person_id}?done={done}")


@desk_people.post("/people/{person_id}/same")
async def find_same(request: Request, person_id: UUID, q: Text = "") -> Response:
    """Find the other entry of a person who was entered twice."""
    async with transaction(request) as conn:
        matches = await people.find(conn, principal_of(request), q)
    found = [person for person in matches if person.id != person_id]
    return await _person(request, person_id, found=found, searched=q)


@desk_people.post("/people/{person_id}/merge")
async def merge(request: Request, person_id: UUID, other: Text = "") -> Response:
    """Make one person of two entries; this one stays."""
    try:
        async with transaction(request) as conn:
            drop = UUID(other) if _is_id(other) else person_id
            actor, settings = principal_of(request), parts_of(request).settings
            facts = await people.merge(conn, actor, settings, keep=person_id, drop=drop)
            await commit(conn, request, facts)
    except PeopleError as error:
        return await _person(request, person_id, error=error)
    return see_other(f"/desk/people/{person_id}?done=merged")


@desk_people.post("/badges/{badge}/revoke")
async def revoke(request: Request, badge: int, why: Text = "", person: Text = "") -> Response:
    """Revoke a badge at once, everywhere."""
    try:
        async with transaction(request) as conn:
            revoked = await people.revoke(conn, principal_of(request), badge, why, datetime.now(UTC))
            await commit(conn, request, revoked.facts)
    except PeopleError as error:
        return await _refused(request, person, error)
    return see_other(f"/desk/people/{revoked.person_id}?done=revoked&badge={badge}")


@desk_people.post("/badges/{badge}/restore")
async def restore(request: Request, badge: int, person: Text = "") -> Response:
    """Let a badge work again that was found."""
    try:
        async with transaction(request) as conn:
            restored = await people.restore(conn, principal_of(request), badge)
            await commit(conn, request, restored.facts)
    except PeopleError as error:
        return await _refused(request, person, error)
    return see_other(f"/desk/people/{restored.person_id}?done=restored")


@desk_people.post("/badges/{badge}/take-back")
async def undo_enrolment(request: Request, badge: int, person: Text = "") -> Response:
    """Undo an enrolment of the last minutes."""
    try:
        async with transaction(request) as conn:
            undone = await people.undo_enrolment(conn, principal_of(request), badge, datetime.now(UTC))
            await commit(conn, request, undone.facts)
    except PeopleError as error:
        return await _refused(request, person, error)
    stays = undone.person_id
    return see_other(f"/desk/people/{stays}?done=taken-back" if stays else "/desk?done=taken-back")


async def _issue(
    conn: Any,  # noqa: ANN401 (a connection)
    request: Request,
    owner: UUID | NewPerson,
    now: datetime,
    label: str = "",
) -> Code:
    actor, settings = principal_of(request), parts_of(request).settings
    made = await people.issue_code(conn, actor, settings, owner, now, label)
    await commit(conn, request, made.enrolled.facts)
    return made


def _shown_once(request: Request, made: Code) -> Response:
    """Show a code as a picture. The page is kept by no browser and by no server."""
    drawn = segno.make_qr(made.text, error="m").svg_inline(
        scale=8, border=4, dark="#000", light="#fff", svgclass=None, lineclass=None
    )
    # S704: drawn by the library, from letters and digits.
    picture = Markup(drawn)  # noqa: S704
    answer = view(request, "desk/code.html", page="desk", picture=picture, made=made.enrolled, here="/desk")
    answer.headers.update(_NO_STORE)
    return answer


async def _refused(request: Request, person: str, error: PeopleError) -> Response:
    if _is_id(person):
        return await _person(request, UUID(person), error=error)
    return view(
        request, "desk/gone.html", status=404, page="desk", said=sentence(error, formatter_for(request))
    )


async def _person(
    request: Request,
    person_id: UUID,
    *,
    error: PeopleError | VisitError | None = None,
    typed: dict[str, str] | None = None,
    **values: Any,  # noqa: ANN401 (for the template)
) -> Response:
    words = formatter_for(request)
    try:
        async with transaction(request) as conn:
            person = await persons.person(conn, person_id)
            badges = await credentials.credentials_of(conn, person_id)
            spaces = await course_sessions.spaces(conn, shared=False)
    except PeopleError as gone:
        return view(request, "desk/gone.html", status=404, page="desk", said=sentence(gone, words))
    known: dict[str, Any] = {
        "person": person,
        "badges": badges,
        "spaces": [(key, f"{name}, {zone}" if zone else name) for key, name, zone in spaces],
        "typed": typed or {"name": person.name, "language": person.language or ""},
        "languages_to_choose": language_choices(words),
        "errors": _mistakes(error, words) if error else {},
        "found": None,
        "searched": "",
        "done": "",
        "badge": 0,
        "here": f"/desk/people/{person_id}",
    }
    status = 422 if error else 200
    return view(request, "desk/person.html", status=status, page="desk", **{**known, **values})


def _mistakes(error: PeopleError | VisitError, words: Any) -> dict[str, str]:  # noqa: ANN401 (Words)
    if isinstance(error, PeopleError):
        return mistake(error, words)
    return {"": visit_sentence(error.why, words.translations)}


def _is_id(text: str) -> bool:
    try:
        UUID(text)
    except ValueError:
        return False
    return True
