"""What the commands about accounts and tokens do: one transaction each, noted in the audit log."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final, TypeVar
from uuid import UUID

from psycopg import AsyncConnection

from hubwell.access import accounts, passwords, sessions, tokens
from hubwell.access.accounts import AccountError
from hubwell.access.principal import Principal
from hubwell.audit import log
from hubwell.settings import Settings
from hubwell.storage.connect import connect
from hubwell.vocabulary import Role
from hubwell.workflows.erasure import erase_account

_ACTOR: Final = "cli"
Conn = AsyncConnection[Any]
Row = dict[str, Any]
Result = TypeVar("Result")


def add_account(settings: Settings, login: str, name: str, roles: Sequence[Role], password: str) -> None:
    """Add an account. Raises AccountError."""
    accounts.check_password(password, login)
    hashed = passwords.hashed(password)

    async def work(conn: Conn) -> None:
        added = await accounts.add(conn, login=login, name=name, password_hash=hashed, roles=roles)
        await _note(conn, "account.added", f"account:{added}", roles=roles)

    _in_transaction(settings, work)


def accounts_there(settings: Settings) -> list[Row]:
    """Return every account."""
    return [
        {
            "login": one.login,
            "name": one.name,
            "roles": " ".join(one.roles),
            "signs_in": _how(one),
            "last_sign_in": one.signed_in_at,
        }
        for one in _in_transaction(settings, accounts.list_accounts)
    ]


def _how(one: accounts.Account) -> str:
    if one.disabled_at:
        return "closed"
    ways = [way for way, has in (("password", one.has_password), ("provider", one.has_identity)) if has]
    return " or ".join(ways) or "not yet"


def disable(settings: Settings, login: str) -> None:
    """Close an account. Raises AccountError."""

    async def work(conn: Conn) -> None:
        account_id = await _id(conn, login)
        await accounts.disable(conn, account_id, datetime.now(UTC))
        await _note(conn, "account.disabled", f"account:{account_id}")

    _in_transaction(settings, work)


def enable(settings: Settings, login: str) -> None:
    """Open an account again. Raises AccountError."""

    async def work(conn: Conn) -> None:
        account_id = await _id(conn, login)
        await accounts.enable(conn, account_id)
        await _note(conn, "account.enabled", f"account:{account_id}")

    _in_transaction(settings, work)


def set_password(settings: Settings, login: str, password: str) -> None:
    """Set a password, and end where the account is signed in. Raises AccountError."""
    accounts.check_password(password, login)
    hashed = passwords.hashed(password)

    async def work(conn: Conn) -> None:
        account_id = await _id(conn, login)
        await accounts.set_password(conn, account_id, hashed)
        await sessions.end_all(conn, account_id)
        await _note(conn, "account.password-reset", f"account:{account_id}")

    _in_transaction(settings, work)


def set_roles(settings: Settings, login: str, roles: Sequence[Role]) -> None:
    """Give an account these roles. Raises AccountError."""

    async def work(conn: Conn) -> None:
        account_id = await _id(conn, login)
        await accounts.set_roles(conn, account_id, roles)
        await _note(conn, "account.roles-changed", f"account:{account_id}", roles=roles)

    _in_transaction(settings, work)


def erase(settings: Settings, login: str) -> UUID | None:
    """Erase an account and return the person it belonged to. Raises AccountError."""

    async def work(conn: Conn) -> UUID | None:
        account_id = await _id(conn, login)
        erased = await erase_account(conn, Principal(actor=_ACTOR), account_id)
        return erased.person_id

    return _in_transaction(settings, work)


def add_token(settings: Settings, name: str, roles: Sequence[Role], days: int) -> str:
    """Make a token and return it. Raises TokenError."""
    until = datetime.now(UTC) + timedelta(days=days) if days else None

    async def work(conn: Conn) -> str:
        added, token = await tokens.add(conn, name=name, roles=roles, expires_at=until)
        await _note(conn, "token.added", f"token:{added}", roles=roles)
        return token

    return _in_transaction(settings, work)


def list_tokens(settings: Settings) -> list[Row]:
    """Return every token, without its secret."""
    return [
        {
            "name": one.name,
            "roles": " ".join(one.roles),
            "made": one.created_at,
            "counts_until": one.revoked_at or one.expires_at,
            "revoked": one.revoked_at is not None,
        }
        for one in _in_transaction(settings, tokens.list_tokens)
    ]


def revoke_token(settings: Settings, name: str) -> None:
    """Let a token count no longer. Raises TokenError."""

    async def work(conn: Conn) -> None:
        revoked = await tokens.revoke(conn, name, datetime.now(UTC))
        await _note(conn, "token.revoked", f"token:{revoked}")

    _in_transaction(settings, work)


async def _id(conn: Conn, login: str) -> UUID:
    found = await accounts.credentials(conn, login=login)
    if found is None:
        raise AccountError("account-unknown")
    return found.id


async def _note(conn: Conn, action: str, subject: str, **detail: log.Value) -> None:
    await log.record(conn, actor=_ACTOR, action=action, subject=subject, detail=detail)


def _in_transaction(settings: Settings, work: Callable[[Conn], Awaitable[Result]]) -> Result:
    async def run() -> Result:
        conn = await connect(settings.database_url, name="cli")
        async with conn, conn.transaction():
            return await work(conn)

    return asyncio.run(run())
