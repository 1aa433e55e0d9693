"""The past of a space in words: a finding for each plot, rows of its table, and what would make it better."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from hubwell.api.schemas import SpaceNow
from hubwell.history.read_model import SpaceHistory
from hubwell.history.rules import HOUR, STEPS_OF_HOUR, Stretch, Tally, UseHour
from hubwell.vocabulary import CO2, CO2_FRESH_BELOW_PPM
from hubwell.web.history.plot import Drawing, Frame, draw
from hubwell.web.kit.formatting import Formatter

_NEARLY_ALL: Final = 0.95
_LEVELS: Final = 5
"""Tints of the table of use."""


@dataclass(frozen=True, slots=True)
class Row:
    """A row of a plot's table; `values` is None without readings."""

    start: datetime
    time: str
    values: tuple[str, str, str] | None
    doubtful: bool = False


@dataclass(frozen=True, slots=True)
class Figure:
    """A quantity: its name, finding, drawing and table."""

    key: str
    title: str
    unit: str
    finding: str
    drawing: Drawing | None
    rows: list[Row]


def figures(history: SpaceHistory, words: Formatter) -> list[Figure]:
    """Return one figure for each quantity that the space has."""
    return [_figure(name, stretches, history, words) for name, stretches in history.quantities.items()]


def _figure(name: str, stretches: Sequence[Stretch], history: SpaceHistory, words: Formatter) -> Figure:
    frame = Frame(history.start, history.end, history.width)
    limit = CO2_FRESH_BELOW_PPM if name == CO2 else None
    return Figure(
        name,
        words.quantity(name) or name,
        {CO2: "ppm", "noise": "dB", "temp": "°C", "rh": "%", "light": "lx"}[name],
        " ".join(_finding(name, stretches, history, words)),
        draw(stretches, frame, words, limit) if stretches else None,
        list(_rows(name, stretches, history, words)),
    )


def value(name: str, number: float, words: Formatter) -> str:
    """Return a value as exact as its sensor is."""
    _ = words.translations.gettext
    if name == CO2:
        return words.co2(number)
    match name:
        case "temp":
            return words.temperature(number)
        case "rh":
            return words.humidity(number)
        case "noise":
            return words.decibel(number)
    return _("{n} lx").format(n=words.number(number))


def _finding(
    name: str, stretches: Sequence[Stretch], history: SpaceHistory, words: Formatter
) -> Iterator[str]:
    _, ngettext = words.translations.gettext, words.translations.ngettext
    good = [item for item in stretches if not item.doubtful]
    if not good:
        yield _("No good readings in this time.") if stretches else _("No readings in this time.")
        return
    low, high = min(good, key=lambda item: item.low), max(good, key=lambda item: item.high)
    mean = sum(item.mean * item.n for item in good) / sum(item.n for item in good)
    yield _("On average {mean}. Lowest: {low} ({low_time}). Highest: {high} ({high_time}).").format(
        mean=value(name, mean, words),
        low=value(name, low.low, words),
        low_time=words.clock(low.start),
        high=value(name, high.high, words),
        high_time=words.clock(high.start),
    )
    if name == CO2:
        yield _over_limit(history.over_limit, words)
    covered = len(good) * history.width
    if covered < (history.end - history.start) * _NEARLY_ALL:
        hours = max(round(covered / HOUR), 1)
        yield ngettext(
            "There are readings for about {n} hour of that.",
            "There are readings for about {n} hours of that.",
            hours,
        ).format(n=hours)
    doubt = round(sum(item.doubtful for item in stretches) * history.width / HOUR)
    if doubt:
        yield ngettext(
            "The sensor was in doubt for about {n} hour; those readings are left out.",
            "The sensor was in doubt for about {n} hours; those readings are left out.",
            doubt,
        ).format(n=doubt)


def _over_limit(over: timedelta, words: Formatter) -> str:
    _, ngettext = words.translations.gettext, words.translations.ngettext
    limit = words.co2(CO2_FRESH_BELOW_PPM)
    if not over:
        return _("Averages of five minutes stayed below {limit}.").format(limit=limit)
    if over < 2 * HOUR:
        minutes = round(over / timedelta(minutes=1))
        return ngettext(
            "Averages of five minutes were {limit} or more for about {n} minute.",
            "Averages of five minutes were {limit} or more for about {n} minutes.",
            minutes,
        ).format(n=minutes, limit=limit)
    hours = round(over / HOUR)
    return ngettext(
        "Averages of five minutes were {limit} or more for about {n} hour.",
        "Averages of five minutes were {limit} or more for about {n} hours.",
        hours,
    ).format(n=hours, limit=limit)


def _rows(name: str, stretches: Sequence[Stretch], history: SpaceHistory, words: Formatter) -> Iterator[Row]:
    """Yield the hours of a day, or the days of a longer time, with what is missing."""
    by_day = history.end - history.start > timedelta(days=1)
    groups: dict[datetime, list[Stretch]] = {}
    for item in stretches:
        local = item.start.astimezone(words.zone).replace(minute=0, second=0, microsecond=0)
        groups.setdefault(local.replace(hour=0) if by_day else local, []).append(item)
    for start, items in groups.items():
        good = [item for item in items if not item.doubtful]
        time = words.day(start) if by_day else words.time(start)
        if not good:
            yield Row(start, time, None, doubtful=True)
            continue
        mean = sum(item.mean * item.n for item in good) / sum(item.n for item in good)
        shown = (mean, min(item.low for item in good), max(item.high for item in good))
        low, middle, high = (value(name, number, words) for number in (shown[1], shown[0], shown[2]))
        yield Row(start, time, (middle, low, high))


