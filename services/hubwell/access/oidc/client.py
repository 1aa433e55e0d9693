"""Sign-in through an OpenID Connect provider: authorization code with PKCE, state and nonce; any provider.

The provider is asked for its addresses and keys (OpenID Connect Discovery); what is believed is its signed
token alone, held against what this sign-in was begun with.
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

BACK: Final = "/sign-in/back"
"""Where the provider sends the browser back to, behind HUBWELL_PUBLIC_URL."""
_KEPT_S: Final = 3600
"""How long the provider's addresses and keys are kept; a key that is new is asked for at once."""
_TIMEOUT_S: Final = 5.0
_EVERYBODY: Final = "*"


@dataclass(frozen=True, slots=True)
class Identity:
    """Who somebody is at the provider. Issuer and subject alone say whose account it is."""

    issuer: str
    subject: str
    login: str
    name: str
    roles: frozenset[Role]


@dataclass(frozen=True, slots=True)
class ProviderMetadata:
    """What the provider says about itself."""

    about: Mapping[str, Any]
    keys: KeySet
    since: float


class Provider:
    """The provider of one application."""

    def __init__(self, settings: Settings, *, clock: Callable[[], float] = time.time) -> None:
        self._settings = settings
        self._issuer = str(settings.oidc_issuer).rstrip("/")
        self._back = str(settings.public_url).rstrip("/") + BACK
        self._clock = clock
        self._known: ProviderMetadata | None = None
        self.name = settings.oidc_name or urlsplit(self._issuer).hostname or ""
        self.pending = LoginStateStore()

    @classmethod
    def of(cls, settings: Settings) -> "Provider | None":
        """Return the provider that the settings name; None where they name none."""
        return cls(settings) if settings.oidc_issuer else None

    async def begin(self, next_address: str) -> tuple[str, str]:
        """Return what the browser is to hold, and where at the provider it is to go. Raises OidcError."""
        async with self._client() as client:
            about = (await self._ask(client)).about
        ticket, begun = self.pending.begin(next_address)
        query = {
            "response_type": "code",
            "client_id": self._settings.oidc_client_id,
            "redirect_uri": self._back,
            "scope": "openid profile email",
            "state": begun.state,
            "nonce": begun.nonce,
            "code_challenge": begun.challenge,
            "code_challenge_method": "S256",
        }
        address = str(about["authorization_endpoint"])
        return ticket, f"{address}{'&' if '?' in address else '?'}{urlencode(query)}"

    async def finish(self, ticket: str | None, answer: Mapping[str, str]) -> tuple[Identity, str]:
        """Return who came back and where they wanted to go. Raises OidcError."""
        begun = self.pending.take(ticket, answer.get("state", ""))
        if "code" not in answer:
            raise OidcError("declined")
        async with self._client() as client:
            known = await self._ask(client)
            if answer.get("iss", known.about["issuer"]) != known.about["issuer"]:  # RFC 9207
                raise OidcError("issuer")
            tokens = await self._exchange(client, known, answer["code"], begun)
            claims = await self._signed(client, known, str(tokens.get("id_token", "")))
            subject = check_claims(
                claims,
                issuer=known.about["issuer"],
                client_id=self._settings.oidc_client_id,
                nonce=begun.nonce,
                now=self._clock(),
            )
            claims = await self._with_userinfo(client, known, tokens, claims, subject)
        return self._identity(known.about["issuer"], subject, claims), begun.next

    def _client(self) -> httpx.AsyncClient:
        return httpx.AsyncClient(timeout=_TIMEOUT_S, follow_redirects=False)

    async def _ask(self, client: httpx.AsyncClient, *, anew: bool = False) -> ProviderMetadata:
        """Return what the provider says about itself, asked at most once an hour."""
        known = self._known
        if known is None or anew or self._clock() - known.since > _KEPT_S:
            about = await _json(client.get(f"{self._issuer}/.well-known/openid-configuration"))
            self._check_addresses(about)
            try:
                keys = KeySet.import_key_set(await _json(client.get(about["jwks_uri"])))  # type: ignore[arg-type] # what is no set of keys is refused here
            except (JoseError, KeyError, TypeError, ValueError) as error:
                raise OidcError("away") from error
            self._known = known = ProviderMetadata(about, keys, self._clock())
        return known

    def _check_addresses(self, about: Mapping[str, Any]) -> None:
        if str(about.get("issuer", "")).rstrip("/") != self._issuer:
            raise OidcError("issuer")
        scheme = urlsplit(self._issuer).scheme
        for name in ("authorization_endpoint", "token_endpoint", "jwks_uri"):
            if urlsplit(str(about.get(name, ""))).scheme not in {scheme, "https"}:
                raise OidcError("away")

    async def _exchange(
        self, client: httpx.AsyncClient, known: ProviderMetadata, code: str, begun: LoginState
    ) -> Mapping[str, Any]:
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": self._back,
            "code_verifier": begun.verifier,
        }
        methods = known.about.get("token_endpoint_auth_methods_supported", ["client_secret_basic"])
        client_id, secret = self._settings.oidc_client_id, self._settings.oidc_client_secret
        if secret and "client_secret_basic" in methods:
            auth = httpx.BasicAuth(client_id, secret.get_secret_value())
            return await _json(client.post(known.about["token_endpoint"], data=form, auth=auth))
        form |= {"client_id": client_id}
        if secret:
            form |= {"client_secret": secret.get_secret_value()}
        return await _json(client.post(known.about["token_endpoint"], data=form))

    async def _signed(self, client: httpx.AsyncClient, known: ProviderMetadata, token: str) -> dict[str, Any]:
        try:
            return signed_claims(token, known.keys)
        except UnknownKeyError:
            return signed_claims(token, (await self._ask(client, anew=True)).keys)

    async def _with_userinfo(
        self,
        client: httpx.AsyncClient,
        known: ProviderMetadata,
        tokens: Mapping[str, Any],
        claims: dict[str, Any],
        subject: str,
    ) -> dict[str, Any]:
        """Add what the provider says elsewhere, where the token does not name the groups."""
        address = known.about.get("userinfo_endpoint")
        if _within(claims, self._settings.oidc_groups_claim) is not None or not address:
            return claims
        headers = {"Authorization": f"Bearer {tokens.get('access_token', '')}"}
        more = await _json(client.get(address, headers=headers))
        if more.get("sub") != subject:
            raise OidcError("malformed")
        return {**more, **claims}

    def _identity(self, issuer: str, subject: str, claims: Mapping[str, Any]) -> Identity:
        said = _within(claims, self._settings.oidc_groups_claim)
        groups = {said} if isinstance(said, str) else {one for one in said or () if isinstance(one, str)}
        given = self._settings.oidc_roles
        roles = frozenset(Role(given[group]) for group in {_EVERYBODY, *groups} & given.keys())
        login = next((claims[key] for key in ("preferred_username", "email") if claims.get(key)), "")
        return Identity(issuer, subject, str(login), str(claims.get("name") or ""), roles)


def _within(claims: Mapping[str, Any], path: str) -> Any:  # noqa: ANN401 (what a provider writes)
    """Return the claim of this name, or the one that dots lead to; None where there is none."""
    found: Any = claims.get(path)
    if found is None:
        found = claims
        for part in path.split("."):
            found = found.get(part) if isinstance(found, Mapping) else None
    return found if isinstance(found, str | list) else None


async def _json(asked: Any) -> dict[str, Any]:  # noqa: ANN401 (an awaitable of httpx)
    """Return the object that the provider answers. Raises OidcError."""
    try:
        answer = await asked
        answer.raise_for_status()
        found = answer.json()
    except (httpx.HTTPError, ValueError) as error:
        raise OidcError("away") from error
    if not isinstance(found, dict):
        raise OidcError("away")
    return found
