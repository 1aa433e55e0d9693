"""Find a space for a need: pure functions of what the board shows, so the answer can be checked by eye.

Unknown is never offered: not as free, not as quiet, not as fresh. How much room a used space has left is
worked out from the number that is shown, never from the hidden one; where none is shown, none is promised.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from hubwell.api.schemas import SpaceNow
from hubwell.vocabulary import QUIET_BELOW_DB, SpaceKind
from hubwell.web.kit.formatting import Formatter

_ALTERNATIVES: Final = 2
_MORE_THAN_SHOWN: Final = 8
"""A shown number is rounded down (by four at most), and moves only for five: so many more may be there."""


@dataclass(frozen=True, slots=True)
class Need:
    """What the form asks for; by default any space for one person."""

    people: int = 1
    quiet: bool = False
    fresh: bool = False
    kind: SpaceKind | None = None

    @property
    def asks(self) -> bool:
        """Whether anything was asked for."""
        return self != Need()


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A space and why, in whole sentences."""

    space: SpaceNow
    reasons: list[str]


@dataclass(frozen=True, slots=True)
class Answer:
    """One suggestion and at most two alternatives; or none, which is an answer too."""

    best: Suggestion | None
    alternatives: list[Suggestion]


def fits(space: SpaceNow, need: Need) -> bool:
    """Return whether a space suits the need by its known values, free or not."""
    return (
        space.capacity >= need.people
        and (need.kind is None or space.kind == need.kind)
        and (not need.quiet or is_quiet(space))
        and (not need.fresh or space.air == "fresh")
    )


def is_quiet(space: SpaceNow) -> bool:
    """Return whether it is known to be quiet."""
    return space.noise_db is not None and space.noise_db < QUIET_BELOW_DB


def room_left(space: SpaceNow) -> int:
    """Return for how many people there is room at least, judged by the shown state alone."""
    if space.state == "free":
        return space.capacity
    if space.state == "unknown":
        return 0
    if space.people is not None:
        return max(0, space.capacity - space.people - _MORE_THAN_SHOWN)
    return 0


def find(spaces: Sequence[SpaceNow], need: Need, words: Formatter) -> Answer:
    """Choose: free before shared, no alert before alert, fresh before stuffy, then the smallest that fits."""
    open_to = [space for space in spaces if fits(space, need) and room_left(space) >= need.people]
    ranked = sorted(open_to, key=_rank)
    chosen = [Suggestion(space, reasons(space, need, words)) for space in ranked[: 1 + _ALTERNATIVES]]
    return Answer(chosen[0] if chosen else None, chosen[1:])


def _rank(space: SpaceNow) -> tuple[bool, bool, int, int, str]:
    air = {"fresh": 0, "stuffy": 1, "unknown": 2, "bad": 3}[space.air]
    return (space.state != "free", bool(space.alerts), air, space.capacity, space.name)


def reasons(space: SpaceNow, need: Need, words: Formatter) -> list[str]:
    """Return the reasons for this space, one sentence each."""
    _ = words.translations.gettext
    sentences = [_("It is free.") if space.state == "free" else _("It is in use, with room left.")]
    if space.noise_db is not None and (need.quiet or is_quiet(space)):
        sentences.append(_("It is quiet there: {level}.").format(level=words.decibel(space.noise_db)))
    if space.co2_ppm is not None:
        sentences.append(_air(space, words, space.co2_ppm))
    if need.people > 1:
        sentences.append(words.capacity(space) + ".")
    return sentences


def _air(space: SpaceNow, words: Formatter, ppm: float) -> str:
    _ = words.translations.gettext
    if space.air == "fresh":
        return _("The air is fresh: {co2}.").format(co2=words.co2(ppm))
    return _("The air is stuffy: {co2}. Open a window first.").format(co2=words.co2(ppm))
