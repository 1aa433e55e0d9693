"""A person's page at the desk: name, language, badges and codes, checking in and out. Never their visits."""

from typing import Any, Final
from uuid import UUID

import segno
from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, Response
from markupsafe import Markup
from psycopg import AsyncConnection

from hubwell.errors import DomainError
from hubwell.http.dependencies import AppSettings, Audit, OpenTransaction, ReadConnection, Transaction
from hubwell.http.guard import require_role
from hubwell.people import credentials, desk_taps, persons
from hubwell.people.credentials import Code, CredentialChanged, NewPerson
from hubwell.vocabulary import Role
from hubwell.web.desk.last_space import remember_space, spaces_to_choose
from hubwell.web.kit.forms import FormText, language_choices, mistake
from hubwell.web.kit.respond import formatter_for, see_other, view
from hubwell.workflows import people, visits

desk_people = APIRouter(
    prefix="/desk",
    include_in_schema=False,
    default_response_class=HTMLResponse,
    dependencies=[require_role(Role.STAFF)],
)
_NO_STORE: Final = {"Cache-Control": "no-store"}
_SHOWN_AS: Final[dict[str, persons.ShownAs]] = {"mentor": "mentor", "ambassador": "ambassador"}


@desk_people.post("/people")
async def add(
    request: Request,
    transaction: Transaction,
    settings: AppSettings,
    name: FormText = "",
    language: FormText = "",
    code: FormText = "",
) -> Response:
    """Enter a person without a badge; with a QR code for their phone if they want one."""
    conn, actor, now = transaction.conn, transaction.principal, transaction.now
    person = NewPerson(name, language or None)
    try:
        if code:
            issued = await people.issue_code(conn, actor, settings, person, now)
            await transaction.commit(issued.enrolled.facts)
            return _code(request, issued)
        person_id = await people.add(conn, actor, person, now)
    except DomainError as error:
        return _new(request, status=422, error=error, name=name, language=language)
    await transaction.commit()
    return see_other(f"/desk/people/{person_id}?done=entered")


@desk_people.get("/people/new")
async def show_new(request: Request) -> Response:
    """Show the form for a person without a badge."""
    return _new(request)


def _new(
    request: Request, status: int = 200, error: DomainError | None = None, name: str = "", language: str = ""
) -> Response:
    words = formatter_for(request)
    values: dict[str, Any] = {"name": name, "language": language, "here": "/desk/people/new"}
    values["errors"] = mistake(error, words) if error else {}
    languages = language_choices(words)
    return view(request, "desk/new.html", status=status, page="desk", languages_to_choose=languages, **values)


@desk_people.get("/people/{person_id}")
async def show_person(
    request: Request, conn: ReadConnection, person_id: UUID, done: str = "", badge: int = 0
) -> Response:
    """Show the register's entry of a person."""
    return await _person(request, conn, person_id, done=done, badge=badge)


@desk_people.post("/people/{person_id}")
async def change(
    request: Request, transaction: Transaction, person_id: UUID, name: FormText = "", language: FormText = ""
) -> Response:
    """Rename a person, or set the language in which readers address them."""
    try:
        facts = await people.change(
            transaction.conn, transaction.principal, person_id, name=name, language=language or None
        )
    except DomainError as error:
        return await _refused(
            request, transaction, person_id, error, typed={"name": name, "language": language}
        )
    await transaction.commit(facts)
    return see_other(f"/desk/people/{person_id}?done=changed")


@desk_people.post("/people/{person_id}/shown")
async def name_on_site_role(
    transaction: Transaction, audit: Audit, person_id: UUID, shown_as: FormText = ""
) -> Response:
    """Name a person mentor or learning ambassador; whether they are shown, they choose themselves."""
    role = _SHOWN_AS.get(shown_as, "")
    await persons.set_shown_as(transaction.conn, person_id, role)
    await audit.record("person.shown-as", f"person:{person_id}", shown_as=role or None)
    await transaction.commit()
    return see_other(f"/desk/people/{person_id}?done=changed")


@desk_people.post("/people/{person_id}/code")
async def issue_code(
    request: Request, transaction: Transaction, settings: AppSettings, person_id: UUID, label: FormText = ""
) -> Response:
    """Make a QR code for a person and show it, once."""
    conn, actor, now = transaction.conn, transaction.principal, transaction.now
    try:
        code = await people.issue_code(conn, actor, settings, person_id, now, label)
    except DomainError as error:
        return await _refused(request, transaction, person_id, error)
    await transaction.commit(code.enrolled.facts)
    return _code(request, code)


@desk_people.post("/people/{person_id}/visit")
async def check_in_or_out(
    request: Request,
    transaction: Transaction,
    settings: AppSettings,
    person_id: UUID,
    way: FormText = "",
    space: FormText = "",
    back: FormText = "",
) -> Response:
    """Check a person at the desk in or out: as good as a tap. A space alone means in."""
    conn, actor, now = transaction.conn, transaction.principal, transaction.now
    is_in = way == "in" or (not way and bool(space))
    result = "in" if is_in else "out"
    try:
        if is_in:
            facts = await visits.check_in(conn, actor, settings, person_id, space, now)
        else:
            ended = await visits.check_out(conn, actor, settings, person_id, now)
            facts, result = ended or [], "not-in" if ended is None else "out"
    except DomainError as error:
        return await _refused(request, transaction, person_id, error)
    await transaction.commit(facts)
    to_desk = f"/desk?done={result}&person={person_id}"
    answer = see_other(to_desk if back == "desk" else f"/desk/people/{person_id}?done={result}")
    if is_in:
        remember_space(request, answer, space)
    return answer


