"""What happened to a virtual card's tap, one sentence for each step."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from hubwell.outbound.simulated_hub import Held
from hubwell.presence.actions import TapVisit
from hubwell.spaces.demo import Door
from hubwell.web.kit.formatting import Formatter

CARD_NAMES: Final = ("A", "B", "C")


@dataclass(frozen=True, slots=True)
class Result:
    """The answer as the reader shows it, and the steps of its way."""

    answer: str
    language: str
    good: bool
    steps: list[tuple[str, str]]
    """What the step is, and what happened."""


def steps(
    words: Formatter,
    *,
    card: int,
    door: Door,
    held: Held,
    visit: TapVisit | None,
    count: int,
    names: Mapping[str, str],
) -> Result:
    """Put the tap's way into words."""
    _ = words.translations.gettext
    name = CARD_NAMES[card - 1]
    tap = _("The reader at {door} read card {card} and sent its pseudonym; the card's number stays there.")
    lines = [
        (_("Tap"), tap.format(door=door.name, card=name)),
        (_("Answer"), _answer(words, held)),
        (_("Visit"), _visit(words, visit, names)),
        (_("Count"), _count(words, door, count)),
    ]
    good = held.verdict in {"in", "out", "moved"}
    text = held.text or _("No answer has come yet.")
    return Result(text, held.lang or words.language, good, lines)


def _answer(words: Formatter, held: Held) -> str:
    _ = words.translations.gettext
    if held.verdict is None:
        return _("The hub has not answered within five seconds. The tap waits in the device and is not lost.")
    sentence = _("The hub stored the tap and answered it after {seconds} seconds.")
    return sentence.format(seconds=words.number(held.ms / 1000, ".2f"))


def _visit(words: Formatter, visit: TapVisit | None, names: Mapping[str, str]) -> str:
    _ = words.translations.gettext
    if visit is None:
        return _("No visit came of it: a tap counts once, and only where the hub knows or counts the badge.")
    space, start = names.get(visit.space_id, visit.space_id), words.second(visit.start)
    if visit.end is None:
        return _("A visit of {space} began at {time}.").format(space=space, time=start)
    sentence = _("The visit of {space} that began at {start} ended at {end}.")
    return sentence.format(space=space, start=start, end=words.second(visit.end))


def _count(words: Formatter, door: Door, count: int) -> str:
    _, ngettext = words.translations.gettext, words.translations.ngettext
    now = ngettext(
        "{n} simulated person is in {space} now.", "{n} simulated people are in {space} now.", count
    ).format(n=count, space=door.name)
    why = _("This page shows the number at once, because nobody is real; the board does not.")
    return f"{now} {why}"
