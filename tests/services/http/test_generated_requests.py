"""Generated requests, right and wrong: none is a fault of the server, and refusals are problems.

schemathesis makes them from the OpenAPI document, and for the pages from one that their routes give in the
same way. Half of the names and numbers in addresses are of things that exist, else all would be unknown.
"""

import asyncio
import logging
import os
import re
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from pathlib import Path
from typing import Any, Final
from uuid import UUID

import httpx
import psycopg
import pytest
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from hubwell.access import sessions
from hubwell.vocabulary import Role
from lanes.database_lane import Database
from services.access.running_app import House, csrf_on, open_house
from services.booking.booking_house import clock
from services.http.generated_requests import Check, Visitor, interface_of, pages_of
from services.people.people_register import badge, opened
from services.web.sample_hub import ordinary_day

DOCUMENTED: Final = [content_type_conformance, response_schema_conformance, status_code_conformance]
EXAMPLES: Final = 25 if os.environ.get("HUBWELL_COUNTERPARTS") else 4
"""Right requests to each address, and as many wrong ones; before a release more of them."""
SUCCESSES: Final = (HTTPStatus.OK, HTTPStatus.CREATED, HTTPStatus.NO_CONTENT)
GUESSING: Final = frozenset(("/sign-in", "/account/password", "/account/person", "/me/code", "/setup"))
"""Addresses where ten failures make each further one wait."""
CALENDAR = "/calendar/{token}.ics"
BY_SCRIPT: Final = ("/sign-in/passkey", "/account/passkeys")
"""Addresses that only a script of a page asks."""
FEW: Final = 3


@pytest.fixture
async def house(database: Database, tmp_path: Path) -> AsyncIterator[House]:
    """Run a server over a hub where everything is there: people, badges, visits, a session, an evacuation."""
    await asyncio.to_thread(_fill, database.url)
    async with open_house(database, keys_dir=str(tmp_path / "keys")) as house, opened(database) as register:
        account = await house.add("visitor", *Role)
        program = house.browser(**await signed_in(house, account_id=account), accept="application/json")
        for number in range(3):
            tap = await register.desk_tap(badge())
            if number:
                await _do(program, f"badges/taps/{tap}/enrol", owner={"kind": "new", "name": "Ada"})
        person = (await _do(program, "persons", name="Ben"))["id"]
        await _do(program, f"persons/{person}/check-in", space_id="wood-workshop")
        await _do(program, "accounts", login="rosa", roles=["staff"])
        await _do(program, "muster", kind="drill")
        lesson = {"title": "Wood", "purpose": "lesson", "space_id": "wood-workshop"}
        begins = datetime.now(UTC) + timedelta(days=1)
        times = {"start": begins.isoformat(), "end": (begins + timedelta(hours=2)).isoformat()}
        await _do(program, "sessions", **lesson, **times)
        robotics = {"space": "wood-workshop", "people": 2, "title": "Robotics"}
        await _do(program, "bookings", **robotics, start=clock(9), end=clock(10))
        daily = {"rule": "FREQ=DAILY;COUNT=3", "start": clock(12), "end": clock(13)}
        await _do(program, "bookings/series", **robotics, **daily)
        await _do(program, "calendars", shows="own")
        yield house


def _fill(url: str) -> None:
    with psycopg.connect(url, autocommit=True) as conn:
        ordinary_day(conn, url)
        conn.execute(
            "INSERT INTO floor_plan (name, position, media_type, width, height, is_paper, digest, picture) "
            "VALUES ('Hall', 1, 'image/svg+xml', 2, 1, true, repeat('ab', 32), '<svg/>')"
        )


async def _do(program: httpx.AsyncClient, path: str, **body: Any) -> Any:
    answer = await program.post(f"/api/v1/{path}", json=body)
    assert answer.is_success, (path, answer.text)
    return answer.json() if answer.content else None


