"""The one gate for numbers of people: pure, with everything it depends on passed in.

What goes in: how many people were in each space in one closed window of five minutes, each person counted
once. What comes out: a figure for each space, zone and the hub that may be shown to anybody, for ever.

Threat model. The reader of figures sees all of them, of all windows, as soon as they exist, knows the
timetable, stands at a door with a clock, and compares: spaces with their zone, zones with the hub, a window
with the next. They want to learn whether one certain person was there. What stands against it (privacy
reference, section 6):

- **A threshold.** Fewer than `K` people are withheld, and so is nobody: the last one's leaving is not told.
- **Steps.** A number is rounded down to a multiple of `K`.
- **Inertia.** A number moves only when the group behind it changed by `K` or more since it last moved: no
  comparison of windows shows one person's coming or going (attacks b and c).
- **Complements.** A withheld group that other numbers would give away takes a second one with it, first the
  sum that it is part of; what sums leave over is at least `K` people (attack a). Which is small is not told.
- **Fixed windows.** Closed, never overlapping, never revised: a tap that arrives late changes no figure (c).
- **One person's room** has no figure and is in no sum (e). All suppression rests on the numbers after
  inertia, so that one person's coming and going does not move the pattern of what is withheld either.

What remains. Whoever knows where *everybody else* is can tell, in the window in which a group's number moves,
that somebody came or went: that is the limit of groups of `K`; only noise would help, and nobody trusts a
number that jumps. A space's live state (free or in use) is that of the room: whoever enters an empty one
turns it to "in use". Attack d, all answers of a group being equal, concerns answers of people and belongs to
wellbeing, not to counts.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal, NamedTuple

K: Final = 5
"""The smallest group that is a number, and the step of numbers. The project's choice; there is no law."""
_THIRD_BELOW: Final = 5
"""In twelfths of the capacity, like the next."""
_HALF_BELOW: Final = 8

Scope = Literal["space", "zone", "hub"]
Fullness = Literal["third", "half", "most", "full"]
Withheld = Literal["group", "personal"]


class Cell(NamedTuple):
    """What a figure is of. The hub's place is empty, and so is the zone of spaces that are in none."""

    scope: Scope
    place: str


HUB: Final = Cell("hub", "")


@dataclass(frozen=True, slots=True)
class Room:
    """A space as the gate needs it; `capacity` in people."""

    space_id: str
    zone: str
    capacity: int
    personal: bool = False

    @property
    def cell(self) -> Cell:
        """What its figure is of."""
        return Cell("space", self.space_id)


@dataclass(frozen=True, slots=True)
class Figure:
    """What may be shown: `about` so many people, or why there is no number."""

    cell: Cell
    about: int | None
    fullness: Fullness | None
    withheld: Withheld | None


@dataclass(frozen=True, slots=True)
class Window:
    """A window's figures, and what the gate remembers: the group behind each number when it last moved."""

    figures: list[Figure]
    held: dict[Cell, int]


def close(rooms: Sequence[Room], people: Mapping[str, int], held: Mapping[Cell, int]) -> Window:
    """Close a window. `people` is by space, none where nobody was; `held` is what the last window left."""
    shared = [room for room in rooms if not room.personal]
    groups = _apply_hysteresis(_sums(shared, people), held)
    hidden = _suppress_cells(_Tree(shared), groups)
    capacity = {room.cell: room.capacity for room in shared}
    figures = [_figure(cell, groups[cell], capacity.get(cell), cell in hidden) for cell in groups]
    personal = [Figure(room.cell, None, None, "personal") for room in rooms if room.personal]
    return Window(figures + personal, groups)


def fullness(about: int, capacity: int) -> Fullness:
    """Say how full a space is by the number that is shown, never by the group behind it."""
    if about >= capacity:
        return "full"
    if about * 12 < capacity * _THIRD_BELOW:
        return "third"
    return "half" if about * 12 < capacity * _HALF_BELOW else "most"


def _figure(cell: Cell, group: int, capacity: int | None, hidden: bool) -> Figure:  # noqa: FBT001 (private, one caller)
    if hidden:
        return Figure(cell, None, None, "group")
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
    """Let a number move only when its group changed by `K` or more; every group begins as nobody."""
    return {
        cell: count if abs(count - held.get(cell, 0)) >= K else held.get(cell, 0)
        for cell, count in sums.items()
    }


class _Tree:
    """Spaces add up to zones, zones to the hub: the equations that a reader can use."""

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
    """Return what must be withheld: small groups, and what would give them away."""
    hidden = {cell for cell, group in groups.items() if group < K}
    while (more := _next(tree, groups, hidden)) is not None:
        hidden.add(more)
    return hidden


def _next(tree: _Tree, groups: Mapping[Cell, int], hidden: set[Cell]) -> Cell | None:
    """Return one more to withhold; None when nothing can be worked out any more. So it ends.

    A sum goes before its parts: people look for a space, and seldom for a zone.
    """
    for parent, parts in tree.families():
        unknown = [cell for cell in (parent, *parts) if cell in hidden]
        small = parent not in hidden and unknown and _left_over(tree, groups, hidden, unknown) < K
        if len(unknown) == 1 or small:
            shown = [cell for cell in parts if cell not in hidden]
            if parent not in hidden:
                return parent
            if shown:
                return min(shown, key=lambda cell: (groups[cell] // K, cell))
    return None


def _left_over(tree: _Tree, groups: Mapping[Cell, int], hidden: set[Cell], unknown: Sequence[Cell]) -> int:
    """Return how many remain when all that is shown is subtracted; of a hidden zone, its hidden spaces."""
    return sum(
        sum(groups[space] for space in tree.spaces[cell] if space in hidden)
        if cell.scope == "zone"
        else groups[cell]
        for cell in unknown
    )
