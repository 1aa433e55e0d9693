"""Passkeys: add and remove them on the account's page, and sign in with one.

The browser's own dialogue needs the script; without it the form for the password is all there is.
"""

import logging
from typing import Annotated, Any, Final
from uuid import UUID

from fastapi import APIRouter, Form, Request
from fastapi.responses import JSONResponse, Response
from pydantic import BaseModel, ConfigDict, Field

from hubwell.access import accounts, errors
from hubwell.access.accounts import Credentials
from hubwell.access.errors import TooManyTriesError
from hubwell.access.passkeys import ceremonies, stored
from hubwell.access.passkeys.challenges import LIFETIME_S, Challenge, Challenges, Purpose
from hubwell.access.passkeys.relying_party import RelyingParty, relying_party
from hubwell.access.passwords import Passwords
from hubwell.access.redirects import local_address
from hubwell.errors import DomainError, error_text
from hubwell.http.dependencies import (
    AppSettings,
    NewTransaction,
    PasskeyChallenges,
    PasswordHasher,
    RateLimits,
    Transaction,
)
from hubwell.http.guard import PUBLIC, require_role
from hubwell.http.rate_limits import (
    PASSWORD_OF_LOGIN_FROM_ADDRESS,
    Limits,
    address_of,
    passkey_limits,
)
from hubwell.http.session_cookie import start_session
from hubwell.settings import Settings
from hubwell.vocabulary import Role
from hubwell.web.accounts.own import OwnAccount
from hubwell.web.kit.forms import FormText
from hubwell.web.kit.respond import formatter_for, see_other
from hubwell.workflows import accounts as workflow

_log = logging.getLogger(__name__)
_NAME: Final = "hubwell-passkey"
_SECURE_NAME: Final = "__Host-hubwell-passkey"

own_passkeys = APIRouter(
    include_in_schema=False, prefix="/account/passkeys", dependencies=[require_role(*Role)]
)
passkey_signin = APIRouter(include_in_schema=False, prefix="/sign-in/passkey", dependencies=[PUBLIC])


class _Sent(BaseModel):
    """What the browser's dialogue gave; the library reads the credential."""

    model_config = ConfigDict(extra="forbid")

    credential: dict[str, Any]


class NewPasskey(_Sent):
    """A new passkey with the name that its owner gave it."""

    name: str = Field("", max_length=1000)


class SignIn(_Sent):
    """A sign-in, and where to go afterwards."""

    next: str = Field("/", max_length=2000)


@own_passkeys.post("/begin")
async def begin_adding(
    request: Request,
    own: OwnAccount,
    settings: AppSettings,
    challenges: PasskeyChallenges,
    passwords: PasswordHasher,
    limits: RateLimits,
    begin: NewTransaction,
    current: FormText = "",
    name: Annotated[str, Form()] = "",
) -> Response:
    """Begin with the current password: a browser that was left signed in must not give a lasting way in."""
    try:
        party = _party(settings)
        stored.check_name(name)
        async with begin() as transaction:
            credentials = await accounts.credentials(transaction.conn, account_id=own)
            existing = await stored.credential_ids(transaction.conn, own)
        await _check_password(credentials, current, own, passwords, limits)
    except DomainError as error:
        return _wrong(request, error)
    challenge, cookie = challenges.begin("add", own)
    login = credentials.login if credentials else ""
    answer = JSONResponse(ceremonies.creation_options(party, challenge, own, login, existing))
    _keep(answer, settings, cookie)
    return answer


async def _check_password(
    credentials: Credentials | None, current: str, own: UUID, passwords: Passwords, limits: Limits
) -> None:
    """Raise DomainError where this is not the account's password, or it has none here."""
    if credentials is None or credentials.usable is None:
        raise DomainError(errors.PASSKEY_NEEDS_PASSWORD)
    async with limits.attempt((PASSWORD_OF_LOGIN_FROM_ADDRESS, str(own))) as attempt:
        is_valid = await passwords.verify(credentials.usable, current)
        (attempt.succeed if is_valid else attempt.fail)()
    if not is_valid:
        raise DomainError(errors.CURRENT_PASSWORD_WRONG)


@own_passkeys.post("")
async def add(
    request: Request,
    own: OwnAccount,
    settings: AppSettings,
    challenges: PasskeyChallenges,
    transaction: Transaction,
    body: NewPasskey,
) -> Response:
    """Store a passkey after its proof."""
    try:
        party = _party(settings)
        challenge = _opened(request, settings, challenges, "add", own)
        new = ceremonies.register(party, challenge, body.credential)
        _use(challenges, challenge)
        await workflow.add_passkey(transaction.conn, transaction.principal, body.name, new, transaction.now)
    except DomainError as error:
        await transaction.roll_back()
        return _wrong(request, error)
    await transaction.commit()
    answer = JSONResponse({"next": "/account?done=passkey-added"}, 201)
    _forget(answer, settings)
    return answer


