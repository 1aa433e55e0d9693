"""What an officer chose to see of the muster: a zone, which this browser remembers, a search, who is left."""

import unicodedata
from dataclasses import dataclass, replace
from typing import Annotated, Final
from urllib.parse import quote, unquote, urlencode

from fastapi import Depends, Request
from fastapi.responses import Response

from hubwell.api.evacuation_view import EvacuationView
from hubwell.http.parts import parts_of

NO_ZONE: Final = "-"
"""In addresses, the spaces outside all zones; an empty value means all zones."""
_COOKIE: Final = "muster-zone"
_A_YEAR_S: Final = 365 * 24 * 3600
_LONGEST: Final = 200


@dataclass(frozen=True, slots=True)
class Filter:
    """Which part of the list is shown."""

    zone: str = ""
    left: bool = False
    search: str = ""
    is_remembered: bool = False
    """The zone is the one that was chosen in this browser before."""

    @property
    def wanted(self) -> str | None:
        """The zone as the database knows it; None for all."""
        return "" if self.zone == NO_ZONE else self.zone or None

    def address(self, path: str = "/muster", anchor: str = "") -> str:
        """Return an address that keeps zone and state; not the search: proxies log addresses, with names."""
        values = (("zone", self.zone), ("left", "1" * self.left))
        chosen = {key: value for key, value in values if value}
        return path + (f"?{urlencode(chosen)}" if chosen else "") + anchor

    def within(self, evacuation: EvacuationView) -> "Filter":
        """Return the filter without a remembered zone that the hub does not have any more."""
        zones = {place.zone or NO_ZONE for place in evacuation.places}
        return self if not self.is_remembered or self.zone in zones else replace(self, zone="")


def filter_of(zone: str = "", left: str = "", search: str = "") -> Filter:
    """Return the filter of a form."""
    return Filter(zone[:_LONGEST], bool(left), " ".join(search[:_LONGEST].split()))


async def _filter_of_request(request: Request, zone: str | None = None, left: str = "") -> Filter:
    chosen = filter_of(zone or "", left)
    remembered = unquote(request.cookies.get(_COOKIE, ""))[:_LONGEST] if zone is None else ""
    return replace(chosen, zone=remembered, is_remembered=True) if remembered else chosen


ChosenFilter = Annotated[Filter, Depends(_filter_of_request)]
"""The filter of the address; without a zone in it, with the one that this browser remembers."""


def remember_zone(request: Request, answer: Response, chosen: Filter) -> None:
    """Let this browser show the zone again that was chosen; choosing all zones forgets it."""
    secure = parts_of(request).settings.is_https
    if chosen.zone:
        answer.set_cookie(
            _COOKIE,
            quote(chosen.zone),
            _A_YEAR_S,
            path="/muster",
            secure=secure,
            httponly=True,
            samesite="lax",
        )
    else:
        answer.delete_cookie(_COOKIE, path="/muster", secure=secure, httponly=True, samesite="lax")


def plain(text: str) -> str:
    """Return a text as the search compares it: without accents and capital letters."""
    letters = unicodedata.normalize("NFKD", text.casefold())
    return "".join(letter for letter in letters if not unicodedata.combining(letter))
