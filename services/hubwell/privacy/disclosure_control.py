"""Disclosure control for counts of people: the only way to published figures; pure functions.

The input is the number of people in each space in one closed window of five minutes, each person counted
once. The output is a figure for each space, each zone and the hub, which may be public without a time limit.

Threat model. An attacker sees all figures of all windows as soon as they exist, knows the timetable, watches
a door with a clock, and compares spaces with their zone, zones with the hub, and a window with the next. The
attacker wants to learn whether a certain person was present. The defences (privacy reference, section 6):

- **Threshold.** Groups of fewer than `K` people are withheld, empty ones included: else the last person's
  departure would show.
- **Rounding.** A number is rounded down to a multiple of `K`.
- **Hysteresis.** A number changes only when its group has changed by `K` or more since the last change: no
  comparison of windows shows one person's arrival or departure (attacks b and c). It is published for the
  window in which it was counted; the windows after that are `held` and have none, because their group may
  differ by up to `K - 1` people. Whether a window is held follows from the changes alone.
- **Complementary suppression.** Where other numbers would reveal a withheld group, a second one is withheld,
  first the sum that it is part of; differences of published sums are at least `K` people (attack a). Figures
  do not show which of the withheld groups is small.
- **Enrolled people only.** An unknown card counts for no number: with four of them a single attacker could
  fill a group up to `K - 1` and see the next arrival. Cards are enrolled by staff, with an audit entry.
- **Fixed windows.** Closed, never overlapping, never revised: a late tap changes no figure (attack c).
- **Personal rooms** have no figure and are in no sum (attack e). All suppression uses the numbers after
  hysteresis, so that one person's arrival or departure does not change which figures are withheld either.

Residual risk. An attacker who knows where all other people are learns, in the window in which a group's
number changes, that the remaining person came or went: that is the limit of groups of `K`. Only noise would
prevent it, and people do not trust numbers that jump. A space's live state (free or in use) is a property of
the room: a person who enters an empty room changes it to "in use". Attack d, equal answers of a whole group,
concerns people's answers and belongs to wellbeing, not to counts.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal, NamedTuple

K: Final = 5
"""The smallest group that is published, and the step of numbers. The project's choice, not a legal limit."""
_THIRD_BELOW: Final = 5
"""In twelfths of the capacity, like the next."""
_HALF_BELOW: Final = 8

Scope = Literal["space", "zone", "hub"]
Fullness = Literal["third", "half", "most", "full"]
Withheld = Literal["group", "held", "personal"]


class Cell(NamedTuple):
    """The subject of a figure. `place` is empty for the hub, and for the zone of spaces without a zone."""

    scope: Scope
    place: str


HUB: Final = Cell("hub", "")


@dataclass(frozen=True, slots=True)
class Room:
    """A space as input of disclosure control; `capacity` in people."""

    space_id: str
    zone: str
    capacity: int
    personal: bool = False

    @property
    def cell(self) -> Cell:
        """The subject of its figure."""
        return Cell("space", self.space_id)


@dataclass(frozen=True, slots=True)
class Figure:
    """A published figure: `about` is a rounded number of people, or None with the reason in `withheld`.

    A figure that is `held` has the same number as the newest one before it that is not held.
    """

    cell: Cell
    about: int | None
    fullness: Fullness | None
    withheld: Withheld | None


@dataclass(frozen=True, slots=True)
class Window:
    """A window's figures, and the state for the next: each number's group at its last change (`held`)."""

    figures: list[Figure]
    held: dict[Cell, int]


def close(rooms: Sequence[Room], people: Mapping[str, int], held: Mapping[Cell, int]) -> Window:
    """Return the figures of a window. `people` is by space; `held` is from the previous window."""
    shared = [room for room in rooms if not room.personal]
    groups = _apply_hysteresis(_sums(shared, people), held)
    hidden = _suppress_cells(_Tree(shared), groups)
    capacity = {room.cell: room.capacity for room in shared}
    figures = [
        _figure(cell, group, capacity.get(cell), _withheld(group, held.get(cell, 0), cell in hidden))
        for cell, group in groups.items()
    ]
    personal = [Figure(room.cell, None, None, "personal") for room in rooms if room.personal]
    return Window(figures + personal, groups)


