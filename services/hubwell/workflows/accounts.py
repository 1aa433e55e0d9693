"""Accounts with their roles and passwords, the person an account belongs to, and the tokens of programs."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from psycopg import AsyncConnection

from hubwell.access import accounts, codes, errors, links, sessions, tokens
from hubwell.access.passkeys import stored as passkeys
from hubwell.access.passkeys.ceremonies import Registered
from hubwell.access.principal import Principal
from hubwell.audit import log
from hubwell.errors import DomainError
from hubwell.people import persons
from hubwell.vocabulary import BY_A_PROGRAM, Role

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
    account_id = await accounts.add(
        conn, login=login, name=name, password_hash=password_hash, roles=roles, by=_hand(actor)
    )
    await _note(conn, actor, "account.added", account_id, roles=roles)
    return account_id


async def add_first_admin(
    conn: Conn, *, login: str, name: str, password_hash: str, roles: Sequence[Role] = ()
) -> Principal:
    """Add the hub's first administrator, with what else they do; return them.

    Raises DomainError where there is one already.
    """
    account_id = await accounts.add_first_admin(
        conn, login=login, name=name, password_hash=password_hash, roles=roles
    )
    all_roles = frozenset((Role.ADMIN, *roles))
    actor = Principal(account_id=account_id, actor=f"account:{account_id}", roles=all_roles)
    await _note(conn, actor, "account.added", account_id, roles=sorted(all_roles))
    return actor


async def set_roles(conn: Conn, actor: Principal, account_id: UUID, roles: Sequence[Role]) -> None:
    """Replace the roles that an account was given here. Raises DomainError for the last administrator."""
    await accounts.set_roles(conn, account_id, roles)
    await _note(conn, actor, "account.roles-changed", account_id, roles=roles)


async def reset_password(conn: Conn, actor: Principal, account_id: UUID, password_hash: str) -> None:
    """Set the password of another account and end its sessions. Raises DomainError.

    Its tie to a person ends too, until a new code: else the new password would open that person's visits. Its
    passkeys end as well: one that another person added would remain a way in.
    """
    await accounts.reset_password(conn, account_id, password_hash, by=_hand(actor))
    await sessions.end_all(conn, account_id)
    if account_id != actor.account_id and await passkeys.remove_all(conn, account_id):
        await _note(conn, actor, "account.passkeys-ended", account_id)
    if account_id != actor.account_id and await links.unlink(conn, account_id):
        await _note(conn, actor, "account.unlinked", account_id)
    await _note(conn, actor, "account.password-reset", account_id)


async def change_password(conn: Conn, actor: Principal, password_hash: str) -> None:
    """Set the actor's own password and end all their sessions, the present one too."""
    account_id = own_account(actor)
    await accounts.set_password(conn, account_id, password_hash)
    await sessions.end_all(conn, account_id)
    await _note(conn, actor, "account.password-changed", account_id)


async def add_passkey(conn: Conn, actor: Principal, name: str, new: Registered, now: datetime) -> UUID:
    """Store a verified passkey of the actor's own account; return its id. Raises DomainError."""
    account_id = own_account(actor)
    passkey_id = await passkeys.add(conn, account_id, name, new, now)
    await _note(conn, actor, "account.passkey-added", account_id)
    return passkey_id


async def remove_passkey(conn: Conn, actor: Principal, passkey_id: UUID) -> None:
    """Delete a passkey of the actor's own account. Raises DomainError."""
    account_id = own_account(actor)
    await passkeys.remove(conn, account_id, passkey_id)
    await _note(conn, actor, "account.passkey-removed", account_id)


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

    Returns whether the code is valid; the caller limits the rate of attempts. Raises DomainError for a badge
    that staff gave out less than a day ago; the code is used up.
    """
    account_id, now = own_account(actor), datetime.now(UTC)
    redeemed = await codes.redeem_of_badge(conn, code)
    if redeemed is None:
        return False
    if await codes.is_new_badge(conn, redeemed, now):
        raise DomainError(errors.BADGE_NEW)
    for other in await links.link(conn, account_id, redeemed.person_id, now):
        await _note(conn, actor, "account.unlinked", other)
    await persons.set_link_untold(conn, redeemed.person_id, untold=True)
    await _note(conn, actor, "account.linked", account_id)
    return True


async def end_link(conn: Conn, actor: Principal, account_id: UUID) -> bool:
    """End the tie of an account to the actor's person; return whether there was one."""
    if actor.person_id is None or not await links.unlink(conn, account_id, actor.person_id):
        return False
    await _note(conn, actor, "account.unlinked", account_id)
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


def _hand(actor: Principal) -> UUID | None:
    """Return which account acts on another one; None for the command line."""
    return BY_A_PROGRAM if actor.actor.startswith("token:") else actor.account_id