@desk_people.post("/people/{person_id}/same")
async def find_same(
    request: Request, transaction: Transaction, person_id: UUID, q: FormText = ""
) -> Response:
    """Find the other entry of a person who was entered twice."""
    matches = await people.find(transaction.conn, transaction.principal, q)
    await transaction.commit()
    others = [person for person in matches if person.id != person_id]
    return await _person(request, transaction.conn, person_id, matches=others, search=q)


@desk_people.post("/people/{person_id}/merge")
async def merge(
    request: Request, transaction: Transaction, settings: AppSettings, person_id: UUID, other: FormText = ""
) -> Response:
    """Make one person of two entries; this one stays."""
    conn, actor = transaction.conn, transaction.principal
    try:
        facts = await people.merge(conn, actor, settings, keep=person_id, drop=_id(other) or person_id)
    except DomainError as error:
        return await _refused(request, transaction, person_id, error)
    await transaction.commit(facts)
    return see_other(f"/desk/people/{person_id}?done=merged")


@desk_people.post("/badges/{badge}/revoke")
async def revoke(
    request: Request, transaction: Transaction, badge: int, why: FormText = "", person: FormText = ""
) -> Response:
    """Revoke a badge at once, everywhere."""
    conn, actor, now = transaction.conn, transaction.principal, transaction.now
    try:
        revoked = await people.revoke(conn, actor, badge, why, now)
    except DomainError as error:
        return await _refused(request, transaction, _id(person), error)
    return await _changed(transaction, revoked, f"revoked&badge={badge}")


@desk_people.post("/taps/{tap_id}/revoke-others")
async def revoke_others(
    request: Request, transaction: Transaction, tap_id: int, why: FormText = "", person: FormText = ""
) -> Response:
    """Revoke all badges and codes of a person but the one that was just held to the desk's reader."""
    conn, actor, now = transaction.conn, transaction.principal, transaction.now
    try:
        result = await people.revoke_others(conn, actor, tap_id, why, now)
    except DomainError as error:
        return await _refused(request, transaction, _id(person), error)
    await transaction.commit(result.facts)
    return see_other(f"/desk/people/{result.person_id}?done=others-revoked")


@desk_people.post("/badges/{badge}/restore")
async def restore(request: Request, transaction: Transaction, badge: int, person: FormText = "") -> Response:
    """Let a revoked badge that was found work again."""
    try:
        restored = await people.restore(transaction.conn, transaction.principal, badge)
    except DomainError as error:
        return await _refused(request, transaction, _id(person), error)
    return await _changed(transaction, restored, "restored")


@desk_people.post("/badges/{badge}/note")
async def change_note(
    request: Request, transaction: Transaction, badge: int, label: FormText = "", person: FormText = ""
) -> Response:
    """Change the note by which a badge is told apart."""
    try:
        changed = await people.change_note(transaction.conn, transaction.principal, badge, label)
    except DomainError as error:
        return await _refused(request, transaction, _id(person), error)
    return await _changed(transaction, changed, "changed")


@desk_people.post("/badges/{badge}/take-back")
async def undo_enrolment(
    request: Request, transaction: Transaction, badge: int, person: FormText = ""
) -> Response:
    """Undo an enrolment of the last minutes."""
    conn, actor, now = transaction.conn, transaction.principal, transaction.now
    try:
        undone = await people.undo_enrolment(conn, actor, badge, now)
    except DomainError as error:
        return await _refused(request, transaction, _id(person), error)
    return await _changed(transaction, undone, "taken-back")


async def _changed(transaction: OpenTransaction, changed: CredentialChanged, done: str) -> Response:
    """Commit a change of a badge; go to its person's page, or to the desk where there is none."""
    await transaction.commit(changed.facts)
    person = f"/people/{changed.person_id}" if changed.person_id else ""
    return see_other(f"/desk{person}?done={done}")


def _code(request: Request, code: Code) -> Response:
    """Show a code as a picture. The page is kept by no browser and by no server."""
    drawn = segno.make_qr(code.text, error="m").svg_inline(
        scale=8, border=4, dark="#000", light="#fff", svgclass=None, lineclass=None
    )
    # S704: drawn by the library, from letters and digits.
    picture = Markup(drawn)  # noqa: S704
    enrolled = code.enrolled
    answer = view(request, "desk/code.html", page="desk", picture=picture, enrolled=enrolled, here="/desk")
    answer.headers.update(_NO_STORE)
    return answer


async def _refused(
    request: Request,
    transaction: OpenTransaction,
    person_id: UUID | None,
    error: DomainError,
    typed: dict[str, str] | None = None,
) -> Response:
    """Show the refusal on the person's page, or on its own page where the form names no person."""
    await transaction.roll_back()
    if person_id is None:
        raise error
    return await _person(request, transaction.conn, person_id, error=error, typed=typed)


async def _person(
    request: Request,
    conn: AsyncConnection[Any],
    person_id: UUID,
    *,
    error: DomainError | None = None,
    typed: dict[str, str] | None = None,
    **values: Any,  # noqa: ANN401 (for the template)
) -> Response:
    words = formatter_for(request)
    person = await persons.person(conn, person_id)
    shown: dict[str, Any] = {"matches": None, "search": "", "done": "", "badge": 0} | values
    return view(
        request,
        "desk/person.html",
        status=422 if error else 200,
        page="desk",
        here=f"/desk/people/{person_id}",
        person=person,
        badges=await credentials.credentials_of(conn, person_id),
        held=await desk_taps.in_hand(conn, person_id, words.now),
        spaces=await spaces_to_choose(request, conn),
        typed=typed or {"name": person.name, "language": person.language or ""},
        languages_to_choose=language_choices(words),
        errors=mistake(error, words) if error else {},
        **shown,
    )


def _id(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None
