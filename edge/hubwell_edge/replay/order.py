"""The hour that occurs twice at the end of daylight saving: the order of the rows shows which one is meant.

Rows of one series follow each other in time. Where the local times of such an hour step back once (or step
forward, in a file that begins with the newest row), the hour begins again there. Without such a step, or with
several, nothing in the file shows which hour is meant.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Final

from hubwell_edge.replay.times import Moment

_ONE_CHANGE: Final = timedelta(hours=12)
"""Local times further apart belong to two changes of the clocks."""


@dataclass(frozen=True, slots=True)
class AmbiguousRow:
    """A row whose local time occurs twice."""

    number: int
    line: int
    local: datetime


@dataclass(slots=True)
class _Sequence:
    """The rows of one series: runs of ambiguous ones, and in which direction the other times go."""

    runs: list[list[AmbiguousRow]] = field(default_factory=list)
    open: bool = False
    forward: int = 0
    last: datetime | None = None


class RowOrder:
    """Collects the ambiguous rows of a file, then resolves them."""

    def __init__(self) -> None:
        self._sequences: dict[str, _Sequence] = {}

    def add(self, key: str, number: int, line: int, moment: Moment) -> None:
        """Add a row of the series `key`; rows come in the order of the file."""
        sequence = self._sequences.setdefault(key, _Sequence())
        if not moment.is_ambiguous:
            if sequence.last is not None and sequence.last != moment.early:
                sequence.forward += 1 if moment.early > sequence.last else -1
            sequence.last = moment.early
            sequence.open = False
            return
        row = AmbiguousRow(number, line, moment.local)
        if sequence.open and abs(sequence.runs[-1][-1].local - row.local) < _ONE_CHANGE:
            sequence.runs[-1].append(row)
        else:
            sequence.runs.append([row])
        sequence.open = True

    def resolve(self) -> tuple[dict[int, bool], list[AmbiguousRow]]:
        """Return, by row number, whether the later instant is meant; and the rows that stay ambiguous."""
        late: dict[int, bool] = {}
        unresolved: list[AmbiguousRow] = []
        whole_file = sum(sequence.forward for sequence in self._sequences.values())
        for sequence in self._sequences.values():
            for run in sequence.runs:
                resolved = _resolve(run, sequence.forward or whole_file)
                late |= resolved
                unresolved += [] if resolved else run
        return late, sorted(unresolved, key=lambda row: row.number)


def _resolve(run: list[AmbiguousRow], forward: int) -> dict[int, bool]:
    """Return, by row number, whether the later instant is meant; empty where the order does not show it.

    Where no other row shows in which direction the rows go, the oldest is first, unless that makes a hole.
    """
    if forward:
        return _split(run if forward > 0 else run[::-1])[0]
    (onward, length), (back, length_back) = _split(run), _split(run[::-1])
    return back if length_back < length else onward


def _split(rows: list[AmbiguousRow]) -> tuple[dict[int, bool], timedelta]:
    """Return whether the later instant is meant for rows in order, if they step back once; and their length.

    The length is that of the rows' local times; the hour that is repeated adds the same to all.
    """
    steps = [place for place, (a, b) in enumerate(pairwise(rows), 1) if b.local <= a.local]
    if len(steps) != 1:
        return {}, timedelta.max
    return {row.number: place >= steps[0] for place, row in enumerate(rows)}, rows[-1].local - rows[0].local
