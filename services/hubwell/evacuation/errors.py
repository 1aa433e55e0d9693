"""Errors of evacuations and drills, and of requests for the names in a drill."""

from typing import Final

from hubwell.errors import N_, ErrorKind

ALREADY_OPEN: Final = ErrorKind(
    "already-open",
    N_("An evacuation or a drill is open already: close it before you start a drill."),
    status=409,
)
NOT_OPEN: Final = ErrorKind("not-open", N_("This evacuation or drill is closed."), status=409)
NOT_ON_LIST: Final = ErrorKind("not-on-list", N_("This person is no longer on the list."), status=404)
OWN_REQUEST: Final = ErrorKind(
    "own-request", N_("Another person has to agree: you asked for the names yourself."), status=403
)
NO_REQUEST: Final = ErrorKind(
    "no-request", N_("This request was answered already or has expired: ask again."), status=409
)
NO_REASON: Final = ErrorKind("no-reason", N_("Enter in a sentence why the names are needed."), "reason")
NOT_A_PERSON: Final = ErrorKind(
    "not-a-person", N_("Names are requested and approved by people, not by programs."), status=403
)
BY_CODE: Final = {
    kind.code: kind
    for kind in (ALREADY_OPEN, NOT_OPEN, NOT_ON_LIST, OWN_REQUEST, NO_REQUEST, NO_REASON, NOT_A_PERSON)
}
