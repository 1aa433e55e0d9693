"""The application's routes by address: methods, and the rules and the largest body of each route."""

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Protocol

from fastapi import FastAPI, Request
from fastapi.dependencies.models import Dependant
from fastapi.routing import iter_route_contexts
from starlette.routing import compile_path


class RouteRule(Protocol):
    """What a route declares about who may use it (see `hubwell.http.guard`)."""

    for_screens: bool

    async def check_principal(self, request: Request) -> None:
        """Raise DomainError where the principal may not use the route."""


@dataclass(frozen=True, slots=True)
class _Entry:
    pattern: re.Pattern[str]
    methods: frozenset[str]
    rules: tuple[RouteRule, ...]
    largest_body: int | None


class RouteTable:
    """Built at the first look-up, when all routes are there; routes are not added later."""

    def __init__(self, app: FastAPI, rules_of: Callable[[Dependant], Iterable[RouteRule]]) -> None:
        self._app = app
        self._rules_of = rules_of
        self._entries: list[_Entry] = []

    def methods(self, path: str) -> frozenset[str]:
        """Return the methods of an address; empty where there is none."""
        return frozenset[str]().union(*(entry.methods for entry in self._at(path)))

    def rules(self, method: str, path: str) -> tuple[RouteRule, ...]:
        """Return the rules of the route that answers this request; empty where there is none."""
        return next((entry.rules for entry in self._at(path) if method in entry.methods), ())

    def largest_body(self, method: str, path: str) -> int | None:
        """Return the bytes that the route of this request reads at most; None where it is not stated."""
        return next((entry.largest_body for entry in self._at(path) if method in entry.methods), None)

    def _at(self, path: str) -> Iterator[_Entry]:
        if not self._entries:
            self._entries = list(self._all())
        return (entry for entry in self._entries if entry.pattern.fullmatch(path))

    def _all(self) -> Iterator[_Entry]:
        for context in iter_route_contexts(self._app.routes):
            if context.path is not None and context.methods:
                dependant = getattr(context, "dependant", None)
                rules = self._rules_of(dependant) if isinstance(dependant, Dependant) else ()
                pattern, methods = compile_path(context.path)[0], frozenset(context.methods)
                yield _Entry(pattern, methods, tuple(rules), getattr(context, "max_body_size", None))
