"""Operations of the API with their roles, for the people who write programs."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from fastapi import APIRouter, FastAPI, Request
from fastapi.responses import Response
from fastapi.routing import iter_route_contexts

from hubwell.http.guard import PUBLIC, rules_of
from hubwell.http.parts import parts_of
from hubwell.vocabulary import Role
from hubwell.web.accounts.text import short_role_names
from hubwell.web.kit.formatting import Formatter
from hubwell.web.kit.respond import formatter_for, view

_METHODS: Final = ("get", "post", "put", "patch", "delete")

programs = APIRouter(include_in_schema=False)


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation of the API; without roles it is for everybody."""

    method: str
    path: str
    summary: str
    roles: list[str]


@dataclass(frozen=True, slots=True)
class Group:
    """Operations about one subject."""

    name: str
    about: str
    operations: list[Operation] = field(default_factory=list)


@programs.get("/api", dependencies=[PUBLIC])
async def show_api(request: Request) -> Response:
    """Show how programs sign in, and every operation."""
    words = formatter_for(request)
    public = str(parts_of(request).settings.public_url or request.base_url).rstrip("/")
    return view(
        request,
        "programs/api.html",
        words=words,
        page="api",
        address=public,
        groups=list(_groups(request.app, words)),
    )


def _groups(app: FastAPI, words: Formatter) -> Iterator[Group]:
    """Yield the operations by subject, as the OpenAPI document has them."""
    document, who, names = app.openapi(), _roles(app), short_role_names(words)
    groups = {tag["name"]: Group(tag["name"], tag["description"]) for tag in document["tags"]}
    for path, operations in document["paths"].items():
        for method in (method for method in _METHODS if method in operations):
            roles = [names[role] for role in Role if role in who[method.upper(), path]]
            operation = Operation(method.upper(), path, operations[method]["summary"], roles)
            groups[operations[method]["tags"][0]].operations.append(operation)
    yield from (group for group in groups.values() if group.operations)


def _roles(app: FastAPI) -> dict[tuple[str, str], frozenset[Role]]:
    """Return who may use each operation, by method and path: every rule of a route must be kept."""
    roles_of: dict[tuple[str, str], frozenset[Role]] = {}
    for route in iter_route_contexts(app.routes):
        dependant = getattr(route, "dependant", None)
        roles = [rule.roles for rule in rules_of(dependant) if rule.roles] if dependant else []
        allowed: frozenset[Role] = frozenset.intersection(*roles) if roles else frozenset()
        roles_of |= {(method, str(route.path)): allowed for method in route.methods or ()}
    return roles_of
