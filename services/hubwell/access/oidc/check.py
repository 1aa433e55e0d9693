"""The text of `hubwell access check`: what a provider offers, which claims came, which role follows."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from hubwell.access.oidc.claims import ANY_GROUP, claim_at, groups_in, groups_withheld
from hubwell.access.oidc.client import Provider, SignedIn
from hubwell.access.oidc.metadata import ProviderMetadata
from hubwell.settings import Settings

_LONGEST_VALUE: Final = 200
_SHOWN: Final = ("sub", "preferred_username", "email", "name")
"""Claims whose values are shown; of the others, names only."""


def describe_provider(provider: Provider, metadata: ProviderMetadata, settings: Settings) -> Iterator[str]:
    """Yield what the provider offers, and what Hubwell asks of it."""
    yield from map(_printable, _lines_of_provider(provider, metadata, settings))


def _lines_of_provider(provider: Provider, metadata: ProviderMetadata, settings: Settings) -> Iterator[str]:
    """Yield the lines with whatever characters the provider sent."""
    scopes = metadata.supported("scopes")
    methods = metadata.supported("token_endpoint_auth_methods") or ["client_secret_basic"]
    secret = "its secret" if settings.oidc_client_secret else "no secret"
    groups = settings.oidc_groups_claim
    yield f"issuer            {metadata.issuer}"
    yield f"redirect URI      {provider.redirect_uri} (register it at the provider, for sign-out as well)"
    yield f"scopes requested  {' '.join(provider.scopes(metadata))}"
    yield f"scopes offered    {' '.join(scopes) if scopes else 'not listed'}"
    yield f"groups claim      {groups} ({_is_listed(metadata, groups)})"
    yield f"client sends      {secret}; the provider takes {' '.join(methods)}"
    yield f"signatures        {' '.join(metadata.supported('id_token_signing_alg_values') or ['not listed'])}"
    yield f"sign-out there    {'offered' if metadata.address('end_session_endpoint') else 'not offered'}"
    yield f"can ask for       {' '.join(metadata.supported('prompt_values') or ['not listed'])}"


def _is_listed(metadata: ProviderMetadata, claim: str) -> str:
    claims = metadata.supported("claims")
    if claims is None:
        return "claims are not listed"
    return "listed" if claim.partition(".")[0] in claims else "not listed by the provider"


def describe_login(signed_in: SignedIn, settings: Settings) -> Iterator[str]:
    """Yield which claims came, and which role follows from which group, or why none does."""
    yield from map(_printable, _lines_of_login(signed_in, settings))


def _printable(line: str) -> str:
    """Return the line without characters that a terminal obeys."""
    return "".join(char if char.isprintable() else "?" for char in line)


def _lines_of_login(signed_in: SignedIn, settings: Settings) -> Iterator[str]:
    """Yield the lines with whatever characters the provider sent."""
    claims, groups_claim = signed_in.claims, settings.oidc_groups_claim
    yield f"claims            {' '.join(sorted(claims))}"
    for name in _SHOWN:
        if claims.get(name):
            yield f"{name:17} {str(claims[name])[:_LONGEST_VALUE]}"
    for group in sorted(groups_in(claims, groups_claim)):
        role = settings.oidc_roles.get(group)
        yield f"group             {group[:_LONGEST_VALUE]}: {role or 'no role in HUBWELL_OIDC_ROLES'}"
    if everybody := settings.oidc_roles.get(ANY_GROUP):
        yield f"everybody         {everybody}"
    roles = sorted(signed_in.identity.roles)
    yield f"result            {' '.join(roles) if roles else 'no role: ' + _reason(claims, settings)}"


def _reason(claims: Mapping[str, Any], settings: Settings) -> str:
    """Return why no role follows, and what to do."""
    claim = settings.oidc_groups_claim
    if not settings.oidc_roles:
        return 'HUBWELL_OIDC_ROLES is empty: set it, for example to {"teachers": "staff"}'
    if groups_withheld(claims, claim):
        return "the provider withheld the groups: let it send only those that are assigned to Hubwell"
    if claim_at(claims, claim) is None:
        others = ", ".join(sorted(_lists_in(claims))) or "none"
        return (
            f"there is no claim {claim!r}: add it at the provider (docs/access.md), or set "
            f"HUBWELL_OIDC_GROUPS_CLAIM or HUBWELL_OIDC_SCOPES; claims with lists that came: {others}"
        )
    if not groups_in(claims, claim):
        return "this person is in no group"
    return "none of the groups is in HUBWELL_OIDC_ROLES"


def _lists_in(claims: Mapping[str, Any], prefix: str = "") -> Iterator[str]:
    """Yield the dotted paths of claims that are lists of texts."""
    for name, value in claims.items():
        if isinstance(value, list) and any(isinstance(item, str) for item in value) and name != "aud":
            yield prefix + name
        elif isinstance(value, Mapping) and not prefix:
            yield from _lists_in(value, f"{name}.")
