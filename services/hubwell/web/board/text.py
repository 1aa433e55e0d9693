"""Make the board from what is known: cards in groups, a sentence that sums it up, the answer to a need."""

from collections.abc import Sequence
from dataclasses import dataclass

from hubwell.api.schemas import SpaceNow
from hubwell.vocabulary import SpaceKind
from hubwell.web.board.space_finder import Answer, Need, find, fits
from hubwell.web.kit.formatting import AlertWords, Formatter, alert_words


@dataclass(frozen=True, slots=True)
class Card:
    """A space in words; `fits` is whether it suits what was asked for."""

    space: SpaceNow
    fits: bool
    state: str
    people: str
    air: str
    air_advice: str | None
    co2: str | None
    temperature: str | None
    noise: str | None
    decibel: str | None
    capacity: str
    heard: str
    stale: bool
    alerts: list[AlertWords]
    spoken: str


@dataclass(frozen=True, slots=True)
class Group:
    """The cards of one kind of space."""

    kind: SpaceKind
    title: str
    cards: list[Card]


@dataclass(frozen=True, slots=True)
class Summary:
    """The board in a sentence or two, and where the air needs changing."""

    headline: str
    notes: list[str]
    alerts: list[SpaceNow]


@dataclass(frozen=True, slots=True)
class Board:
    """The whole page."""

    summary: Summary
    groups: list[Group]
    need: Need
    answer: Answer | None
    matching: str | None


def card(space: SpaceNow, need: Need, words: Formatter) -> Card:
    """Put a space into words."""
    noise, temperature, co2 = space.noise_db, space.temperature_c, space.co2_ppm
    return Card(
        space=space,
        fits=fits(space, need),
        state=words.state(space),
        people=words.people(space),
        air=words.air(space),
        air_advice=None if space.alerts else words.air_advice(space),
        co2=None if co2 is None else words.co2(co2),
        temperature=None if temperature is None else words.temperature(temperature),
        noise=None if noise is None else words.noise(noise),
        decibel=None if noise is None else words.decibel(noise),
        capacity=words.capacity(space),
        heard=words.heard(space.last_heard),
        stale=words.is_stale(space.last_heard),
        alerts=[alert_words(words, alert) for alert in space.alerts],
        spoken=words.spoken(space),
    )


def summary(spaces: Sequence[SpaceNow], words: Formatter) -> Summary:
    """Sum the spaces up."""
    _, ngettext = words.translations.gettext, words.translations.ngettext
    if not spaces:
        return Summary(_("No spaces yet"), [], [])
    spaces = [space for space in spaces if not space.personal]
    free = sum(space.state == "free" for space in spaces)
    unknown = sum(space.state == "unknown" for space in spaces)
    if free:
        headline = ngettext("{n} of {all} spaces is free", "{n} of {all} spaces are free", free)
    elif unknown == len(spaces):
        headline = _("It is not known which spaces are free")
    else:
        headline = _("No space is free right now")
    notes = []
    if 0 < unknown < len(spaces):
        sentence = ngettext(
            "It is not known whether {n} space is free.",
            "It is not known whether {n} other spaces are free.",
            unknown,
        )
        notes.append(sentence.format(n=unknown))
    return Summary(
        headline.format(n=free, all=len(spaces)), notes, [space for space in spaces if space.alerts]
    )


def board(spaces: Sequence[SpaceNow], need: Need, words: Formatter, *, asked: bool) -> Board:
    """Make the page for a need; `asked` is whether the form was sent."""
    _, ngettext = words.translations.gettext, words.translations.ngettext
    titles: dict[SpaceKind, str] = {
        SpaceKind.WORKSHOP: _("Workshops"),
        SpaceKind.COLLABORATION: _("Collaboration"),
        SpaceKind.RELAXATION: _("Relaxation"),
    }
    cards = [card(space, need, words) for space in spaces]
    groups = [
        Group(kind, title, [item for item in cards if item.space.kind == kind])
        for kind, title in titles.items()
    ]
    matching = None
    if need.asks:
        count = sum(item.fits for item in cards)
        sentence = ngettext(
            "{n} of {all} spaces matches your request, free or in use.",
            "{n} of {all} spaces match your request, free or in use.",
            count,
        )
        matching = sentence.format(n=count, all=len(cards))
    return Board(
        summary=summary(spaces, words),
        groups=[group for group in groups if group.cards],
        need=need,
        answer=find(spaces, need, words) if asked else None,
        matching=matching,
    )
