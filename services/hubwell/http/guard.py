"""Deny by default: each route declares its roles; an application with a route that does not refuses to start.

A route has `dependencies=[require_role(Role.STAFF)]` or `dependencies=[PUBLIC]`; a router may declare it for
all its routes, and then the rules of both apply. The principal is looked up once per request: handlers get it
as `hubwell.http.dependencies.CurrentPrincipal`, other code from `principal_of(request)`.
"""

from collections.abc import Iterable, Iterator
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any, Final

from fastapi import Depends, FastAPI, Request
from fastapi.dependencies.models import Dependant
from fastapi.routing import iter_route_contexts

from hubwell.access import errors, sessions, tokens
from hubwell.access.csrf import csrf_matches, is_same_origin
from hubwell.access.principal import ANONYMOUS, Principal
from hubwell.defects.actions import count_open
from hubwell.errors import DomainError
from hubwell.http.database import DatabaseAwayError, SchemaMissingError
from hubwell.http.parts import parts_of
from hubwell.http.session_cookie import session_token_of
from hubwell.vocabulary import Role

SAFE_METHODS: Final = frozenset(("GET", "HEAD", "OPTIONS"))
"""Methods that change nothing, and have no body to read."""
_FORMS: Final = ("application/x-www-form-urlencoded", "multipart/form-data")
_API: Final = "/api/"
SEE_DEFECTS: Final = (Role.STAFF, Role.FACILITIES, Role.ADMIN)
"""Roles that see what was reported as broken; those that mark it as done are fewer."""
CSRF_FIELD: Final = "csrf"
CSRF_HEADER: Final = "x-csrf-token"


class Rule:
    """Roles that may use a route; without roles it is public. `for_screens`: paired screens open it too."""

    def __init__(self, roles: Iterable[Role] = (), *, asks: bool = True, for_screens: bool = False) -> None:
        self.roles = frozenset(roles)
        self.asks = asks
        self.for_screens = for_screens

    async def __call__(self, request: Request) -> None:
        """Look up and check the principal, and the sender of what writes. Raises DomainError."""
        await self.check_principal(request)
        if self.asks and request.method not in SAFE_METHODS:
            await _check_sender(request, principal_of(request))

    async def check_principal(self, request: Request) -> None:
        """Look up and check the principal, without the body. Raises DomainError."""
        if not self.asks:
            return
        principal = await authenticate(request)
        await _look_for_evacuation(request)
        await _count_defects(request, principal)
        if self.roles:
            check(principal, *self.roles)


async def _look_for_evacuation(request: Request) -> None:
    """Look, once a request, whether there is an evacuation: every page shows an open one."""
    if not request.url.path.startswith(_API) and not getattr(request.state, "has_looked", False):
        request.state.has_looked = True
        await parts_of(request).evacuation.look_if_possible()


async def _count_defects(request: Request, principal: Principal) -> None:
    """Count, once a request, the open defects: the navigation of their pages shows the number."""
    is_page = "text/html" in request.headers.get("accept", "") and not request.url.path.startswith(_API)
    if is_page and principal.may(*SEE_DEFECTS) and not hasattr(request.state, "open_defects"):
        request.state.open_defects = 0
        with suppress(DatabaseAwayError, SchemaMissingError):
            async with parts_of(request).database.connection() as conn:
                request.state.open_defects = await count_open(conn)


def require_role(*roles: Role) -> Any:  # noqa: ANN401 - what FastAPI's Depends returns
    """Declare that a route is for principals with one of these roles."""
    if not roles:
        raise ValueError("name at least one role, or declare PUBLIC")
    return Depends(Rule(roles))


PUBLIC: Final = Depends(Rule())
"""Declares a route that needs no login."""
PUBLIC_NO_LOOKUP: Final = Depends(Rule(asks=False))
"""The same without a look-up of the principal, for routes without database; never for those that write."""
FOR_SCREENS: Final = Depends(Rule(for_screens=True))
"""The same as PUBLIC, and open to paired screens, which open no other route (`rights_first`)."""
FOR_SCREENS_NO_LOOKUP: Final = Depends(Rule(asks=False, for_screens=True))
"""The same without a look-up of the principal."""