async def signed_in(
    house: House, *, account_id: UUID | None = None, person_id: UUID | None = None
) -> dict[str, str]:
    """Return the headers of a browser with a new session."""
    async with house.connection() as conn:
        ticket = await sessions.begin(conn, account_id=account_id, person_id=person_id, now=datetime.now(UTC))
    browser = house.browser(cookie=f"hubwell={ticket}")
    csrf = await csrf_on(browser, "/me" if person_id else "/account")
    return {"cookie": f"hubwell={ticket}", "x-csrf-token": csrf}


async def headers_for(house: House, path: str) -> dict[str, str]:
    """Return the headers of who may use an address: an account with every role, or a person with a code."""
    if path == "/me" or path.startswith("/me/"):
        person = await house.value("INSERT INTO person (kind, name) VALUES ('enrolled', 'Eve') RETURNING id")
        await house.run(
            "INSERT INTO visit (person_id, space_id, during) "
            "VALUES (%s, 'library', tstzrange(now() - interval '1 hour', NULL))",
            person,
        )
        return await signed_in(house, person_id=person)
    return await signed_in(
        house, account_id=await house.value("SELECT id FROM account WHERE login = 'visitor'")
    )


def is_no_fault(_: Any, answer: httpx.Response) -> None:
    """Hold that the server did what it could."""
    assert answer.status_code < 500


def is_problem_where_refused(_: Any, answer: httpx.Response) -> None:
    """Hold that a refusal is a problem (RFC 9457) with a code and the status that was sent."""
    if answer.status_code < 400:
        return
    assert answer.headers["content-type"] == "application/problem+json"
    problem = answer.json()
    assert problem["type"] == f"urn:hubwell:problem:{problem['code']}"
    assert problem["status"] == answer.status_code
    assert problem["detail"]


def is_as_documented(case: Any, answer: httpx.Response) -> None:
    """Hold that status, media type and body are those of the OpenAPI document."""
    case.validate_response(answer, checks=DOCUMENTED)


def is_page_where_refused(case: Any, answer: httpx.Response) -> None:
    """Hold that a person who is refused reads a page in words, and a script of a page gets its sentence."""
    if answer.status_code < 400:
        return
    if case.path == CALENDAR:  # programs delete what they had at a page in place of a calendar
        assert (answer.status_code, answer.headers["content-type"]) == (404, "text/plain; charset=utf-8")
    elif case.path.startswith(BY_SCRIPT) and answer.headers["content-type"] == "application/json":
        assert re.search(r"\w", answer.json()["wrong"])
    else:
        assert answer.headers["content-type"].startswith("text/html")
        assert re.search(r"<h1[^>]*>\s*[^\s<]", answer.text)  # it may be a name that was entered


async def visit(house: House, operations: list[Any], checks: Sequence[Check], accept: str) -> Visitor:
    """Send requests to all operations, each with a new session, since some of them end sessions."""
    visitor = Visitor(house.address, house.database.url, checks)
    for operation in operations:
        visitor.headers = await headers_for(house, operation.path) | {"accept": accept}
        visitor.examples = FEW if operation.path in GUESSING else EXAMPLES
        await asyncio.to_thread(visitor.send_to, operation)
    return visitor


@pytest.mark.slow
async def test_generated_requests_to_the_interface(house: House, caplog: pytest.LogCaptureFixture) -> None:
    checks = [is_no_fault, is_problem_where_refused, is_as_documented]
    visitor = await visit(house, interface_of(house.app), checks, "application/json")
    assert len(visitor.without(*SUCCESSES)) < len(visitor.statuses) / 2, "most requests do not get far"
    assert not [record for record in caplog.records if record.levelno >= logging.ERROR]


@pytest.mark.slow
@pytest.mark.parametrize("third", range(3))  # each takes minutes: side by side they take fewer
async def test_generated_requests_to_the_pages(
    house: House, caplog: pytest.LogCaptureFixture, third: int
) -> None:
    pages = pages_of(house.app)[third::3]
    visitor = await visit(house, pages, [is_no_fault, is_page_where_refused], "text/html")
    assert len(visitor.without(*SUCCESSES, HTTPStatus.SEE_OTHER)) < len(visitor.statuses) / 2
    assert not [record for record in caplog.records if record.levelno >= logging.ERROR]
