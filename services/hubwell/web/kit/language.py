"""The language of a response: chosen at the foot of a page, else the principal's, else the browser's.

While somebody is signed in, the switch sets the language of their session, which wins over the one that their
account or badge has: what a person has just chosen counts. For other browsers it sets a cookie. Without a
choice the language follows the person, then what the browser prefers, then the hub's setting.
"""

from contextlib import suppress
from typing import Final

from fastapi import APIRouter, Request
from fastapi.responses import RedirectResponse, Response

from hubwell.access import sessions
from hubwell.http.database import DatabaseAwayError, SchemaMissingError
from hubwell.http.dependencies import DatabasePool
from hubwell.http.guard import PUBLIC_NO_LOOKUP, principal_of
from hubwell.http.parts import parts_of
from hubwell.http.session_cookie import session_token_of
from hubwell.i18n import negotiate_language
from hubwell.vocabulary import LANGUAGES

COOKIE: Final = "language"
_A_YEAR_S: Final = 365 * 24 * 3600

switch = APIRouter(include_in_schema=False)


def language_of(request: Request) -> str:
    """Return the language to answer this request in."""
    settings = parts_of(request).settings
    wishes = (
        principal_of(request).language,
        request.cookies.get(COOKIE),
        negotiate_language(request.headers.get("accept-language", "")),
    )
    return next((wish for wish in wishes if wish in LANGUAGES), settings.language)


def language_of_page(request: Request) -> str:
    """Return the language of the page that requests a fragment: the query names it."""
    language = request.query_params.get("language")
    return language if language in LANGUAGES else language_of(request)


@switch.get("/language", dependencies=[PUBLIC_NO_LOOKUP])
async def choose_language(
    request: Request,
    database: DatabasePool,
    to: str = "",
    next: str = "/",  # noqa: A002 (the name in the address)
) -> Response:
    """Keep the choice in this browser, and for the session if there is one, and go back to the page."""
    answer = RedirectResponse(_here(next), status_code=303)
    if to in LANGUAGES:
        answer.set_cookie(COOKIE, to, max_age=_A_YEAR_S, httponly=True, samesite="lax")
        if token := session_token_of(request):
            with suppress(DatabaseAwayError, SchemaMissingError):
                async with database.connection() as conn:
                    await sessions.set_language(conn, token, to)
    return answer


def _here(address: str) -> str:
    """Return an address of this site: a link must not send people elsewhere through us."""
    plain = address.isprintable() and "\\" not in address
    return address if plain and address.startswith("/") and not address.startswith("//") else "/"
