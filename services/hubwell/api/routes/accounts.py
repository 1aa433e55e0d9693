"""Accounts, for administrators: add, roles, password, close and open, erase."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Path, Query
from pydantic import BaseModel, ConfigDict, Field

from hubwell.access import accounts, errors
from hubwell.access.passwords import generate_password
from hubwell.api.responses import WRITES, refused
from hubwell.errors import NAME_TOO_LONG
from hubwell.http.dependencies import NewTransaction, PasswordHasher, ReadConnection, Transaction
from hubwell.http.guard import require_role
from hubwell.vocabulary import Role
from hubwell.workflows import accounts as workflow
from hubwell.workflows.erasure import erase_other_account

AccountId = Annotated[UUID, Path(description="Id of the account.")]

api = APIRouter(
    prefix="/api/v1/accounts", tags=["Accounts"], responses=WRITES, dependencies=[require_role(Role.ADMIN)]
)


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Account(BaseModel):
    """An account, without its secrets and without the visits of its person."""

    id: UUID
    login: str
    name: str
    person_id: UUID | None = Field(description="The person whom it belongs to, where that is known.")
    language: str | None
    created_at: datetime
    signed_in_at: datetime | None = Field(description="The last login.")
    disabled_at: datetime | None
    has_password: bool
    has_identity: bool = Field(description="Whether it logs in through a provider.")
    local_roles: list[str]
    provider_roles: list[str]


class Accounts(BaseModel):
    """All of them, the closed ones last."""

    accounts: list[Account]


class RolesBody(_Body):
    """Roles given here; what a provider gives stays."""

    roles: list[Role]


class AccountBody(_Body):
    """A new account."""

    login: str
    name: str = ""
    roles: list[Role] = Field(min_length=1)


class PasswordMade(BaseModel):
    """A password for one login, to be passed on; it is not shown again."""

    id: UUID
    password: str


@api.get("", summary="All accounts", operation_id="listAccounts")
async def list_accounts(conn: ReadConnection) -> Accounts:
    """With their roles and the last login."""
    rows = await accounts.list_accounts(conn)
    return Accounts(accounts=[Account.model_validate(item, from_attributes=True) for item in rows])


@api.get(
    "/{account_id}",
    summary="An account",
    operation_id="getAccount",
    responses=refused(errors.ACCOUNT_UNKNOWN),
)
async def get_account(conn: ReadConnection, account_id: AccountId) -> Account:
    """With its roles and the last login."""
    return Account.model_validate(await accounts.get_account(conn, account_id), from_attributes=True)


@api.post(
    "",
    summary="Add an account",
    operation_id="addAccount",
    status_code=201,
    responses=refused(errors.LOGIN_TAKEN, errors.LOGIN_NOT_PLAIN, NAME_TOO_LONG),
)
async def add(begin: NewTransaction, hasher: PasswordHasher, body: AccountBody) -> PasswordMade:
    """With a generated password."""
    password = generate_password()
    hashed = await hasher.hashed(password)
    async with begin() as transaction:
        account_id = await workflow.add(
            transaction.conn,
            transaction.principal,
            login=body.login,
            name=body.name,
            password_hash=hashed,
            roles=body.roles,
        )
        await transaction.commit()
    return PasswordMade(id=account_id, password=password)


@api.put(
    "/{account_id}/roles",
    summary="Replace an account's roles",
    operation_id="setRoles",
    responses=refused(errors.ACCOUNT_UNKNOWN, errors.LAST_ADMIN),
    status_code=204,
)
async def set_roles(transaction: Transaction, account_id: AccountId, body: RolesBody) -> None:
    """Give it these; the last administrator keeps the role."""
    await workflow.set_roles(transaction.conn, transaction.principal, account_id, body.roles)
    await transaction.commit()


@api.post(
    "/{account_id}/password",
    summary="Reset an account's password",
    operation_id="resetPassword",
    responses=refused(errors.ACCOUNT_UNKNOWN),
)
async def reset_password(
    begin: NewTransaction, hasher: PasswordHasher, account_id: AccountId
) -> PasswordMade:
    """Generate another one, and end the account's sessions."""
    password = generate_password()
    hashed = await hasher.hashed(password)
    async with begin() as transaction:
        await workflow.reset_password(transaction.conn, transaction.principal, account_id, hashed)
        await transaction.commit()
    return PasswordMade(id=account_id, password=password)


@api.post(
    "/{account_id}/disable",
    summary="Close an account",
    operation_id="disableAccount",
    responses=refused(errors.ACCOUNT_UNKNOWN, errors.LAST_ADMIN),
    status_code=204,
)
async def disable(transaction: Transaction, account_id: AccountId) -> None:
    """Its sessions end at once. The last administrator's stays open."""
    await workflow.disable(transaction.conn, transaction.principal, account_id, transaction.now)
    await transaction.commit()


@api.post(
    "/{account_id}/enable",
    summary="Open a closed account",
    operation_id="enableAccount",
    responses=refused(errors.ACCOUNT_UNKNOWN),
    status_code=204,
)
async def enable(transaction: Transaction, account_id: AccountId) -> None:
    """With the roles and the password that it had."""
    await workflow.enable(transaction.conn, transaction.principal, account_id)
    await transaction.commit()


@api.delete(
    "/{account_id}",
    summary="Erase an account",
    operation_id="eraseAccount",
    responses=refused(errors.ACCOUNT_UNKNOWN, errors.LAST_ADMIN, errors.OWN_ACCOUNT),
    status_code=204,
)
async def erase(
    transaction: Transaction,
    account_id: AccountId,
    *,
    with_person: Annotated[
        bool, Query(description="Whether to erase its person too, with all visits.")
    ] = False,
) -> None:
    """For good. One's own is erased by another administrator; the last administrator's is not."""
    erased = await erase_other_account(
        transaction.conn, transaction.principal, account_id, with_person=with_person
    )
    await transaction.commit(erased.facts)
