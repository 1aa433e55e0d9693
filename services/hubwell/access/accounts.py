"""Accounts: added, given roles, disabled and erased, in the caller's transaction."""

import re
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Literal
from uuid import UUID

import psycopg
from psycopg import AsyncConnection
from psycopg.rows import class_row

from hubwell.access import sessions
from hubwell.access.rules import PasswordProblem, password_problem, plain_login, plain_text
from hubwell.storage.queries import Queries
from hubwell.vocabulary import Role

_SQL: Final = Queries("hubwell.access")
Reason = Literal[
    "login-taken",
    "login-not-plain",
    "name-long",
    "account-unknown",
    "last-admin",
    "hub-has-admin",
    PasswordProblem,
]
GrantedBy = Literal["local", "oidc"]
_PLAIN_LOGIN: Final = re.compile(r"\S{1,120}")
_LONGEST_NAME: Final = 120
_SENTENCES: Final[dict[Reason, str]] = {
    "login-taken": "this login is taken: choose another",
    "login-not-plain": "a login has 1 to 120 characters without blanks",
    "name-long": "a name has at most 120 characters",
    "account-unknown": "there is no such account; `hubwell account list` shows them",
    "last-admin": "this is the last administrator: make another one first",
    "hub-has-admin": "the hub has an administrator already: sign in",
    "password-short": "a password has at least 12 characters",
    "password-long": "a password has at most 1000 characters",
    "password-is-login": "a password must not be the login",
}
_CONSTRAINTS: Final[dict[str, Reason]] = {
    "account_login_plain": "login-not-plain",
    "account_name_short": "name-long",
}


class AccountError(ValueError):
    """Something cannot be done with an account; the sentence says why. `reason` is for translating it."""

    def __init__(self, reason: Reason) -> None:
        super().__init__(_SENTENCES[reason])
        self.reason: Reason = reason


@dataclass(frozen=True, slots=True)
class Account:
    """An account as an administrator sees it."""

    id: UUID
    login: str
    name: str
    person_id: UUID | None
    language: str | None
    created_at: datetime
    signed_in_at: datetime | None
    disabled_at: datetime | None
    has_password: bool
    has_identity: bool
    local_roles: list[str]
    provider_roles: list[str]

    @property
    def roles(self) -> list[str]:
        """Every role, wherever it comes from."""
        return sorted({*self.local_roles, *self.provider_roles})


@dataclass(frozen=True, slots=True)
class Credentials:
    """What a password is held against."""

    id: UUID
    login: str
    password_hash: str | None
    disabled: bool

    @property
    def usable(self) -> str | None:
        """The hash that a password may fit; None where nobody may sign in with one."""
        return None if self.disabled else self.password_hash


def check_password(password: str, login: str) -> None:
    """Raise AccountError for a password that cannot be taken."""
    if problem := password_problem(password, login):
        raise AccountError(problem)


async def add(
    conn: AsyncConnection[Any], *, login: str, name: str, password_hash: str | None, roles: Iterable[Role]
) -> UUID:
    """Add an account; return its id. Raises AccountError."""
    values = {"login": plain_login(login), "name": plain_text(name), "password_hash": password_hash}
    if not _PLAIN_LOGIN.fullmatch(values["login"] or ""):
        raise AccountError("login-not-plain")
    if len(values["name"] or "") > _LONGEST_NAME:
        raise AccountError("name-long")
    try:
        async with conn.transaction():
            row = await (await conn.execute(_SQL["add_account"], values)).fetchone()
    except psycopg.IntegrityError as error:
        raise AccountError(_reason(error)) from error
    if row is None:
        raise AccountError("login-taken")
    account_id: UUID = row[0]
    await _give(conn, account_id, roles, granted_by="local")
    return account_id


async def add_first_admin(conn: AsyncConnection[Any], *, login: str, name: str, password_hash: str) -> UUID:
    """Add the hub's first administrator; return the id. Raises AccountError where there is one."""
    await conn.execute(_SQL["lock_accounts"])
    if await has_admin(conn):
        raise AccountError("hub-has-admin")
    return await add(conn, login=login, name=name, password_hash=password_hash, roles=[Role.ADMIN])


async def has_admin(conn: AsyncConnection[Any]) -> bool:
    """Tell whether an administrator can sign in."""
    row = await (await conn.execute(_SQL["admins"])).fetchone()
    return row is not None and row[0] > 0


def has_admin_sync(conn: psycopg.Connection[Any]) -> bool:
    """Return the same before the server runs: `hubwell up` offers the set-up page to a hub without one."""
    row = conn.execute(_SQL["admins"]).fetchone()
    return row is not None and row[0] > 0


async def set_roles(conn: AsyncConnection[Any], account_id: UUID, roles: Iterable[Role]) -> None:
    """Give an account these roles here; what the provider gave it stays. Raises AccountError."""
    try:
        await _replace_roles(conn, account_id, roles, granted_by="local")
    except psycopg.errors.ForeignKeyViolation as error:
        raise AccountError("account-unknown") from error


async def roles_from_provider(conn: AsyncConnection[Any], account_id: UUID, roles: Iterable[Role]) -> None:
    """Replace the roles that the provider gave an account; those given here stay. Raises AccountError."""
    await _replace_roles(conn, account_id, roles, granted_by="oidc")


async def roles_of(conn: AsyncConnection[Any], account_id: UUID) -> frozenset[Role]:
    """Return an account's roles, wherever they come from."""
    rows = await (await conn.execute(_SQL["roles_of_account"], {"account_id": account_id})).fetchall()
    return frozenset(Role(row[0]) for row in rows)


