"""Make the board from what is known: cards in groups, a sentence that sums it up, the answer to a need."""

from collections.abc import Sequence
from dataclasses import dataclass
from operator import attrgetter

from hubwell.api.schemas import SpaceNow
from hubwell.vocabulary import SpaceFeature, SpaceKind
from hubwell.web.board.space_finder import Answer, Need, find, fits
from hubwell.web.kit.formatting import AlertWords, Formatter, alert_words, needs_airing
from hubwell.web.kit.spaces import feature_names, is_closed, shape


@dataclass(frozen=True, slots=True)
class Card:
    """A space in words; `fits` is whether it suits what was asked for."""

    space: SpaceNow
    fits: bool
    shape: str
    """`free`, `used`, `unknown`, `closed`, or `leave` in an evacuation."""
    state: str
    people: str
    brief: str
    """The same in a few words, for narrow screens; empty where the state says it all."""
    rank: int
    """Place in its group: free spaces first, then those that are probably free, used, not known, closed."""
    air: str
    air_reason: str | None
    """Why the air is not known, or cannot be judged by the rule; None where it is."""
    air_advice: str | None
    co2: str | None
    temperature: str | None
    noise: str | None
    decibel: str | None
    capacity: str
    capacity_brief: str
    humidity: str | None
    heard: str
    stale: bool
    notes: list[str]
    """What does not go without saying: why the air is not known or not judged, a sensor that is silent."""
    alerts: list[AlertWords]
    spoken: str
    booked: Sequence[str] = ()
    """What is booked now and next, on the panel and the page of the space."""


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
    silent: str | None = None
    """How many sensors are silent; None where all are heard."""


@dataclass(frozen=True, slots=True)
class Board:
    """The whole page; `access` are the attributes of its spaces, to choose from."""

    evacuating: bool
    summary: Summary
    places: dict[str, int]
    """Each space's place in the order of kinds and names, which orders those of one rank."""
    groups: list[Group]
    need: Need
    access: list[tuple[SpaceFeature, str]]
    answer: Answer | None
    matching: str | None

    @property
    def cards(self) -> list[Card]:
        """The cards of all groups."""
        return [card for group in self.groups for card in group.cards]


def card(space: SpaceNow, need: Need, words: Formatter, *, evacuating: bool = False) -> Card:
    """Put a space into words; while `evacuating` it is neither free nor in use, but to be left."""
    _ = words.translations.gettext
    space = space.named(words.language)
    noise, temperature, co2 = space.noise_db, space.temperature_c, space.co2_ppm
    stale = words.is_stale(space.last_heard)
    last_heard = words.heard(space.last_heard)
    reason = words.air_reason(space) or words.air_unjudged(space)
    return Card(
        space=space,
        fits=fits(space, need),
        shape="leave" if evacuating else shape(space),
        state=_("Leave this space") if evacuating else words.state(space),
        people="" if evacuating else words.people(space),
        brief="" if evacuating else brief(space, words),
        rank=0 if evacuating else _rank(space),
        air=words.air(space),
        air_reason=reason,
        air_advice=None if space.alerts else words.air_advice(space),
        co2=None if co2 is None else words.co2(co2),
        temperature=None if temperature is None else words.temperature(temperature),
        noise=None if noise is None else words.noise(noise),
        decibel=None if noise is None else words.decibel(noise),
        capacity=words.capacity(space),
        capacity_brief=words.translations.ngettext("for {n}", "for {n}", space.capacity).format(
            n=space.capacity
        ),
        humidity=None if space.humidity_percent is None else words.humidity(space.humidity_percent),
        heard=last_heard,
        stale=stale,
        notes=_notes(space, reason, last_heard if stale else None),
        alerts=[alert_words(words, alert, space) for alert in space.alerts],
        spoken="" if evacuating else words.spoken(space),
    )


