"""Refusals of what a site sets for retention; the field is the name of the setting."""

from typing import Final

from hubwell.errors import N_, ErrorKind

_SETTING: Final = "HUBWELL_RETENTION"
CLASS_UNKNOWN: Final = ErrorKind(
    "retention-class-unknown",
    N_("There is no class of data {data}. What can be set: {classes}."),
    _SETTING,
)
CLASS_FIXED: Final = ErrorKind(
    "retention-class-fixed", N_("{data} cannot be set. What can be set: {classes}."), _SETTING
)
NOT_A_DURATION: Final = ErrorKind(
    "retention-not-a-duration", N_("{text} is not a duration. Write 90d, 12h or 5min."), _SETTING
)
OUT_OF_RANGE: Final = ErrorKind(
    "retention-out-of-range", N_("{data} cannot be {text}. Choose from {least} to {most}."), _SETTING
)
VISITS_BEFORE_TAPS: Final = ErrorKind(
    "retention-visits-before-taps",
    N_("Visits have to be kept at least as long as taps: {visits} is shorter than {taps}."),
    _SETTING,
)
