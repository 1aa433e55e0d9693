"""Refusals of the register of spaces and devices."""

from typing import Final

from hubwell.errors import N_, ErrorKind

ID_NOT_PLAIN: Final = ErrorKind(
    "id-not-plain",
    N_("An id has only lower-case letters, digits and '-', and starts with a letter or a digit."),
    "id",
)
SPACE_UNNAMED: Final = ErrorKind("space-unnamed", N_("Give the space a name."), "name")
SPACE_KIND_UNKNOWN: Final = ErrorKind(
    "space-kind-unknown", N_("The kind of a space is one of: {kinds}."), "kind"
)
CAPACITY_TOO_SMALL: Final = ErrorKind(
    "capacity-too-small", N_("The capacity is a number of people, at least 1."), "capacity"
)
WHEN_FULL_UNKNOWN: Final = ErrorKind(
    "when-full-unknown", N_("The door of a full space can warn or refuse: write warn or refuse."), "when_full"
)
CLOSING_TIME_UNREADABLE: Final = ErrorKind(
    "closing-time-unreadable",
    N_("Write a closing time as HH:MM, for example 17:30, or hub for the hub's."),
    "closes_at",
)
