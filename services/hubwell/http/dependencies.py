"""FastAPI dependencies of pages and API: settings, principal, connections, the request's transaction.

A handler names what it needs in its signature; it never reads `app.state`. A dependency that holds a
connection has the scope ``function``: FastAPI ends it after the handler and before the response is sent, so
an error at its end is still answered with an error, and a slow client holds no connection.
"""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import Depends, Request
from psycopg import AsyncConnection
from psycopg.pq import TransactionStatus

from hubwell.access.oidc.client import Provider
from hubwell.access.passkeys.challenges import Challenges
from hubwell.access.passwords import Passwords
from hubwell.access.principal import Principal
from hubwell.audit import log
from hubwell.events import Facts, TapAnswered
from hubwell.http.database import Database
from hubwell.http.guard import principal_of
from hubwell.http.parts import Commit, HubSettings, Parts, parts_of
from hubwell.http.rate_limits import Limits
from hubwell.settings import Settings


@dataclass(slots=True)
class OpenTransaction:
    """A database transaction of one request. What is not committed is rolled back when the request ends."""

    conn: AsyncConnection[Any]
    principal: Principal
    now: datetime
    _commit: Commit = field(repr=False)

    async def commit(self, facts: Facts = ()) -> list[TapAnswered]:
        """React to the facts in this transaction, then commit it. Afterwards `conn` is for reading only.

        Returns the answers for readers, for the caller to send. Raises RuntimeError after a commit, a
        roll-back or a statement that failed.
        """
        # PostgreSQL answers COMMIT with a roll-back, and no error, after a statement that failed.
        if self.conn.info.transaction_status is not TransactionStatus.INTRANS:
            raise RuntimeError("there is no transaction to commit: it has ended, or a statement failed")
        answers = await self._commit(self.conn, facts)
        await self.conn.commit()
        return answers

    async def roll_back(self) -> None:
        """Undo what was written, so that the page of the refusal shows what is stored."""
        await self.conn.rollback()


@dataclass(frozen=True, slots=True)
class AuditWriter:
    """Writes into the audit log in the request's transaction, in the principal's name."""

    transaction: OpenTransaction

    async def record(self, action: str, subject: str = "", **detail: log.Value) -> None:
        """Add an entry; last in the transaction, because entries are written one after another."""
        conn, actor = self.transaction.conn, self.transaction.principal.actor
        await log.record(conn, actor=actor, action=action, subject=subject, detail=detail)


BeginTransaction = Callable[[], AbstractAsyncContextManager[OpenTransaction]]


@asynccontextmanager
async def _open_transaction(parts: Parts, principal: Principal) -> AsyncIterator[OpenTransaction]:
    async with parts.database.connection() as conn:
        # Not `conn.transaction()`: it commits what ends without an exception, a refused form included.
        await conn.execute("BEGIN")
        yield OpenTransaction(conn, principal, datetime.now(UTC), parts.commit)
        await conn.rollback()


# Dependencies without a wait are coroutines too: FastAPI runs plain functions in a thread. Each asks the
# request and not another dependency, because each one costs time in every request.
async def _settings(request: Request) -> Settings:
    return parts_of(request).settings


async def _hub(request: Request) -> HubSettings:
    return parts_of(request).hub


async def _database(request: Request) -> Database:
    return parts_of(request).database


async def _limits(request: Request) -> Limits:
    return parts_of(request).limits


async def _passwords(request: Request) -> Passwords:
    return parts_of(request).passwords


async def _challenges(request: Request) -> Challenges:
    return parts_of(request).challenges


async def _provider(request: Request) -> Provider | None:
    return parts_of(request).provider


async def _principal(request: Request) -> Principal:
    return principal_of(request)  # the guard, a dependency of the route, came first


CurrentPrincipal = Annotated[Principal, Depends(_principal)]
"""The principal that the route's guard looked up; anonymous where the guard makes no look-up."""
AppSettings = Annotated[Settings, Depends(_settings)]
SharedSettings = Annotated[HubSettings, Depends(_hub)]
"""For requests that change what the settings are made of."""
DatabasePool = Annotated[Database, Depends(_database)]
"""For requests that must be answered without the database too: health, metrics."""
RateLimits = Annotated[Limits, Depends(_limits)]
PasswordHasher = Annotated[Passwords, Depends(_passwords)]
PasskeyChallenges = Annotated[Challenges, Depends(_challenges)]
OidcProvider = Annotated[Provider | None, Depends(_provider)]


async def _read_connection(request: Request) -> AsyncIterator[AsyncConnection[Any]]:
    async with parts_of(request).database.connection() as conn:
        yield conn


async def _transaction(request: Request) -> AsyncIterator[OpenTransaction]:
    async with _open_transaction(parts_of(request), principal_of(request)) as transaction:
        yield transaction


async def _new_transaction(request: Request) -> BeginTransaction:
    return lambda: _open_transaction(parts_of(request), principal_of(request))


ReadConnection = Annotated[AsyncConnection[Any], Depends(_read_connection, scope="function")]
"""A connection for reading, until the handler returns."""
Transaction = Annotated[OpenTransaction, Depends(_transaction, scope="function")]
"""The request's transaction; the handler ends it with ``await transaction.commit(facts)``."""
NewTransaction = Annotated[BeginTransaction, Depends(_new_transaction)]
"""Begins a transaction in the handler: where hashing a password or asking a provider comes first, which must
not hold a connection."""


async def _audit(transaction: Transaction) -> AuditWriter:
    return AuditWriter(transaction)


Audit = Annotated[AuditWriter, Depends(_audit, scope="function")]
"""The audit log, in the request's transaction."""
