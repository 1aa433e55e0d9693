"""What facilities choose for the door of a space: walk-ins, and the release of what nobody came to."""

from dataclasses import dataclass
from typing import Any, Final

from psycopg import AsyncConnection

from hubwell.booking import errors
from hubwell.errors import SPACE_UNKNOWN, DomainError
from hubwell.storage.queries import Queries

_SQL: Final = Queries("hubwell.booking.door")
LEAST_RELEASE: Final = 15
MOST_RELEASE: Final = 120


@dataclass(frozen=True, slots=True)
class DoorSettings:
    """Whether a badge takes the space at its panel; minutes until a booking is released, None: never."""

    walk_ins: bool
    release: int | None


async def door_settings(conn: AsyncConnection[Any], space_id: str) -> DoorSettings:
    """Return the choices for a space. Raises DomainError."""
    row = await (await conn.execute(_SQL["settings"], {"space": space_id})).fetchone()
    if row is None:
        raise DomainError(SPACE_UNKNOWN)
    return DoorSettings(*row)


def release_in(text: str) -> int | None:
    """Return the minutes of a text; None for an empty one, and for 0. Raises DomainError."""
    digits = text.strip() or "0"
    minutes = int(digits) if digits.isascii() and digits.isdigit() and len(digits) <= len("999") else -1
    if minutes and not LEAST_RELEASE <= minutes <= MOST_RELEASE:
        raise DomainError(errors.RELEASE_UNREADABLE, least=LEAST_RELEASE, most=MOST_RELEASE)
    return minutes or None
