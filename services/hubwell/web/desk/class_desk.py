"""A class at the desk: a pasted list of names; a tap, Enter, and the next name.

Everything is a plain form. The script only shows a badge as soon as it is held to the reader.
"""

from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, Response
from psycopg import AsyncConnection

from hubwell.errors import DomainError
from hubwell.http.dependencies import AppSettings, OpenTransaction, ReadConnection, Transaction
from hubwell.http.guard import require_role
from hubwell.people import class_lists
from hubwell.people.class_lists import ClassList, ClassName, Columns, SameName, WaitingTap
from hubwell.vocabulary import Role
from hubwell.web.accounts.own import NEEDS_ACCOUNT, OwnAccount
from hubwell.web.kit.forms import FormText, language_choices, mistake
from hubwell.web.kit.language import language_of_page
from hubwell.web.kit.respond import formatter_for, fragment, see_other, view
from hubwell.workflows import class_lists as workflow
from hubwell.workflows.accounts import own_account

_LONGEST_NUMBER: Final = 18
_NEW: Final = "new"

class_desk = APIRouter(
    prefix="/desk/class",
    include_in_schema=False,
    default_response_class=HTMLResponse,
    dependencies=[require_role(Role.STAFF), NEEDS_ACCOUNT],
)


@dataclass(frozen=True, slots=True)
class Badges:
    """The badges at the reader: those that can be given, and the newest one that belongs to a person."""

    waiting: list[WaitingTap]
    owned: WaitingTap | None

    @classmethod
    def of(cls, taps: list[WaitingTap]) -> "Badges":
        """Sort the taps of a list's reader."""
        owned = [tap for tap in taps if tap.credential_id is not None]
        return cls([tap for tap in taps if tap.credential_id is None], owned[-1] if owned else None)


@dataclass(frozen=True, slots=True)
class Queue:
    """A list with the name whose turn it is; None once every name is done."""

    names: list[ClassName]
    current: ClassName | None
    same: list[SameName]
    """People of the register who have the current name."""

    @property
    def done(self) -> int:
        """Number of names that have their badge."""
        return sum(item.credential_id is not None for item in self.names)

    @property
    def skipped(self) -> int:
        """Number of names that were skipped."""
        return sum(item.skipped for item in self.names)

    @property
    def last(self) -> ClassName | None:
        """The name that was done last."""
        finished = [(item.done_at, item.position) for item in self.names if item.done_at and not item.waits]
        return self.names[max(finished)[1] - 1] if finished else None

    @property
    def before(self) -> int | None:
        """Position of the name before the current one."""
        return self.current.position - 1 if self.current and self.current.position > 1 else None

    @property
    def is_doubled(self) -> bool:
        """Whether the current name is on the list more than once."""
        return self.current is not None and self.current.position in class_lists.doubled(self.names)

    @property
    def owner(self) -> str:
        """Whose badge it probably is: a person of the register, but not one who got theirs from this list."""
        on_list = {item.person_id for item in self.names if item.person_id is not None}
        return next((str(person.id) for person in self.same if person.id not in on_list), _NEW)


def _turn(names: list[ClassName], at: int | None) -> ClassName | None:
    """Return the name at a position, else the first one that waits."""
    if at is not None and 1 <= at <= len(names):
        return names[at - 1]
    return next((item for item in names if item.waits), None)


def _next_after(names: list[ClassName], position: int) -> int | None:
    """Return the position of the next name that waits, from the top again at the end."""
    waiting = [item.position for item in names if item.waits]
    return next((each for each in waiting if each > position), waiting[0] if waiting else None)


@class_desk.get("")
async def show_start(request: Request, conn: ReadConnection, owner: OwnAccount, done: str = "") -> Response:
    """Show the form for a list, and the lists that are not ended."""
    return await _start_form(request, conn, owner, {}, done=done)


@class_desk.post("")
async def start(
    request: Request,
    transaction: Transaction,
    owner: OwnAccount,
    names: FormText = "",
    columns: FormText = "",
    reader: FormText = "",
    language: FormText = "",
) -> Response:
    """Store the pasted names, and show the first one."""
    conn, actor, now = transaction.conn, transaction.principal, transaction.now
    order: Columns = "first-last" if columns == "first-last" else "last-first"
    try:
        list_id = await workflow.start(
            conn, actor, names, now, columns=order, reader=reader, language=language or None
        )
    except DomainError as error:
        await transaction.roll_back()
        typed = {"names": names, "columns": order, "reader": reader, "language": language}
        return await _start_form(request, conn, owner, typed, error=error)
    await transaction.commit()
    return see_other(f"/desk/class/{list_id}")


async def _start_form(
    request: Request,
    conn: AsyncConnection[Any],
    owner: UUID,
    typed: dict[str, str],
    *,
    error: DomainError | None = None,
    done: str = "",
) -> Response:
    words = formatter_for(request)
    readers = await class_lists.desk_readers(conn)
    empty = dict.fromkeys(("names", "columns", "reader", "language"), "")
    return view(
        request,
        "desk/class/start.html",
        status=422 if error else 200,
        words=words,
        page="desk",
        here="/desk/class",
        lists=await class_lists.lists_of(conn, owner),
        readers=[(each.key, f"{each.device_name or each.device}, {each.reader}") for each in readers],
        languages_to_choose=language_choices(words),
        most=class_lists.MOST_NAMES,
        typed=empty | typed,
        errors=mistake(error, words) if error else {},
        done=done,
    )


