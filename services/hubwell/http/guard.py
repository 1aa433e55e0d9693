"""Deny by default: each route declares who may use it; an application with one that does not will not start.

A route says `dependencies=[allow(Role.STAFF)]` or `dependencies=[ANYBODY]`; routers may say it for all their
routes, and then every rule on the way must be kept. The principal is looked up once a request and is at
`principal_of(request)`.
"""

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import Any, Final

from fastapi import Depends, FastAPI, Request
from fastapi.dependencies.models import Dependant
from fastapi.routing import iter_route_contexts

from hubwell.access import sessions, tokens
from hubwell.access.errors import BadTokenError, FormExpiredError, NotAllowedError, SignInNeededError
from hubwell.access.principal import ANONYMOUS, Principal
from hubwell.access.rules import csrf_matches, is_same_origin
from hubwell.http.parts import parts_of
from hubwell.http.session_cookie import session_token_of
from hubwell.vocabulary import Role

_SAFE: Final = frozenset(("GET", "HEAD", "OPTIONS"))
_FORMS: Final = ("application/x-www-form-urlencoded", "multipart/form-data")
CSRF_FIELD: Final = "csrf"
CSRF_HEADER: Final = "x-csrf-token"


class Rule:
    """Who may use a route; `roles` empty: anybody, also without signing in."""

    def __init__(self, roles: Iterable[Role] = (), *, asks: bool = True) -> None:
        self.roles = frozenset(roles)
        self.asks = asks

    async def __call__(self, request: Request) -> None:
        """Let the request pass, or raise the refusal that says why not."""
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
        raise ValueError("name at least one role, or declare ANYBODY")
    return Depends(Rule(roles))


PUBLIC: Final = Depends(Rule())
"""Declares that a route is for everybody, also without signing in."""
PUBLIC_NO_LOOKUP: Final = Depends(Rule(asks=False))
"""The same for what needs no database: nobody looks up who asks. Never for what changes something."""


def check(principal: Principal, *roles: Role) -> None:
    """Raise SignInNeededError or NotAllowedError where the principal has none of these roles."""
    if not principal.may(*roles):
        raise NotAllowedError if principal.signed_in else SignInNeededError


def principal_of(request: Request) -> Principal:
    """Return who sent this request."""
    principal: Principal = getattr(request.state, "principal", ANONYMOUS)
    return principal


async def authenticate(request: Request) -> Principal:
    """Look up who sent this request, once. Raises BadTokenError, and what the database raises."""
    known: Principal | None = getattr(request.state, "principal", None)
    if known is None:
        request.state.principal = known = await _look_up(request)
    return known


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
                raise BadTokenError
            return program
        found = await sessions.principal_with(conn, ticket or "", now)
    request.state.has_void_cookie = found is None
    return found or ANONYMOUS


async def _check_sender(request: Request, principal: Principal) -> None:
    """Refuse what another site made a browser send. A program's token is no cookie: no other site can."""
    if principal.signed_in and not principal.csrf:
        return
    headers = request.headers
    here = is_same_origin(headers.get("sec-fetch-site"), headers.get("origin"), _hosts(request))
    if not here or (principal.csrf and not csrf_matches(await _presented(request), principal.csrf)):
        raise FormExpiredError


def _hosts(request: Request) -> frozenset[str]:
    public_host = parts_of(request).settings.public_host
    return frozenset((request.headers.get("host", "").lower(), public_host)) - {""}


async def _presented(request: Request) -> str:
    if given := request.headers.get(CSRF_HEADER):
        return given
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
