"""What a reader says of its own accord, while the server is silent: pure rules over the list of badges."""

from collections.abc import Sequence
from typing import Final

from hubwell_wire.commands import Roster
from hubwell_wire.fields import Language, Verdict

PLAIN: Final[dict[Verdict, str]] = {
    "in": "You are in.",
    "out": "You are out.",
    "moved": "You are in here now.",
    "again": "One tap is enough.",
    "unknown": "This badge is not enrolled. Please ask at the desk.",
    "full": "This space is full.",
    "revoked": "This badge was reported lost. Please ask at the desk.",
    "refused": "This tap was refused. Please try again.",
    "noted": "Noted. It counts as soon as the hub can be reached.",
    "code": "A code cannot be shown right now. Please try again later.",
    "desk": "Please go on at the desk.",
    "phone": "A phone cannot be a badge here. Use a badge or your QR code.",
}
"""For a device that has no list yet: then nobody's language is known."""
PLAIN_CROWDED: Final = "You are in. This space is full."


def purpose_of(reader: str, roster: Roster | None) -> str:
    """Return what a reader is for: `space`, `desk` or `kiosk`."""
    known = roster.readers.get(reader) if roster is not None else None
    return known.purpose if known is not None else "space"


def is_full(roster: Roster | None, people: int) -> bool:
    """Tell whether the space of a device has no room for another one, with this many in by its own doors.

    Who came by another door is not known here, nor who went on to another space while the server was away.
    """
    return roster is not None and roster.space is not None and people >= roster.space.capacity


def local_verdict(
    badges: Sequence[str], purpose: str, roster: Roster | None, *, inside: bool, full: bool
) -> Verdict:
    """Return what is right as far as this device knows.

    `inside` says whether the person came in at this device before, `full` whether there is no room for
    another one. Without a list, and for a card that only the server can read, the tap is just noted. A
    kiosk's own words for `code` say that there is none now.
    """
    if purpose != "space":
        return "desk" if purpose == "desk" else "code"
    if roster is None or not badges:
        return "noted"
    known = next((roster.badges[badge] for badge in badges if badge in roster.badges), None)
    if known is None and roster.unknown == "refuse":
        return "unknown"
    if known is not None and known.revoked:
        return "revoked"
    if inside:
        return "out"
    return "full" if full and _turns_away(roster) else "in"


def language_of(badges: Sequence[str], roster: Roster | None) -> Language:
    """Return the language that the person chose, or the hub's own."""
    if roster is None:
        return "en"
    chosen = (roster.badges[badge].lang for badge in badges if badge in roster.badges)
    return next((language for language in chosen if language is not None), roster.lang)


def words(verdict: Verdict, badges: Sequence[str], roster: Roster | None, *, crowded: bool = False) -> str:
    """Return the verdict in words, in the person's language if the list has it.

    `crowded` is for who is let in though the space is full.
    """
    if roster is not None:
        for language in (language_of(badges, roster), roster.lang, "en"):
            text = roster.crowded.get(language) if crowded else roster.texts.get(language, {}).get(verdict)
            if text:
                return text
    return PLAIN_CROWDED if crowded else PLAIN[verdict]


def _turns_away(roster: Roster) -> bool:
    return roster.space is not None and roster.space.when_full == "refuse"


def inside_after(verdict: Verdict) -> bool | None:
    """Return whether the person is inside after this verdict; None where it says nothing about that."""
    if verdict in {"in", "moved"}:
        return True
    return False if verdict in {"out", "full", "unknown", "revoked"} else None
