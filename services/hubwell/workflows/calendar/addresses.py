"""Make and revoke addresses of calendars: pages and API call these.

Staff, facilities and administrators make them. An address is revoked by who made it; those of spaces by
facilities and administrators too.
"""

from datetime import datetime
from typing import Any, Final
from uuid import UUID

from psycopg import AsyncConnection

from hubwell.access.principal import Principal
from hubwell.audit import log
from hubwell.booking import spaces
from hubwell.booking.calendar import addresses, errors
from hubwell.booking.calendar.addresses import CalendarAddress, CalendarShows
from hubwell.booking.rules import space_refusal
from hubwell.errors import DomainError, refuse_all
from hubwell.workflows.bookings import reader_of

_SHOWS: Final = frozenset(CalendarShows)
Conn = AsyncConnection[Any]


async def make_address(
    conn: Conn, actor: Principal, shows: str, space_id: str, now: datetime
) -> tuple[CalendarAddress, str]:
    """Make an address; return it with its token, which is stored nowhere. Raises DomainError."""
    if shows not in _SHOWS:
        raise DomainError(errors.SHOWS_UNREADABLE)
    what = CalendarShows(shows)
    if what != CalendarShows.OWN:
        refuse_all([space_refusal(await spaces.get_space(conn, space_id))])
    of_space = None if what == CalendarShows.OWN else space_id
    address_id, token = await addresses.add(conn, what, of_space, actor.actor, now)
    await _note(conn, actor, "calendar-address.made", address_id, shows=str(what), space=of_space)
    return await addresses.get(conn, address_id), token


async def revoke_address(conn: Conn, actor: Principal, address_id: UUID) -> None:
    """Revoke an address; programs that read it find none from now on. Raises DomainError."""
    address = await addresses.get(conn, address_id)
    if not address.may_revoke(reader_of(actor)):
        raise DomainError(errors.ADDRESS_NOT_YOURS)
    await addresses.revoke(conn, address_id)
    await _note(conn, actor, "calendar-address.revoked", address_id)


async def _note(conn: Conn, actor: Principal, action: str, address_id: UUID, **detail: log.Value) -> None:
    subject = f"calendar-address:{address_id}"
    await log.record(conn, actor=actor.actor, action=action, subject=subject, detail=detail)
