"""Refusals of what administrators set for the hub."""

from typing import Final

from hubwell.errors import N_, ErrorKind

HUB_NAME_MISSING: Final = ErrorKind("hub-name-missing", N_("Give the hub a name."), "hub_name")
HUB_NAME_LONG: Final = ErrorKind(
    "hub-name-long", N_("The name of the hub has at most {most} characters."), "hub_name"
)
ZONE_LIKE: Final = ErrorKind("zone-like", N_("There is no time zone “{zone}”. Did you mean {near}?"), "zone")
ZONE_UNKNOWN: Final = ErrorKind(
    "zone-unknown", N_("There is no time zone “{zone}”. Write it like Europe/Helsinki."), "zone"
)
HUB_LANGUAGE_UNKNOWN: Final = ErrorKind(
    "hub-language-unknown", N_("The language of the hub is one of: {languages}."), "language"
)
COLOUR_UNREADABLE: Final = ErrorKind(
    "colour-unreadable", N_("Write a colour as # and six digits from 0 to f, for example #0b6e4f."), "colour"
)
COLOUR_PALE: Final = ErrorKind(
    "colour-pale",
    N_("Text in {colour} cannot be read on the pages. The nearest colour that can be read is {near}."),
    "colour",
)
ASSEMBLY_POINT_LONG: Final = ErrorKind(
    "assembly-point-long", N_("The place to gather has at most {most} characters."), "assembly_point"
)
PRIVACY_CONTACT_LONG: Final = ErrorKind(
    "privacy-contact-long",
    N_("Who answers questions about privacy has at most {most} characters."),
    "privacy_contact",
)
SET_BY_INSTALLATION: Final = ErrorKind(
    "set-by-installation",
    N_("The installation sets this ({variables}): change it there, or remove it there first."),
    status=409,
)
RESTORE_IN_FUTURE: Final = ErrorKind(
    "restore-in-future", N_("Write the day when a backup was restored; it is not in the future."), "on"
)
