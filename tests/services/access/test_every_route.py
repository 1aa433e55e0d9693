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
    GET /wall
    GET /wall/now
    GET /panel/{space_id}
    GET /panel/{space_id}/now
    GET /screen
    GET /screen/now
    GET /screen/live
    POST /screen/defects
    POST /screen/defects/undo
    POST /screen/bookings
    GET /kiosk
    GET /try
    POST /try
    GET /live
    GET /devices
    GET /spaces/{space_id}
    GET /evacuation
    GET /alerts
    GET /on-site
    GET /privacy
    GET /static/{name}
    GET /manifest.webmanifest
    GET /calendar/{token}.ics
    GET /api
    GET /language
    GET /hub.css
    GET /plans/places.css
    GET /plans/{plan_id}/picture
    GET /metrics
    GET /sign-in
    POST /sign-in
    POST /sign-in/passkey/begin
    POST /sign-in/passkey
    GET /sign-out
    POST /sign-out
    GET /sign-out/provider
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
    GET /api/v1/evacuation
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
    POST /me/links/{account_id}/end
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
        POST /account/passkeys/begin
        POST /account/passkeys
        POST /account/passkeys/{passkey_id}/remove
        POST /panel/{space_id}/defects
        POST /panel/{space_id}/defects/undo
        POST /spaces/{space_id}/defects
        POST /spaces/{space_id}/defects/undo
        POST /api/v1/defects
    """,
    frozenset([Role.FACILITIES, Role.ADMIN]): """
        GET /spaces
        GET /screens
        POST /screens
        GET /screens/{screen_id}
        POST /screens/{screen_id}
        POST /screens/{screen_id}/revoke
        GET /api/v1/screens
        POST /api/v1/screens
        GET /api/v1/screens/{screen_id}
        PUT /api/v1/screens/{screen_id}
        DELETE /api/v1/screens/{screen_id}
        POST /defects/{defect_id}/close
        POST /defects/{defect_id}/reopen
        POST /api/v1/defects/{defect_id}/close
        POST /api/v1/defects/{defect_id}/reopen
        GET /use
        GET /use.csv
        GET /register/new
        POST /register/new
        GET /register/import
        POST /register/import
        POST /register/import/apply
        GET /register/spaces.csv
        GET /register/plans
        POST /register/plans
        GET /register/plans/{plan_id}
        POST /register/plans/{plan_id}/places
        GET /register/plans/{plan_id}/change
        POST /register/plans/{plan_id}/change
        POST /register/plans/{plan_id}/picture
        POST /register/plans/{plan_id}/move
        POST /register/plans/{plan_id}/remove
        GET /api/v1/register/plans
        POST /api/v1/register/plans
        PUT /api/v1/register/plans/{plan_id}
        PUT /api/v1/register/plans/{plan_id}/picture
        DELETE /api/v1/register/plans/{plan_id}
        PUT /api/v1/register/plans/{plan_id}/places/{space_id}
        DELETE /api/v1/register/plans/{plan_id}/places/{space_id}
        GET /spaces/{space_id}/parts
        POST /spaces/{space_id}/parts
        PUT /api/v1/spaces/{space_id}/booking
        GET /spaces/{space_id}/edit
        POST /spaces/{space_id}/edit
        POST /spaces/{space_id}/move
        GET /spaces/{space_id}/archive
        GET /api/v1/register/spaces
        GET /api/v1/register/spaces.csv
        POST /api/v1/register/spaces
        POST /api/v1/register/spaces/order
        POST /api/v1/register/spaces/import
        GET /api/v1/register/spaces/{space_id}
        PUT /api/v1/register/spaces/{space_id}
        GET /api/v1/register/spaces/{space_id}/archive
        POST /spaces/{space_id}/archive
        POST /spaces/{space_id}/restore
        POST /register/devices
        POST /register/devices/{device_id}/ignore
        POST /register/devices/{device_id}/list-again
        GET /devices/{device_id}
        POST /devices/{device_id}/rename
        POST /devices/{device_id}/move
        POST /devices/{device_id}/replace
        POST /devices/{device_id}/reader
        GET /devices/{device_id}/archive
        POST /devices/{device_id}/archive
        POST /devices/{device_id}/restore
        GET /api/v1/register/devices
        POST /api/v1/register/devices
        GET /api/v1/register/devices/{device_id}
        PATCH /api/v1/register/devices/{device_id}
        POST /api/v1/register/devices/{device_id}/replace
        GET /api/v1/register/unregistered-devices
        POST /api/v1/register/unregistered-devices/{device_id}/ignore
        POST /api/v1/register/unregistered-devices/{device_id}/list-again
        POST /spaces/devices/{device_id}/archive
        POST /spaces/devices/{device_id}/restore
        POST /api/v1/spaces/{space_id}/archive
        POST /api/v1/spaces/{space_id}/restore
        POST /api/v1/devices/{device_id}/archive
        POST /api/v1/devices/{device_id}/restore
    """,
    frozenset([Role.STAFF, Role.FACILITIES, Role.ADMIN]): """
        GET /defects
        GET /api/v1/defects
        GET /bookings
        POST /bookings
        GET /bookings/new
        GET /bookings/mine
        GET /bookings/timeline
        GET /bookings/live
        GET /calendars
        POST /calendars
        POST /calendars/{address_id}/revoke
        GET /api/v1/calendars
        POST /api/v1/calendars
        DELETE /api/v1/calendars/{address_id}
        GET /bookings/{booking_id}
        POST /bookings/{booking_id}/move
        POST /bookings/{booking_id}/end
        POST /bookings/{booking_id}/cancel
        POST /bookings/{booking_id}/restore
        POST /bookings/series
        GET /bookings/series/new
        GET /bookings/series/{series_id}
        GET /bookings/series/{series_id}/change
        POST /bookings/series/{series_id}/change
        POST /bookings/series/{series_id}/cancel
        POST /bookings/series/{series_id}/restore
        POST /bookings/series/{series_id}/skipped
        POST /bookings/{booking_id}/take-back
        GET /api/v1/bookings
        POST /api/v1/bookings
        GET /api/v1/bookings/free
        GET /api/v1/bookings/{booking_id}
        PATCH /api/v1/bookings/{booking_id}
        DELETE /api/v1/bookings/{booking_id}
        POST /api/v1/bookings/{booking_id}/end
        POST /api/v1/bookings/{booking_id}/restore
        POST /api/v1/bookings/{booking_id}/take-back
        POST /api/v1/spaces/{space_id}/door-requests
        GET /api/v1/spaces/{space_id}/door-requests/{request_id}
        GET /api/v1/spaces/{space_id}/booking
        POST /api/v1/bookings/series
        POST /api/v1/bookings/series/preview
        GET /api/v1/bookings/series/{series_id}
        PATCH /api/v1/bookings/series/{series_id}
        DELETE /api/v1/bookings/series/{series_id}
        POST /api/v1/bookings/series/{series_id}/preview
        POST /api/v1/bookings/series/{series_id}/restore
        GET /api/v1/bookings/series/{series_id}/skipped
        POST /api/v1/bookings/series/{series_id}/skipped/{date}
    """,
    frozenset([Role.STAFF]): """
        GET /desk
        GET /desk/live
        POST /desk/find
        GET /desk/class
        POST /desk/class
        GET /desk/class/{list_id}
        POST /desk/class/{list_id}
        GET /desk/class/{list_id}/badges
        POST /desk/class/{list_id}/skip
        POST /desk/class/{list_id}/undo
        POST /desk/class/{list_id}/next-tap
        POST /desk/class/{list_id}/end
        GET /desk/taps/{tap_id}
        POST /desk/taps/{tap_id}/find
        POST /desk/taps/{tap_id}
        POST /desk/taps/{tap_id}/revoke-others
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
        POST /desk/badges/{badge}/note
        POST /desk/badges/{badge}/take-back
        GET /sessions
        GET /sessions/new
        POST /sessions
        GET /sessions/{session_id}
        GET /sessions/{session_id}/roll.csv
        POST /sessions/{session_id}/delete
        GET /sessions/series/{series_id}
        POST /sessions/series/{series_id}/delete
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
        POST /api/v1/badges/taps/{tap_id}/revoke-others
        POST /api/v1/badges/{badge_id}/undo-enrolment
        POST /api/v1/badges/{badge_id}/revoke
        POST /api/v1/badges/{badge_id}/restore
        PUT /api/v1/badges/{badge_id}/note
        GET /api/v1/badges/suspicions
        POST /api/v1/badges/suspicions/{suspicion_id}/resolve
        GET /api/v1/sessions
        POST /api/v1/sessions
        GET /api/v1/sessions/{session_id}/roll
        DELETE /api/v1/sessions/{session_id}
        POST /api/v1/sessions/series
        POST /api/v1/sessions/series/preview
        DELETE /api/v1/sessions/series/{series_id}
    """,
    frozenset([Role.OSH]): """
        GET /muster
        POST /muster
        GET /muster/find
        POST /muster/find
        GET /muster/list
        GET /muster/sheet
        GET /muster/live
        POST /muster/{muster}/tick
        POST /muster/{muster}/together
        POST /muster/{muster}/visitors
        POST /muster/{muster}/visitors/{person}/remove
        GET /muster/close
        POST /muster/{muster}/close
        GET /muster/reports
        GET /muster/reports/{muster}
        GET /api/v1/muster
        POST /api/v1/muster
        PUT /api/v1/muster/{muster}/people/{person}
        POST /api/v1/muster/{muster}/spaces/{space_id}/safe
        POST /api/v1/muster/{muster}/spaces/{space_id}/undo
        POST /api/v1/muster/{muster}/visitors
        DELETE /api/v1/muster/{muster}/visitors/{person}
        GET /api/v1/muster/reports
    """,
    frozenset([Role.OSH, Role.ADMIN]): """
        GET /muster/names
        POST /muster/names/{muster}
        POST /muster/names/{request_id}/agree
    """,
    frozenset([Role.ADMIN]): """
        GET /accounts
        GET /register/demo
        GET /register/devices/connect
        POST /register/devices/connect
        POST /register/devices/connect/file
        POST /register/demo/remove
        DELETE /api/v1/demo
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
        GET /hub
        POST /hub
        GET /start
        GET /start/{step}
        POST /start/restore
        POST /start/grafana
        POST /start/grafana/open
        GET /api/v1/hub
        PATCH /api/v1/hub
        GET /api/v1/hub/start
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