@class_desk.get("/{list_id}")
async def show_queue(
    request: Request, conn: ReadConnection, owner: OwnAccount, list_id: UUID, at: str = ""
) -> Response:
    """Show the name whose turn it is, or the one at a position."""
    return await _page(request, conn, await class_lists.get(conn, list_id, owner), _number(at))


@class_desk.get("/{list_id}/badges")
async def show_badges(request: Request, conn: ReadConnection, owner: OwnAccount, list_id: UUID) -> Response:
    """Send the badges at the reader again, after the desk's stream announced a tap."""
    words = formatter_for(request, language_of_page(request))
    of = await class_lists.get(conn, list_id, owner)
    badges = Badges.of(await class_lists.taps_of(conn, of, words.now))
    text = fragment(request, "desk/class/badges.html", words, badges=badges, chosen="")
    return HTMLResponse(text, headers={"Cache-Control": "no-store"})


@class_desk.post("/{list_id}")
async def give(
    request: Request,
    transaction: Transaction,
    settings: AppSettings,
    list_id: UUID,
    position: FormText = "",
    name: FormText = "",
    tap: FormText = "",
    owner: FormText = "",
) -> Response:
    """Give the badge to the name, and go to the next one."""
    conn, actor, now = transaction.conn, transaction.principal, transaction.now
    at = _number(position) or 0
    try:
        enrolled = await workflow.give(
            conn, actor, settings, list_id, at, _number(tap), now, name=name, person_id=_person(owner)
        )
    except DomainError as error:
        typed = {"name": name, "tap": tap, "owner": owner}
        return await _refused(request, transaction, list_id, error, at, typed)
    target = await _address(conn, list_id, at)
    await transaction.commit(enrolled.facts)
    return see_other(target)


@class_desk.post("/{list_id}/skip")
async def skip(
    request: Request, transaction: Transaction, list_id: UUID, position: FormText = ""
) -> Response:
    """Leave the name without a badge, and go to the next one."""
    at = _number(position) or 0
    try:
        await workflow.skip(transaction.conn, transaction.principal, list_id, at, transaction.now)
    except DomainError as error:
        return await _refused(request, transaction, list_id, error, at)
    target = await _address(transaction.conn, list_id, at)
    await transaction.commit()
    return see_other(target)


@class_desk.post("/{list_id}/undo")
async def undo(request: Request, transaction: Transaction, list_id: UUID) -> Response:
    """Undo what was done last, and go back to that name."""
    try:
        position, facts = await workflow.undo(
            transaction.conn, transaction.principal, list_id, transaction.now
        )
    except DomainError as error:
        return await _refused(request, transaction, list_id, error, None)
    await transaction.commit(facts)
    return see_other(f"/desk/class/{list_id}?at={position}")


@class_desk.post("/{list_id}/next-tap")
async def start_with_next_tap(
    request: Request, transaction: Transaction, list_id: UUID, position: FormText = ""
) -> Response:
    """Leave out the badges that were held to the reader so far."""
    at = _number(position)
    try:
        await workflow.start_with_next_tap(transaction.conn, transaction.principal, list_id, transaction.now)
    except DomainError as error:
        return await _refused(request, transaction, list_id, error, at)
    await transaction.commit()
    return see_other(f"/desk/class/{list_id}" + (f"?at={at}" if at else ""))


@class_desk.post("/{list_id}/end")
async def end(transaction: Transaction, list_id: UUID) -> Response:
    """Delete the list; people and badges stay."""
    await workflow.end(transaction.conn, transaction.principal, list_id)
    await transaction.commit()
    return see_other("/desk/class?done=ended")


async def _address(conn: AsyncConnection[Any], list_id: UUID, position: int) -> str:
    """Return the address of the next name that waits; without a position once all are done."""
    following = _next_after(await class_lists.names_of(conn, list_id), position)
    return f"/desk/class/{list_id}" + (f"?at={following}" if following else "")


async def _refused(
    request: Request,
    transaction: OpenTransaction,
    list_id: UUID,
    error: DomainError,
    at: int | None,
    typed: dict[str, str] | None = None,
) -> Response:
    """Show the refusal above the name; on its own page where the list is gone."""
    await transaction.roll_back()
    owner = own_account(transaction.principal)
    of = await class_lists.get(transaction.conn, list_id, owner)
    return await _page(request, transaction.conn, of, at, error=error, typed=typed)


async def _page(
    request: Request,
    conn: AsyncConnection[Any],
    of: ClassList,
    at: int | None,
    *,
    error: DomainError | None = None,
    typed: dict[str, str] | None = None,
) -> Response:
    words = formatter_for(request)
    names = await class_lists.names_of(conn, of.id)
    current = _turn(names, at)
    same = [] if current is None else await class_lists.same_name(conn, current.name)
    queue = Queue(names, current, same)
    empty = {"name": current.name if current else "", "tap": "", "owner": queue.owner}
    answer = view(
        request,
        "desk/class/queue.html",
        status=422 if error else 200,
        words=words,
        page="desk",
        here=f"/desk/class/{of.id}",
        of=of,
        queue=queue,
        badges=Badges.of(await class_lists.taps_of(conn, of, words.now)),
        typed=empty | {key: value for key, value in (typed or {}).items() if value},
        errors=mistake(error, words) if error else {},
    )
    answer.headers["Cache-Control"] = "no-store"
    return answer


def _number(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdecimal() and len(text) <= _LONGEST_NUMBER else None


def _person(owner: str) -> UUID | None:
    try:
        return UUID(owner)
    except ValueError:
        return None
