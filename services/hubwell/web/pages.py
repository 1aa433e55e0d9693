"""All pages of the application, and the pages of its errors."""

from typing import Final

from fastapi import FastAPI, Request
from fastapi.responses import Response

from hubwell.errors import DomainError, error_text
from hubwell.http.database import Database
from hubwell.settings import Settings
from hubwell.web.accounts import login, own, setup, tokens
from hubwell.web.accounts import pages as accounts
from hubwell.web.board import pages as board
from hubwell.web.board.co2_history import DaySteps
from hubwell.web.dependencies import PageParts
from hubwell.web.desk import course_sessions, on_site
from hubwell.web.desk import pages as desk
from hubwell.web.desk.live_taps import DeskNotifier
from hubwell.web.desk.people import desk_people
from hubwell.web.evacuation import pages as evacuation
from hubwell.web.kit.language import switch
from hubwell.web.kit.render import Renderer
from hubwell.web.kit.respond import formatter_for, view
from hubwell.web.my_data import pages as my_data
from hubwell.web.privacy import pages as privacy

ROUTERS: Final = (
    board.pages,
    switch,
    *evacuation.ROUTERS,
    desk.desk,
    desk_people,
    course_sessions.sessions,
    on_site.onsite,
    my_data.me,
    privacy.privacy,
    login.signin,
    setup.setup,
    own.account,
    accounts.pages,
    tokens.pages,
)


def install(app: FastAPI, settings: Settings, database: Database) -> None:
    """Give the application what its pages work with."""
    app.state.renderer = Renderer(settings)
    app.state.page_parts = PageParts(
        day_steps=DaySteps(database), desk_notifier=DeskNotifier(settings.database_url)
    )
    my_data.install(app)


def error_page(
    request: Request, kind: str, status: int, refusal: DomainError | None = None
) -> Response | None:
    """Return the page of an error for browsers; None for programs."""
    if request.url.path.startswith("/api/") or "text/html" not in request.headers.get("accept", ""):
        return None
    if kind == "sign-in-needed":
        return login.first(request)
    if refusal is not None:
        text = error_text(refusal, formatter_for(request).translations)
        return view(request, "kit/refused.html", status=status, page="error", text=text)
    template = {
        "database-away": "kit/away.html",
        "database-not-migrated": "kit/unmigrated.html",
        "unexpected": "kit/mistake.html",
    }.get(kind, "kit/missing.html")
    return view(request, template, status=status, page="error")
