"""Refusals of the register of spaces and devices."""

from typing import Final

from hubwell.errors import N_, ErrorKind

ID_NOT_PLAIN: Final = ErrorKind(
    "id-not-plain",
    N_("An id has only lower-case letters, digits and '-', and starts with a letter or a digit."),
    "id",
)
SPACE_UNNAMED: Final = ErrorKind("space-unnamed", N_("Give the space a name."), "name")
SPACE_NAME_TAKEN: Final = ErrorKind(
    "space-name-taken",
    N_('The space "{other}" has this name already. Give one of the two another name.'),
    "name",
    409,
)
SPACE_EXISTS: Final = ErrorKind(
    "space-exists",
    N_('There is a space with the id "{value}" already. Choose another id, or change that space.'),
    "id",
    409,
)
SPACE_KIND_UNKNOWN: Final = ErrorKind(
    "space-kind-unknown", N_('The kind of a space is one of: {kinds}. "{value}" is none of them.'), "kind"
)
CAPACITY_TOO_SMALL: Final = ErrorKind(
    "capacity-too-small",
    N_("The capacity is a number of people, at least 1. It cannot be {value}."),
    "capacity",
)
CAPACITY_UNREADABLE: Final = ErrorKind(
    "capacity-unreadable",
    N_('Write the capacity as a number of people, from 1 to {most}. "{value}" is none.'),
    "capacity",
)
ZONE_TOO_LONG: Final = ErrorKind(
    "zone-too-long", N_("The name of a zone has at most {most} characters."), "zone"
)
WHEN_FULL_UNKNOWN: Final = ErrorKind(
    "when-full-unknown",
    N_('The door of a full space can warn or refuse: write warn or refuse, not "{value}".'),
    "when_full",
)
OPENING_TIME_UNREADABLE: Final = ErrorKind(
    "opening-time-unreadable",
    N_('Write an opening time as HH:MM, for example 08:30. "{value}" cannot be read.'),
    "opens_at",
)
CLOSING_TIME_UNREADABLE: Final = ErrorKind(
    "closing-time-unreadable",
    N_('Write a closing time as HH:MM, for example 17:30, or hub for the hub\'s. "{value}" cannot be read.'),
    "closes_at",
)
NO_HOURS: Final = ErrorKind(
    "no-hours", N_("A space cannot open and close at the same time, {value}. Change one of them."), "opens_at"
)
FEATURE_UNKNOWN: Final = ErrorKind(
    "feature-unknown", N_('Access attributes are: {features}. "{value}" is none of them.'), "features"
)
EQUIPMENT_TOO_LONG: Final = ErrorKind(
    "equipment-too-long",
    N_("Equipment is at most {most} things, each of at most {longest} characters."),
    "equipment",
)
NAME_LANGUAGE_UNKNOWN: Final = ErrorKind(
    "name-language-unknown", N_('Names can be given in: {languages}. "{value}" is none of them.'), "names"
)
NAMES_TOO_LONG: Final = ErrorKind(
    "names-too-long", N_("A name in another language has at most {most} characters."), "names"
)
SPACE_GONE: Final = ErrorKind(
    "space-gone", N_("There is no such space, or it was removed meanwhile."), "space", 404
)
ORDER_NAMES_TWICE: Final = ErrorKind(
    "order-names-twice", N_("The order names a space twice. Name each space once."), "spaces"
)
DEVICE_UNKNOWN: Final = ErrorKind(
    "device-unknown", N_("There is no such device. Choose one of the devices."), "device", 404
)
DEVICE_EXISTS: Final = ErrorKind(
    "device-exists",
    N_('There is a device with the id "{value}" already. Move that one, or give this one another id.'),
    "device",
    409,
)
DEVICE_IS_ARCHIVED: Final = ErrorKind(
    "device-is-archived", N_("This device is archived. Restore it first."), "device", 409
)
DEVICE_NAME_TAKEN: Final = ErrorKind(
    "device-name-taken",
    N_('The device "{other}" has this name already. Give one of the two another name.'),
    "name",
    409,
)
DEVICE_ID_OF_PAST: Final = ErrorKind(
    "device-id-of-past",
    N_("This id stands for what a device measured before it was moved. Give this device another id."),
    "id",
    409,
)
DEVICE_NOT_HEARD: Final = ErrorKind(
    "device-not-heard",
    N_("No such device is waiting: it was registered, or nothing was heard of it."),
    status=404,
)
DEVICE_WITHOUT_PARTS: Final = ErrorKind(
    "device-without-parts", N_("Choose at least one sensor that is connected to the device."), "parts"
)
REPLACED_BY_ITSELF: Final = ErrorKind(
    "replaced-by-itself", N_("A device cannot replace itself. Choose another one."), "by"
)
SPACE_IN_USE: Final = ErrorKind(
    "space-in-use",
    N_("People are checked in there. Check them out first, or archive the space when they have left."),
    "space",
    409,
)
SPACE_ARCHIVED: Final = ErrorKind(
    "space-archived", N_("The space of this device is archived. Restore the space first."), "device", 409
)
SPACE_IS_ARCHIVED: Final = ErrorKind(
    "space-is-archived", N_("This space is archived. Restore it first, or choose another one."), "space", 409
)
NO_DEMONSTRATION: Final = ErrorKind(
    "no-demonstration", N_("There is no simulated hub here, or it was removed already."), status=409
)
TABLE_TOO_LARGE: Final = ErrorKind(
    "table-too-large", N_("A table has at most {most} kB and {rows} rows. Import it in parts."), "table", 413
)
TABLE_NOT_TEXT: Final = ErrorKind(
    "table-not-text", N_('The table is not a text in UTF-8. Save it as "CSV UTF-8" and import that.'), "table"
)
TABLE_EMPTY: Final = ErrorKind(
    "table-empty",
    N_("The table is empty. Its first line names the columns, each further line is a space."),
    "table",
)
TABLE_QUOTES_WRONG: Final = ErrorKind(
    "table-quotes-wrong",
    N_("A quotation mark is not closed, or there is one too many. Correct the line."),
    "table",
)
TABLE_REFUSED: Final = ErrorKind(
    "table-refused",
    N_("The table has mistakes, and nothing was imported. Correct them and import it again."),
    "table",
)
TABLE_OUTDATED: Final = ErrorKind(
    "table-outdated",
    N_("Spaces were changed since you looked at this preview. Check it again, then import."),
    "table",
    409,
)
COLUMN_UNKNOWN: Final = ErrorKind(
    "column-unknown", N_('There is no column "{value}". Columns are: {columns}.'), "table"
)
COLUMN_TWICE: Final = ErrorKind(
    "column-twice", N_('The column "{value}" is there twice. Keep one of them.'), "table"
)
COLUMN_MISSING: Final = ErrorKind(
    "column-missing", N_("Neither id nor name is among the columns: add at least one of them."), "table"
)
ROW_TOO_LONG: Final = ErrorKind(
    "row-too-long", N_("The line has more cells than there are columns. Check its quotation marks."), "table"
)
ID_TWICE: Final = ErrorKind(
    "id-twice", N_("Line {line} has the same id already. Keep one of the two lines."), "id"
)
FLAG_UNREADABLE: Final = ErrorKind("flag-unreadable", N_('Write yes or no, not "{value}".'), "table")
POSITION_UNREADABLE: Final = ErrorKind(
    "position-unreadable",
    N_('Write the position as a number from 1 to {most}, or leave it empty. "{value}" is none.'),
    "position",
)
