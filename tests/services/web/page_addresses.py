"""The addresses of all pages, from the routes: what holds for every page is tested with these."""

from typing import Final

from fastapi.routing import APIRoute

from hubwell.web.pages import ROUTERS

_PARTS: Final = frozenset(
    """/evacuation /plots /muster/find /muster/list /muster/live /desk/live /live /bookings/live
    /language""".split()  # noqa: SIM905 (words)
)
"""Parts of pages, streams and what only sends the browser on."""
PAGES: Final = sorted(
    {
        route.path
        for router in ROUTERS
        for route in router.routes
        if isinstance(route, APIRoute) and "GET" in (route.methods or ()) and "{" not in route.path
    }
    - _PARTS
)
"""Without those of one thing, such as a space. The first is the board."""
