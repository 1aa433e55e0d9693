"""Tokens of programs, for administrators."""

from datetime import datetime
from uuid import UUID

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field

from hubwell.access import errors, tokens
from hubwell.api.responses import WRITES, refused
from hubwell.api.times import IsoTime
from hubwell.errors import NAME_TOO_LONG
from hubwell.http.dependencies import ReadConnection, Transaction
from hubwell.http.guard import require_role
from hubwell.vocabulary import Role
from hubwell.workflows import accounts

api = APIRouter(
    prefix="/api/v1/tokens", tags=["Tokens"], responses=WRITES, dependencies=[require_role(Role.ADMIN)]
)


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Token(BaseModel):
    """A token, without its secret."""

    id: UUID
    name: str
    roles: list[str]
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None


class Tokens(BaseModel):
    """All of them, the revoked ones last."""

    tokens: list[Token]


class TokenBody(_Body):
    """A token to be made."""

    name: str = Field(description="Which program uses it.")
    roles: list[Role]
    expires_at: IsoTime | None = Field(None, description="Null: valid until it is revoked.")


class TokenMade(BaseModel):
    """The token itself, which is not shown again."""

    id: UUID
    token: str


class RevokeTokenBody(_Body):
    """Which one."""

    name: str


@api.get("", summary="All tokens", operation_id="listTokens")
async def list_tokens(conn: ReadConnection) -> Tokens:
    """Without their secrets."""
    rows = await tokens.list_tokens(conn)
    return Tokens(tokens=[Token.model_validate(item, from_attributes=True) for item in rows])


@api.post(
    "",
    summary="Create a token",
    operation_id="addToken",
    status_code=201,
    responses=refused(errors.TOKEN_UNNAMED, NAME_TOO_LONG, errors.ROLES_MISSING, errors.TOKEN_NAME_TAKEN),
)
async def add(transaction: Transaction, body: TokenBody) -> TokenMade:
    """Return the token, which is stored nowhere."""
    token_id, token = await accounts.add_token(
        transaction.conn,
        transaction.principal,
        name=body.name,
        roles=body.roles,
        expires_at=body.expires_at,
    )
    await transaction.commit()
    return TokenMade(id=token_id, token=token)


@api.post(
    "/revoke",
    summary="Revoke a token",
    operation_id="revokeToken",
    responses=refused(errors.TOKEN_UNKNOWN),
    status_code=204,
)
async def revoke(transaction: Transaction, body: RevokeTokenBody) -> None:
    """At once; a request with it gets 401 from then on."""
    await accounts.revoke_token(transaction.conn, transaction.principal, body.name, transaction.now)
    await transaction.commit()
