"""What people's actions refuse, each with a code that pages put into words of the reader's language."""

from typing import Final, Literal

Why = Literal[
    "already-enrolled",
    "badge-gone",
    "person-gone",
    "credential-gone",
    "already-revoked",
    "not-revoked",
    "revoked-why-unknown",
    "too-late",
    "same-person",
    "own-entry",
    "name-missing",
    "name-too-long",
    "name-odd",
    "label-too-long",
    "language-unknown",
    "reader-unknown",
    "reader-purpose",
    "title-missing",
    "title-too-long",
    "purpose-missing",
    "purpose-too-long",
    "space-unknown",
    "ends-before-it-begins",
    "too-long",
    "long-ago",
    "overlaps",
    "roll-too-short",
    "roll-too-long",
]

_SENTENCES: Final[dict[Why, str]] = {
    "already-enrolled": "this badge is enrolled already: open its person's page, or revoke it there first",
    "badge-gone": "this tap is more than two minutes old: hold the badge to the desk reader again",
    "person-gone": "there is no such person; they may have been erased or merged meanwhile",
    "credential-gone": "there is no such badge; it may have been erased meanwhile",
    "already-revoked": "this badge is revoked already",
    "not-revoked": "this badge is in use; there is nothing to restore",
    "revoked-why-unknown": "say why: lost, replaced or left",
    "too-late": "an enrolment can be taken back for ten minutes; after that, revoke the badge",
    "same-person": "a person cannot be merged with themselves: choose another one",
    "own-entry": "one of the two is your own entry: a colleague has to merge them",
    "name-missing": "type a name, or enrol the badge without one",
    "name-too-long": "a name has at most 120 characters",
    "name-odd": "a name cannot hold control characters",
    "label-too-long": "a label has at most 60 characters",
    "language-unknown": "the language is one of en, it, fi, et, lv, nl",
    "reader-unknown": "there is no such device (`hubwell device list` shows them, `hubwell device add` "
    "adds one), or the reader's name has other signs than lower-case letters, digits and '-'",
    "reader-purpose": "a reader is for one of: space, desk, kiosk",
    "title-missing": "a session needs a title",
    "title-too-long": "a title has at most 120 characters",
    "purpose-missing": "say what the list of who came is for",
    "purpose-too-long": "a purpose has at most 300 characters",
    "space-unknown": "there is no such space, or it is one person's own room",
    "ends-before-it-begins": "a session ends after it begins",
    "too-long": "a session lasts at most 8 hours",
    "long-ago": "a session is entered before it begins, or at most an hour after",
    "overlaps": "you have another session at that time",
    "roll-too-short": "the list is kept for at least a day after the session",
    "roll-too-long": "the list is kept for at most 30 days after the session",
}


class PeopleError(ValueError):
    """An action was refused. `why` is its code, the text says it in English, `detail` names what is meant."""

    def __init__(self, why: Why, detail: str = "") -> None:
        super().__init__(_SENTENCES[why])
        self.why = why
        self.detail = detail
