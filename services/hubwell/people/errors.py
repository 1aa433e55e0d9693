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
LABEL_NOT_PRINTABLE: Final = ErrorKind(
    "label-odd", N_("This note holds characters that cannot be shown. Type it again."), "label"
)
NOT_ENROLLED: Final = ErrorKind(
    "not-enrolled", N_("The badge at the desk reader is not enrolled. Enrol it first."), status=409
)
IN_HAND_REVOKED: Final = ErrorKind(
    "in-hand-revoked",
    N_("The badge at the desk reader is revoked itself. Restore it first, if it is the right one."),
    status=409,
)
NO_OTHER_BADGE: Final = ErrorKind(
    "no-other-badge", N_("This person has no other badge or code in use. Nothing was revoked."), status=409
)
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
SESSION_FAR_AHEAD: Final = ErrorKind(
    "session-far-ahead", N_("A session is entered at most {most} days ahead."), "day"
)
SESSIONS_OVERLAP: Final = ErrorKind(
    "overlaps", N_("You have another session at that time: {title}."), "start", 409
)
ROLL_TOO_SHORT: Final = ErrorKind("roll-too-short", N_("The list is kept for at least one day."), "days")
ROLL_TOO_LONG: Final = ErrorKind("roll-too-long", N_("The list is kept for at most {most} days."), "days")
SESSION_GONE: Final = ErrorKind(
    "session-gone", N_("This session is not yours, or its list has ended and was deleted."), status=404
)
ROLL_NOT_YET: Final = ErrorKind(
    "roll-not-yet", N_("The list of who came can be read once the session has ended."), status=409
)
ROLL_NEVER: Final = ErrorKind(
    "roll-never", N_("There is no list of who came to a space for relaxation."), status=409
)
SESSION_IN_RELAXATION: Final = ErrorKind(
    "session-in-relaxation",
    N_("A space for relaxation has no sessions: nobody lists who rests there. Choose another space."),
    "space",
)
CLASS_EMPTY: Final = ErrorKind("class-empty", N_("Paste the names of the class, one on each line."), "names")
CLASS_TOO_LONG: Final = ErrorKind(
    "class-too-long", N_("This is too much text: a list has at most {most} names, one on each line."), "names"
)
CLASS_HAS_MORE: Final = ErrorKind(
    "class-has-more",
    N_("This list has {given} names; at most {most} are possible. Paste it in parts."),
    "names",
)
CLASS_LINE_CELLS: Final = ErrorKind(
    "class-line-cells",
    N_("Line {line} has {cells} cells. Paste the column with the names only, or last and first names."),
    "names",
)
CLASS_LINE_LONG: Final = ErrorKind(
    "class-line-long", N_("Line {line}: a name has at most {most} characters."), "names"
)
CLASS_LINE_ODD: Final = ErrorKind(
    "class-line-odd",
    N_("Line {line} holds characters that cannot be shown. Type this name again."),
    "names",
)
CLASS_READER_UNKNOWN: Final = ErrorKind(
    "class-reader-unknown", N_("Choose the reader at your desk."), "reader"
)
CLASS_LISTS_FULL: Final = ErrorKind(
    "class-lists-full",
    N_("You have {most} lists already. End one of them first."),
    status=409,
)
CLASS_GONE: Final = ErrorKind(
    "class-gone", N_("This list is not yours, or it has ended and was deleted."), status=404
)
CLASS_NAME_DONE: Final = ErrorKind(
    "class-name-done", N_("This name has got its badge meanwhile. Go on with the next one."), status=409
)
CLASS_NAME_MISSING: Final = ErrorKind("class-name-missing", N_("Type a name, or skip this one."), "name")
CLASS_NO_TAP: Final = ErrorKind(
    "class-no-tap", N_("Hold the badge to the desk reader first, then press Enter."), "tap"
)
CLASS_TAP_UNCLEAR: Final = ErrorKind(
    "class-tap-unclear", N_("Several badges wait. Choose one of them."), "tap"
)
CLASS_NOTHING_DONE: Final = ErrorKind(
    "class-nothing-done", N_("There is nothing to undo on this list."), status=409
)
SERIES_UNTIL_FIRST: Final = ErrorKind(
    "series-until-first", N_("The last day of a series is at least a week after its first day."), "until"
)
SERIES_TOO_LONG: Final = ErrorKind("series-too-long", N_("A series has at most {most} sessions."), "until")
SERIES_EMPTY: Final = ErrorKind(
    "series-empty", N_("No session is left: every day of this series is left out."), "without"
)
SERIES_CLOCKS: Final = ErrorKind(
    "series-clocks",
    N_("On {days} the clocks skip this time. Choose another time, or leave these days out."),
    "start",
)
SERIES_OVERLAPS: Final = ErrorKind(
    "series-overlaps",
    N_("You have other sessions at that time on {days}. Leave these days out, or choose another time."),
    "without",
    409,
)
SERIES_GONE: Final = ErrorKind(
    "series-gone", N_("This series is not yours, or none of its sessions is left."), status=404
)
