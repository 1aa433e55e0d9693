"""The day's CO2 of a space in a row of the board: a line with the rule's limit, as few bytes as it takes.

A step of the line is half an hour, its height the mean of that time. Half an hour without readings is a gap.
The drawing's text alternative is the finding of the large plot, which is on the page of the space.
"""

from collections import defaultdict
from dataclasses import dataclass
from typing import Final

from hubwell.vocabulary import CO2_FRESH_BELOW_PPM
from hubwell.web.board.co2_plot import DAY, Day, bounds, finding
from hubwell.web.kit.formatting import Formatter

STEPS: Final = 48
WIDTH: Final = 2 * STEPS
HEIGHT: Final = 28
_STEP: Final = DAY / STEPS
_LOWEST_PPM: Final = 400.0
_LEAST_TOP_PPM: Final = 1400.0
_MARGIN: Final = 1


@dataclass(frozen=True, slots=True)
class Sparkline:
    """What the template draws; `doubts` are left edges of half hours whose readings are all in doubt."""

    finding: str
    line: str
    limit: int
    doubts: list[int]


def spark(day: Day, words: Formatter, *, in_doubt: bool = False) -> Sparkline:
    """Draw a day of closed steps of five minutes in steps of half an hour."""
    start, end = bounds(words.now)
    values: dict[int, list[float]] = defaultdict(list)
    for step in day.steps:
        if start <= step.start < end:
            values[(step.start - start) // _STEP].append(step.mean)
    doubtful = {(moment - start) // _STEP for moment in day.doubtful if start <= moment < end}
    means = {place: sum(of_step) / len(of_step) for place, of_step in values.items()}
    top = max([_LEAST_TOP_PPM, *means.values()])
    return Sparkline(
        finding=finding(day, words, in_doubt=in_doubt),
        line=_path({place: _height(mean, top) for place, mean in means.items()}),
        limit=_height(CO2_FRESH_BELOW_PPM, top),
        doubts=[2 * place for place in sorted(doubtful - means.keys())],
    )


def _height(ppm: float, top: float) -> int:
    share = (max(ppm, _LOWEST_PPM) - _LOWEST_PPM) / (top - _LOWEST_PPM)
    return round(HEIGHT - _MARGIN - share * (HEIGHT - 2 * _MARGIN))


def _path(heights: dict[int, int]) -> str:
    """Return the path of all runs: absolute where a run begins, then relative, because those bytes repeat."""
    parts: list[str] = []
    for place, height in sorted(heights.items()):
        before = heights.get(place - 1)
        if before is None:
            parts.append(f"M{2 * place + 1} {height}{'l' if place + 1 in heights else 'h0'}")
        else:
            move = height - before
            parts.append(f" 2{move}" if move < 0 else f" 2 {move}")
    return "".join(parts).replace("l ", "l")