@dataclass(frozen=True, slots=True)
class UseFigure:
    """Use as a sentence, a strip of the time, and a table by hour and day of the week."""

    finding: str
    strips: list[tuple[str, int, int]]
    """State, left edge and width of each stretch."""
    days: list[str]
    hours: list[tuple[str, list[tuple[str, int] | None]]]
    """Time, and of each day the share in percent with its tint; None where nothing is known."""


def use_figure(history: SpaceHistory, words: Formatter) -> UseFigure | None:
    """Return the use of a space; None where no sensor of people ever was."""
    if not history.has_people_sensor:
        return None
    tally = Tally()
    by_hour: dict[tuple[int, int], Tally] = {}
    hours = {hour.start: hour for hour in history.use}
    moment = history.start.replace(minute=0, second=0, microsecond=0)
    while moment < history.end:
        steps = min(moment + HOUR, history.end) - max(moment, history.start)
        hour = hours.get(moment, UseHour(moment, 0, 0))
        of = round(steps / HOUR * STEPS_OF_HOUR)
        tally.add(hour.known, hour.used, of)
        local = moment.astimezone(words.zone)
        by_hour.setdefault((local.hour, local.isoweekday()), Tally()).add(hour.known, hour.used, of)
        moment += HOUR
    days = sorted({day for _, day in by_hour})
    return UseFigure(
        _use_sentence(tally, words),
        list(_strips(history)),
        [words.weekday(day) for day in days],
        [
            (f"{hour:02}:00", [_cell(by_hour.get((hour, day))) for day in days])
            for hour in sorted({hour for hour, _ in by_hour})
        ],
    )


def hours_of(steps: int) -> str:
    """Return steps of five minutes as hours, with a half where it is less than ten."""
    hours = steps / STEPS_OF_HOUR
    return f"{hours:.0f}"


def _use_sentence(tally: Tally, words: Formatter) -> str:
    _ = words.translations.gettext
    if tally.share is None:
        return _("It is not known how much this space was used in this time.")
    sentence = _("In use for about {used} h, free for {free} h, not known for {unknown} h.")
    return sentence.format(
        used=hours_of(tally.used), free=hours_of(tally.free), unknown=hours_of(tally.unknown)
    )


def _cell(tally: Tally | None) -> tuple[str, int] | None:
    if tally is None or tally.share is None:
        return None
    return f"{tally.share * 100:.0f}", min(int(tally.share * _LEVELS + 0.999), _LEVELS)


def _strips(history: SpaceHistory) -> Iterator[tuple[str, int, int]]:
    """Yield stretches of one state; of longer times those of at least a quarter of an hour in use."""
    frame = Frame(history.start, history.end, history.width)
    state, begin = "unknown", history.start
    for hour in history.use:
        for step in range(STEPS_OF_HOUR):
            moment = hour.start + step * HOUR / STEPS_OF_HOUR
            bit = 1 << step
            now = "used" if hour.used & bit else "free" if hour.known & bit else "unknown"
            if now != state:
                if state != "unknown" and frame.x(moment) > frame.x(begin):
                    yield state, frame.x(begin), frame.x(moment) - frame.x(begin)
                state, begin = now, moment
    if state != "unknown":
        yield state, frame.x(begin), frame.x(history.end) - frame.x(begin)


def better(space: SpaceNow, history: SpaceHistory, words: Formatter) -> list[str]:
    """Return what would make the estimates of this space better, one sentence each."""
    _ = words.translations.gettext
    advice = {
        ("presence", "no-sensor"): _(
            "Nothing here detects people. A motion or presence sensor would show whether the space is free."
        ),
        ("presence", "silent"): _("The sensor that detects people is silent: check its power and network."),
        ("presence", "in-doubt"): _("The sensor that detects people is in doubt: check its cable and power."),
        ("air", "no-sensor"): _("There is no CO₂ sensor. One would show when to open a window."),
        ("air", "silent"): _("The CO₂ sensor is silent: check its power and network."),
        ("air", "in-doubt"): _("The CO₂ sensor is in doubt: check its cable and power."),
    }
    sentences = [
        advice[key]
        for key in (("presence", space.presence_reason), ("air", space.air_reason))
        if key in advice
    ]
    if space.air_unjudged == "too-seldom":
        sentences.append(_("CO₂ is measured too seldom for an alert: every minute would be enough."))
    if space.check_outs_missing:
        sentences.append(_("People leave without checking out. A reader at the exit makes it easier."))
    if space.state == "used" and space.people is None:
        sentences.append(
            _("A number of people is shown from five on who check in with a badge, so that it is nobody's.")
        )
    co2 = history.quantities.get(CO2)
    if co2 and sum(not item.doubtful for item in co2) * history.width < (
        (history.end - history.start) * _NEARLY_ALL
    ):
        sentences.append(
            _("Readings are missing in this time: the page of devices shows which one is silent.")
        )
    return sentences or [_("Every sensor here is heard, and nothing is missing.")]
