"""A refusal is answered once for all routes: a problem for programs, a page for browsers."""

from collections.abc import AsyncIterator
from datetime import timedelta

import httpx
import pytest
from fastapi import FastAPI, Request
from fastapi.responses import PlainTextResponse, Response

from hubwell.access.errors import BAD_TOKEN, SIGN_IN_NEEDED, TooManyTriesError
from hubwell.access.passkeys.challenges import Challenges
from hubwell.access.passwords import Passwords
from hubwell.errors import NAME_TOO_LONG, DomainError, error_text
from hubwell.events import TapAnswered
from hubwell.http import errors
from hubwell.http.database import Database
from hubwell.http.guard import rules_of
from hubwell.http.parts import EvacuationWatch, HubSettings, Parts
from hubwell.http.rate_limits import Limits
from hubwell.http.route_table import RouteTable
from hubwell.i18n import translations_for
from hubwell.settings import Settings

REFUSALS = {
    "name": DomainError(NAME_TOO_LONG, most=120),
    "login": DomainError(SIGN_IN_NEEDED),
    "token": DomainError(BAD_TOKEN),
    "tries": TooManyTriesError(timedelta(minutes=3, seconds=1)),
}


async def no_commit(_conn: object, _facts: object) -> list[TapAnswered]:
    return []


def italian_page(request: Request, kind: str, status: int, refusal: DomainError | None) -> Response | None:
    if refusal is None or "text/html" not in request.headers.get("accept", ""):
        return None
    return PlainTextResponse(f"{kind}: {error_text(refusal, translations_for('it'))}", status)


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    app = FastAPI()
    settings = Settings()
    database = Database(settings.database_url)
    app.state.parts = Parts(
        settings=settings,
        hub=HubSettings(database, settings, lambda _: None),
        database=database,
        evacuation=EvacuationWatch(database),
        limits=Limits(),
        challenges=Challenges(),
        passwords=Passwords(),
        provider=None,
        commit=no_commit,
        routes=RouteTable(app, rules_of),
        error_page=italian_page,
    )
    errors.install(app)

    @app.get("/{name}")
    async def refuse(name: str) -> None:
        raise REFUSALS[name]

    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://hub") as client:
        yield client


async def test_a_program_gets_code_field_and_text(client: httpx.AsyncClient) -> None:
    answer = await client.get("/name")

    assert (answer.status_code, answer.headers["content-type"]) == (422, "application/problem+json")
    assert answer.json() == {
        "type": "urn:hubwell:problem:name-too-long",
        "code": "name-too-long",
        "title": "Name too long",
        "status": 422,
        "detail": "A name has at most 120 characters.",
        "instance": "/name",
        "field": "name",
        "errors": [],
    }


async def test_a_browser_gets_the_sentence_in_its_language(client: httpx.AsyncClient) -> None:
    answer = await client.get("/name", headers={"accept": "text/html"})

    assert (answer.status_code, answer.text) == (
        422,
        "name-too-long: Un nome può avere al massimo 120 caratteri.",
    )


@pytest.mark.parametrize(
    ("name", "status", "header", "value"),
    [
        ("login", 401, "www-authenticate", 'Bearer realm="hubwell"'),
        ("token", 401, "www-authenticate", 'Bearer realm="hubwell", error="invalid_token"'),
        ("tries", 429, "retry-after", "181"),
    ],
)
async def test_requests_that_may_be_tried_again_get_their_header(
    client: httpx.AsyncClient, name: str, status: int, header: str, value: str
) -> None:
    answer = await client.get(f"/{name}")

    assert (answer.status_code, answer.headers[header]) == (status, value)
    assert answer.json()["detail"] == str(REFUSALS[name])