def fullness(about: int, capacity: int) -> Fullness:
    """Return how full a space is, computed from the published number, never from the group behind it."""
    if about >= capacity:
        return "full"
    if about * 12 < capacity * _THIRD_BELOW:
        return "third"
    return "half" if about * 12 < capacity * _HALF_BELOW else "most"


def _withheld(group: int, before: int, hidden: bool) -> Withheld | None:  # noqa: FBT001 (private, one caller)
    if hidden:
        return "group"
    return "held" if group == before else None


def _figure(cell: Cell, group: int, capacity: int | None, withheld: Withheld | None) -> Figure:
    if withheld:
        return Figure(cell, None, None, withheld)
    about = group // K * K
    return Figure(cell, about, None if capacity is None else fullness(about, capacity), None)


def _sums(rooms: Sequence[Room], people: Mapping[str, int]) -> dict[Cell, int]:
    sums = {HUB: 0}
    for room in rooms:
        count = people.get(room.space_id, 0)
        zone = Cell("zone", room.zone)
        sums[room.cell] = count
        sums[zone] = sums.get(zone, 0) + count
        sums[HUB] += count
    return sums


def _apply_hysteresis(sums: Mapping[Cell, int], held: Mapping[Cell, int]) -> dict[Cell, int]:
    """Return each group, or its previous value if it changed by less than `K`; groups begin with 0."""
    return {
        cell: count if abs(count - held.get(cell, 0)) >= K else held.get(cell, 0)
        for cell, count in sums.items()
    }


class _Tree:
    """The equations that an attacker can use: spaces add up to zones, zones to the hub."""

    def __init__(self, rooms: Sequence[Room]) -> None:
        self.spaces: dict[Cell, list[Cell]] = {}
        for room in sorted(rooms, key=lambda room: room.space_id):
            self.spaces.setdefault(Cell("zone", room.zone), []).append(room.cell)
        self.zones = sorted(self.spaces)

    def families(self) -> Iterator[tuple[Cell, list[Cell]]]:
        """Yield each sum with its parts."""
        yield from self.spaces.items()
        yield HUB, self.zones


def _suppress_cells(tree: _Tree, groups: Mapping[Cell, int]) -> set[Cell]:
    """Return what must be withheld: small groups, and figures that would reveal them."""
    hidden = {cell for cell, group in groups.items() if group < K}
    while (more := _next(tree, groups, hidden)) is not None:
        hidden.add(more)
    return hidden


def _next(tree: _Tree, groups: Mapping[Cell, int], hidden: set[Cell]) -> Cell | None:
    """Return one more figure to withhold; None when no equation reveals a withheld group any more.

    One figure at a time, because withholding a zone also changes the equation of the hub. Each call adds a
    cell, so the caller's loop ends.
    """
    for parent, parts in tree.families():
        unknown = [cell for cell in (parent, *parts) if cell in hidden]
        # One unknown can be calculated exactly. Several under a published sum are known in total: if that is
        # below K, it reveals a small group just as well.
        small = parent not in hidden and unknown and _left_over(tree, groups, hidden, unknown) < K
        if len(unknown) == 1 or small:
            shown = [cell for cell in parts if cell not in hidden]
            # The sum first: people look for a space, and seldom for a zone.
            if parent not in hidden:
                return parent
            # The smallest part by its published number, then by name. A choice by the exact group would
            # depend on a single person, and the pattern of withheld figures would show it.
            if shown:
                return min(shown, key=lambda cell: (groups[cell] // K, cell))
    return None


def _left_over(tree: _Tree, groups: Mapping[Cell, int], hidden: set[Cell], unknown: Sequence[Cell]) -> int:
    """Return the people in the unknown cells; of a withheld zone, those in its withheld spaces only."""
    return sum(
        sum(groups[space] for space in tree.spaces[cell] if space in hidden)
        if cell.scope == "zone"
        else groups[cell]
        for cell in unknown
    )
