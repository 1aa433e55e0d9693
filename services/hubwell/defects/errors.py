"""Refusals about defects."""

from typing import Final

from hubwell.errors import N_, ErrorKind

DEFECT_UNKNOWN: Final = ErrorKind(
    "defect-unknown",
    N_("There is no such defect. It may have been taken back in the meantime."),
    status=404,
)
DEFECT_KIND_UNKNOWN: Final = ErrorKind(
    "defect-kind-unknown", N_("Choose what is broken: one of the kinds that are listed."), "kind"
)
DEFECT_NOTE_LONG: Final = ErrorKind(
    "defect-note-long", N_("A note on what was done has at most {most} characters."), "note"
)
DEFECT_DONE: Final = ErrorKind("defect-done", N_("This defect is marked as done already."), status=409)
DEFECT_NOT_DONE: Final = ErrorKind("defect-not-done", N_("This defect is open already."), status=409)
DEFECT_OPEN_AGAIN: Final = ErrorKind(
    "defect-open-again",
    N_("The same was reported there again since: use the newer entry, which is open."),
    status=409,
)
DEFECT_SPACE_GONE: Final = ErrorKind(
    "defect-space-gone", N_("Its space is archived. Restore the space first."), status=409
)
DEFECT_UNDO_LATE: Final = ErrorKind(
    "defect-undo-late",
    N_("This report cannot be taken back any more. Facilities can mark it as done."),
    status=409,
)
