"""The web app manifest (W3C), with which browsers install the pages on a home screen."""

from typing import Final

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response

from hubwell.http.guard import PUBLIC_NO_LOOKUP
from hubwell.http.parts import parts_of
from hubwell.web.kit.render import renderer_of

PAGE_COLOUR: Final = "#faf7f2"
"""The page's colour in light mode, as in `tokens.css`: shown while the application starts."""
_ICONS: Final = (
    ("icon.svg", "any", "image/svg+xml", "any"),
    ("icon-192.png", "192x192", "image/png", "any"),
    ("icon-512.png", "512x512", "image/png", "any"),
    ("icon-512.png", "512x512", "image/png", "maskable"),  # nothing of it lies in the outer tenth
)
_FOR_A_DAY: Final = {"Cache-Control": "public, max-age=86400"}

manifest = APIRouter(include_in_schema=False)


@manifest.get("/manifest.webmanifest", dependencies=[PUBLIC_NO_LOOKUP])
async def web_manifest(request: Request) -> Response:
    """Return name, icons and colours of the installed application."""
    settings, renderer = parts_of(request).settings, renderer_of(request)
    content = {
        "id": "/",
        "start_url": "/",
        "scope": "/",
        "name": settings.hub_name,
        "short_name": settings.hub_name,
        "lang": settings.language,
        "display": "standalone",
        "background_color": PAGE_COLOUR,
        "theme_color": PAGE_COLOUR,
        "icons": [
            {"src": renderer.address(name), "sizes": sizes, "type": media_type, "purpose": purpose}
            for name, sizes, media_type, purpose in _ICONS
        ],
    }
    return JSONResponse(content, media_type="application/manifest+json", headers=_FOR_A_DAY)
