"""All pages of the application, and the pages of its errors."""

from typing import Final

from fastapi import FastAPI, Request
from fastapi.responses import Response

from hubwell.errors import DomainError, error_text
from hubwell.screens.notices import ScreenNotices
from hubwell.settings import Settings
from hubwell.storage.notify import Channel
from hubwell.web.accounts import login, own, passkeys, provider_login, setup, tokens
from hubwell.web.accounts import pages as accounts
from hubwell.web.board import floor_plan, wall
from hubwell.web.board import pages as board
from hubwell.web.board.co2_history import DaySteps
from hubwell.web.board.panel import panel
from hubwell.web.booking import own as own_bookings
from hubwell.web.booking import pages as bookings
from hubwell.web.booking import parts as booking_parts
from hubwell.web.booking import series as booking_series
from hubwell.web.booking import series_edit
from hubwell.web.booking.timeline.pages import timeline
from hubwell.web.calendar import feeds as calendar_feeds
from hubwell.web.calendar import pages as calendars
from hubwell.web.defects import pages as defects
from hubwell.web.dependencies import PageParts
from hubwell.web.desk import course_sessions, on_site
from hubwell.web.desk import pages as desk
from hubwell.web.desk.class_desk import class_desk
from hubwell.web.desk.people import desk_people
from hubwell.web.devices import pages as devices
from hubwell.web.devices.connect import connect
from hubwell.web.devices.device_pages import device_pages
from hubwell.web.evacuation import pages as evacuation
from hubwell.web.history import pages as history
from hubwell.web.history import use_pages
from hubwell.web.hub import pages as hub
from hubwell.web.hub.start import start
from hubwell.web.kit import evacuation as evacuation_banner
from hubwell.web.kit.language import switch
from hubwell.web.kit.manifest import manifest
from hubwell.web.kit.notifier import Notifier
from hubwell.web.kit.render import Renderer
from hubwell.web.kit.respond import formatter_for, view
from hubwell.web.my_data import pages as my_data
from hubwell.web.privacy import pages as privacy
from hubwell.web.programs.pages import programs
from hubwell.web.register import pages as register
from hubwell.web.register.places import place_pages
from hubwell.web.register.plans import plan_pages
from hubwell.web.register.space_form import form_pages
from hubwell.web.register.tables import table_pages
from hubwell.web.screens import pages as screen_pages
from hubwell.web.screens.door import door
from hubwell.web.screens.paired import away_page, paired, refused_page
from hubwell.web.screens.walk_ins import walk_ins
from hubwell.web.try_badge import pages as try_badge

ROUTERS: Final = (
    board.pages,
    floor_plan.files,
    wall.pages,
    panel,
    paired,
    door,
    walk_ins,
    screen_pages.pages,
    try_badge.pages,
    switch,
    evacuation_banner.fragment,
    manifest,
    *evacuation.ROUTERS,
    timeline,  # before the bookings, whose addresses are ids
    bookings.pages,
    own_bookings.own_bookings,
    booking_series.pages,
    series_edit.pages,
    booking_parts.pages,
    calendar_feeds.feeds,
    calendars.pages,
    class_desk,
    desk.desk,
    desk_people,
    course_sessions.sessions,
    on_site.onsite,
    my_data.me,
    privacy.privacy,
    programs,
    register.pages,
    form_pages,
    connect,
    devices.pages,
    device_pages,
    defects.pages,
    table_pages,
    plan_pages,
    place_pages,
    use_pages.pages,
    history.pages,  # after the register, whose addresses below /spaces are words
    login.signin,
    passkeys.passkey_signin,
    provider_login.provider_signin,
    setup.setup,
    hub.pages,
    start,
    own.account,
    passkeys.own_passkeys,
    accounts.pages,
    tokens.pages,
)


def install(app: FastAPI, settings: Settings, notices: ScreenNotices) -> None:
    """Give the application what its pages work with."""
    use(app, settings)
    app.state.page_parts = PageParts(
        day_steps=DaySteps(),
        desk_notifier=Notifier(settings.database_url, Channel.DESK_TAPS),
        muster_notifier=Notifier(settings.database_url, Channel.MUSTERS),
        booking_notifier=Notifier(settings.database_url, Channel.BOOKINGS),
        screen_notices=notices,
    )
    my_data.install(app)
    calendar_feeds.install(app)


def use(app: FastAPI, settings: Settings) -> None:
    """Render with these settings from now on."""
    app.state.renderer = Renderer(settings)


def error_page(
    request: Request, kind: str, status: int, refusal: DomainError | None = None
) -> Response | None:
    """Return the page of an error for browsers; None for programs."""
    if request.url.path.startswith("/api/") or "text/html" not in request.headers.get("accept", ""):
        return None
    if kind == "screen-only":
        return refused_page(request)
    if kind == "sign-in-needed":
        return login.first(request)
    if kind == "database-away" and (page := away_page(request, status)) is not None:
        return page
    if refusal is not None:
        text = error_text(refusal, formatter_for(request).translations)
        return view(request, "kit/refused.html", status=status, page="error", text=text)
    template = {
        "database-away": "kit/away.html",
        "database-not-migrated": "kit/unmigrated.html",
        "unexpected": "kit/mistake.html",
    }.get(kind, "kit/missing.html")
    return view(request, template, status=status, page="error")
