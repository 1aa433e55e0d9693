"""Spaces to check people in to at the desk: the one that this browser used last comes first."""

from typing import Any, Final

from fastapi import Request
from fastapi.responses import Response
from psycopg import AsyncConnection

from hubwell.http.parts import parts_of
from hubwell.people import course_sessions

_COOKIE: Final = "desk-space"
"""Of the browser and not of a person: it reveals no visit."""
_A_YEAR_S: Final = 365 * 24 * 3600


async def spaces_to_choose(request: Request, conn: AsyncConnection[Any]) -> list[tuple[str, str]]:
    """Return id and name of every space, the one that was used last first."""
    last = request.cookies.get(_COOKIE, "")
    rows = await course_sessions.spaces(conn, for_sessions=False)
    named = [(key, f"{name}, {zone}" if zone else name) for key, name, zone in rows]
    return sorted(named, key=lambda space: space[0] != last)


def remember_space(request: Request, answer: Response, space_id: str) -> None:
    """Let a space come first in this browser from now on."""
    secure = parts_of(request).settings.is_https
    answer.set_cookie(
        _COOKIE, space_id, max_age=_A_YEAR_S, path="/desk", secure=secure, httponly=True, samesite="lax"
    )
