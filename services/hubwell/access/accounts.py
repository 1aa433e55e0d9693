"""Add accounts, change their roles, disable and erase them, within the caller's transaction."""

import re
from collections.abc import AsyncIterator, Collection, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Literal
from uuid import UUID

import psycopg
from psycopg import AsyncConnection
from psycopg.rows import class_row

from hubwell.access import errors, sessions
from hubwell.access.password_policy import (
    LONGEST_PASSWORD,
    SHORTEST_PASSWORD,
    is_common,
    plain_login,
    plain_password,
    plain_text,
)
from hubwell.errors import NAME_TOO_LONG, DomainError, refusal_of, refuse_all
from hubwell.storage.queries import Queries
from hubwell.vocabulary import Role

_SQL: Final = Queries("hubwell.access")
GrantedBy = Literal["local", "oidc"]
_LONGEST_NAME: Final = 120
"""Characters, of a name and of a login."""
_PLAIN_LOGIN: Final = re.compile(rf"\S{{1,{_LONGEST_NAME}}}")
_CONSTRAINTS: Final = {"account_login_plain": errors.LOGIN_NOT_PLAIN, "account_name_short": NAME_TOO_LONG}


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
        """All roles, assigned here or by the provider."""
        return sorted({*self.local_roles, *self.provider_roles})


@dataclass(frozen=True, slots=True)
class Credentials:
    """What a login with a password is checked against."""

    id: UUID
    login: str
    password_hash: str | None
    disabled: bool

    @property
    def usable(self) -> str | None:
        """The hash to verify a password against; None if the account is disabled or has no password."""
        return None if self.disabled else self.password_hash


def check_password(password: str, login: str, known: Collection[str] = ()) -> None:
    """Raise DomainError if a new password is too short, too long, the login, or easy to guess.

    `known` are names that whoever guesses knows: the hub's and the person's.
    """
    password = plain_password(password)
    if len(password) < SHORTEST_PASSWORD:
        raise DomainError(errors.PASSWORD_SHORT, least=SHORTEST_PASSWORD)
    if len(password) > LONGEST_PASSWORD:
        raise DomainError(errors.PASSWORD_LONG, most=LONGEST_PASSWORD)
    if password.strip().lower() == plain_login(login):
        raise DomainError(errors.PASSWORD_IS_LOGIN)
    if is_common(password, login, known):
        raise DomainError(errors.PASSWORD_COMMON)


def check_new(
    *,
    login: str,
    name: str,
    roles: Collection[Role] | None = None,
    password: str | None = None,
    hub_name: str = "",
) -> None:
    """Raise DomainError with all that is wrong with a new account; roles and password only where given."""
    plain = _PLAIN_LOGIN.fullmatch(plain_login(login)) is not None
    short = len(plain_text(name)) <= _LONGEST_NAME
    refuse_all(
        (
            None if plain else DomainError(errors.LOGIN_NOT_PLAIN, most=_LONGEST_NAME),
            None if short else DomainError(NAME_TOO_LONG, most=_LONGEST_NAME),
            None if roles is None or roles else DomainError(errors.ROLES_MISSING),
            None
            if password is None
            else refusal_of(lambda: check_password(password, login, (name, hub_name))),
        )
    )


async def add(
    conn: AsyncConnection[Any],
    *,
    login: str,
    name: str,
    password_hash: str | None,
    roles: Iterable[Role],
    by: UUID | None = None,
) -> UUID:
    """Add an account; return its id. `by` is the account that adds it, None for the command line.

    Raises DomainError if the login is not valid or is taken, or the name is too long.
    """
    check_new(login=login, name=name)
    values = {"login": plain_login(login), "name": plain_text(name)}
    try:
        async with conn.transaction():
            stored = {**values, "password_hash": password_hash, "by": by}
            row = await (await conn.execute(_SQL["add_account"], stored)).fetchone()
    except psycopg.IntegrityError as error:
        kind = _CONSTRAINTS.get(error.diag.constraint_name or "")
        if kind is None:
            raise
        raise DomainError(kind, most=_LONGEST_NAME) from error
    if row is None:
        raise DomainError(errors.LOGIN_TAKEN)
    account_id: UUID = row[0]
    await _give(conn, account_id, roles, granted_by="local")
    return account_id


