"""OpenID Connect client: the authorization code flow with PKCE, state and nonce, for any provider.

Endpoints and keys come from OpenID Connect Discovery. Only the signed ID token is trusted, after it was
checked against the state that the login began with.
"""

import asyncio
import base64
import logging
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final, Literal
from urllib.parse import quote_plus, urlencode, urlsplit

from hubwell.access.oidc.claims import Identity, claim_at, identity_of
from hubwell.access.oidc.errors import OidcError, of_oauth
from hubwell.access.oidc.id_token import UnknownKeyError, check_claims, check_userinfo, signed_claims
from hubwell.access.oidc.login_state import LoginState, LoginStates
from hubwell.access.oidc.metadata import MetadataCache, ProviderMetadata, json_of
from hubwell.settings import Settings

_log = logging.getLogger(__name__)

REDIRECT_PATH: Final = "/sign-in/back"
"""Path of the redirect URI, after HUBWELL_PUBLIC_URL; a sign-out at the provider returns there as well."""
Prompt = Literal["login", "select_account"]
"""What the provider shall ask: the password again, or which account (OpenID Connect Core 1.0, 3.1.2.1)."""
_STEP_S: Final = 8.0
"""Seconds for everything that is asked of the provider while a person waits."""
_SCOPES: Final = ("openid", "profile", "email")
_GROUPS_SCOPE: Final = "groups"
_GOOGLE: Final = "https://accounts.google.com"
_FORM: Final = {"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"}


@dataclass(frozen=True, slots=True)
class Begun:
    """A login that was begun: the cookie for the browser, and the provider's address."""

    cookie_name: str
    cookie: str
    address: str
    login: LoginState


@dataclass(frozen=True, slots=True)
class SignedIn:
    """A login that was finished."""

    identity: Identity
    next: str
    claims: Mapping[str, Any]
    """Of the ID token, and of the UserInfo endpoint where that was asked."""


class ScopeGuessedError(OidcError):
    """The provider refuses the scope `groups`, which it lists and no setting names.

    It is not requested again, so another login may succeed; `next` is where to go after.
    """

    def __init__(self, next_address: str) -> None:
        super().__init__("setup", "invalid_scope")
        self.next = next_address


