"""A kiosk's answer: in the language of the person, with the one-time code large and as a QR code."""

from datetime import timedelta
from typing import Any, Final
from urllib.parse import urljoin, urlsplit

import segno
from fastapi import Request
from markupsafe import Markup

from hubwell.http.parts import parts_of
from hubwell.screens.notices import KioskAnswer
from hubwell.web.kit.render import renderer_of
from hubwell.web.kit.respond import fragment

_MY_VISITS: Final = "/me"
_GOOD: Final = frozenset(("in", "out", "moved", "noted", "code", "desk"))
"""Verdicts that need nothing further of the person."""


def kiosk_values(
    request: Request, answer: KioskAnswer | None, left: timedelta, *, away: bool
) -> dict[str, Any]:
    """Return what the kiosk's template needs; `left` is how long the answer is still shown."""
    shown = None if answer is None else _answer(request, answer, left)
    return {"answer": shown, "away": away}


def _answer(request: Request, answer: KioskAnswer, left: timedelta) -> Markup:
    words = renderer_of(request).words(answer.language)
    address = urljoin(str(parts_of(request).settings.public_url or request.base_url), _MY_VISITS)
    html = fragment(
        request,
        "screens/answer.html",
        words,
        answer=answer,
        good=answer.verdict in _GOOD,
        vanishes=max(1, round(left / timedelta(milliseconds=1))),
        address=f"{urlsplit(address).netloc}{_MY_VISITS}",
        picture=_picture(address, answer.code) if answer.code else None,
    )
    return Markup(html)  # noqa: S704 (a rendered template)


def _picture(address: str, code: str) -> Markup:
    """Return a QR code as SVG; the code is behind a #, so no server's or proxy's log has it."""
    drawn = segno.make(f"{address}#code={code}", error="m", micro=False)
    svg = drawn.svg_inline(
        scale=4, border=4, omitsize=True, dark="#000", light="#fff", svgclass=None, lineclass=None
    )
    return Markup(svg)  # noqa: S704 (segno's own output)
