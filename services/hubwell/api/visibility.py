"""Roles that may see single readings and the rooms of one person: both show when a person came."""

from typing import Final

from hubwell.access.principal import Principal
from hubwell.vocabulary import Role

EXACT: Final = (Role.FACILITIES, Role.OSH, Role.ADMIN)


def sees_exact(principal: Principal) -> bool:
    """Return whether the principal has one of these roles."""
    return principal.may(*EXACT)
