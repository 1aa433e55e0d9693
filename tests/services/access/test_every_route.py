"""Every route with every role, against a table that somebody wrote by hand.

A new route without an entry fails here: say below who may use it, then declare the same in its module.
"""

import asyncio
import re
from datetime import UTC, datetime
from typing import Final
from uuid import UUID

import httpx
import pytest
from fastapi import FastAPI
from fastapi.routing import iter_route_contexts

from hubwell.access import sessions
from hubwell.app import create_app
from hubwell.settings import Settings
from hubwell.vocabulary import Role
from services.access.running_app import House

_ANY_ROLE: Final = frozenset(Role)
EVERYBODY: Final = """
    GET /
    GET /plots
    GET /live
    GET /devices
    GET /alerts
    GET /on-site
    GET /privacy
    GET /static/{name}
    GET /language
    GET /metrics
    GET /sign-in
    POST /sign-in
    POST /sign-out
    GET /sign-in/provider
    GET /sign-in/back
    GET /setup
    POST /setup
    GET /api/v1/openapi.json
    GET /api/v1/spaces
    GET /api/v1/spaces/{space_id}
    GET /api/v1/spaces/{space_id}/readings
    GET /api/v1/devices
    GET /api/v1/alerts
    GET /api/v1/health
    GET /api/v1/stream
    GET /api/v1/people
    GET /api/v1/people.csv
"""
OWN: Final = """
    GET /me
    POST /me/code
    POST /me/leave
    GET /me/export.json
    GET /me/export.csv
    POST /me/language
    POST /me/shown
    GET /me/visits/{visit_id}/end
    POST /me/visits/{visit_id}/end
    GET /me/visits/{visit_id}/remove
    POST /me/visits/{visit_id}/remove
    GET /me/erase
    POST /me/erase
"""
"""Open to everybody, and about the visitor alone: who has no person finds the form for a code."""
TABLE: Final[dict[frozenset[Role] | None, str]] = {
    None: EVERYBODY + OWN,
    _ANY_ROLE: """
        GET /account
        POST /account/password
        POST /account/language
        POST /account/person
        POST /account/person/forget
        POST /account/sign-out-everywhere
    """,
    frozenset([Role.STAFF]): """
        GET /desk
        GET /desk/live
        POST /desk/find
        GET /desk/taps/{tap_id}
        POST /desk/taps/{tap_id}/find
        POST /desk/taps/{tap_id}
        POST /desk/questions/{question}/settle
        POST /desk/people
        GET /desk/people/new
        GET /desk/people/{person_id}
        POST /desk/people/{person_id}
        POST /desk/people/{person_id}/code
        POST /desk/people/{person_id}/visit
        POST /desk/people/{person_id}/shown
        POST /desk/people/{person_id}/same
        POST /desk/people/{person_id}/merge
        POST /desk/badges/{badge}/revoke
        POST /desk/badges/{badge}/restore
        POST /desk/badges/{badge}/take-back
        GET /sessions
        GET /sessions/new
        POST /sessions
        GET /sessions/{session_id}
        GET /sessions/{session_id}/roll.csv
        POST /sessions/{session_id}/delete
        POST /api/v1/persons/search
        POST /api/v1/persons
        GET /api/v1/persons/{person_id}
        PUT /api/v1/persons/{person_id}
        POST /api/v1/persons/{person_id}/merge
        POST /api/v1/persons/{person_id}/codes
        POST /api/v1/persons/{person_id}/check-in
        POST /api/v1/persons/{person_id}/check-out
        GET /api/v1/badges/taps
        POST /api/v1/badges/taps/{tap_id}/enrol
        POST /api/v1/badges/{badge_id}/undo-enrolment
        POST /api/v1/badges/{badge_id}/revoke
        POST /api/v1/badges/{badge_id}/restore
        GET /api/v1/badges/suspicions
        POST /api/v1/badges/suspicions/{suspicion_id}/resolve
        GET /api/v1/sessions
        POST /api/v1/sessions
        GET /api/v1/sessions/{session_id}/roll
        DELETE /api/v1/sessions/{session_id}
    """,
    frozenset([Role.OSH]): """
        GET /muster
        POST /muster
        GET /muster/list
        GET /muster/sheet
        POST /muster/{muster}/tick
        GET /muster/close
        POST /muster/{muster}/close
        GET /muster/reports
        GET /muster/reports/{muster}
        GET /api/v1/muster
        POST /api/v1/muster
        GET /api/v1/muster/reports
    """,
    frozenset([Role.OSH, Role.ADMIN]): """
        GET /muster/names
        POST /muster/names/{muster}
        POST /muster/names/{request_id}/agree
    """,
    frozenset([Role.ADMIN]): """
        GET /accounts
        POST /accounts
        GET /accounts/{account_id}
        POST /accounts/{account_id}/roles
        POST /accounts/{account_id}/password
        POST /accounts/{account_id}/disable
        POST /accounts/{account_id}/enable
        GET /accounts/{account_id}/erase
        POST /accounts/{account_id}/erase
        GET /tokens
        POST /tokens
        POST /tokens/revoke
        GET /api/v1/accounts
        POST /api/v1/accounts
        GET /api/v1/accounts/{account_id}
        PUT /api/v1/accounts/{account_id}/roles
        POST /api/v1/accounts/{account_id}/password
        POST /api/v1/accounts/{account_id}/disable
        POST /api/v1/accounts/{account_id}/enable
        DELETE /api/v1/accounts/{account_id}
        GET /api/v1/tokens
        POST /api/v1/tokens
        POST /api/v1/tokens/revoke
        GET /audit-log
        GET /privacy/retention
        GET /privacy/dpia
        GET /privacy/dpia.{ending}
        GET /privacy/record
        GET /privacy/record.{ending}
    """,
}
WHO: Final = {
    line.strip(): roles for roles, text in TABLE.items() for line in text.splitlines() if line.strip()
}
NOWHERE: Final = str(UUID(int=0))


