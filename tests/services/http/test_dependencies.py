"""One request is one transaction: committed before the response is sent, rolled back otherwise."""

from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import httpx
import psycopg
import pytest
from fastapi import Depends, FastAPI, Request
from fastapi.responses import Response
from psycopg import AsyncConnection
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from hubwell.access.passkeys.challenges import Challenges
from hubwell.access.passwords import Passwords
from hubwell.access.principal import Principal
from hubwell.events import Facts, TapAnswered, VisitsChanged
from hubwell.http import errors
from hubwell.http.database import Database as Pool
from hubwell.http.dependencies import Audit, NewTransaction, ReadConnection, Transaction
from hubwell.http.guard import PUBLIC, rules_of
from hubwell.http.parts import EvacuationWatch, HubSettings, Parts
from hubwell.http.rate_limits import Limits
from hubwell.http.route_table import RouteTable
from hubwell.settings import Settings
from lanes.database_lane import Database

_INSERT = "INSERT INTO note (text) VALUES ('written')"


class RefusedError(Exception):
    """A refusal that a handler raises."""


@dataclass
class Scene:
    """An application with one table, and what was committed when each response began."""

    client: httpx.AsyncClient
    url: str
    facts: list[Facts] = field(default_factory=list)
    committed: list[int] = field(default_factory=list)
    waiting: list[int] = field(default_factory=list)

    def look(self) -> None:
        """Note the committed rows, and the connections that are inside a transaction."""
        with psycopg.connect(self.url, autocommit=True) as conn:
            self.committed.append(_value(conn, "SELECT count(*) FROM note"))
            open_transactions = (
                "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() "
                "AND pid <> pg_backend_pid() AND xact_start IS NOT NULL AND application_name = 'hubwell-api'"
            )
            self.waiting.append(_value(conn, open_transactions))


def _value(conn: psycopg.Connection[Any], query: Any) -> int:
    row = conn.execute(query).fetchone()
    assert row is not None
    return int(row[0])


class _LookBeforeResponse:
    def __init__(self, app: ASGIApp, scene: Scene) -> None:
        self._app, self._scene = app, scene

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def looking(message: Message) -> None:
            if message["type"] == "http.response.start":
                self._scene.look()
            await send(message)

        await self._app(scope, receive, looking)


async def _authenticated(request: Request) -> None:
    request.state.principal = Principal(actor="token:7")


def _application(parts: Parts) -> FastAPI:
    app = FastAPI(dependencies=[Depends(_authenticated), PUBLIC])
    app.state.parts = parts
    errors.install(app)

    @app.post("/commit")
    async def commit(transaction: Transaction, audit: Audit) -> Response:
        await transaction.conn.execute(_INSERT)
        await audit.record("note.added", "note:1", length=7)
        await transaction.commit([VisitsChanged(space_ids=("wood",))])
        return Response("done")

    @app.post("/forget")
    async def forget(transaction: Transaction) -> Response:
        await transaction.conn.execute(_INSERT)
        return Response("done")

    @app.post("/raise")
    async def fail(transaction: Transaction) -> Response:
        await transaction.conn.execute(_INSERT)
        raise RefusedError

    @app.post("/refuse")
    async def refuse(transaction: Transaction) -> int:
        await transaction.conn.execute(_INSERT)
        await transaction.roll_back()
        row = await (await transaction.conn.execute("SELECT count(*) FROM note")).fetchone()
        return int(row[0]) if row else -1

    @app.post("/bad-value")
    async def bad_value(transaction: Transaction) -> Response:
        await transaction.conn.execute("SELECT 'x'::int")
        return Response("done")

    @app.post("/refused-by-commit")
    async def refused_by_commit(transaction: Transaction) -> Response:
        await transaction.conn.execute("INSERT INTO note (text) VALUES ('written'), ('written')")
        await transaction.commit()
        return Response("done")

    @app.post("/two-steps")
    async def two_steps(begin: NewTransaction) -> Response:
        async with begin() as transaction:
            await transaction.conn.execute(_INSERT)
            await transaction.commit()
        return Response("done")

    _add_mistakes(app)

    @app.get("/read")
    async def read(conn: ReadConnection) -> int:
        row = await (await conn.execute("SELECT count(*) FROM note")).fetchone()
        return int(row[0]) if row else -1

    return app


