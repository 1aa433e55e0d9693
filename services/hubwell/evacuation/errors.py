"""Errors of evacuations and drills, and of requests for the names in a drill."""

from typing import Final

from hubwell.errors import N_, ErrorKind

ALREADY_OPEN: Final = ErrorKind(
    "already-open",
    N_("An evacuation or a drill is open already: close it before you start a drill."),
    status=409,
)
EVACUATION_OPEN: Final = ErrorKind(
    "evacuation-open",
    N_("An evacuation or a drill is open: its list needs every space. Close it first."),
    status=409,
)
NOT_OPEN: Final = ErrorKind("not-open", N_("This evacuation or drill is closed."), status=409)
NOT_ON_LIST: Final = ErrorKind("not-on-list", N_("This person is no longer on the list."), status=404)
OWN_REQUEST: Final = ErrorKind(
    "own-request", N_("Another person has to agree: you asked for the names yourself."), status=403
)
APPROVER_NEW: Final = ErrorKind(
    "approver-new",
    N_("Your account is newer than this drill: a person whose account was there before has to agree."),
    status=403,
)
APPROVER_DEPENDENT: Final = ErrorKind(
    "approver-dependent",
    N_(
        "One of the two accounts was made by the other or by a program, or its password was set so: "
        "somebody else has to agree."
    ),
    status=403,
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
    for kind in (
        ALREADY_OPEN,
        NOT_OPEN,
        NOT_ON_LIST,
        OWN_REQUEST,
        APPROVER_NEW,
        APPROVER_DEPENDENT,
        NO_REQUEST,
        NO_REASON,
        NOT_A_PERSON,
    )
}