def check(principal: Principal, *roles: Role) -> None:
    """Raise DomainError where the principal has none of these roles."""
    if not principal.may(*roles):
        raise DomainError(errors.NOT_ALLOWED if principal.signed_in else errors.SIGN_IN_NEEDED)


def principal_of(request: Request) -> Principal:
    """Return the principal of this request; anonymous before `authenticate`."""
    principal: Principal = getattr(request.state, "principal", ANONYMOUS)
    return principal


async def authenticate(request: Request) -> Principal:
    """Look up the principal of this request, once. Raises DomainError, and the errors of the database."""
    principal: Principal | None = getattr(request.state, "principal", None)
    if principal is None:
        request.state.principal = principal = await _look_up(request)
    return principal


async def _look_up(request: Request, *, seen: bool = True) -> Principal:
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    by_token = scheme.lower() == "bearer"
    ticket = session_token_of(request)
    if not by_token and not ticket:
        return ANONYMOUS
    now = datetime.now(UTC)
    async with parts_of(request).database.connection() as conn:
        if by_token:
            program = await tokens.principal_with(conn, token.strip(), now)
            if program is None:
                raise DomainError(errors.BAD_TOKEN)
            return program
        principal = await sessions.principal_with(conn, ticket or "", now, seen=seen)
    request.state.has_void_cookie = principal is None
    return principal or ANONYMOUS


async def is_still_valid(request: Request) -> bool:
    """Return whether the principal of a stream is still signed in, with the same roles.

    True as well for an anonymous one, and while the database is away: then nothing new is sent.
    """
    before = principal_of(request)
    if not before.signed_in:
        return True
    try:
        now = await _look_up(request, seen=False)
    except DomainError:
        return False
    except (DatabaseAwayError, SchemaMissingError):
        return True
    return (now.actor, now.roles) == (before.actor, before.roles)


async def _check_sender(request: Request, principal: Principal) -> None:
    """Refuse forms that another site made a browser send; browsers add cookies to these, but no tokens."""
    if principal.signed_in and not principal.csrf:
        return
    headers = request.headers
    here = is_same_origin(headers.get("sec-fetch-site"), headers.get("origin"), _hosts(request))
    if not here or (principal.csrf and not csrf_matches(await _presented(request), principal.csrf)):
        raise DomainError(errors.FORM_EXPIRED)


def _hosts(request: Request) -> frozenset[str]:
    public_host = parts_of(request).settings.public_host
    return frozenset((request.headers.get("host", "").lower(), public_host)) - {""}


async def _presented(request: Request) -> str:
    if token := request.headers.get(CSRF_HEADER):
        return token
    if not request.headers.get("content-type", "").startswith(_FORMS):
        return ""
    value = (await request.form()).get(CSRF_FIELD, "")
    return value if isinstance(value, str) else ""


def rules_of(dependant: Dependant) -> Iterator[Rule]:
    """Yield the rules that a route declares, its routers' first; every one of them must be kept."""
    for inner in dependant.dependencies:
        if isinstance(inner.call, Rule):
            yield inner.call
        yield from rules_of(inner)


def check_every_route(app: FastAPI) -> None:
    """Raise RuntimeError when a route of the application declares no rule.

    The one that FastAPI makes itself, the description of the API, is for everybody.
    """
    without = []
    for route in iter_route_contexts(app.routes):
        dependant = getattr(route, "dependant", None)
        declared = dependant is not None and any(rules_of(dependant))
        if not declared and route.path != app.openapi_url:
            without.append(f"{'/'.join(sorted(route.methods or ()))} {route.path}")
    if without:
        raise RuntimeError(f"these routes declare no rule of access: {', '.join(sorted(without))}")
