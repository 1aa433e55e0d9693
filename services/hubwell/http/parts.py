"""What the application is made of: one typed object, the only one that HTTP code reads from `app.state`."""

from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from fastapi import Request
from fastapi.responses import Response
from psycopg import AsyncConnection

from hubwell.access.oidc.client import Provider
from hubwell.access.passkeys.challenges import Challenges
from hubwell.access.passwords import Passwords
from hubwell.errors import DomainError
from hubwell.evacuation import announcement
from hubwell.evacuation.announcement import Announcement
from hubwell.events import Facts, TapAnswered
from hubwell.http.database import Database, DatabaseAwayError, SchemaMissingError
from hubwell.http.rate_limits import Limits
from hubwell.http.route_table import RouteTable
from hubwell.hub_profile import actions as hub_profile
from hubwell.settings import Settings

Commit = Callable[[AsyncConnection[Any], Facts], Awaitable[list[TapAnswered]]]
"""The switchboard's `commit`: reacts to facts in the caller's transaction."""
ErrorPage = Callable[[Request, str, int, DomainError | None], Response | None]
"""Gets a problem's code and status, and the refusal where it is one; returns its page, or None for clients
that want no page."""


class EvacuationWatch:
    """Remembers what the database said last, so that an open evacuation stays on pages while it is away."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.current: Announcement | None = None
        """The open evacuation or drill, as it was seen last."""

    async def look(self) -> Announcement | None:
        """Ask the database. Raises DatabaseAwayError or SchemaMissingError."""
        async with self._database.connection() as conn:
            self.current = await announcement.current(conn)
        return self.current

    async def look_if_possible(self) -> None:
        """Ask the database; without an answer, what was seen last stays."""
        with suppress(DatabaseAwayError, SchemaMissingError):
            await self.look()


class HubSettings:
    """Reads what administrators chose for the hub and passes the settings on when they changed."""

    def __init__(self, database: Database, installation: Settings, use: Callable[[Settings], None]) -> None:
        self.installation = installation
        """The settings of the environment alone."""
        self.current = installation
        """The settings in use."""
        self._database = database
        self._use = use

    async def read(self, conn: AsyncConnection[Any]) -> None:
        """Read with this connection; the next request is answered with these settings."""
        newest = self.installation.with_profile(await hub_profile.read(conn))
        if newest != self.current:
            self.current = newest
            self._use(newest)

    async def read_if_possible(self) -> None:
        """Read; without an answer of the database the settings stay as they are."""
        with suppress(DatabaseAwayError, SchemaMissingError):
            async with self._database.connection() as conn:
                await self.read(conn)


@dataclass(frozen=True, slots=True)
class Parts:
    """Made by `app.create_app`, and again with other settings when administrators change them.

    Pages and API keep theirs in a `Parts` of their own.
    """

    settings: Settings
    hub: HubSettings
    database: Database
    evacuation: EvacuationWatch
    limits: Limits
    passwords: Passwords
    provider: Provider | None
    challenges: Challenges
    commit: Commit
    routes: RouteTable
    error_page: ErrorPage


def parts_of(request: Request) -> Parts:
    """Return the parts of the application that answers the request."""
    parts: Parts = request.app.state.parts
    return parts
