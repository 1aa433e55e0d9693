"""Who may see what tells when somebody came into a room: single readings, and one person's room at all."""

from typing import Final

from fastapi import Request

from hubwell.http.guard import principal_of
from hubwell.vocabulary import Role

EXACT: Final = (Role.FACILITIES, Role.OSH, Role.ADMIN)


def sees_exact(request: Request) -> bool:
    """Tell whether the principal may see them."""
    return principal_of(request).may(*EXACT)
