"""The provider's discovery document and keys, and JSON from its endpoints."""

import asyncio
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from hubwell.access.oidc.errors import OidcError, of_exchange, of_oauth
from hubwell.access.oidc.keys import ProviderKeys, provider_keys
from hubwell.outbound.exchange import Answer, ExchangeError, Limits, exchange

_LIMITS: Final = Limits(seconds=5.0, body_bytes=1024 * 1024)
_LIFETIME_S: Final = 3600
"""Seconds that endpoints and keys are cached; a token with an unknown key reloads them at once."""
_NEEDED: Final = ("authorization_endpoint", "token_endpoint", "jwks_uri")
_OPTIONAL: Final = ("userinfo_endpoint", "end_session_endpoint")
_PASSING: Final = frozenset((HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_MANY_REQUESTS))


@dataclass(frozen=True, slots=True)
class ProviderMetadata:
    """The provider's discovery document and key set."""

    document: Mapping[str, Any]
    keys: ProviderKeys
    loaded_at: float
    """Unix time in seconds."""

    @property
    def issuer(self) -> str:
        """The issuer as the provider writes it."""
        return str(self.document["issuer"])

    def address(self, name: str) -> str | None:
        """Return an endpoint; None if the provider has none of this name."""
        value = self.document.get(name)
        return value if isinstance(value, str) and value else None

    def supported(self, name: str) -> list[str] | None:
        """Return the values that the provider supports; None where it does not list them."""
        values = self.document.get(f"{name}_supported")
        return [value for value in values if isinstance(value, str)] if isinstance(values, list) else None


class MetadataCache:
    """The metadata of one issuer, loaded when needed and by one request at a time."""

    def __init__(self, issuer: str, ca_file: Path | None, clock: Callable[[], float] = time.time) -> None:
        self.issuer = issuer
        self._ca_file = ca_file
        self._clock = clock
        self._lock = asyncio.Lock()
        self.loaded: ProviderMetadata | None = None
        """What was loaded last, however long ago."""

    async def get(self, *, newer_than: ProviderMetadata | None = None) -> ProviderMetadata:
        """Return the metadata, at most an hour old and not `newer_than` itself. Raises OidcError."""
        async with self._lock:
            loaded = self.loaded
            if loaded is None or loaded is newer_than or self._clock() - loaded.loaded_at > _LIFETIME_S:
                self.loaded = loaded = await self._load()
            return loaded

    async def _load(self) -> ProviderMetadata:
        document = json_of(await self.ask("GET", f"{self.issuer}/.well-known/openid-configuration"))
        self._check_addresses(document)
        keys = provider_keys(json_of(await self.ask("GET", document["jwks_uri"])))
        return ProviderMetadata(document, keys, self._clock())

    def _check_addresses(self, document: Mapping[str, Any]) -> None:
        """Raise OidcError for another issuer, and for an endpoint that is less secure than the issuer."""
        named = str(document.get("issuer", ""))
        if "{tenantid}" in named.lower():
            raise OidcError("setup", "any-tenant", f"the document names {named[:200]!r}")
        if named.rstrip("/") != self.issuer:
            raise OidcError("setup", "issuer-differs", f"the document names {named[:200]!r}")
        scheme = urlsplit(self.issuer).scheme
        for name in (*_NEEDED, *(name for name in _OPTIONAL if document.get(name))):
            if urlsplit(str(document.get(name, ""))).scheme not in {scheme, "https"}:
                raise OidcError("setup", "endpoint", f"the provider's {name} cannot be used")

    async def ask(
        self, method: str, url: str, *, headers: Mapping[str, str] | None = None, body: bytes | None = None
    ) -> Answer:
        """Return the provider's answer, whatever its status. Raises OidcError."""
        try:
            return await exchange(
                method, url, limits=_LIMITS, headers=headers, body=body, ca_file=self._ca_file
            )
        except ExchangeError as error:
            raise of_exchange(error) from error


def json_of(answer: Answer) -> dict[str, Any]:
    """Return the JSON object of a successful answer. Raises OidcError for anything else."""
    try:
        document = answer.json()
    except ValueError:
        document = None
    if answer.is_success:
        if not isinstance(document, dict):
            raise OidcError("setup", "no-json", f"the provider sent {answer.media_type[:60] or 'no type'}")
        return document
    if isinstance(document, dict) and (error := of_oauth(document.get("error"))):
        raise error
    if answer.status >= HTTPStatus.INTERNAL_SERVER_ERROR or answer.status in _PASSING:
        raise OidcError("away", f"status-{answer.status}")
    raise OidcError("setup", f"status-{answer.status}")
