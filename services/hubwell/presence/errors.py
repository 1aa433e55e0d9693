"""Refusals of changes to visits."""

from typing import Final

from hubwell.errors import N_, ErrorKind

VISIT_GONE: Final = ErrorKind(
    "visit-gone", N_("There is no such visit of yours; it may have been removed meanwhile."), status=404
)
VISIT_ENDS_FIRST: Final = ErrorKind(
    "visit-ends-before-it-begins", N_("A visit ends after it begins: choose a later time."), "left"
)
IN_THE_FUTURE: Final = ErrorKind(
    "in-the-future", N_("This time has not come yet: choose an earlier one."), "left"
)
VISIT_TOO_LONG: Final = ErrorKind(
    "visit-too-long", N_("A visit lasts at most {most} hours: choose an earlier end."), "left"
)
NEXT_VISIT_BEGAN: Final = ErrorKind(
    "next-visit-began", N_("Your next visit had begun by then: choose an earlier end."), "left"
)
NOT_CHECKED_IN: Final = ErrorKind(
    "not-checked-in", N_("This person is not checked in to any space."), status=409
)