async def add_first_admin(
    conn: AsyncConnection[Any], *, login: str, name: str, password_hash: str, roles: Iterable[Role] = ()
) -> UUID:
    """Add the hub's first administrator, with further roles; return the account's id.

    Raises DomainError if the hub has an administrator already, and as `add` does.
    """
    await conn.execute(_SQL["lock_accounts"])
    if await has_admin(conn):
        raise DomainError(errors.HUB_HAS_ADMIN)
    return await add(conn, login=login, name=name, password_hash=password_hash, roles={Role.ADMIN, *roles})


async def has_admin(conn: AsyncConnection[Any]) -> bool:
    """Return whether there is an account with the role of administrator that is not disabled."""
    return await count_admins(conn) > 0


async def count_admins(conn: AsyncConnection[Any]) -> int:
    """Return how many accounts with the role of administrator are not disabled."""
    row = await (await conn.execute(_SQL["admins"])).fetchone()
    return 0 if row is None else int(row[0])


def has_admin_sync(conn: psycopg.Connection[Any]) -> bool:
    """Return the same as `has_admin`, for `hubwell up`, which shows the address of the set-up page."""
    row = conn.execute(_SQL["admins"]).fetchone()
    return row is not None and row[0] > 0


async def set_roles(conn: AsyncConnection[Any], account_id: UUID, roles: Iterable[Role]) -> None:
    """Replace the roles that were assigned to an account here; those from the provider stay.

    Raises DomainError if the account is unknown or is the last administrator.
    """
    try:
        await _replace_roles(conn, account_id, roles, granted_by="local")
    except psycopg.errors.ForeignKeyViolation as error:
        raise DomainError(errors.ACCOUNT_UNKNOWN) from error


async def roles_from_provider(conn: AsyncConnection[Any], account_id: UUID, roles: Iterable[Role]) -> None:
    """Replace the roles that the provider assigned to an account; those assigned here stay.

    Raises DomainError if the account is the last administrator.
    """
    await _replace_roles(conn, account_id, roles, granted_by="oidc")


async def roles_of(conn: AsyncConnection[Any], account_id: UUID) -> frozenset[Role]:
    """Return all roles of an account, assigned here or by the provider."""
    rows = await (await conn.execute(_SQL["roles_of_account"], {"account_id": account_id})).fetchall()
    return frozenset(Role(row[0]) for row in rows)


async def disable(conn: AsyncConnection[Any], account_id: UUID, now: datetime) -> None:
    """Disable an account and end its sessions.

    Raises DomainError if the account is unknown or is the last administrator.
    """
    async with _last_admin_refused(conn):
        await _change(conn, "disable", account_id, now=now)
    await sessions.end_all(conn, account_id)


async def enable(conn: AsyncConnection[Any], account_id: UUID) -> None:
    """Enable a disabled account. Raises DomainError if the account is unknown."""
    await _change(conn, "enable", account_id)


async def erase(conn: AsyncConnection[Any], account_id: UUID) -> UUID | None:
    """Delete an account with its roles, identities and sessions; return the person linked to it.

    The person's visits and badges are not erased. Raises DomainError if the account is unknown or is the last
    administrator.
    """
    async with _last_admin_refused(conn):
        row = await (await conn.execute(_SQL["erase"], {"account_id": account_id})).fetchone()
    if row is None:
        raise DomainError(errors.ACCOUNT_UNKNOWN)
    person_id: UUID | None = row[0]
    return person_id


async def of_person(conn: AsyncConnection[Any], person_id: UUID) -> list[UUID]:
    """Return the accounts that are linked to a person."""
    rows = await (await conn.execute(_SQL["accounts_of_person"], {"person_id": person_id})).fetchall()
    return [row[0] for row in rows]