def _add_mistakes(app: FastAPI) -> None:
    @app.post("/commit-after-a-failed-statement")
    async def commit_failed(transaction: Transaction) -> Response:
        await transaction.conn.execute(_INSERT)
        with suppress(psycopg.DataError):
            await transaction.conn.execute("SELECT 'x'::int")
        await transaction.commit()
        return Response("done")

    @app.post("/commit-twice")
    async def commit_twice(transaction: Transaction) -> Response:
        await transaction.commit()
        await transaction.conn.execute("SELECT 1")
        await transaction.commit([VisitsChanged(space_ids=("wood",))])
        return Response("done")


@pytest.fixture
async def scene(database: Database) -> AsyncIterator[Scene]:
    """Give a client of the application."""
    with psycopg.connect(database.url, autocommit=True) as conn:
        conn.execute("CREATE TABLE note (text text, UNIQUE (text) DEFERRABLE INITIALLY DEFERRED)")
    pool = Pool(database.url)
    await pool.open()
    scene = Scene(httpx.AsyncClient(), database.url)

    async def commit(conn: AsyncConnection[Any], facts: Facts) -> list[TapAnswered]:
        if facts:
            await conn.execute("SELECT 1")
        scene.facts.append(facts)
        return []

    settings = Settings(database_url=database.url)
    parts = Parts(
        settings=settings,
        hub=HubSettings(pool, settings, lambda _: None),
        database=pool,
        evacuation=EvacuationWatch(pool),
        limits=Limits(),
        challenges=Challenges(),
        passwords=Passwords(),
        provider=None,
        commit=commit,
        routes=RouteTable(FastAPI(), rules_of),
        error_page=lambda *_: None,
    )
    transport = httpx.ASGITransport(
        _LookBeforeResponse(_application(parts), scene), raise_app_exceptions=False
    )
    async with httpx.AsyncClient(transport=transport, base_url="http://hub") as scene.client:
        yield scene
    await pool.close()


async def test_a_commit_is_in_the_database_before_the_response_is_sent(scene: Scene) -> None:
    """The browser that follows a redirect at once finds what it wrote, and no connection waits for it."""
    answer = await scene.client.post("/commit")
    assert answer.text == "done"
    assert (scene.committed, scene.waiting) == ([1], [0])
    assert scene.facts == [[VisitsChanged(space_ids=("wood",))]]
    with psycopg.connect(scene.url) as conn:
        entry = conn.execute("SELECT actor, action, subject FROM audit_entry").fetchall()
    assert entry == [("token:7", "note.added", "note:1")]


@pytest.mark.parametrize(("path", "status"), [("/forget", 200), ("/raise", 500), ("/bad-value", 422)])
async def test_what_is_not_committed_is_rolled_back(scene: Scene, path: str, status: int) -> None:
    """Also with a handler that returns; and the connection works for the next request."""
    answer = await scene.client.post(path)
    assert answer.status_code == status
    assert (scene.committed, scene.waiting) == ([0], [0])
    assert (await scene.client.get("/read")).json() == 0


async def test_the_page_of_a_refusal_shows_what_is_stored(scene: Scene) -> None:
    """After `roll_back` the same connection reads the state before the request."""
    assert (await scene.client.post("/refuse")).json() == 0
    assert scene.committed == [0]


async def test_an_error_of_the_commit_is_answered_with_an_error(scene: Scene) -> None:
    """A deferred constraint fails at the very end: the response must not be the handler's."""
    answer = await scene.client.post("/refused-by-commit")
    assert answer.status_code == 500
    assert answer.json()["type"] == "urn:hubwell:problem:unexpected"
    assert scene.committed == [0]
    assert (await scene.client.get("/read")).json() == 0


@pytest.mark.parametrize("path", ["/commit-after-a-failed-statement", "/commit-twice"])
async def test_a_commit_without_a_transaction_is_a_mistake(scene: Scene, path: str) -> None:
    """It would write nothing, or react outside of a transaction, and report success."""
    assert (await scene.client.post(path)).status_code == 500
    assert (scene.committed, scene.waiting) == ([0], [0])
    assert [VisitsChanged(space_ids=("wood",))] not in scene.facts


async def test_a_handler_begins_a_transaction_when_it_needs_one(scene: Scene) -> None:
    """As one that hashes a password first."""
    assert (await scene.client.post("/two-steps")).text == "done"
    assert scene.committed == [1]