def routes_of(app: FastAPI) -> set[str]:
    """Return every route with its methods, whoever made it."""
    return {
        f"{method} {route.path}"
        for route in iter_route_contexts(app.routes)
        for method in (route.methods or {"MOUNT"}) - {"HEAD"}
    }


def test_every_route_has_an_entry_and_every_entry_a_route() -> None:
    there = routes_of(create_app(Settings()))

    assert there - set(WHO) == set(), "say in the table who may use these"
    assert set(WHO) - there == set(), "these are gone"


@pytest.mark.slow
@pytest.mark.parametrize("role", [None, *Role])
async def test_role_passes_where_the_table_says_and_nowhere_else(house: House, role: Role | None) -> None:
    account_id = await house.add("somebody", role) if role else None
    wrong = []
    for route, allowed in WHO.items():
        method, path = route.split(" ")
        client = house.browser()
        client.follow_redirects = False
        if account_id:
            await _sign_in(house, client, account_id)

        refused, status = await _refused(client, method, re.sub(r"\{\w+\}", NOWHERE, path))

        if refused != (allowed is not None and role not in allowed) or status >= 500:
            wrong.append((route, "refused" if refused else "let in", status))
    assert wrong == []


async def _sign_in(house: House, client: httpx.AsyncClient, account_id: UUID) -> None:
    async with house.connection() as conn:
        ticket = await sessions.begin(conn, account_id=account_id, now=datetime.now(UTC))
        row = await (
            await conn.execute("SELECT csrf FROM sign_in ORDER BY created_at DESC LIMIT 1")
        ).fetchone()
    assert row is not None
    client.headers.update({"x-csrf-token": row[0], "cookie": f"hubwell={ticket}"})


async def _refused(client: httpx.AsyncClient, method: str, path: str) -> tuple[bool, int]:
    """Ask, and tell whether the guard refused; streams are left once they have begun."""
    async with asyncio.timeout(20), client.stream(method, path) as answer:
        if answer.status_code == 303:
            return answer.headers["location"].startswith("/sign-in?next="), 303
        if answer.status_code not in (401, 403):
            return False, answer.status_code
        text = (await answer.aread()).decode()
        said = "problem:not-allowed" in text or "Your roles do not allow this" in text
        return said or answer.status_code == 401, answer.status_code


def test_pages_of_people_are_for_those_who_need_them() -> None:
    """The table itself keeps the promises of the privacy page."""
    for route, roles in WHO.items():
        if any(word in route for word in ("/desk", "/sessions", "/persons", "/badges")):
            assert roles == frozenset([Role.STAFF]), route
        if route.split(" ")[1] == "/muster":
            assert roles == frozenset([Role.OSH]), route