@own_passkeys.post("/{passkey_id}/remove")
async def remove(transaction: Transaction, passkey_id: UUID) -> Response:
    """Remove a passkey; the password stays."""
    await workflow.remove_passkey(transaction.conn, transaction.principal, passkey_id)
    await transaction.commit()
    return see_other("/account?done=passkey-removed")


@passkey_signin.post("/begin")
async def begin_sign_in(request: Request, settings: AppSettings, challenges: PasskeyChallenges) -> Response:
    """Begin a sign-in, whosever passkey it will be."""
    try:
        party = _party(settings)
    except DomainError as error:
        return _wrong(request, error)
    challenge, cookie = challenges.begin("sign-in")
    answer = JSONResponse(ceremonies.request_options(party, challenge))
    _keep(answer, settings, cookie)
    return answer


@passkey_signin.post("")
async def sign_in(
    request: Request,
    settings: AppSettings,
    challenges: PasskeyChallenges,
    limits: RateLimits,
    begin: NewTransaction,
    body: SignIn,
) -> Response:
    """Sign in with a passkey. Failures count like wrong passwords from this address."""
    answer = JSONResponse({"next": local_address(body.next)})
    try:
        async with limits.attempt(*passkey_limits(address_of(request))) as attempt:
            try:
                account_id = await _verified(request, settings, challenges, begin, body)
            except DomainError:
                attempt.fail()
                raise
            attempt.succeed()
    except DomainError as error:
        _log.info("a sign-in was refused", extra={"action": "sign-in-refused", "why": "passkey"})
        return _wrong(request, error, 429 if isinstance(error, TooManyTriesError) else 422)
    async with begin() as transaction:
        await start_session(request, answer, transaction.conn, account_id=account_id)
        await transaction.commit()
    _forget(answer, settings)
    return answer


async def _verified(
    request: Request, settings: Settings, challenges: Challenges, begin: NewTransaction, body: SignIn
) -> UUID:
    """Return the account of a passkey that proved itself; its use is noted. Raises DomainError."""
    party = _party(settings)
    challenge = _opened(request, settings, challenges, "sign-in", None)
    assertion = ceremonies.read_assertion(body.credential)
    async with begin() as transaction:
        known = await stored.find(transaction.conn, assertion.credential_id)
        if known is None or assertion.user_handle != known.account_id.bytes:
            raise DomainError(errors.PASSKEY_REFUSED)
        counter = ceremonies.verify(party, challenge, assertion, known.attested)
        _use(challenges, challenge)
        if not await stored.note_use(transaction.conn, known.id, counter, transaction.now):
            raise DomainError(errors.PASSKEY_REFUSED)
        await transaction.commit()
    return known.account_id


def _party(settings: Settings) -> RelyingParty:
    party = relying_party(settings)
    if isinstance(party, str):
        raise DomainError(errors.PASSKEYS_NOT_HERE)
    return party


def _opened(
    request: Request, settings: Settings, challenges: Challenges, purpose: Purpose, account: UUID | None
) -> Challenge:
    """Return the challenge that this browser was given. Raises DomainError."""
    challenge = challenges.open(request.cookies.get(_cookie_name(settings), ""), purpose, account)
    if challenge is None:
        raise DomainError(errors.PASSKEY_TOO_LATE)
    return challenge


def _use(challenges: Challenges, challenge: Challenge) -> None:
    if not challenges.use(challenge):
        raise DomainError(errors.PASSKEY_TOO_LATE)


def _cookie_name(settings: Settings) -> str:
    return _SECURE_NAME if settings.is_https else _NAME


def _keep(answer: Response, settings: Settings, cookie: str) -> None:
    answer.set_cookie(
        _cookie_name(settings),
        cookie,
        max_age=LIFETIME_S,
        path="/",
        secure=settings.is_https,
        httponly=True,
        samesite="strict",
    )


def _forget(answer: Response, settings: Settings) -> None:
    answer.delete_cookie(
        _cookie_name(settings), path="/", secure=settings.is_https, httponly=True, samesite="strict"
    )


def _wrong(request: Request, error: DomainError, status: int = 422) -> Response:
    """Return a refusal for the script, in the reader's language."""
    text = error_text(error, formatter_for(request).translations)
    return JSONResponse({"wrong": text, "code": error.code, "field": error.field}, status)
