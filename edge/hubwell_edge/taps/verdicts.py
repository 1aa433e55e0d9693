"""The device's own verdict on a tap while the server does not answer: pure rules over the list of badges."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from hubwell_wire.commands import Roster
from hubwell_wire.enumerations import Language, Verdict

DEFAULT_TEXTS: Final[dict[Verdict, str]] = {
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
"""Texts for a device that has no list of badges yet, and so no person's language."""
DEFAULT_CROWDED: Final = "You are in. This space is full."


def purpose_of(reader: str, roster: Roster | None) -> str:
    """Return the purpose of a reader: `space`, `desk` or `kiosk`."""
    entry = roster.readers.get(reader) if roster is not None else None
    return entry.purpose if entry is not None else "space"


def is_full(roster: Roster | None, people: int) -> bool:
    """Return whether the device's space has no room for another person, with `people` in by its own doors.

    People who came in by other doors are unknown here, as are people who have moved on to another space while
    the server could not be reached.
    """
    return roster is not None and roster.space is not None and people >= roster.space.capacity


def local_verdict(
    badges: Sequence[str], purpose: str, roster: Roster | None, *, inside: bool, full: bool
) -> Verdict:
    """Return the verdict on a tap as far as this device can decide it.

    `inside` is whether the person came in at this device before, `full` whether there is no room for another.
    Without a list, and for a card that only the server can identify, the verdict is `noted`. At a kiosk it is
    `code`, whose text on the device says that no code can be shown now.
    """
    # Desks and kiosks need the server; a lost badge is refused before presence decides on in or out.
    if purpose != "space":
        return "desk" if purpose == "desk" else "code"
    if roster is None or not badges:
        return "noted"
    listed = next((roster.badges[badge] for badge in badges if badge in roster.badges), None)
    if listed is None and roster.unknown == "refuse":
        return "unknown"
    if listed is not None and listed.revoked:
        return "revoked"
    if inside:
        return "out"
    return "full" if full and _refuses_when_full(roster) else "in"


def language_of(badges: Sequence[str], roster: Roster | None) -> Language:
    """Return the language that the person chose, or the hub's default language."""
    if roster is None:
        return "en"
    chosen = (roster.badges[badge].lang for badge in badges if badge in roster.badges)
    return next((language for language in chosen if language is not None), roster.lang)


def evacuation_text(badges: Sequence[str], roster: Roster | None, now: datetime) -> str | None:
    """Return what everybody has to do now, in the person's language; None without an evacuation or drill."""
    evacuation = roster.evacuation if roster is not None else None
    if roster is None or evacuation is None or now >= evacuation.until:
        return None
    for language in (language_of(badges, roster), roster.lang, "en"):
        if text := evacuation.texts.get(language):
            return text
    return None


def text_for(verdict: Verdict, badges: Sequence[str], roster: Roster | None, *, crowded: bool = False) -> str:
    """Return the text for a verdict, in the person's language if the list has it.

    `crowded` selects the text for a person who is let in although the space is full.
    """
    if roster is not None:
        for language in (language_of(badges, roster), roster.lang, "en"):
            text = roster.crowded.get(language) if crowded else roster.texts.get(language, {}).get(verdict)
            if text:
                return text
    return DEFAULT_CROWDED if crowded else DEFAULT_TEXTS[verdict]


def _refuses_when_full(roster: Roster) -> bool:
    return roster.space is not None and roster.space.when_full == "refuse"


def inside_after(verdict: Verdict) -> bool | None:
    """Return whether the person is inside after this verdict; None where the verdict does not decide it."""
    if verdict in {"in", "moved"}:
        return True
    return False if verdict in {"out", "full", "unknown", "revoked"} else None
