"""What the application is made of: one typed object, the only one that HTTP code reads from `app.state`."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from fastapi import Request
from fastapi.responses import Response
from psycopg import AsyncConnection

from hubwell.access.oidc.client import Provider
from hubwell.access.passwords import Passwords
from hubwell.errors import DomainError
from hubwell.events import Facts, TapAnswered
from hubwell.http.database import Database
from hubwell.http.rate_limits import Limits
from hubwell.settings import Settings

Commit = Callable[[AsyncConnection[Any], Facts], Awaitable[list[TapAnswered]]]
"""The switchboard's `commit`: reacts to facts in the caller's transaction."""
ErrorPage = Callable[[Request, str, int, DomainError | None], Response | None]
"""Gets a problem's code and status, and the refusal where it is one; returns its page, or None for clients
that want no page."""


@dataclass(frozen=True, slots=True)
class Parts:
    """Made once by `app.create_app`. Pages and API keep theirs in a `Parts` of their own."""

    settings: Settings
    database: Database
    limits: Limits
    passwords: Passwords
    provider: Provider | None
    commit: Commit
    error_page: ErrorPage


def parts_of(request: Request) -> Parts:
    """Return the parts of the application that answers the request."""
    parts: Parts = request.app.state.parts
    return parts
