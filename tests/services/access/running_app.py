"""A running server, accounts made by hand, and browsers as simple as a client with a jar of cookies."""

import asyncio
import html
import re
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID

import httpx
import psycopg
from argon2 import PasswordHasher
from fastapi import FastAPI

from hubwell import app as application
from hubwell.access import accounts, passwords, sessions, tokens
from hubwell.settings import Settings
from hubwell.vocabulary import Role
from lanes.database_lane import Database
from services.web.running_site import QUICK, browser

PASSWORD = "four words not together"  # noqa: S105 (of made-up people)
QUICK_HASHER: Final = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
"""Least work: the library's own parameters, which `test_passwords.py` holds, take 0.1 s of CPU a password."""
_HASH = passwords.hashed(PASSWORD, QUICK_HASHER)
_CSRF = re.compile(r'name="csrf" value="([^"]*)"')


@dataclass
class House:
    """The running server and what tests do with it."""

    address: str
    database: Database
    app: FastAPI
    clients: list[httpx.AsyncClient] = field(default_factory=list)

    @property
    def settings(self) -> Settings:
        """The settings of the running server."""
        settings: Settings = self.app.state.parts.settings
        return settings

    def browser(self, **headers: str) -> httpx.AsyncClient:
        """Return a browser of its own, which follows no redirects."""
        client = browser(self.address, headers={"accept": "text/html"} | headers)
        self.clients.append(client)
        return client

    async def add(self, login: str, *roles: Role, password: bool = True) -> UUID:
        """Add an account with the password of everybody here."""
        async with self.connection() as conn:
            hashed = _HASH if password else None
            return await accounts.add(conn, login=login, name="", password_hash=hashed, roles=roles)

    async def signed_in(self, login: str, *roles: Role, **headers: str) -> httpx.AsyncClient:
        """Return the browser of a new account, signed in without the form."""
        account_id = await self.add(login, *roles)
        async with self.connection() as conn:
            ticket = await sessions.begin(conn, account_id=account_id, now=datetime.now(UTC))
        client = self.browser(**headers)
        client.cookies.set("hubwell", ticket)
        return client

    async def with_code(self, person_id: UUID) -> httpx.AsyncClient:
        """Return the browser of a person who entered a code from the kiosk."""
        async with self.connection() as conn:
            ticket = await sessions.begin(conn, person_id=person_id, now=datetime.now(UTC))
        client = self.browser()
        client.cookies.set("hubwell", ticket)
        return client

    async def token(self, name: str, roles: Iterable[Role]) -> str:
        """Return a program's new token."""
        async with self.connection() as conn:
            return (await tokens.add(conn, name=name, roles=roles, expires_at=None))[1]

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[psycopg.AsyncConnection[Any]]:
        """Give a connection of its own."""
        conn = await psycopg.AsyncConnection.connect(self.database.url, autocommit=True)
        async with conn:
            yield conn

    async def value(self, query: Any, *values: object) -> Any:
        """Return the one value that a query finds."""
        async with self.connection() as conn:
            row = await (await conn.execute(query, values)).fetchone()
            return row[0] if row else None

    async def run(self, query: Any, *values: object) -> None:
        """Change something behind the server's back."""
        async with self.connection() as conn:
            await conn.execute(query, values)


@asynccontextmanager
async def open_house(
    database: Database, hasher: PasswordHasher = QUICK_HASHER, *, port: int = 0, **settings: Any
) -> AsyncIterator[House]:
    """Serve the database; a setting may use its own address as `{address}`, and None leaves it unset."""
    with application._bind("127.0.0.1", port) as sock:
        address = f"http://127.0.0.1:{sock.getsockname()[1]}"
        filled = {
            key: value.format(address=address) if isinstance(value, str) else value
            for key, value in settings.items()
        }
        filled = {"hub_name": "Test hub"} | filled | {"database_url": database.url}
        filled = {key: value for key, value in filled.items() if value is not None}
        app = application.create_app(
            Settings.model_validate(filled), pace=QUICK, passwords=passwords.Passwords(hasher)
        )
        server = application._Server(application.server_config(app), app.state.api_parts.feed)
        running = asyncio.create_task(server.serve(sockets=[sock]))
        house = House(address, database, app)
        try:
            yield house
        finally:
            for client in house.clients:
                await client.aclose()
            server.stop()
            await running


async def csrf_on(client: httpx.AsyncClient, path: str) -> str:
    """Return the anti-forgery token of a page's form."""
    page = await client.get(path)
    found = _CSRF.search(page.text)
    assert found is not None, (page.status_code, page.text[:500])
    return html.unescape(found[1])


async def send(client: httpx.AsyncClient, path: str, page: str = "/account", **fields: Any) -> httpx.Response:
    """Fill in a form as a browser does, with the token of the page that it stands on."""
    token = await csrf_on(client, page)
    return await client.post(path, data={"csrf": token, **fields})


async def sign_in(
    client: httpx.AsyncClient, login: str, password: str = PASSWORD, **fields: str
) -> httpx.Response:
    """Send the form to sign in."""
    return await client.post("/sign-in", data={"login": login, "password": password, **fields})
