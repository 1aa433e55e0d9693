"""Deny by default: each route declares its roles; an application with a route that does not refuses to start.

A route has `dependencies=[require_role(Role.STAFF)]` or `dependencies=[PUBLIC]`; a router may declare it for
all its routes, and then the rules of both apply. The principal is looked up once per request: handlers get it
as `hubwell.http.dependencies.CurrentPrincipal`, other code from `principal_of(request)`.
"""

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import Any, Final

from fastapi import Depends, FastAPI, Request
from fastapi.dependencies.models import Dependant
from fastapi.routing import iter_route_contexts

from hubwell.access import errors, sessions, tokens
from hubwell.access.csrf import csrf_matches, is_same_origin
from hubwell.access.principal import ANONYMOUS, Principal
from hubwell.errors import DomainError
from hubwell.http.parts import parts_of
from hubwell.http.session_cookie import session_token_of
from hubwell.vocabulary import Role

_SAFE: Final = frozenset(("GET", "HEAD", "OPTIONS"))
_FORMS: Final = ("application/x-www-form-urlencoded", "multipart/form-data")
CSRF_FIELD: Final = "csrf"
CSRF_HEADER: Final = "x-csrf-token"


class Rule:
    """Roles that may use a route; without roles it is public."""

    def __init__(self, roles: Iterable[Role] = (), *, asks: bool = True) -> None:
        self.roles = frozenset(roles)
        self.asks = asks

    async def __call__(self, request: Request) -> None:
        """Look up the principal. Raises DomainError."""
        if not self.asks:
            return
        principal = await authenticate(request)
        if self.roles:
            check(principal, *self.roles)
        if request.method not in _SAFE:
            await _check_sender(request, principal)


def require_role(*roles: Role) -> Any:  # noqa: ANN401 - what FastAPI's Depends returns
    """Declare that a route is for principals with one of these roles."""
    if not roles:
        raise ValueError("name at least one role, or declare PUBLIC")
    return Depends(Rule(roles))


PUBLIC: Final = Depends(Rule())
"""Declares a route that needs no login."""
PUBLIC_NO_LOOKUP: Final = Depends(Rule(asks=False))
"""The same without a look-up of the principal, for routes without database; never for those that write."""


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


async def _look_up(request: Request) -> Principal:
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
        principal = await sessions.principal_with(conn, ticket or "", now)
    request.state.has_void_cookie = principal is None
    return principal or ANONYMOUS


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
