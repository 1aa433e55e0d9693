"""Lead browsers from a loopback number to the name `localhost`: passkeys belong to names, not to numbers."""

from typing import Final
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.responses import RedirectResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from hubwell.settings import Settings

_NAME: Final = "localhost"
_NUMBERS: Final = ("127.0.0.1", "[::1]")


class LoopbackName:
    """ASGI middleware for a hub whose public address is on `localhost`; programs keep the number."""

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self._app = app
        url = urlsplit(str(settings.public_url or ""))
        self._public = f"{url.scheme}://{url.netloc}" if url.hostname == _NAME else ""
        port = f":{url.port}" if url.port else ""
        self._numbers = frozenset(number + port for number in _NUMBERS)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Redirect a browser's page, and pass everything else on."""
        if self._public and scope["type"] == "http" and self._is_page(scope):
            query = scope["query_string"].decode("latin-1")
            path = "/" + scope["raw_path"].decode("latin-1").lstrip("/")
            address = self._public + path + (f"?{query}" if query else "")
            await RedirectResponse(address, 307)(scope, receive, send)
        else:
            await self._app(scope, receive, send)

    def _is_page(self, scope: Scope) -> bool:
        headers = Headers(scope=scope)
        return (
            scope["method"] == "GET"
            and headers.get("host", "") in self._numbers
            and "text/html" in headers.get("accept", "")
            and not scope["path"].startswith("/api/")
        )