def brief(space: SpaceNow, words: Formatter) -> str:
    """Return how full a space is, or why that is unknown, in as few words as it takes."""
    _ = words.translations.gettext
    if space.personal or space.state == "unknown" or is_closed(space):
        return words.people(space)
    full = {"third": _("About a third full"), "half": _("About half full")}
    full |= {"most": _("Nearly full"), "full": _("Full")}
    return full.get(space.fullness or "", "") if space.state == "used" else ""


def _rank(space: SpaceNow) -> int:
    if is_closed(space):
        return 4
    if space.state == "free":
        return int(space.check_outs_missing)
    return 2 if space.state == "used" else 3


def _notes(space: SpaceNow, reason: str | None, stale: str | None) -> list[str]:
    """Return reason and age; where nobody ever heard a space, its state says so already."""
    if space.personal or space.last_heard is None:
        return []
    return [note for note in (reason, stale) if note]


def summary(spaces: Sequence[SpaceNow], words: Formatter, *, evacuating: bool = False) -> Summary:
    """Sum the spaces up; while `evacuating` none is offered."""
    _, ngettext = words.translations.gettext, words.translations.ngettext
    if evacuating:
        return Summary(_("No space is offered now"), [], [])
    if not spaces:
        return Summary(_("No spaces yet"), [], [])
    spaces = [space.named(words.language) for space in spaces if not space.personal]
    closed = sum(is_closed(space) for space in spaces)
    free = sum(shape(space) == "free" for space in spaces)
    unknown = sum(shape(space) == "unknown" for space in spaces)
    if closed == len(spaces):
        headline = _("Every space is closed now")
    elif free:
        headline = ngettext("{n} of {all} spaces is free", "{n} of {all} spaces are free", free)
    elif unknown == len(spaces) - closed:
        headline = _("It is not known which spaces are free")
    else:
        headline = _("No space is free right now")
    notes = []
    if 0 < unknown < len(spaces) - closed:
        sentence = ngettext(
            "It is not known whether {n} space is free.",
            "It is not known whether {n} other spaces are free.",
            unknown,
        )
        notes.append(sentence.format(n=unknown))
    airing = [space for space in spaces if needs_airing(space)]
    return Summary(headline.format(n=free, all=len(spaces)), notes, airing, _silent(spaces, words))


def _silent(spaces: Sequence[SpaceNow], words: Formatter) -> str | None:
    count = sum(space.silent_sensors for space in spaces)
    if not count:
        return None
    sentence = words.translations.ngettext("{n} sensor is silent", "{n} sensors are silent", count)
    return sentence.format(n=count)


def board(
    spaces: Sequence[SpaceNow], need: Need, words: Formatter, *, asked: bool, evacuating: bool = False
) -> Board:
    """Make the page for a need; `asked` is whether the form was sent. `evacuating`: offer nothing."""
    if evacuating:
        need, asked = Need(), False
    _, ngettext = words.translations.gettext, words.translations.ngettext
    titles: dict[SpaceKind, str] = {
        SpaceKind.WORKSHOP: _("Workshops"),
        SpaceKind.COLLABORATION: _("Collaboration"),
        SpaceKind.RELAXATION: _("Relaxation"),
    }
    spaces = [space.named(words.language) for space in spaces]
    cards = [card(space, need, words, evacuating=evacuating) for space in spaces]
    places = {item.space.id: place for place, item in enumerate(cards)}
    groups = [
        Group(
            kind, title, sorted((item for item in cards if item.space.kind == kind), key=attrgetter("rank"))
        )
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
        evacuating=evacuating,
        summary=summary(spaces, words, evacuating=evacuating),
        places=places,
        groups=[group for group in groups if group.cards],
        need=need,
        access=_access(spaces, words),
        answer=find(spaces, need, words) if asked else None,
        matching=matching,
    )


def _access(spaces: Sequence[SpaceNow], words: Formatter) -> list[tuple[SpaceFeature, str]]:
    """Return the access attributes that a space of this hub has, with their names."""
    names = feature_names(words.translations)
    there = {feature for space in spaces if not space.personal for feature in space.features}
    return [(feature, name) for feature, name in names.items() if feature in there]
