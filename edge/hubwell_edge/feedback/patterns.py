"""Rhythms of light and sound for each group of verdicts.

| group | light | sound |
|---|---|---|
| yes | green, steady | one short tone |
| ask | both, two blinks and then steady | two short tones |
| no | red, long and then three blinks | one long tone |

The rhythms distinguish the groups without colours, the tones without light.
"""

from dataclasses import dataclass
from typing import Final

from hubwell_edge.feedback.output import Group


@dataclass(frozen=True, slots=True)
class Step:
    """Duration in seconds, the lights that are on, and whether a tone sounds."""

    seconds: float
    green: bool = False
    red: bool = False
    tone: bool = False


_DARK: Final = Step(0.12)
_BOTH: Final = Step(0.12, green=True, red=True, tone=True)
_RED: Final = Step(0.25, red=True)

PATTERNS: Final[dict[Group, tuple[Step, ...]]] = {
    "yes": (Step(0.1, green=True, tone=True), Step(1.4, green=True)),
    "ask": (_BOTH, _DARK, _BOTH, _DARK, Step(1.0, green=True, red=True)),
    "no": (Step(0.6, red=True, tone=True), _DARK, _RED, _DARK, _RED, _DARK, _RED),
}
SIGNS: Final[dict[Group, str]] = {"yes": "✔", "ask": "?", "no": "✘"}
PLAIN_SIGNS: Final[dict[Group, str]] = {"yes": "OK", "ask": "?", "no": "X"}
"""For displays that have ASCII only."""
