"""The page of one space: how it is now, how it was, and what stands behind the figures."""

from dataclasses import replace
from datetime import timedelta
from typing import Annotated, Any, Final
from urllib.parse import urljoin

import segno
from fastapi import APIRouter, Path, Query, Request
from fastapi.responses import HTMLResponse, Response
from markupsafe import Markup
from starlette.exceptions import HTTPException

from hubwell.api import live_state
from hubwell.api.visibility import sees_exact
from hubwell.history import read_model
from hubwell.http.dependencies import AppSettings, CurrentPrincipal, ReadConnection
from hubwell.http.guard import PUBLIC
from hubwell.vocabulary import CO2_FRESH_BELOW_PPM
from hubwell.web.board.space_finder import Need
from hubwell.web.board.text import card
from hubwell.web.booking.text import door_lines
from hubwell.web.defects.of_space import defects_of
from hubwell.web.history.text import better, figures, use_figure
from hubwell.web.kit.evacuation import evacuation_of
from hubwell.web.kit.formatting import Formatter, alert_words
from hubwell.web.kit.respond import formatter_for, view

pages = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)
SpaceId = Annotated[str, Path(max_length=64)]
_LIMIT: Final = int(CO2_FRESH_BELOW_PPM)


@pages.get("/spaces/{space_id}", dependencies=[PUBLIC])
async def show_space(
    request: Request,
    conn: ReadConnection,
    principal: CurrentPrincipal,
    settings: AppSettings,
    space_id: SpaceId,
    days: Annotated[str, Query()] = "1",
    report: Annotated[str, Query()] = "",
) -> Response:
    """Show a space now and over 1, 7 or 30 days; of one person's room only that it is one."""
    words = formatter_for(request)
    space = next(iter(await live_state.spaces(conn, words.zone, [space_id])), None)
    if space is None:
        raise HTTPException(404)
    span = next((known for known in read_model.SPANS if str(known) == days), 1)
    evacuating = evacuation_of(request) is not None
    booked = [] if space.personal or evacuating else await door_lines(conn, space_id, words)
    shown = replace(card(space, Need(), words, evacuating=evacuating), booked=booked)
    values: dict[str, Any] = {"card": shown, "days": span, "spans": _spans(space_id, words)}
    values["defects"] = await defects_of(conn, principal, space_id, words, report)
    if space.personal:
        return view(request, "history/space.html", words=words, page="space", **values)
    history = await read_model.of_space(conn, space_id, span, words.now)
    exact = sees_exact(principal)
    alerts = await live_state.alerts(conn, words.now - timedelta(days=max(span, 7)), space=space_id)
    devices = [
        device for device in await live_state.devices(conn, exact=exact) if device.space_id == space_id
    ]
    address = urljoin(str(settings.public_url or request.base_url), f"/spaces/{space_id}")
    return view(
        request,
        "history/space.html",
        words=words,
        page="space",
        alerts=[(alert, alert_words(words, alert, space)) for alert in [*alerts.open, *alerts.recent]],
        devices=devices,
        exact=exact,
        figures=figures(history, words),
        use=use_figure(history, words),
        better=better(space, history, words),
        limit=_LIMIT,
        address=address,
        code=_code(address),
        **values,
    )


def _spans(space_id: str, words: Formatter) -> list[tuple[int, str, str]]:
    _ = words.translations.gettext
    names = {1: _("24 hours"), 7: _("7 days"), 30: _("30 days")}
    return [(days, names[days], f"/spaces/{space_id}?days={days}") for days in read_model.SPANS]


def _code(address: str) -> Markup:
    """Return a QR code as SVG, black on white in every colour scheme."""
    drawn = segno.make(address, error="m", micro=False)
    return Markup(drawn.svg_inline(scale=4, omitsize=True, dark="#000", light="#fff", svgclass="code"))  # noqa: S704 - segno's own output
