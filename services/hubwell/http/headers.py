"""Headers that every answer carries: nothing from elsewhere, nothing inline, no framing, no word to others.

Responses to a signed-in principal, and to anything but a question (GET), are kept by no cache, and a cookie
that is no longer valid is deleted.
"""

from typing import Any, Final

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from hubwell.access.principal import ANONYMOUS, Principal
from hubwell.http.session_cookie import clear_cookie
from hubwell.settings import Settings

_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "manifest-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
_POLICY_HEADER: Final = "Content-Security-Policy"
HEADERS: Final = {
    _POLICY_HEADER: _POLICY,
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    # Not "no-referrer": with it a browser hides from us, too, where a form came from (Origin: null).
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
}


_OVER_HTTPS: Final = {"Strict-Transport-Security": "max-age=31536000"}


class SecurityHeaders:
    """ASGI middleware that adds them; a route's own Cache-Control is for anonymous requests only."""

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self._app = app
        self._settings = settings
        self._headers = HEADERS | (_OVER_HTTPS if settings.is_https else {})

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on and add the headers to its answer."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        state = scope.setdefault("state", {})

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                self._add(headers, state, is_question=scope["method"] in {"GET", "HEAD"})
                if "location" in headers:
                    headers["location"] = _without_own_host(headers["location"], scope)
            await send(message)

        await self._app(scope, receive, with_headers)

    def _add(self, headers: MutableHeaders, state: dict[str, Any], *, is_question: bool) -> None:
        own_policy = headers.get(_POLICY_HEADER)  # of what is no page, and may do even less
        headers.update(self._headers)
        if own_policy is not None:
            headers[_POLICY_HEADER] = own_policy
        principal: Principal = state.get("principal", ANONYMOUS)
        if principal.signed_in or not is_question:
            headers["Cache-Control"] = "no-store"
        else:
            headers.setdefault("Cache-Control", "no-store")
        if state.get("has_void_cookie") and "set-cookie" not in headers:
            clearing = Response()
            clear_cookie(clearing, self._settings)
            headers.append("Set-Cookie", clearing.headers["set-cookie"])


def _without_own_host(location: str, scope: Scope) -> str:
    """Return an address within this site as a path: the Host header is the client's word.

    The framework takes the host from it, or from the socket's address where it is no host at all.
    """
    address, port = scope.get("server") or ("", None)
    for host in (Headers(scope=scope).get("host", ""), f"{address}:{port}", address):
        own = f"{scope['scheme']}://{host}/"
        if location.startswith(own):
            return "/" + location.removeprefix(own).lstrip("/")
    return location