async def disable(conn: AsyncConnection[Any], account_id: UUID, now: datetime) -> None:
    """Let nobody sign in with an account, and end where it is signed in. Raises AccountError."""
    async with _last_admin_refused(conn):
        await _change(conn, "disable", account_id, now=now)
    await sessions.end_all(conn, account_id)


async def enable(conn: AsyncConnection[Any], account_id: UUID) -> None:
    """Let an account be used again. Raises AccountError."""
    await _change(conn, "enable", account_id)


async def erase(conn: AsyncConnection[Any], account_id: UUID) -> UUID | None:
    """Delete an account with its roles, identities and sign-ins. Raises AccountError.

    Returns the person it belonged to, whose visits and badges are the caller's to erase.
    """
    async with _last_admin_refused(conn):
        row = await (await conn.execute(_SQL["erase"], {"account_id": account_id})).fetchone()
    if row is None:
        raise AccountError("account-unknown")
    person_id: UUID | None = row[0]
    return person_id


async def of_person(conn: AsyncConnection[Any], person_id: UUID) -> list[UUID]:
    """Return the accounts that are linked to a person."""
    rows = await (await conn.execute(_SQL["accounts_of_person"], {"person_id": person_id})).fetchall()
    return [row[0] for row in rows]


async def set_password(conn: AsyncConnection[Any], account_id: UUID, password_hash: str) -> None:
    """Set what is stored of a password. Raises AccountError."""
    await _change(conn, "set_password", account_id, password_hash=password_hash)


async def set_language(conn: AsyncConnection[Any], account_id: UUID, language: str | None) -> None:
    """Set an account's language; None follows the browser. Raises AccountError."""
    await _change(conn, "set_language", account_id, language=language)
    await conn.execute(_SQL["forget_session_languages"], {"account_id": account_id})


async def set_name(conn: AsyncConnection[Any], account_id: UUID, name: str) -> None:
    """Set the name that an account shows. Raises AccountError."""
    await _change(conn, "set_name", account_id, name=plain_text(name)[:_LONGEST_NAME])


async def link(conn: AsyncConnection[Any], account_id: UUID, person_id: UUID | None) -> None:
    """Say whose account this is, so that they see their own visits with it. Raises AccountError."""
    await _change(conn, "link_person", account_id, person_id=person_id)


async def move_person(conn: AsyncConnection[Any], *, keep: UUID, drop: UUID) -> None:
    """Link the accounts of one person to another, as when two entries of a person become one."""
    await conn.execute(_SQL["move_accounts"], {"keep": keep, "drop": drop})


async def list_accounts(conn: AsyncConnection[Any]) -> list[Account]:
    """Return all accounts, the disabled ones last."""
    cursor = conn.cursor(row_factory=class_row(Account))
    return await (await cursor.execute(_SQL["accounts"], {"account_id": None})).fetchall()


async def get_account(conn: AsyncConnection[Any], account_id: UUID) -> Account:
    """Return an account. Raises AccountError."""
    cursor = conn.cursor(row_factory=class_row(Account))
    found = await (await cursor.execute(_SQL["accounts"], {"account_id": account_id})).fetchone()
    if found is None:
        raise AccountError("account-unknown")
    return found


async def credentials(
    conn: AsyncConnection[Any], *, login: str = "", account_id: UUID | None = None
) -> Credentials | None:
    """Return what a password is held against, by login or by id."""
    cursor = conn.cursor(row_factory=class_row(Credentials))
    if account_id:
        found = await cursor.execute(_SQL["credentials_by_id"], {"account_id": account_id})
    else:
        found = await cursor.execute(_SQL["credentials"], {"login": plain_login(login)})
    return await found.fetchone()


async def _replace_roles(
    conn: AsyncConnection[Any], account_id: UUID, roles: Iterable[Role], *, granted_by: GrantedBy
) -> None:
    chosen = sorted(set(roles))
    async with _last_admin_refused(conn):
        # New ones first: an administrator who stays one is at no moment none.
        await _give(conn, account_id, chosen, granted_by=granted_by)
        values = {"account_id": account_id, "granted_by": granted_by, "but": chosen}
        await conn.execute(_SQL["take_other_roles"], values)


async def _give(
    conn: AsyncConnection[Any], account_id: UUID, roles: Iterable[Role], *, granted_by: GrantedBy
) -> None:
    query = _SQL["give_role_locally" if granted_by == "local" else "give_role_by_provider"]
    for role in sorted(set(roles)):
        await conn.execute(query, {"account_id": account_id, "role": role})


@asynccontextmanager
async def _last_admin_refused(conn: AsyncConnection[Any]) -> AsyncIterator[None]:
    """Turn the database's refusal to lose the last administrator (`storage/views`) into AccountError."""
    try:
        async with conn.transaction():
            yield
    except psycopg.errors.IntegrityConstraintViolation as error:
        if error.diag.constraint_name != "account_last_administrator":
            raise
        raise AccountError("last-admin") from error


async def _change(conn: AsyncConnection[Any], query: str, account_id: UUID, **values: object) -> None:
    done = await conn.execute(_SQL[query], {"account_id": account_id, **values})
    if not done.rowcount:
        raise AccountError("account-unknown")


def _reason(error: psycopg.IntegrityError) -> Reason:
    reason = _CONSTRAINTS.get(error.diag.constraint_name or "")
    if reason is None:
        raise error
    return reason
