"""Accounts with their roles and passwords, the person an account belongs to, and the tokens of programs."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from psycopg import AsyncConnection

from hubwell.access import accounts, codes, errors, sessions, tokens
from hubwell.access.principal import Principal
from hubwell.audit import log
from hubwell.errors import DomainError
from hubwell.vocabulary import Role

Conn = AsyncConnection[Any]


def own_account(actor: Principal) -> UUID:
    """Return the actor's account. Raises DomainError for programs, and for people with a code."""
    if actor.account_id is None:
        raise DomainError(errors.NOT_ALLOWED)
    return actor.account_id


async def add(
    conn: Conn, actor: Principal, *, login: str, name: str, password_hash: str, roles: Sequence[Role]
) -> UUID:
    """Add an account that logs in with a password. Raises DomainError."""
    account_id = await accounts.add(conn, login=login, name=name, password_hash=password_hash, roles=roles)
    await _note(conn, actor, "account.added", account_id, roles=roles)
    return account_id


async def add_first_admin(conn: Conn, *, login: str, name: str, password_hash: str) -> UUID:
    """Add the hub's first administrator, who acts. Raises DomainError where there is one already."""
    account_id = await accounts.add_first_admin(conn, login=login, name=name, password_hash=password_hash)
    actor = Principal(account_id=account_id, actor=f"account:{account_id}")
    await _note(conn, actor, "account.added", account_id, roles=[Role.ADMIN])
    return account_id


async def set_roles(conn: Conn, actor: Principal, account_id: UUID, roles: Sequence[Role]) -> None:
    """Replace the roles that an account was given here. Raises DomainError for the last administrator."""
    await accounts.set_roles(conn, account_id, roles)
    await _note(conn, actor, "account.roles-changed", account_id, roles=roles)


async def reset_password(conn: Conn, actor: Principal, account_id: UUID, password_hash: str) -> None:
    """Set the password of another account and end its sessions. Raises DomainError."""
    await accounts.set_password(conn, account_id, password_hash)
    await sessions.end_all(conn, account_id)
    await _note(conn, actor, "account.password-reset", account_id)


async def change_password(conn: Conn, actor: Principal, password_hash: str) -> None:
    """Set the actor's own password and end all their sessions, the present one too."""
    account_id = own_account(actor)
    await accounts.set_password(conn, account_id, password_hash)
    await sessions.end_all(conn, account_id)
    await _note(conn, actor, "account.password-changed", account_id)


async def disable(conn: Conn, actor: Principal, account_id: UUID, now: datetime) -> None:
    """Close an account and end its sessions. Raises DomainError for the last administrator."""
    await accounts.disable(conn, account_id, now)
    await _note(conn, actor, "account.disabled", account_id)


async def enable(conn: Conn, actor: Principal, account_id: UUID) -> None:
    """Open a closed account again. Raises DomainError."""
    await accounts.enable(conn, account_id)
    await _note(conn, actor, "account.enabled", account_id)


async def link_person(conn: Conn, actor: Principal, code: str) -> bool:
    """Link the actor's account to the person whose code from the kiosk this is.

    Returns whether the code is valid; the caller limits the rate of attempts.
    """
    account_id = own_account(actor)
    person_id = await codes.redeem(conn, code)
    if person_id is None:
        return False
    await accounts.link(conn, account_id, person_id)
    await _note(conn, actor, "account.linked", account_id)
    return True


async def unlink_person(conn: Conn, actor: Principal) -> None:
    """End the link between the actor's account and a person, who stays."""
    account_id = own_account(actor)
    await accounts.link(conn, account_id, None)
    await _note(conn, actor, "account.unlinked", account_id)


async def add_token(
    conn: Conn, actor: Principal, *, name: str, roles: Sequence[Role], expires_at: datetime | None
) -> tuple[UUID, str]:
    """Make a program's token; return its id and the token, which is stored nowhere. Raises DomainError."""
    token_id, token = await tokens.add(conn, name=name, roles=roles, expires_at=expires_at)
    detail = {"roles": roles}
    await log.record(
        conn, actor=actor.actor, action="token.added", subject=f"token:{token_id}", detail=detail
    )
    return token_id, token


async def revoke_token(conn: Conn, actor: Principal, name: str, now: datetime) -> UUID:
    """End a program's token; return its id. Raises DomainError."""
    token_id = await tokens.revoke(conn, name, now)
    await log.record(conn, actor=actor.actor, action="token.revoked", subject=f"token:{token_id}")
    return token_id


async def _note(conn: Conn, actor: Principal, action: str, account_id: UUID, **detail: log.Value) -> None:
    subject = f"account:{account_id}"
    await log.record(conn, actor=actor.actor, action=action, subject=subject, detail=detail)
