"""Create and clear the session cookie; used by every login method.

At each login the browser gets a new token and its previous one is revoked, so a token that an attacker
planted in a browser is worthless.
"""

from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID

from fastapi import Request
from fastapi.responses import Response
from psycopg import AsyncConnection

from hubwell.access import sessions
from hubwell.http.parts import parts_of
from hubwell.settings import Settings

_NAME: Final = "hubwell"
_SECURE_NAME: Final = "__Host-hubwell"
"""Browsers take a cookie of this name over https only, and from no neighbouring host."""


def cookie_name(settings: Settings) -> str:
    """Return the name of the cookie that holds the token of a sign-in."""
    return _SECURE_NAME if settings.is_https else _NAME


def session_token_of(request: Request) -> str | None:
    """Return the token of a sign-in that this browser shows."""
    return request.cookies.get(cookie_name(parts_of(request).settings))


async def start_session(
    request: Request,
    answer: Response,
    conn: AsyncConnection[Any],
    *,
    account_id: UUID | None = None,
    person_id: UUID | None = None,
) -> None:
    """Sign an account in, or a person with a code from the kiosk; the answer carries the cookie."""
    if before := session_token_of(request):
        await sessions.end(conn, before)
    ticket = await sessions.begin(conn, account_id=account_id, person_id=person_id, now=datetime.now(UTC))
    settings = parts_of(request).settings
    # No Max-Age: the cookie is gone when the browser closes; how long it counts, the server decides.
    answer.set_cookie(
        cookie_name(settings), ticket, path="/", secure=settings.is_https, httponly=True, samesite="lax"
    )


async def end_session(request: Request, answer: Response, conn: AsyncConnection[Any]) -> None:
    """Sign this browser out."""
    if ticket := session_token_of(request):
        await sessions.end(conn, ticket)
    clear_cookie(answer, parts_of(request).settings)


def clear_cookie(answer: Response, settings: Settings) -> None:
    """Take the cookie away from the browser."""
    answer.delete_cookie(
        cookie_name(settings), path="/", secure=settings.is_https, httponly=True, samesite="lax"
    )
