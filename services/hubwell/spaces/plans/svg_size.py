"""How large a drawing is: its viewBox, or its width and height with their units."""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from hubwell.errors import DomainError
from hubwell.spaces.plans import errors
from hubwell.spaces.plans.formats import check_shape, scaled

_LENGTH: Final = re.compile(r"\s*([0-9]*\.?[0-9]+(?:[eE][+-]?[0-9]{1,2})?)\s*(px|pt|pc|mm|cm|in|)\s*")
_PIXELS: Final[Mapping[str, float]] = {
    "": 1.0,
    "px": 1.0,
    "pt": 96 / 72,
    "pc": 16.0,
    "mm": 96 / 25.4,
    "cm": 96 / 2.54,
    "in": 96.0,
}
_NUMBERS: Final = 4
_LARGEST: Final = 1e9


@dataclass(frozen=True, slots=True)
class Frame:
    """The part of a drawing that is shown, in its own units, and how many pixels it becomes."""

    left: float
    top: float
    across: float
    down: float
    width: int
    height: int

    def attributes(self) -> dict[str, str]:
        """Return the attributes of the outermost element."""
        box = " ".join(f"{value:.9g}" for value in (self.left, self.top, self.across, self.down))
        return {"viewBox": box, "width": str(self.width), "height": str(self.height)}

    def paper(self) -> str:
        """Return a white sheet under the drawing: what is transparent would be black lines on black."""
        left, top, across, down = (f"{v:.9g}" for v in (self.left, self.top, self.across, self.down))
        sheet = f'<rect x="{left}" y="{top}" width="{across}" height="{down}"'
        return f'{sheet} fill="#fff" stroke="none" opacity="1"/>'


def frame_of(attributes: Mapping[str, str]) -> Frame:
    """Return the frame that the outermost element declares. Raises DomainError."""
    box = _box(attributes.get("viewBox", ""))
    if box is None:
        across, down = (_length(attributes.get(side, "")) for side in ("width", "height"))
        if across is None or down is None:
            raise DomainError(errors.SVG_WITHOUT_SIZE)
        box = (0.0, 0.0, across, down)
    left, top, across, down = box
    check_shape(across, down)
    width, height = scaled(across, down, enlarge=True)
    return Frame(left, top, across, down, width, height)


def _box(text: str) -> tuple[float, float, float, float] | None:
    words = text.replace(",", " ").split()
    try:
        values = [float(word) for word in words]
    except ValueError:
        return None
    if len(values) != _NUMBERS or not all(math.isfinite(v) and abs(v) < _LARGEST for v in values):
        return None
    left, top, across, down = values
    return (left, top, across, down) if across > 0 and down > 0 else None


def _length(text: str) -> float | None:
    match = _LENGTH.fullmatch(text)
    value = float(match[1]) * _PIXELS[match[2]] if match else 0.0
    return value if 0 < value < _LARGEST else None
