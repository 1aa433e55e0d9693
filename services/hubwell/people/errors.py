"""Refusals of people, their badges and their course sessions."""

from typing import Final

from hubwell.errors import N_, ErrorKind

ALREADY_ENROLLED: Final = ErrorKind(
    "already-enrolled",
    N_(
        "This badge is enrolled already. Open its person's page; to give it to somebody else, "
        "take it off there first."
    ),
    status=409,
)
BADGE_GONE: Final = ErrorKind(
    "badge-gone",
    N_("This tap is more than two minutes old. Hold the badge to the desk reader again."),
    status=404,
)
CREDENTIAL_GONE: Final = ErrorKind(
    "credential-gone", N_("There is no such badge. It may have been erased meanwhile."), status=404
)
ALREADY_REVOKED: Final = ErrorKind("already-revoked", N_("This badge is revoked already."), status=409)
NOT_REVOKED: Final = ErrorKind(
    "not-revoked", N_("This badge is in use. There is nothing to restore."), status=409
)
REVOKED_WHY_UNKNOWN: Final = ErrorKind(
    "revoked-why-unknown", N_("Choose why: lost, replaced, or they left."), "why"
)
TOO_LATE: Final = ErrorKind(
    "too-late",
    N_("An enrolment can be taken back for {most} minutes. After that, revoke the badge."),
    status=409,
)
SAME_PERSON: Final = ErrorKind("same-person", N_("This is the same entry twice. Choose another one."))
OWN_ENTRY: Final = ErrorKind(
    "own-entry", N_("One of the two is your own entry. Ask a colleague to merge them."), status=403
)
NAME_MISSING: Final = ErrorKind("name-missing", N_("Type a name, or choose “Without a name”."), "name")
NAME_NOT_PRINTABLE: Final = ErrorKind(
    "name-odd", N_("This name holds characters that cannot be shown. Type it again."), "name"
)
LABEL_TOO_LONG: Final = ErrorKind("label-too-long", N_("A note has at most {most} characters."), "label")
LANGUAGE_UNKNOWN: Final = ErrorKind("language-unknown", N_("Choose one of the languages."), "language")
READER_UNKNOWN: Final = ErrorKind(
    "reader-unknown",
    N_("There is no such device, or the reader's name is not made of lower-case letters, digits and '-'."),
    "device",
)
READER_PURPOSE_UNKNOWN: Final = ErrorKind(
    "reader-purpose", N_("A reader is for a space, the desk or a kiosk."), "purpose"
)
TITLE_MISSING: Final = ErrorKind("title-missing", N_("Give the session a title."), "title")
TITLE_TOO_LONG: Final = ErrorKind("title-too-long", N_("A title has at most {most} characters."), "title")
PURPOSE_MISSING: Final = ErrorKind("purpose-missing", N_("Say what the list of who came is for."), "purpose")
PURPOSE_TOO_LONG: Final = ErrorKind(
    "purpose-too-long", N_("A purpose has at most {most} characters."), "purpose"
)
SESSION_ENDS_FIRST: Final = ErrorKind(
    "session-ends-before-it-begins", N_("A session ends after it begins. Choose a later end."), "end"
)
SESSION_TOO_LONG: Final = ErrorKind("session-too-long", N_("A session lasts at most {most} hours."), "end")
SESSION_LONG_AGO: Final = ErrorKind(
    "long-ago",
    N_(
        "A session is entered before it begins, or at most an hour after: "
        "its list is no way to look up the past."
    ),
    "day",
)
SESSIONS_OVERLAP: Final = ErrorKind(
    "overlaps", N_("You have another session at that time: {title}."), "start", 409
)
ROLL_TOO_SHORT: Final = ErrorKind("roll-too-short", N_("The list is kept for at least one day."), "days")
ROLL_TOO_LONG: Final = ErrorKind("roll-too-long", N_("The list is kept for at most {most} days."), "days")
SESSION_GONE: Final = ErrorKind(
    "session-gone", N_("This session is not yours, or its list has ended and was deleted."), status=404
)
