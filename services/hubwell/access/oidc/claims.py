"""Who an ID token names, the groups in its claims in the shapes that providers use, and their roles."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from hubwell.vocabulary import Role

ANY_GROUP: Final = "*"
"""Key of HUBWELL_OIDC_ROLES that assigns a role to every identity of the provider."""
_NAMES_OF_A_GROUP: Final = ("name", "displayName", "display", "value", "id", "path")
"""Keys of an object that is a group (SCIM, Keycloak, Graph): its name and its id."""

_LOGIN_CLAIMS: Final = ("preferred_username", "email", "upn", "unique_name")
"""Claims with a name to sign in with; the last two are those of AD FS."""

_JOINERS: Final = "\N{ZERO WIDTH NON-JOINER}\N{ZERO WIDTH JOINER}"
"""Characters that are not shown and yet part of names."""


@dataclass(frozen=True, slots=True)
class Identity:
    """An identity at the provider. Issuer and subject identify the account; login and name may change."""

    issuer: str
    subject: str
    login: str
    name: str
    roles: frozenset[Role]
    groups_known: bool = True
    """False where the provider withheld the groups, so that nothing follows from those that are missing."""


def identity_of(
    issuer: str, subject: str, claims: Mapping[str, Any], groups_claim: str, role_of: Mapping[str, Role]
) -> Identity:
    """Return the identity that these claims describe, with the roles of its groups."""
    groups = groups_in(claims, groups_claim) | _words(claim_at(claims, groups_claim), role_of)
    roles = frozenset(Role(role_of[group]) for group in {ANY_GROUP, *groups} & role_of.keys())
    return Identity(
        issuer=issuer,
        subject=subject,
        login=next(_texts(claims, *_LOGIN_CLAIMS), ""),
        name=next(_texts(claims, "name"), "") or " ".join(_texts(claims, "given_name", "family_name")),
        roles=roles,
        groups_known=not groups_withheld(claims, groups_claim),
    )


def _texts(claims: Mapping[str, Any], *names: str) -> Iterator[str]:
    """Yield the claims of these names that are texts, in one line, with what can be shown."""
    for name in names:
        value = claims.get(name)
        words = map(_shown, value.split() if isinstance(value, str) else ())
        if text := " ".join(filter(None, words)):
            yield text


def _shown(word: str) -> str:
    return "".join(char for char in word if char.isprintable() or char in _JOINERS)


def claim_at(claims: Mapping[str, Any], path: str) -> Any:  # noqa: ANN401 (JSON of the provider)
    """Return the claim of this name, or the one at this dotted path; None if there is none."""
    claim: Any = claims.get(path)
    if claim is None:
        claim = claims
        for part in path.split("."):
            claim = claim.get(part) if isinstance(claim, Mapping) else None
    return claim


def _words(claim: Any, role_of: Mapping[str, Role]) -> frozenset[str]:  # noqa: ANN401 (JSON of the provider)
    """Return the words of a text that consists of groups with a role and nothing else.

    Spaces do not separate otherwise: they are part of many names, and "friends of teachers" are no teachers.
    """
    words = frozenset(claim.split() if isinstance(claim, str) else ())
    return words if words <= role_of.keys() else frozenset()


def groups_withheld(claims: Mapping[str, Any], groups_claim: str) -> bool:
    """Return whether there are groups that the provider does not list.

    Entra ID lists at most 200: beyond, it names the claim in `_claim_names` (OpenID Connect Core 1.0, 5.6.2)
    or sends `hasgroups`.
    """
    if claim_at(claims, groups_claim) is not None:
        return False
    elsewhere = claims.get("_claim_names")
    names = elsewhere if isinstance(elsewhere, Mapping) else {}
    return groups_claim in names or groups_claim.partition(".")[0] in names or bool(claims.get("hasgroups"))


def groups_in(claims: Mapping[str, Any], groups_claim: str) -> frozenset[str]:
    """Return the groups of a claim: a list of names or objects, an object with a key per group, or a text."""
    return frozenset(_groups(claim_at(claims, groups_claim)))


def _groups(claim: Any) -> Iterator[str]:  # noqa: ANN401 (JSON of the provider)
    if isinstance(claim, str):
        yield from _groups_in_text(claim)
    elif isinstance(claim, list):
        for item in claim:
            if isinstance(item, str):
                yield from _names(item)
            elif isinstance(item, Mapping):
                yield from _groups_of_object(item)
    elif isinstance(claim, Mapping):
        yield from _groups_of_object(claim)


def _groups_of_object(group: Mapping[str, Any]) -> Iterator[str]:
    """Yield the names of an object that is one group; else its keys, each a group (Zitadel)."""
    names = [group[key] for key in _NAMES_OF_A_GROUP if isinstance(group.get(key), str)]
    for name in names or (key for key, value in group.items() if value not in (False, None)):
        yield from _names(name)


def _groups_in_text(text: str) -> Iterator[str]:
    """Yield the whole text, and its parts where it is a list of names with commas, or JSON."""
    yield from _names(text)
    if text.lstrip().startswith("["):
        try:
            items = json.loads(text)
        except (ValueError, RecursionError):
            return
        yield from (item for item in items if isinstance(item, str))
        return
    for part in re.split("[,;]", text):
        yield from _names(part.strip())


def _names(name: str) -> Iterator[str]:
    """Yield a group's name, also without the slash that Keycloak writes before a group of the top level."""
    yield name
    if name.startswith("/") and "/" not in name[1:]:
        yield name[1:]