async def set_password(conn: AsyncConnection[Any], account_id: UUID, password_hash: str) -> None:
    """Set the password hash of an account for its owner. Raises DomainError if the account is unknown."""
    await _change(conn, "set_password", account_id, password_hash=password_hash)


async def reset_password(
    conn: AsyncConnection[Any], account_id: UUID, password_hash: str, *, by: UUID | None
) -> None:
    """Set the password hash of another account; `by` is the account that does, None for the command line.

    Raises DomainError if the account is unknown.
    """
    await _change(conn, "reset_password", account_id, password_hash=password_hash, by=by)


async def set_language(conn: AsyncConnection[Any], account_id: UUID, language: str | None) -> None:
    """Set an account's language; None stands for the browser's. Raises DomainError if it is unknown."""
    await _change(conn, "set_language", account_id, language=language)
    await conn.execute(_SQL["forget_session_languages"], {"account_id": account_id})


async def set_name(conn: AsyncConnection[Any], account_id: UUID, name: str) -> None:
    """Set the display name of an account, cut to 120 characters. Raises DomainError if it is unknown."""
    await _change(conn, "set_name", account_id, name=plain_text(name)[:_LONGEST_NAME])


async def link(conn: AsyncConnection[Any], account_id: UUID, person_id: UUID | None) -> None:
    """Link an account to a person, whose own visits it shows then; None removes the link.

    Raises DomainError if the account is unknown.
    """
    await _change(conn, "link_person", account_id, person_id=person_id)


async def move_person(conn: AsyncConnection[Any], *, keep: UUID, drop: UUID) -> None:
    """Link the accounts of `drop` to `keep`, when two persons are merged."""
    await conn.execute(_SQL["move_accounts"], {"keep": keep, "drop": drop})


async def list_accounts(conn: AsyncConnection[Any]) -> list[Account]:
    """Return all accounts by login, the disabled ones last."""
    cursor = conn.cursor(row_factory=class_row(Account))
    return await (await cursor.execute(_SQL["accounts"], {"account_id": None})).fetchall()


async def get_account(conn: AsyncConnection[Any], account_id: UUID) -> Account:
    """Return an account. Raises DomainError if it is unknown."""
    cursor = conn.cursor(row_factory=class_row(Account))
    account = await (await cursor.execute(_SQL["accounts"], {"account_id": account_id})).fetchone()
    if account is None:
        raise DomainError(errors.ACCOUNT_UNKNOWN)
    return account


async def credentials(
    conn: AsyncConnection[Any], *, login: str = "", account_id: UUID | None = None
) -> Credentials | None:
    """Return what a login with a password is checked against, by login or by id; None without an account."""
    cursor = conn.cursor(row_factory=class_row(Credentials))
    if account_id:
        await cursor.execute(_SQL["credentials_by_id"], {"account_id": account_id})
    else:
        await cursor.execute(_SQL["credentials"], {"login": plain_login(login)})
    return await cursor.fetchone()


async def _replace_roles(
    conn: AsyncConnection[Any], account_id: UUID, roles: Iterable[Role], *, granted_by: GrantedBy
) -> None:
    chosen = sorted(set(roles))
    async with _last_admin_refused(conn):
        # New roles first: a trigger refuses the moment in which an administrator who stays one is none.
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
    """Raise DomainError where the database refuses to lose the last administrator (`storage/views`)."""
    try:
        async with conn.transaction():
            yield
    except psycopg.errors.IntegrityConstraintViolation as error:
        if error.diag.constraint_name != "account_last_administrator":
            raise
        raise DomainError(errors.LAST_ADMIN) from error


async def _change(conn: AsyncConnection[Any], query: str, account_id: UUID, **values: object) -> None:
    cursor = await conn.execute(_SQL[query], {"account_id": account_id, **values})
    if not cursor.rowcount:
        raise DomainError(errors.ACCOUNT_UNKNOWN)
