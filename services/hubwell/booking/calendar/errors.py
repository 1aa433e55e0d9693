"""Refusals about calendar addresses. Each names the field and what to do."""

from typing import Final

from hubwell.errors import N_, ErrorKind

ADDRESS_GONE: Final = ErrorKind(
    "calendar-address-gone",
    N_("There is no such calendar address. It may have been revoked in the meantime."),
    status=404,
)
ADDRESS_NOT_YOURS: Final = ErrorKind(
    "calendar-address-not-yours",
    N_("Only who made this address, facilities and administrators can revoke it. Ask one of them."),
    status=403,
)
SHOWS_UNREADABLE: Final = ErrorKind(
    "calendar-shows-unreadable",
    N_("Choose what the calendar shows: your own bookings, a space, or the times of a space alone."),
    "shows",
)
TOO_MANY_ADDRESSES: Final = ErrorKind(
    "calendar-too-many-addresses",
    N_("You have {most} calendar addresses, which is the most. Revoke one that is not used."),
    status=409,
)
