"""Find a space for a need: pure functions of what the board shows, so the answer can be checked by eye.

Unknown is never offered: not as free, not as quiet, not as fresh. How much room a used space has left is
worked out from the number that is shown, never from the hidden one; where none is shown, none is promised.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from hubwell.api.schemas import SpaceNow
from hubwell.spaces.rules import clock as local_time
from hubwell.vocabulary import QUIET_BELOW_DB, SpaceFeature, SpaceKind
from hubwell.web.kit.formatting import Formatter
from hubwell.web.kit.spaces import feature_names

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
    access: frozenset[SpaceFeature] = frozenset()

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
        and need.access.issubset(space.features)
        and (not need.quiet or is_quiet(space))
        and (not need.fresh or space.air == "fresh")
    )


def is_quiet(space: SpaceNow) -> bool:
    """Return whether it is known to be quiet."""
    return space.noise_db is not None and space.noise_db < QUIET_BELOW_DB


def is_silent(space: SpaceNow) -> bool:
    """Return whether it has sensors that give no value now: those of people, else those of air."""
    reason = space.air_reason if space.presence_reason == "no-sensor" else space.presence_reason
    return reason in {"silent", "in-doubt"}


def room_left(space: SpaceNow) -> int:
    """Return for how many people there is room at least, judged by the shown state alone."""
    if space.state == "unknown" or is_silent(space) or not space.open:
        return 0
    if space.state == "free":
        return space.capacity
    if space.people is not None:
        return max(0, space.capacity - space.people - _MORE_THAN_SHOWN)
    return 0


def find(spaces: Sequence[SpaceNow], need: Need, words: Formatter) -> Answer:
    """Choose: free, then probably free, then shared; no alert, fresh air, the smallest that fits."""
    open_to = [space for space in spaces if fits(space, need) and room_left(space) >= need.people]
    ranked = sorted(open_to, key=_rank)
    chosen = [Suggestion(space, reasons(space, need, words)) for space in ranked[: 1 + _ALTERNATIVES]]
    return Answer(chosen[0] if chosen else None, chosen[1:])


def _rank(space: SpaceNow) -> tuple[bool, bool, bool, int, int, str]:
    air = {"fresh": 0, "stuffy": 1, "unknown": 2, "bad": 3}[space.air]
    is_used = space.state != "free"
    return (is_used, space.check_outs_missing, bool(space.alerts), air, space.capacity, space.name)


def reasons(space: SpaceNow, need: Need, words: Formatter) -> list[str]:
    """Return the reasons for this space, one sentence each."""
    _ = words.translations.gettext
    sentences = [_state(space, words)]
    if space.noise_db is not None and (need.quiet or is_quiet(space)):
        sentences.append(_("It is quiet there: {level}.").format(level=words.decibel(space.noise_db)))
    if space.co2_ppm is not None:
        sentences.append(_air(space, words, space.co2_ppm))
    elif reason := words.air_reason(space):
        sentences.append(_("The air is not known. {reason}").format(reason=reason))
    if need.access and not space.personal:
        names = feature_names(words.translations)
        has = ", ".join(names[feature] for feature in SpaceFeature if feature in need.access)
        sentences.append(_("As you asked: {attributes}.").format(attributes=has))
    if space.closes_at is not None:
        sentences.append(_("It closes at {time}.").format(time=local_time(space.closes_at)))
    if need.people > 1:
        sentences.append(words.capacity(space) + ".")
    return sentences


def _state(space: SpaceNow, words: Formatter) -> str:
    _ = words.translations.gettext
    if space.check_outs_missing:
        return _("It is probably free: no person is detected there.")
    return _("It is free.") if space.state == "free" else _("It is in use, with room left.")


def _air(space: SpaceNow, words: Formatter, ppm: float) -> str:
    _ = words.translations.gettext
    if space.air == "fresh":
        return _("The air is fresh: {co2}.").format(co2=words.co2(ppm))
    return _("The air is stuffy: {co2}. Open a window first.").format(co2=words.co2(ppm))
