"""Put the application together, and serve it.

`create_app` only assembles; the lifespan opens the pool and the feed and closes them in reverse.
"""

import asyncio
import gc
import logging
import signal
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import replace
from functools import cache
from importlib.metadata import version
from typing import Final

import uvicorn
from fastapi import APIRouter, FastAPI
from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.routing import BaseRoute

from hubwell.access.oidc.client import Provider
from hubwell.access.passkeys.challenges import Challenges
from hubwell.access.passwords import Passwords
from hubwell.api import openapi, routes
from hubwell.api.booking_turns import BookingTurns
from hubwell.api.dependencies import ApiParts
from hubwell.api.evacuation_view import NameViewLog
from hubwell.api.live.stream import OpenStreams
from hubwell.api.live.updates import Feed, FeedIntervals
from hubwell.http import errors
from hubwell.http.database import Database
from hubwell.http.guard import check_every_route, rules_of
from hubwell.http.headers import SecurityHeaders
from hubwell.http.parts import EvacuationWatch, HubSettings, Parts
from hubwell.http.rate_limits import Limits
from hubwell.http.rights_first import RightsFirst
from hubwell.http.route_table import RouteTable
from hubwell.http.strict_protocol import StrictProtocol
from hubwell.runtime.start_errors import CannotStartError
from hubwell.screens.notices import ScreenNotices
from hubwell.service.process import feed_watchdog, notify
from hubwell.settings import Settings
from hubwell.switchboard import Switchboard
from hubwell.web import pages
from hubwell.web.public_name import LoopbackName

_log = logging.getLogger(__name__)
_STOP_WITHIN_S: Final = 2
_KEEP_ALIVE_S: Final = 125
"""Longer than proxies keep an idle connection (Caddy 120 s, Traefik 90 s, nginx 60 s).

A server that closes first can do so while a request is on its way, which the visitor sees as status 502.
"""
_LARGEST_BODY: Final = 1024 * 1024
"""Bytes; no form has more."""


def create_app(
    settings: Settings, *, pace: FeedIntervals | None = None, passwords: Passwords | None = None
) -> FastAPI:
    """Return the application; nothing is opened before its lifespan begins."""
    database = Database(settings.database_url)
    evacuation = EvacuationWatch(database)

    def use(settings: Settings) -> None:
        commit = Switchboard.of(settings).commit
        app.state.parts = replace(app.state.parts, settings=settings, commit=commit)
        pages.use(app, settings)

    hub = HubSettings(database, settings, use)
    screens = ScreenNotices()
    feed = Feed(database, evacuation, hub, screens, pace)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        await database.open()
        await hub.read_if_possible()
        running = asyncio.create_task(feed.run(), name="hubwell-api[feed]")
        try:
            yield
        finally:
            feed.close()
            running.cancel()
            with suppress(asyncio.CancelledError):
                await running
            await database.close()

    app = FastAPI(
        routes=list(_routes()),
        title="Hubwell",
        version=version("hubwell"),
        lifespan=lifespan,
        openapi_url=openapi.URL,
        docs_url=None,  # the usual pages load scripts from elsewhere
        redoc_url=None,
        middleware=[
            Middleware(SecurityHeaders, settings=settings),
            Middleware(LoopbackName, settings=settings),
            Middleware(GZipMiddleware, compresslevel=5),
            Middleware(RightsFirst),
        ],
        max_body_size=_LARGEST_BODY,
    )
    app.state.parts = Parts(
        settings=settings,
        hub=hub,
        database=database,
        evacuation=evacuation,
        limits=Limits(),
        passwords=passwords or Passwords(),
        provider=Provider.of(settings),
        challenges=Challenges(),
        commit=Switchboard.of(settings).commit,
        routes=RouteTable(app, rules_of),
        error_page=pages.error_page,
    )
    app.state.api_parts = ApiParts(feed, NameViewLog(), OpenStreams(), BookingTurns(database.connection))
    pages.install(app, settings, screens)
    errors.install(app)
    openapi.install(app)
    check_every_route(app)
    return app


@cache
def _routes() -> tuple[BaseRoute, ...]:
    """Return the routes of every application of this process.

    FastAPI resolves the dependencies of an included router at first use, which takes 70 to 200 ms of CPU, and
    keeps them with the inclusion: the inclusions are made once and shared. Nothing in them belongs to one
    application; `dependency_overrides` do not reach them.
    """
    included = APIRouter(max_body_size=_LARGEST_BODY)
    for router in (*routes.RESOURCES, *pages.ROUTERS):
        included.include_router(router)
    return tuple(included.routes)


def serve(settings: Settings) -> None:
    """Serve until SIGINT or SIGTERM; browsers that still watch do not hold the stop up.

    Raises CannotStartError when the address cannot be used.
    """
    with _bind(settings.http_host, settings.http_port) as sock:
        host, port = sock.getsockname()[:2]
        _log.info("listening on http://%s:%d", host, port, extra={"action": "listening", "port": port})
        asyncio.run(_serve(create_app(settings), sock))


def _bind(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # The protocol is named because asyncio switches Nagle's algorithm off only where it is: else each answer
    # waits 40 ms for an acknowledgement.
    sock = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind((host, port))
        sock.listen(2048)
    except OSError as error:
        sock.close()
        raise CannotStartError(
            f"The address {host}:{port} cannot be used ({error.strerror}): "
            "choose another port with --port or HUBWELL_HTTP_PORT."
        ) from error
    return sock


async def _serve(app: FastAPI, sock: socket.socket) -> None:
    server = _Server(server_config(app), app.state.api_parts.feed)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, server.stop)
    gc.freeze()  # what is loaded now stays: no collection of garbage shall look through it
    watchdog = asyncio.create_task(feed_watchdog(), name="hubwell-api[watchdog]")
    await server.serve(sockets=[sock])
    watchdog.cancel()
    if not server.started:
        raise CannotStartError("The web server could not start: the log above says why.")


def server_config(app: FastAPI) -> uvicorn.Config:
    """Return how an application is served; the addresses of proxies come from $FORWARDED_ALLOW_IPS."""
    return uvicorn.Config(
        app,
        log_config=None,
        access_log=False,
        ws="none",
        http=StrictProtocol,
        server_header=False,
        timeout_keep_alive=_KEEP_ALIVE_S,
        timeout_graceful_shutdown=_STOP_WITHIN_S,
    )


class _Server(uvicorn.Server):
    """Ends the event streams before it waits for connections to end."""

    def __init__(self, config: uvicorn.Config, feed: Feed) -> None:
        super().__init__(config)
        self._feed = feed

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave signals to the event loop: the process shall end with success, not by the signal."""
        yield

    def stop(self) -> None:
        """Begin to stop."""
        notify("STOPPING=1")
        self._feed.close()
        self.should_exit = True
