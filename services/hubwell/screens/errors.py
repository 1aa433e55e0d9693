"""Refusals about screens."""

from typing import Final

from hubwell.errors import N_, ErrorKind

SCREEN_UNKNOWN: Final = ErrorKind(
    "screen-unknown",
    N_("There is no such screen. It may have been unpaired in the meantime."),
    status=404,
)
SCREEN_CODE_UNKNOWN: Final = ErrorKind(
    "screen-code-unknown",
    N_("No screen shows this code now. A code is valid for ten minutes: enter the one on the screen."),
    "code",
)
SCREEN_UNNAMED: Final = ErrorKind(
    "screen-unnamed", N_("Enter a name by which you recognise the screen, for example Foyer."), "name"
)
SCREEN_NAME_TAKEN: Final = ErrorKind(
    "screen-name-taken", N_("Another screen has this name. Choose another name."), "name", 409
)
SHOWS_UNKNOWN: Final = ErrorKind(
    "screen-shows-unknown", N_("Choose what the screen shows: the wall, a panel or a kiosk."), "shows"
)
SCREEN_READER_UNKNOWN: Final = ErrorKind(
    "screen-reader-unknown",
    N_("There is no such reader, or it is a desk's reader. Choose one of the readers."),
    "reader",
)
SCREENS_WAITING: Final = ErrorKind(
    "screens-waiting",
    N_("Too many screens are waiting to be paired. Pair or close some of them, then reload this page."),
    status=429,
)
