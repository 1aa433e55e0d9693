"""Rights and sizes before bodies: a request that writes is refused before its body is read.

The framework reads and parses a body before it calls a route's dependencies, so a stranger would learn what
is wrong with a body, and make the server read it. A paired screen, of which strangers may take hold, is kept
to the routes that are for screens, whatever the method.
"""

from collections.abc import Iterable

from fastapi import Request
from starlette.middleware.body_limit import RequestBodyLimitMiddleware
from starlette.types import ASGIApp, Receive, Scope, Send

from hubwell.access.errors import SCREEN_ONLY
from hubwell.errors import DomainError
from hubwell.http.database import DatabaseAwayError, SchemaMissingError
from hubwell.http.errors import on_database, on_refusal, too_large
from hubwell.http.guard import SAFE_METHODS
from hubwell.http.parts import parts_of
from hubwell.http.route_table import RouteRule
from hubwell.http.session_cookie import is_screen_alone


class RightsFirst:
    """ASGI middleware: checks the rules of the route that will answer; it checks them again with the body."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Refuse a request, or pass it on."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request = Request(scope)
        by_screen = is_screen_alone(request)
        if not by_screen and request.method in SAFE_METHODS:
            await self._app(scope, receive, send)
            return
        routes = parts_of(request).routes
        rules = routes.rules(request.method, request.url.path)
        try:
            if by_screen:
                _check_screen(rules)
            if request.method not in SAFE_METHODS:
                for rule in rules:
                    await rule.check_principal(request)
        except DomainError as error:
            await (await on_refusal(request, error))(scope, receive, send)
        except (DatabaseAwayError, SchemaMissingError) as error:
            await (await on_database(request, error))(scope, receive, send)
        else:
            most = routes.largest_body(request.method, request.url.path)
            length = _declared_length(request)
            if most is None or length <= most:
                await self._app(scope, receive, send)
            else:
                answer = await on_refusal(request, too_large(most))
                # The framework's own limit would put its word in place of this answer.
                await RequestBodyLimitMiddleware(answer, max_body_size=length)(scope, receive, send)


def _declared_length(request: Request) -> int:
    length = request.headers.get("content-length", "")
    return int(length) if length.isascii() and length.isdigit() else 0


def _check_screen(rules: Iterable[RouteRule]) -> None:
    """Raise DomainError where none of a route's rules is for screens."""
    if not any(rule.for_screens for rule in rules):
        raise DomainError(SCREEN_ONLY)