class Provider:
    """The OpenID Connect provider of one application."""

    def __init__(self, settings: Settings, *, clock: Callable[[], float] = time.time) -> None:
        self._settings = settings
        self.issuer = str(settings.oidc_issuer).rstrip("/")
        self.redirect_uri = str(settings.public_url).rstrip("/") + REDIRECT_PATH
        self._clock = clock
        self._metadata = MetadataCache(self.issuer, settings.ca_file, clock)
        self._may_guess_scopes = True
        self.name = settings.oidc_name or urlsplit(self.issuer).hostname or ""
        self.logins = LoginStates(clock, is_https=settings.is_https)

    @classmethod
    def of(cls, settings: Settings) -> "Provider | None":
        """Return the provider of the settings; None if no issuer is set."""
        return cls(settings) if settings.oidc_issuer else None

    async def metadata(self) -> ProviderMetadata:
        """Return the provider's metadata. Raises OidcError."""
        async with _within_one_step():
            return await self._metadata.get()

    async def begin(self, next_address: str, prompt: Prompt | None = None, *, prefix: str = "") -> Begun:
        """Begin a login; `prefix` begins its state.

        Raises OidcError if the provider does not answer or its metadata is not valid.
        """
        metadata = await self.metadata()
        scopes = self.scopes(metadata)
        guessed = not self._settings.oidc_scopes and _GROUPS_SCOPE in scopes
        cookie, login = self.logins.begin(next_address, guessed_scope=guessed, prefix=prefix)
        query = {
            "response_type": "code",
            "client_id": self._settings.oidc_client_id,
            "redirect_uri": self.redirect_uri,
            "scope": " ".join(scopes),
            "state": login.state,
            "nonce": login.nonce,
            "code_challenge": login.challenge,
            "code_challenge_method": "S256",
        }
        if prompt and (supported := self._prompt(metadata, prompt)):
            query["prompt"] = supported
        address = _with_query(metadata.address("authorization_endpoint") or "", query)
        return Begun(self.logins.cookie_name(login.state), cookie, address, login)

    def scopes(self, metadata: ProviderMetadata) -> list[str]:
        """Return the scopes of the settings; else the usual ones, and `groups` if the provider lists it."""
        if self._settings.oidc_scopes:
            return self._settings.oidc_scopes.split()
        has_groups = _GROUPS_SCOPE in (metadata.supported("scopes") or ())
        return [*_SCOPES, *([_GROUPS_SCOPE] if has_groups and self._may_guess_scopes else [])]

    def _prompt(self, metadata: ProviderMetadata, prompt: Prompt) -> Prompt | None:
        """Return the prompt if the provider supports it, else the other one if that is supported."""
        supported = metadata.supported("prompt_values")
        if supported is None:  # `login` is what every provider has to know; Google documents the other only
            return "select_account" if self.issuer == _GOOGLE else "login"
        other: Prompt = "login" if prompt == "select_account" else "select_account"
        return next((value for value in (prompt, other) if value in supported), None)

    async def sign_out_address(self) -> str | None:
        """Return where a browser signs out at the provider (OpenID Connect RP-Initiated Logout 1.0).

        No ID token is kept, so there is no hint of the session, and the provider may ask the person. Returns
        None if the provider does not offer it, or does not answer.
        """
        try:
            address = (await self.metadata()).address("end_session_endpoint")
        except OidcError as error:
            _log.warning(
                "whether the provider offers a sign-out is not known: %s%s",
                error.why,
                f" ({error.detail})" if error.detail else "",
                extra={"action": "provider-sign-out", "why": error.why},
            )
            return None
        query = {
            "client_id": self._settings.oidc_client_id,
            "post_logout_redirect_uri": self.redirect_uri,
        }
        return _with_query(address, query) if address else None

    async def finish(self, cookies: Mapping[str, str], answer: Mapping[str, str]) -> SignedIn:
        """Return the identity of the provider's response, and the address to redirect to.

        `cookies` are the browser's, `answer` the query parameters of the redirect. Raises OidcError.
        """
        login = self.logins.take(cookies, answer.get("state", ""))
        if self._metadata.loaded:
            _check_sender(self._metadata.loaded, answer)
        if "code" not in answer:
            raise self._declined(answer.get("error"), login)
        async with _within_one_step():
            return await self._signed_in(await self._metadata.get(), answer["code"], login)

    def _declined(self, code: str | None, login: LoginState) -> OidcError:
        if code == "invalid_scope" and login.guessed_scope:
            self._may_guess_scopes = False
            return ScopeGuessedError(login.next)
        return of_oauth(code) or OidcError("declined", "no-code")

    async def _signed_in(self, metadata: ProviderMetadata, code: str, login: LoginState) -> SignedIn:
        tokens = await self._exchange(metadata, code, login)
        claims = await self._signed_claims(metadata, str(tokens.get("id_token", "")))
        client_id = self._settings.oidc_client_id
        now = self._clock()
        subject = check_claims(
            claims, issuer=metadata.issuer, client_id=client_id, nonce=login.nonce, now=now
        )
        claims = await self._with_userinfo(metadata, tokens, claims, subject)
        groups_claim, role_of = self._settings.oidc_groups_claim, self._settings.oidc_roles
        identity = identity_of(metadata.issuer, subject, claims, groups_claim, role_of)
        return SignedIn(identity, login.next, claims)

    async def _exchange(self, metadata: ProviderMetadata, code: str, login: LoginState) -> Mapping[str, Any]:
        """Exchange the authorization code for tokens (RFC 6749, 4.1.3). Raises OidcError."""
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": self.redirect_uri,
            "code_verifier": login.verifier,
        }
        headers = dict(_FORM)
        client_id, secret = self._settings.oidc_client_id, self._settings.oidc_client_secret
        methods = metadata.supported("token_endpoint_auth_methods") or ["client_secret_basic"]
        if secret and "client_secret_basic" in methods:
            headers["Authorization"] = _basic(client_id, secret.get_secret_value())
        else:
            form |= {"client_id": client_id}
            if secret:
                form |= {"client_secret": secret.get_secret_value()}
        endpoint = metadata.address("token_endpoint") or ""
        answer = await self._metadata.ask("POST", endpoint, headers=headers, body=urlencode(form).encode())
        try:
            return json_of(answer)
        except OidcError as error:
            if answer.status == HTTPStatus.UNAUTHORIZED and error.why == "status-401":
                raise OidcError("setup", "invalid_client") from error
            raise

    async def _signed_claims(self, metadata: ProviderMetadata, token: str) -> dict[str, Any]:
        """Return the claims of a signed token; an unknown key reloads the keys, which providers rotate."""
        try:
            return signed_claims(token, metadata.keys)
        except UnknownKeyError:
            return signed_claims(token, (await self._metadata.get(newer_than=metadata)).keys)

    async def _with_userinfo(
        self, metadata: ProviderMetadata, tokens: Mapping[str, Any], claims: dict[str, Any], subject: str
    ) -> dict[str, Any]:
        """Add the UserInfo endpoint's claims if the ID token does not name the groups. Raises OidcError."""
        address = metadata.address("userinfo_endpoint")
        token = tokens.get("access_token")
        if claim_at(claims, self._settings.oidc_groups_claim) is not None or not (address and token):
            return claims
        answer = await self._metadata.ask("GET", address, headers={"Authorization": f"Bearer {token}"})
        if answer.is_success and answer.media_type == "application/jwt":
            more = await self._signed_claims(metadata, answer.body.decode(errors="replace").strip())
            check_userinfo(more, issuer=metadata.issuer, client_id=self._settings.oidc_client_id)
        else:
            more = json_of(answer)
        if more.get("sub") != subject:
            raise OidcError("malformed")
        return {**more, **claims}


def _check_sender(metadata: ProviderMetadata, answer: Mapping[str, str]) -> None:
    """Raise OidcError if a response, or an error, came from another provider (RFC 9207, 2.4)."""
    is_promised = metadata.document.get("authorization_response_iss_parameter_supported") is True
    if answer.get("iss", "" if is_promised else metadata.issuer) != metadata.issuer:
        raise OidcError("issuer")


@asynccontextmanager
async def _within_one_step() -> AsyncIterator[None]:
    """Limit the time for all that a step of a login asks of the provider. Raises OidcError."""
    try:
        async with asyncio.timeout(_STEP_S):
            yield
    except TimeoutError as error:
        raise OidcError("away", "too-slow", f"no whole answer within {_STEP_S:g} s") from error


def _basic(client_id: str, secret: str) -> str:
    """Return the header of HTTP Basic; both parts are form-encoded first (RFC 6749, 2.3.1)."""
    pair = f"{quote_plus(client_id)}:{quote_plus(secret)}"
    return "Basic " + base64.b64encode(pair.encode()).decode()


def _with_query(address: str, query: Mapping[str, str]) -> str:
    return f"{address}{'&' if '?' in address else '?'}{urlencode(query)}"
