"""OpenID Connect client: the authorization code flow with PKCE, state and nonce, for any provider.

Endpoints and keys come from OpenID Connect Discovery. Only the signed ID token is trusted, after it was
checked against the state that the login began with.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlencode, urlsplit

import httpx
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from hubwell.access.oidc.errors import OidcError
from hubwell.access.oidc.id_token import UnknownKeyError, check_claims, signed_claims
from hubwell.access.oidc.login_state import LoginState, LoginStateStore
from hubwell.settings import Settings
from hubwell.vocabulary import Role

REDIRECT_PATH: Final = "/sign-in/back"
"""Path of the redirect URI, after HUBWELL_PUBLIC_URL."""
_METADATA_LIFETIME_S: Final = 3600
"""Seconds that endpoints and keys are cached; a token with an unknown key reloads them at once."""
_TIMEOUT_S: Final = 5.0
_ANY_GROUP: Final = "*"
"""Key of HUBWELL_OIDC_ROLES that assigns a role to every identity of the provider."""


@dataclass(frozen=True, slots=True)
class Identity:
    """An identity at the provider. Issuer and subject identify the account; login and name may change."""

    issuer: str
    subject: str
    login: str
    name: str
    roles: frozenset[Role]


@dataclass(frozen=True, slots=True)
class ProviderMetadata:
    """The provider's discovery document and key set."""

    document: Mapping[str, Any]
    keys: KeySet
    loaded_at: float
    """Unix time in seconds."""


