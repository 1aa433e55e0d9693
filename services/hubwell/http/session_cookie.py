"""Create and clear the session cookie, used by every login method, and the cookies of screens.

At each login the browser gets a new token and its previous one is revoked, so a token that an attacker
planted in a browser is worthless. A screen has a cookie while it waits to be paired, which restricts nothing,
and another once it is paired: a browser that shows it, and signs in by nothing else, opens only the routes
that are declared to be for screens.
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

_SCREEN: Final = "hubwell-screen"
_WAITING: Final = "hubwell-waiting"
_HOST: Final = "__Host-"
_LONGEST_COOKIE_S: Final = 400 * 24 * 3600
"""Browsers keep a cookie no longer; each page of a screen begins the time again."""


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
    credential_id: int | None = None,
) -> None:
    """Sign an account in, or a person with a code from the kiosk; the answer carries the cookie."""
    if before := session_token_of(request):
        await sessions.end(conn, before)
    ticket = await sessions.begin(
        conn,
        account_id=account_id,
        person_id=person_id,
        credential_id=credential_id,
        now=datetime.now(UTC),
    )
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


def screen_token_of(request: Request) -> str | None:
    """Return the token of a paired screen that this browser shows."""
    return request.cookies.get(_of_host(_SCREEN, parts_of(request).settings))


def waiting_token_of(request: Request) -> str | None:
    """Return the token of a screen that waits to be paired."""
    return request.cookies.get(_of_host(_WAITING, parts_of(request).settings))


def is_screen_alone(request: Request) -> bool:
    """Return whether a request comes from a paired screen at which nobody is signed in."""
    if _SCREEN not in request.headers.get("cookie", ""):
        return False
    by_token = request.headers.get("authorization", "").lower().startswith("bearer ")
    return screen_token_of(request) is not None and not by_token and not session_token_of(request)


def set_screen_cookies(
    answer: Response, settings: Settings, *, paired: str | None = None, waiting: str | None = None
) -> None:
    """Set the cookie of a screen that is paired, or waits to be; the other one is cleared."""
    for name, token in ((_SCREEN, paired), (_WAITING, waiting)):
        answer.set_cookie(
            _of_host(name, settings),
            token or "",
            max_age=_LONGEST_COOKIE_S if token else 0,
            path="/",
            secure=settings.is_https,
            httponly=True,
            samesite="lax",
        )


def _of_host(name: str, settings: Settings) -> str:
    return f"{_HOST}{name}" if settings.is_https else name