class Provider:
    """The OpenID Connect provider of one application."""

    def __init__(self, settings: Settings, *, clock: Callable[[], float] = time.time) -> None:
        self._settings = settings
        self._issuer = str(settings.oidc_issuer).rstrip("/")
        self._redirect_uri = str(settings.public_url).rstrip("/") + REDIRECT_PATH
        self._clock = clock
        self._metadata: ProviderMetadata | None = None
        self.name = settings.oidc_name or urlsplit(self._issuer).hostname or ""
        self.pending = LoginStateStore()

    @classmethod
    def of(cls, settings: Settings) -> "Provider | None":
        """Return the provider of the settings; None if no issuer is set."""
        return cls(settings) if settings.oidc_issuer else None

    async def begin(self, next_address: str) -> tuple[str, str]:
        """Begin a login; return the ticket for the browser's cookie, and the provider's address.

        Raises OidcError if the provider does not answer or its metadata is not valid.
        """
        async with self._client() as client:
            document = (await self._load_metadata(client)).document
        ticket, login = self.pending.begin(next_address)
        query = {
            "response_type": "code",
            "client_id": self._settings.oidc_client_id,
            "redirect_uri": self._redirect_uri,
            "scope": "openid profile email",
            "state": login.state,
            "nonce": login.nonce,
            "code_challenge": login.challenge,
            "code_challenge_method": "S256",
        }
        address = str(document["authorization_endpoint"])
        return ticket, f"{address}{'&' if '?' in address else '?'}{urlencode(query)}"

    async def finish(self, ticket: str | None, answer: Mapping[str, str]) -> tuple[Identity, str]:
        """Return the identity of the provider's response, and the address to redirect to.

        `ticket` is the browser's cookie, `answer` the query parameters of the redirect. Raises OidcError.
        """
        login = self.pending.take(ticket, answer.get("state", ""))
        if "code" not in answer:
            raise OidcError("declined")
        async with self._client() as client:
            metadata = await self._load_metadata(client)
            issuer = metadata.document["issuer"]
            if answer.get("iss", issuer) != issuer:  # RFC 9207
                raise OidcError("issuer")
            tokens = await self._exchange(client, metadata, answer["code"], login)
            claims = await self._signed_claims(client, metadata, str(tokens.get("id_token", "")))
            subject = check_claims(
                claims,
                issuer=issuer,
                client_id=self._settings.oidc_client_id,
                nonce=login.nonce,
                now=self._clock(),
            )
            claims = await self._with_userinfo(client, metadata, tokens, claims, subject)
        return self._identity(issuer, subject, claims), login.next

    def _client(self) -> httpx.AsyncClient:
        return httpx.AsyncClient(timeout=_TIMEOUT_S, follow_redirects=False)

    async def _load_metadata(self, client: httpx.AsyncClient, *, reload: bool = False) -> ProviderMetadata:
        """Return the provider's metadata, cached for an hour unless `reload`. Raises OidcError."""
        metadata = self._metadata
        if metadata is None or reload or self._clock() - metadata.loaded_at > _METADATA_LIFETIME_S:
            document = await _json(client.get(f"{self._issuer}/.well-known/openid-configuration"))
            self._check_addresses(document)
            try:
                keys = KeySet.import_key_set(await _json(client.get(document["jwks_uri"])))  # type: ignore[arg-type] # a document that is not a key set is refused here
            except (JoseError, KeyError, TypeError, ValueError) as error:
                raise OidcError("away") from error
            self._metadata = metadata = ProviderMetadata(document, keys, self._clock())
        return metadata

    def _check_addresses(self, document: Mapping[str, Any]) -> None:
        """Raise OidcError for another issuer, and for an endpoint that is less secure than the issuer."""
        if str(document.get("issuer", "")).rstrip("/") != self._issuer:
            raise OidcError("issuer")
        scheme = urlsplit(self._issuer).scheme
        for name in ("authorization_endpoint", "token_endpoint", "jwks_uri"):
            if urlsplit(str(document.get(name, ""))).scheme not in {scheme, "https"}:
                raise OidcError("away")

    async def _exchange(
        self, client: httpx.AsyncClient, metadata: ProviderMetadata, code: str, login: LoginState
    ) -> Mapping[str, Any]:
        """Exchange the authorization code for tokens (RFC 6749, 4.1.3). Raises OidcError."""
        endpoint = metadata.document["token_endpoint"]
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": self._redirect_uri,
            "code_verifier": login.verifier,
        }
        methods = metadata.document.get("token_endpoint_auth_methods_supported", ["client_secret_basic"])
        client_id, secret = self._settings.oidc_client_id, self._settings.oidc_client_secret
        if secret and "client_secret_basic" in methods:
            auth = httpx.BasicAuth(client_id, secret.get_secret_value())
            return await _json(client.post(endpoint, data=form, auth=auth))
        form |= {"client_id": client_id}
        if secret:
            form |= {"client_secret": secret.get_secret_value()}
        return await _json(client.post(endpoint, data=form))

    async def _signed_claims(
        self, client: httpx.AsyncClient, metadata: ProviderMetadata, token: str
    ) -> dict[str, Any]:
        """Return the claims of an ID token; an unknown key reloads the keys, which providers rotate."""
        try:
            return signed_claims(token, metadata.keys)
        except UnknownKeyError:
            return signed_claims(token, (await self._load_metadata(client, reload=True)).keys)

    async def _with_userinfo(
        self,
        client: httpx.AsyncClient,
        metadata: ProviderMetadata,
        tokens: Mapping[str, Any],
        claims: dict[str, Any],
        subject: str,
    ) -> dict[str, Any]:
        """Add the UserInfo endpoint's claims if the ID token does not name the groups. Raises OidcError."""
        address = metadata.document.get("userinfo_endpoint")
        if _within(claims, self._settings.oidc_groups_claim) is not None or not address:
            return claims
        headers = {"Authorization": f"Bearer {tokens.get('access_token', '')}"}
        more = await _json(client.get(address, headers=headers))
        if more.get("sub") != subject:
            raise OidcError("malformed")
        return {**more, **claims}

    def _identity(self, issuer: str, subject: str, claims: Mapping[str, Any]) -> Identity:
        claim = _within(claims, self._settings.oidc_groups_claim)
        names = [claim] if isinstance(claim, str) else claim or ()
        groups = {name for name in names if isinstance(name, str)}
        role_of = self._settings.oidc_roles
        roles = frozenset(Role(role_of[group]) for group in {_ANY_GROUP, *groups} & role_of.keys())
        login = next((claims[key] for key in ("preferred_username", "email") if claims.get(key)), "")
        return Identity(issuer, subject, str(login), str(claims.get("name") or ""), roles)


def _within(claims: Mapping[str, Any], path: str) -> Any:  # noqa: ANN401 (JSON of the provider)
    """Return the claim of this name, or the one at this dotted path; None if there is no text or list."""
    claim: Any = claims.get(path)
    if claim is None:
        claim = claims
        for part in path.split("."):
            claim = claim.get(part) if isinstance(claim, Mapping) else None
    return claim if isinstance(claim, str | list) else None


async def _json(request: Any) -> dict[str, Any]:  # noqa: ANN401 (an awaitable of httpx)
    """Return the JSON object of the provider's response. Raises OidcError for anything else."""
    try:
        response = await request
        response.raise_for_status()
        document = response.json()
    except (httpx.HTTPError, ValueError) as error:
        raise OidcError("away") from error
    if not isinstance(document, dict):
        raise OidcError("away")
    return document
